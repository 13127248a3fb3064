use std::fmt;
use std::ops::Add;

use baize_frame::{Detections, FrameFormat, ImageView, Region, SlotMemory};

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
    /// The engine that reads numbers and colours, where one does.
    pub reader: Option<&'static str>,
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
    /// Cutting out the balls found for the reader of numbers and colours, and decoding its answers; 0 without a reader.
    pub cut_us: u32,
    /// The reader's network itself; 0 without a reader.
    pub read_us: u32,
    /// What of it passed on a GPU, where there is one.
    pub gpu: Option<GpuTimings>,
}

/// Time on a GPU, within that of the stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GpuTimings {
    /// While it worked on the picture, by its own clock.
    pub work_us: u32,
    /// What the work took beyond that, by the CPU's clock: starting it, queueing behind others, waking up afterwards.
    pub queue_us: u32,
}

impl Add for DetectTimings {
    type Output = Self;

    /// Both after each other.
    fn add(self, other: Self) -> Self {
        Self {
            preprocess_us: self.preprocess_us + other.preprocess_us,
            inference_us: self.inference_us + other.inference_us,
            decode_us: self.decode_us + other.decode_us,
            cut_us: self.cut_us + other.cut_us,
            read_us: self.read_us + other.read_us,
            gpu: match (self.gpu, other.gpu) {
                (Some(gpu), Some(other)) => Some(GpuTimings {
                    work_us: gpu.work_us + other.work_us,
                    queue_us: gpu.queue_us + other.queue_us,
                }),
                (gpu, other) => gpu.or(other),
            },
        }
    }
}

/// Why a picture was not searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetectError {
    /// The region is empty or leaves the picture.
    BadRegion,
    /// The network's engine failed; the next picture may work.
    Inference,
    /// The hardware did not answer in time, or is out of order for the rest of this process. It may still be reading the
    /// picture, also after the detector was dropped: whoever owns the picture's memory never writes to it again nor
    /// gives it back. Every further picture fails like this one.
    DeviceLost,
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadRegion => "the region to search is empty or leaves the picture",
            Self::Inference => "the engine of the network failed on this picture",
            Self::DeviceLost => {
                "the hardware that runs the network is out of order until the program is restarted"
            }
        })
    }
}

impl std::error::Error for DetectError {}

/// Finds balls and cues in pictures. One implementation a kind of hardware.
pub trait Detector: Send {
    /// What this detector is.
    fn info(&self) -> &DetectorInfo;

    /// Brings the engine's own threads to the calling thread: they inherit its cores. For the
    /// thread that will detect, after it was set up and before it is sealed.
    fn settle(&mut self) {}

    /// Pictures will lie in these places, so that hardware can read them there: pictures of so many bytes as far as is
    /// known, 0 where nothing is. Larger ones are made ready for when the first one comes, in a library scope.
    fn expect_slots(&mut self, _slots: &[SlotMemory], _picture_bytes: usize) {}

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

    /// The latest thing that went wrong with the hardware, in words.
    fn trouble(&self) -> Option<&dyn fmt::Display> {
        None
    }
}
