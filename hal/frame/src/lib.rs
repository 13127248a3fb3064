//! The vocabulary shared by the camera, the accelerator and `table-vision`: a picture, a region of it, and what was
//! detected in it.
//!
//! - Plain data, no behaviour of the machine: no `unsafe`, no allocation, no `std`.
//! - **Pixel coordinates** are continuous: (0, 0) is the picture's top left corner, the middle of the first pixel is at
//!   (0.5, 0.5), x to the right, y down. Everything that speaks of pixels in this project means these.
#![no_std]
#![forbid(unsafe_code)]

mod chroma;
mod detection;
mod image;
pub mod limits;

pub use chroma::Chroma;
pub use detection::{BallColour, BallDetection, BallKind, CueDetection, Detections, KindShares, Reading};
pub use image::{FrameFormat, ImageError, ImageView, Luminance, PixelFormat, Region, SlotMemory};
