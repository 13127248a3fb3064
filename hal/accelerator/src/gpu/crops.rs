use std::sync::Arc;

use super::kernel::Kernel;
use super::memory::{DeviceMemory, PinnedMemory};
use super::{Device, GpuError, SourceFormat, Stream};
use crate::reader::Square;

const PTX: &str = include_str!("kernels/crops.ptx");
/// Parts of a crop that a block makes, and its threads, as in the kernel.
const PARTS: u32 = 128;

/// A square of length 0, whose crop is black.
const NOTHING: Square = Square {
    x: 0.0,
    y: 0.0,
    length: 0.0,
    step: 1,
};

/// Cuts squares out of pictures, on the GPU, into the input of a network that reads them. Owns that input.
///
/// Means what [`golden_crop`](crate::golden_crop) means. Shape and squares stand in host memory that the kernel reads, as for
/// [`GpuPreprocessor`](super::GpuPreprocessor).
pub struct GpuCrops {
    kernel: Kernel,
    parameters: PinnedMemory,
    squares: PinnedMemory,
    input: DeviceMemory,
    side: u32,
    count: u32,
}

/// What the kernel is told, as `Parameters` there.
#[repr(C)]
#[derive(Clone, Copy)]
struct Parameters {
    pixels: u32,
    width: u32,
    height: u32,
    stride: u32,
    side: u32,
}

impl GpuCrops {
    /// For a network that takes `count` crops of `side` lines and columns at a time.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn new(device: &Arc<Device>, side: u32, count: u32) -> Result<Self, GpuError> {
        let [kernel] = Kernel::load(device, PTX, [c"crops"])?;
        let numbers = 3 * side as usize * side as usize * count as usize;
        Ok(Self {
            kernel,
            parameters: PinnedMemory::new(device, size_of::<Parameters>())?,
            squares: PinnedMemory::new(device, size_of::<Square>() * count as usize)?,
            input: DeviceMemory::new(device, numbers * size_of::<f32>())?,
            side,
            count,
        })
    }

    /// Chooses the shape of the pictures and the squares that the following runs take; none may be going on. Crops for
    /// which there is no square are black.
    pub fn aim(&mut self, format: impl Into<SourceFormat>, squares: impl Iterator<Item = Option<Square>>) {
        let format = format.into();
        let parameters = Parameters {
            pixels: format.pixels as u32,
            width: format.width,
            height: format.height,
            stride: format.stride,
            side: self.side,
        };
        // SAFETY: the block is as large and aligned for far more; no run is going on, as the caller was told.
        unsafe { self.parameters.as_ptr().cast::<Parameters>().write(parameters) };
        let mut squares = squares.map(|square| square.unwrap_or(NOTHING));
        for at in 0..self.count as usize {
            let square = squares.next().unwrap_or(NOTHING);
            // SAFETY: there is room for `count` of them; the rest as above.
            unsafe {
                self.squares
                    .as_ptr()
                    .cast::<Square>()
                    .wrapping_add(at)
                    .write(square)
            };
        }
    }

    /// Puts one run into a stream: from the picture at `picture`, an address of the GPU, to the input.
    ///
    /// # Safety
    /// There is a picture of the shape aimed at, until the run has ended; in a graph, on each run of the graph.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn enqueue(&self, stream: &Stream, picture: u64) -> Result<(), GpuError> {
        let grid = [(self.side * self.side).div_ceil(PARTS), self.count];
        let addresses = [
            picture,
            self.parameters.address(),
            self.squares.address(),
            self.input.address(),
        ];
        // SAFETY: the kernel takes these four, reads no byte outside the picture, and writes the input, which has room for
        // all crops. The picture is the caller's.
        unsafe { self.kernel.enqueue(stream, grid, PARTS, addresses) }
    }

    /// The network's input, crop after crop, three planes R, G, B in 0..1 each.
    pub const fn input(&self) -> &DeviceMemory {
        &self.input
    }
}
