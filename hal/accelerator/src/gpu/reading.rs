//! The reader of numbers and colours on a GPU: crops of the balls found, cut where the picture lies, and its network.

use std::sync::Arc;

use baize_frame::{BallDetection, Detections, FrameFormat};

use super::output::Output;
use super::{Access, Device, Event, GpuCrops, GpuError, Precision, Stream, StreamNetwork};
use crate::ReaderManifest;
use crate::reader::{BATCH, Claims, FACES, Square};

/// Reads so many balls at a time. Its fields are dropped in this order.
pub(super) struct Reading {
    network: Box<dyn StreamNetwork>,
    output: Output,
    crops: GpuCrops,
    pub begun: Event,
    /// The crops are cut.
    pub cut: Event,
    margin: f32,
    claims: Claims,
}

impl Reading {
    /// Binds the network to its tensors and runs it once, uncaptured, as engines want it.
    pub fn new(
        device: &Arc<Device>,
        manifest: &ReaderManifest,
        mut network: Box<dyn StreamNetwork>,
        access: Access,
        stream: &Stream,
    ) -> Result<Self, GpuError> {
        if network.precision() != Precision::Single {
            return Err(GpuError::Network(
                "the reader takes crops of 32-bit numbers".to_owned(),
            ));
        }
        let signature = manifest.signature();
        let crops = GpuCrops::new(device, manifest.input.side, BATCH as u32)?;
        let [faces] = &signature.outputs[..] else {
            return Err(GpuError::Network("a reader has one output".to_owned()));
        };
        let output = Output::new(device, faces, access)?;
        for (tensor, address) in [
            (&signature.input.name, crops.input().address()),
            (&faces.name, output.address()),
        ] {
            network.bind(tensor, address).map_err(GpuError::Network)?;
        }
        network.enqueue(stream.handle()).map_err(GpuError::Network)?;
        stream.synchronize()?;
        Ok(Self {
            network,
            output,
            crops,
            begun: Event::new(device)?,
            cut: Event::new(device)?,
            margin: manifest.input.margin,
            claims: Claims::new(manifest.thresholds),
        })
    }

    /// Puts the work of one batch into a stream that is being captured.
    ///
    /// # Safety
    /// As for [`GpuCrops::enqueue`], with `picture` an address of the GPU.
    pub unsafe fn enqueue(&mut self, stream: &Stream, picture: u64) -> Result<(), GpuError> {
        self.begun.record_in_graph(stream)?;
        // SAFETY: the caller's promise.
        unsafe { self.crops.enqueue(stream, picture) }?;
        self.cut.record_in_graph(stream)?;
        self.network.enqueue(stream.handle()).map_err(GpuError::Network)?;
        self.output.fetch(stream)
    }

    /// The next run looks at these balls, at most a batch. No run may be going on.
    pub fn aim<'a>(&mut self, format: FrameFormat, balls: impl Iterator<Item = &'a BallDetection>) {
        let square = |ball: &BallDetection| Square::round(ball.centre_px, ball.size_px, self.margin, &format);
        self.crops.aim(format, balls.map(square));
    }

    /// Begins with the balls of the next picture.
    pub fn begin(&mut self) {
        self.claims.clear();
    }

    /// Keeps what the last run saw on these balls, at which it was aimed. No run may be going on.
    pub fn note<'a>(&mut self, balls: impl Iterator<Item = &'a BallDetection>) {
        // SAFETY: the run has ended, as the caller was told; logits are floats.
        let faces = unsafe { self.output.on_host.values::<f32>() };
        for (logits, ball) in faces.as_chunks::<FACES>().0.iter().zip(balls) {
            self.claims.add(logits, &ball.kind_shares);
        }
    }

    /// Writes down what was seen on the balls of this picture, all in the order in which they were noted.
    pub fn tell(&mut self, found: &mut Detections) {
        self.claims.tell(&mut found.balls, &mut found.doubtful);
    }
}
