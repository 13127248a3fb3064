//! The camera, the table, and the way from pixels to millimetres and back.
//!
//! Camera frame: x right, y down, z forward, as OpenCV has it. Table frame: origin in a corner of the cushion noses,
//! x along the long side, y along the short side, z up, millimetres. Geometry is `f64` throughout.

mod calibration;
mod camera;
pub mod linear;
mod outline;
mod pose;
mod table;

pub use calibration::{Calibration, CalibrationError};
pub use camera::CameraModel;
pub use outline::BallOutline;
pub use pose::Pose;
pub use table::{ParseTableSizeError, Pocket, TableSize};
