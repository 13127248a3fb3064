use std::fmt;

use baize_frame::{Detections, FrameFormat, ImageView, Region};

/// What a detector is, for people, logs and health.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorInfo {
    /// The engine that runs the network: `rten`, `onnxruntime`, `tensorrt`.
    pub backend: &'static str,
    /// Name of the model, from its manifest.
    pub model: String,
    /// Width and height of the network's input.
    pub input_px: [u32; 2],
    /// By how much people draw boxes around balls wider than this detector has them; 1 where nobody knows.
    pub box_margin: f32,
}

/// Where the time of one detection went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DetectTimings {
    /// From the camera's pixels to the network's input.
    pub preprocess_us: u32,
    /// The network itself.
    pub inference_us: u32,
    /// From raw outputs to detections.
    pub decode_us: u32,
    /// Numbers and colours of the balls found, the network included; 0 where nobody reads them.
    pub read_us: u32,
}

/// Why a picture was not searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetectError {
    /// The region is empty or leaves the picture.
    BadRegion,
    /// The network's engine failed; the next picture may work.
    Inference,
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadRegion => "the region to search is empty or leaves the picture",
            Self::Inference => "the engine of the network failed on this picture",
        })
    }
}

impl std::error::Error for DetectError {}

/// Finds balls and cues in pictures. One implementation a kind of hardware.
pub trait Detector: Send {
    /// What this detector is.
    fn info(&self) -> &DetectorInfo;

    /// Brings the engine's own threads to the calling thread: they inherit its core and scheduling class. For the
    /// thread that will detect, after it was set up and before it is sealed.
    fn settle(&mut self) {}

    /// Makes room for pictures of this shape, before the thread is sealed.
    fn prepare(&mut self, format: FrameFormat);

    /// Searches `region` of `image` and puts what it finds into `out`, best score first, in pixels of the whole picture.
    ///
    /// Does not allocate for pictures of a shape that was prepared or seen before, except inside the inference library,
    /// whose calls are wrapped in [`baize_realtime::sealing::library_scope`].
    ///
    /// # Errors
    /// [`DetectError`]; `out` is then empty.
    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError>;
}
