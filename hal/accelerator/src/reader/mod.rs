//! A closer look at balls that were found: which number or colour each has.

mod claims;
mod cut;
mod golden;
mod manifest;
mod reading_detector;
mod square;
mod together;

use std::time::Instant;

use baize_frame::{BallDetection, ImageView};

use crate::cpu::micros;
use crate::engine::{CpuOptions, FallbackReason, Network};
use crate::{DetectError, LoadError, ModelFiles};
use cut::Cutter;

pub(crate) use claims::Claims;
pub use golden::golden_crop;
pub use manifest::ReaderManifest;
pub use reading_detector::reading;
pub use square::Square;
pub(crate) use together::FACES;

/// Balls that the network takes at a time: most tables have no more, and more at once is hardly faster for each.
pub(crate) const BATCH: usize = 16;

/// Cuts balls out of pictures and asks a network what they show.
pub struct FaceReader {
    network: Network,
    cutter: Cutter,
    claims: Claims,
    crops: Vec<f32>,
}

impl FaceReader {
    /// Opens a reader on the CPU. Logs nothing; where the second value is `Some`, the caller warns once.
    ///
    /// # Errors
    /// [`LoadError`] where no engine takes the model, or it differs from its manifest.
    pub fn open(
        model: &ModelFiles<ReaderManifest>,
        options: &CpuOptions,
    ) -> Result<(Self, Option<FallbackReason>), LoadError> {
        let manifest = model.manifest();
        let signature = manifest.signature();
        let (network, fallback) = Network::open(&signature, model.onnx(), options)?;
        let reader = Self {
            network,
            cutter: Cutter::new(manifest.input.side as usize, manifest.input.margin),
            claims: Claims::new(manifest.thresholds),
            crops: signature.empty_input(),
        };
        Ok((reader, fallback))
    }

    /// The engine's name.
    pub fn backend(&self) -> &'static str {
        self.network.backend()
    }

    /// Brings the engine's own threads to the calling thread, as [`crate::Detector::settle`].
    pub fn settle(&mut self) {
        self.network.settle();
    }

    /// Looks at every ball in `image` and writes down its number or colour, and its kind, for which the detector's counts
    /// beside the face. Balls of one picture are told together, for numbers are there once; `doubtful` ones take no number
    /// from the others. What was read stands for the detector's kinds afterwards: a ball is read once. Returns the microseconds that the network took of that.
    /// Allocates nothing outside the inference library.
    ///
    /// # Errors
    /// [`DetectError::Inference`]; the balls are then as they were.
    pub fn read(
        &mut self,
        image: &ImageView<'_>,
        balls: &mut [BallDetection],
        doubtful: &mut [BallDetection],
    ) -> Result<u32, DetectError> {
        let crop_len = self.crops.len() / BATCH;
        let mut network_us = 0;
        self.claims.clear();
        for batch in balls.chunks(BATCH).chain(doubtful.chunks(BATCH)) {
            for (ball, crop) in batch.iter().zip(self.crops.chunks_exact_mut(crop_len)) {
                self.cutter.cut(image, ball.centre_px, ball.size_px, crop);
            }
            let started = Instant::now();
            let outputs = self
                .network
                .run(&self.crops)
                .map_err(|_| DetectError::Inference)?;
            network_us += micros(started, Instant::now());
            for (logits, ball) in outputs[0].as_chunks::<FACES>().0.iter().zip(batch) {
                self.claims.add(logits, &ball.kind_shares);
            }
        }
        self.claims.tell(balls, doubtful);
        Ok(network_us)
    }
}
