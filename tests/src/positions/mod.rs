//! How far calibrations and positions are from the truth of the simulated table, under random cameras.

mod camera;
mod measured;
mod report;

pub use camera::RandomCamera;
pub use measured::{Ball, Measured, Measurer};
pub use report::{Report, quantile};
