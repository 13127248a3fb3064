use baize_frame::{FrameFormat, ImageError, ImageView};

use crate::pool::Slot;

/// A captured picture and the slot that holds it. Dropping it gives the slot back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Frame {
    /// Where the picture's bytes are.
    pub slot: Slot,
    /// The picture's shape.
    pub format: FrameFormat,
    /// Number of the picture, counted by the source; dropped pictures have numbers too.
    pub sequence: u64,
    /// Start of exposure in microseconds of the monotonic clock; of a recording that is played as fast as possible,
    /// microseconds from its beginning.
    pub exposure_us: u64,
    /// Bytes of the slot that belong to the picture.
    pub bytes_used: usize,
}

impl Frame {
    /// Checks that a picture of this `format` fits the slot.
    pub(crate) fn new(
        slot: Slot,
        format: FrameFormat,
        sequence: u64,
        exposure_us: u64,
    ) -> Result<Self, ImageError> {
        ImageView::new(slot.bytes(), format)?;
        Ok(Self {
            slot,
            format,
            sequence,
            exposure_us,
            bytes_used: format.size_bytes(),
        })
    }

    /// The picture.
    ///
    /// # Panics
    /// If `format` or `slot` have been replaced by ones that do not belong together.
    pub fn image(&self) -> ImageView<'_> {
        ImageView::new(&self.slot.bytes()[..self.bytes_used], self.format)
            .expect("the shape was checked when the frame was made")
    }
}
