//! A projector above the table, and the discs of light that it throws.

use heapless::Vec;

use crate::camera::{Camera, CameraPose};
use crate::table::TableSize;

/// The most discs that a projector shows at once.
pub const MAX_DISCS: usize = 160;

/// A projector: a camera the other way round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projector {
    /// Where it hangs and what its lens does.
    pub optics: Camera,
    /// Width and height of its picture.
    pub size_px: [u32; 2],
    /// Its light, in parts of that of the lamps.
    pub strength: f32,
}

impl Projector {
    /// Width and height of the picture of [`Projector::standard`].
    pub const STANDARD_SIZE_PX: [u32; 2] = [1280, 800];

    /// The projector of this pose.
    pub fn new(pose: &CameraPose, size_px: [u32; 2], strength: f32) -> Self {
        Self {
            optics: Camera::new(pose, size_px[0], size_px[1]),
            size_px,
            strength,
        }
    }

    /// A projector that hangs beside the middle of the table, a little crooked, and lights all of it.
    pub fn standard(table: &TableSize) -> Self {
        let height_mm = table.length_mm;
        let pose = CameraPose {
            position_mm: [0.5 * table.length_mm, 0.62 * table.width_mm, height_mm],
            tilt_deg: 4.0,
            tilt_towards_deg: 250.0,
            roll_deg: 1.5,
            hfov_deg: 58.0,
            distortion: [-0.004, 0.0, 0.0, 0.0, 0.0],
        };
        Self::new(&pose, Self::STANDARD_SIZE_PX, 0.8)
    }
}

/// What a projector shows: discs, all of one size, on black.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discs {
    /// Their radius in the projector's pixels.
    pub radius_px: f64,
    /// Their centres in the projector's pixels.
    pub points_px: Vec<[f64; 2], MAX_DISCS>,
}
