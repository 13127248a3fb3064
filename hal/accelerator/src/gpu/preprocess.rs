use std::sync::Arc;

use baize_frame::{FrameFormat, PixelFormat, Region};

use super::kernel::Kernel;
use super::memory::{DeviceMemory, PinnedMemory};
use super::{Device, GpuError, Precision, Stream};
use crate::DetectError;
use crate::preprocess::Letterbox;

const PTX: &str = include_str!("kernels/preprocess.ptx");
/// Columns that a block makes, and its threads, as in the kernel.
const TILE: u32 = 128;

/// Wider and higher pictures would overflow the kernel's 32-bit numbers. No camera is near.
const MAX_PICTURE_SIDE: u32 = 1 << 16;

/// Meaning of a picture's bytes for the GPU. The numbers are the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePixels {
    /// As [`PixelFormat::Yuyv`].
    Yuyv = 0,
    /// As [`PixelFormat::Nv12`].
    Nv12 = 1,
    /// As [`PixelFormat::Grey`].
    Grey = 2,
    /// As [`PixelFormat::Rgb24`].
    Rgb24 = 3,
    /// Raw, ten bits in 16, lines of red and green, then of green and blue; see
    /// [`golden_rg10`](crate::preprocess::golden_rg10). Even sizes only.
    Rg10 = 4,
}

/// Shape of a picture that the GPU reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFormat {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// Meaning of the bytes.
    pub pixels: SourcePixels,
}

impl SourceFormat {
    /// Bytes that a picture of this shape takes.
    pub const fn size_bytes(&self) -> usize {
        let plane = self.stride as usize * self.height as usize;
        match self.pixels {
            SourcePixels::Nv12 => plane + self.stride as usize * (self.height as usize).div_ceil(2),
            _ => plane,
        }
    }
}

impl From<FrameFormat> for SourceFormat {
    fn from(format: FrameFormat) -> Self {
        Self {
            width: format.width,
            height: format.height,
            stride: format.stride,
            pixels: match format.pixels {
                PixelFormat::Yuyv => SourcePixels::Yuyv,
                PixelFormat::Nv12 => SourcePixels::Nv12,
                PixelFormat::Grey => SourcePixels::Grey,
                PixelFormat::Rgb24 => SourcePixels::Rgb24,
            },
        }
    }
}

/// Fills the input of a network from pictures, on the GPU. Owns that input.
///
/// Means what [`golden`](crate::preprocess::golden) means. What changes with the picture's shape and the region stands in
/// a block of host memory that the kernel reads, so that a graph with the kernel in it stays as it is.
pub struct GpuPreprocessor {
    kernel: Kernel,
    parameters: PinnedMemory,
    input: DeviceMemory,
    input_px: [u32; 2],
    precision: Precision,
    aimed: Option<(SourceFormat, Region)>,
    letterbox: Letterbox,
}

/// What the kernel is told, as `Parameters` there.
#[repr(C)]
#[derive(Clone, Copy)]
struct Parameters {
    pixels: u32,
    height: u32,
    stride: u32,
    size_bytes: u32,
    region: [u32; 4],
    left_top: [u32; 2],
    size_in_input: [u32; 2],
    input_px: [u32; 2],
    is_half: u32,
    width: u32,
}

impl GpuPreprocessor {
    /// For a network's input of `input_px` (width, height).
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn new(device: &Arc<Device>, input_px: [u32; 2], precision: Precision) -> Result<Self, GpuError> {
        let [kernel] = Kernel::load(device, PTX, [c"preprocess"])?;
        let number_bytes = match precision {
            Precision::Single => 4,
            Precision::Half => 2,
        };
        let nothing = Region {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
        };
        Ok(Self {
            kernel,
            parameters: PinnedMemory::new(device, size_of::<Parameters>())?,
            input: DeviceMemory::new(
                device,
                3 * input_px[0] as usize * input_px[1] as usize * number_bytes,
            )?,
            input_px,
            precision,
            aimed: None,
            letterbox: Letterbox::fit(nothing, input_px),
        })
    }

    /// Chooses the shape of the pictures and the region of them that the following runs take; none may be going on.
    ///
    /// # Errors
    /// [`DetectError::BadRegion`] where the region is empty or leaves the picture.
    pub fn aim(&mut self, format: impl Into<SourceFormat>, region: Region) -> Result<Letterbox, DetectError> {
        let format = format.into();
        if self.aimed == Some((format, region)) {
            return Ok(self.letterbox);
        }
        if format.width.max(format.height) > MAX_PICTURE_SIDE || !lies_within(region, &format) {
            return Err(DetectError::BadRegion);
        }
        let Ok(size_bytes) = u32::try_from(format.size_bytes()) else {
            return Err(DetectError::BadRegion);
        };
        let letterbox = Letterbox::fit(region, self.input_px);
        let parameters = Parameters {
            pixels: format.pixels as u32,
            height: format.height,
            stride: format.stride,
            size_bytes,
            region: [region.x, region.y, region.width, region.height],
            left_top: [letterbox.left(), letterbox.top()],
            size_in_input: [letterbox.width(), letterbox.height()],
            input_px: self.input_px,
            is_half: u32::from(self.precision == Precision::Half),
            width: format.width,
        };
        // SAFETY: the block is as large and aligned for far more; no run is going on, as the caller was told.
        unsafe { self.parameters.as_ptr().cast::<Parameters>().write(parameters) };
        self.aimed = Some((format, region));
        self.letterbox = letterbox;
        Ok(letterbox)
    }

    /// Puts one run into a stream: from the picture at `picture`, an address of the GPU, to the input.
    ///
    /// # Safety
    /// There is a picture of the shape aimed at, until the run has ended; in a graph, on each run of the graph.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn enqueue(&self, stream: &Stream, picture: u64) -> Result<(), GpuError> {
        let grid = [self.input_px[0].div_ceil(TILE), self.input_px[1]];
        let addresses = [picture, self.parameters.address(), self.input.address()];
        // SAFETY: the kernel takes these three, reads no byte outside the picture, and writes the input, which has the
        // size that the parameters tell. The picture is the caller's.
        unsafe { self.kernel.enqueue(stream, grid, TILE, addresses) }
    }

    /// The network's input, three planes R, G, B in 0..1.
    pub const fn input(&self) -> &DeviceMemory {
        &self.input
    }
}

fn lies_within(region: Region, format: &SourceFormat) -> bool {
    let fits = |first: u32, length: u32, size: u32| {
        length > 0 && first.checked_add(length).is_some_and(|end| end <= size)
    };
    fits(region.x, region.width, format.width) && fits(region.y, region.height, format.height)
}
