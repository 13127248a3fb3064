//! The board around the pipeline: what a person touches and what the service manager and the operator ask for.
//!
//! - [`button`] turns the levels of a GPIO line into short, long and very long presses; [`press`] is its logic, without
//!   any machine. [`led`] shows a pattern on a status LED. [`gpio`] finds lines by name and speaks to the kernel.
//! - [`notify`] tells systemd that the appliance is ready, alive, or stopping.
//! - [`temperature`] reads thermal zones and what slows the machine down, [`gpu_clock`] a Jetson's GPU's clock; [`identity`]
//!   names the machine.
//!
//! Everything here runs beside the pipeline: it may allocate and wait, and is never called from a sealed thread. What is
//! missing (no button, no service manager, no sensor) is an ordinary answer, not a failure; each error says what to do.
//! Where a path of the system is read, tests read the same files under a folder of their own.
#![forbid(unsafe_code)]

pub mod button;
pub mod gpio;
pub mod gpu_clock;
pub mod identity;
pub mod led;
pub mod notify;
pub mod press;
pub mod temperature;
