//! Publishing over MQTT, on a thread of its own: what the broker does or fails to do never reaches the pipeline.
//!
//! - [`options`]: where the broker is and how to be let in. `Link`: whether it listens.
//! - States come through a cell that holds the newest only; events wait in a bounded `Outbox`
//!   until acknowledged; everything else stands in [`Inlets`] and is said again on every connection.
//! - A broker that does not read gets nothing more after half a second: what the kernel has taken can't be called
//!   back.

mod broker;
mod inlet;
mod inlets;
mod link;
mod outbox;
mod publisher;

pub use broker::{BrokerError, options};
pub use inlets::{Inlets, Standing};
pub use publisher::{Command, Publisher};
