//! The wire contract of Baize: what an MQTT subscriber relies on, and nothing else.
//!
//! - **Messages**: [`TableState`], [`TableEvent`], [`Calibration`], [`ShotPrediction`], each on its own [`Topic`].
//! - **Units** are integers of a fixed meaning, so what is encoded is decoded exactly: positions 0.1 mm, velocities mm/s,
//!   angles 0.01 degree, times us. Types that hold less than their integer clamp when they are made, never when sent.
//! - **Table frame**: origin at a cushion-nose corner, x along the long side, y along the short side, right-handed seen
//!   from above; angles counter-clockwise from +x.
//! - **Versions**: every message opens with a schema key, constant for a major version, and a minor version. A minor
//!   version only appends fields at the end of a message; [`decode`] reads a newer minor as far as it knows it.
//! - **Codes** that may grow are bytes with names ([`EventKind`], [`Flags`], …), so an unknown one never spoils a message.
//! - No `std`, no allocation, no `unsafe`, no panic on bytes from outside. It logs nothing.
//!
//! Limits: [`limits::MAX_BALLS`] balls and one cue a state; positions from -1 m to 5.5 m. Health is JSON and lives with
//! the appliance.
#![no_std]
#![forbid(unsafe_code)]

mod ball;
mod calibration;
mod code;
mod codec;
mod cue;
mod event;
mod flags;
mod identity;
mod key;
pub mod limits;
mod prediction;
pub mod schema;
mod state;
mod status;
mod topic;
mod units;

pub use ball::Ball;
pub use calibration::{
    Calibration, CalibrationMethod, CalibrationValidity, Game, OriginCorner, Pocket, PocketKind,
    ProjectorMapping,
};
pub use codec::{DecodeError, Decoded, EncodeError, Message, decode, encode};
pub use cue::{Cue, CueAction, CueState};
pub use event::{EventKind, TableEvent};
pub use flags::Flags;
pub use identity::{BallId, BallKind, BallName, Colour, Identity};
pub use key::{MAJOR, SchemaKey};
pub use prediction::{Leg, LegEnd, ShotPrediction};
pub use state::TableState;
pub use status::{ApplianceStatus, CameraStatus};
pub use topic::{Delivery, TableName, Topic, TopicError, TopicString};
pub use units::{Confidence, Direction, Position, Sigma, Velocity};
