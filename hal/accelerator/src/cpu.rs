//! The detector on the CPU: preprocessing, the network, decoding.

use std::time::Instant;

use baize_frame::{Detections, FrameFormat, ImageView, Region};

use crate::decode::Decoder;
use crate::engine::{CpuOptions, FallbackReason, Network};
use crate::preprocess::Preprocessor;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo, LoadError, ModelFiles};

/// Opens a detector on the CPU.
///
/// Logs nothing; where the second value is `Some`, the caller warns once.
///
/// # Errors
/// [`LoadError`] where no engine takes the model, or it differs from its manifest.
pub fn open_cpu(
    model: &ModelFiles,
    options: &CpuOptions,
) -> Result<(Box<dyn Detector>, Option<FallbackReason>), LoadError> {
    let manifest = model.manifest();
    let (network, fallback) = Network::open(&manifest.signature(), model.onnx(), options)?;
    let input_px = manifest.input_px();
    let detector = CpuDetector {
        info: DetectorInfo {
            backend: network.backend(),
            model: manifest.name.clone(),
            input_px,
            box_margin: manifest.box_margin,
            reader: None,
        },
        preprocessor: Preprocessor::new(input_px),
        network,
        decoder: Decoder::new(manifest),
    };
    Ok((Box::new(detector), fallback))
}

struct CpuDetector {
    info: DetectorInfo,
    preprocessor: Preprocessor,
    network: Network,
    decoder: Decoder,
}

impl Detector for CpuDetector {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn settle(&mut self) {
        self.network.settle();
    }

    fn prepare(&mut self, format: FrameFormat) {
        self.preprocessor.prepare(format);
    }

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        out.clear();
        let started = Instant::now();
        let input = self.preprocessor.run(image, region)?;
        let preprocessed = Instant::now();
        let outputs = self.network.run(input).map_err(|_| DetectError::Inference)?;
        let inferred = Instant::now();
        let [balls, cues] = outputs else {
            return Err(DetectError::Inference);
        };
        self.decoder
            .decode(balls, cues, &self.preprocessor.letterbox(), out);
        Ok(DetectTimings {
            preprocess_us: micros(started, preprocessed),
            inference_us: micros(preprocessed, inferred),
            decode_us: micros(inferred, Instant::now()),
            ..DetectTimings::default()
        })
    }
}

pub(crate) fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from(to.duration_since(from).as_micros()).unwrap_or(u32::MAX)
}
