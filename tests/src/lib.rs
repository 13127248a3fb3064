//! What the system tests are made of: the program as a process, a real broker, subscribers, faults.
//!
//! - [`Program`]: `baize` as a user starts it; [`Appliance`]: `baize run` with a configuration of its own.
//! - [`Mosquitto`]: Debian's broker on a free port, to be killed and started again; without it [`Mosquitto::start`] says
//!   so, and the test is skipped.
//! - [`Controller`]: plays the projector's controller, well or badly, for the simulated projector.
//! - [`ServiceManager`]: plays the one that started the program, and counts how often its watchdog is fed.
//! - [`Device`]: the root of a device that was just flashed, and its first boot.
//! - [`Subscriber`]: hears everything below a topic and keeps it with the time it came; [`Proxy`]: a way to the broker
//!   that can be blocked; [`pictures`]: what cameras and recordings show.
//! - [`panel`]: a button and an LED whose lines are the test's.
//! - [`positions`]: how far off calibrations and balls are under random cameras; the program of that name prints it.
//! - Everything waits for conditions, with patience for busy machines; everything ends what it started.
#![forbid(unsafe_code)]

mod appliance;
mod controller;
mod device;
mod mosquitto;
pub mod panel;
pub mod pictures;
pub mod positions;
mod program;
mod proxy;
mod scratch;
mod service_manager;
mod subscriber;
pub mod wait;

pub use appliance::{Appliance, CALIBRATIONS, SMALL_MODEL, TABLE};
pub use controller::{Controller, Manner};
pub use device::Device;
pub use mosquitto::{Mosquitto, free_port};
pub use program::{Finished, Program, binary, run};
pub use proxy::Proxy;
pub use scratch::Scratch;
pub use service_manager::ServiceManager;
pub use subscriber::{Message, Subscriber};
