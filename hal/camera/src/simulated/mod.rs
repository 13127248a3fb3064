//! The simulated table as a camera, with faults on demand.

mod camera;
mod light;
mod options;

pub use camera::{SimulatedCamera, SimulatedError};
pub use options::{OptionError, Outage, SimulatedOptions};
