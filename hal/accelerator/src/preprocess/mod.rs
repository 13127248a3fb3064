//! From the camera's pixels to the network's input in one pass: region, scaling, colour, letterbox.
//!
//! Shrinking is an area average, growing is bilinear; see [`golden`] for the exact meaning. The weights of all lines and
//! columns are worked out when the picture's shape or the region changes; a picture is then read once, line by line:
//! the lines that make a line of the input are blended, and the result is summed into columns and colours while it is
//! in the first-level cache.

mod filter;
mod golden;
mod golden_rg10;
mod kernels;
pub(crate) mod layout;
mod letterbox;
mod plan;

use baize_frame::{FrameFormat, ImageView, Region};

pub use golden::golden;
pub use golden_rg10::golden_rg10;
pub use kernels::Simd;
pub use letterbox::Letterbox;

use crate::DetectError;
use kernels::{ColumnJob, Kernels, RowJob};
use plan::Plan;

/// What surrounds the region in the network's input, in 0..1.
pub const FILL: f32 = 114.0 / 255.0;

/// Fills the input of a network from pictures. Owns that input.
pub struct Preprocessor {
    input_px: [u32; 2],
    input: Vec<f32>,
    plan: Plan,
    kernels: Kernels,
}

impl Preprocessor {
    /// For a network's input of `input_px` (width, height), with the fastest instructions of this machine.
    pub fn new(input_px: [u32; 2]) -> Self {
        Self::with_simd(input_px, Simd::fastest()).expect("the fastest is one that this machine can run")
    }

    /// The same with chosen instructions; `None` where this machine lacks them.
    pub fn with_simd(input_px: [u32; 2], simd: Simd) -> Option<Self> {
        let kernels = simd.kernels()?;
        Some(Self {
            input_px,
            input: vec![FILL; 3 * input_px[0] as usize * input_px[1] as usize],
            plan: Plan::new(),
            kernels,
        })
    }

    /// Makes room for every region of pictures of this shape, so that [`run`](Self::run) does not allocate for them.
    pub fn prepare(&mut self, format: FrameFormat) {
        self.plan.reserve(format, self.input_px);
    }

    /// Fills the input, three planes R, G, B in 0..1, with `region` of `image`.
    ///
    /// # Errors
    /// [`DetectError::BadRegion`] where the region is empty or leaves the picture.
    pub fn run(&mut self, image: &ImageView<'_>, region: Region) -> Result<&[f32], DetectError> {
        let format = image.format();
        if !lies_within(region, format) {
            return Err(DetectError::BadRegion);
        }
        if !self.plan.is_for(format, region) {
            self.plan.reserve(format, self.input_px);
            self.plan.build(format, region, self.input_px);
            self.input.fill(FILL);
        }
        self.fill(image.bytes(), format.stride as usize);
        Ok(&self.input)
    }

    /// Where the region of the latest [`run`](Self::run) lies in the input.
    pub const fn letterbox(&self) -> Letterbox {
        self.plan.letterbox
    }

    fn fill(&mut self, bytes: &[u8], stride: usize) {
        let Plan {
            letterbox,
            planes,
            plane_count,
            scale,
            bias,
            ..
        } = &mut self.plan;
        let planes = &mut planes[..*plane_count];
        let input_width = self.input_px[0] as usize;
        let plane_px = input_width * self.input_px[1] as usize;
        let (red, rest) = self.input.split_at_mut(plane_px);
        let (green, blue) = rest.split_at_mut(plane_px);
        let (width, left) = (letterbox.width() as usize, letterbox.left() as usize);
        for y in 0..letterbox.height() as usize {
            for plane in &mut *planes {
                let span = plane.rows.span(y);
                let job = RowJob {
                    bytes: &bytes[plane.start + span.first * stride..],
                    stride,
                    weights: span.weights,
                };
                (self.kernels.blend_rows)(job, &mut plane.line[..plane.row_bytes]);
            }
            let at = (letterbox.top() as usize + y) * input_width + left;
            let outputs = [&mut *red, &mut *green, &mut *blue].map(|plane| &mut plane[at..at + width]);
            let job = ColumnJob {
                planes,
                scale: *scale,
                bias: *bias,
            };
            (self.kernels.sum_columns)(job, outputs);
        }
    }
}

fn lies_within(region: Region, format: FrameFormat) -> bool {
    let fits = |first: u32, length: u32, size: u32| {
        length > 0 && first.checked_add(length).is_some_and(|end| end <= size)
    };
    fits(region.x, region.width, format.width) && fits(region.y, region.height, format.height)
}
