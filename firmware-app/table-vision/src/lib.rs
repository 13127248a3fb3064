//! From what a network detected in a picture to the state of a table: where every ball is in millimetres, which ball it
//! is, where the cue points and what just happened.
//!
//! ```text
//! Detections (pixels) -> geometry + refine -> tracking -> identity -> cue, events -> TableState (millimetres)
//! ```
//!
//! - [`geometry`] knows the camera and the table; nothing after it speaks of pixels.
//! - `no_std`, no allocation, no `unsafe`: every table of the stage has a fixed size, named in [`limits`].
//! - Deterministic: the same detections and pictures give the same bytes of state, on x86-64 and on aarch64. Functions
//!   that machines may round differently come from `libm`; nothing is fused, no clock is read.
//! - Time is the exposure's, handed in with every frame; nothing depends on when a frame is processed.
//!
//! Limits: one camera, one table, one cue. Cushions turn balls back, collisions between balls are only recognised after
//! the fact; numbers and colours of balls are not read yet.
#![no_std]
#![forbid(unsafe_code)]

mod cue;
mod events;
mod fmt;
pub mod geometry;
mod identity;
pub mod limits;
mod observation;
mod prediction;
mod refine;
mod stage;
mod tracking;

pub use geometry::{Calibration, TableSize};
pub use observation::{CueLine, Observation, Observations};
pub use prediction::Physics;
pub use stage::{FrameStamp, StageOutput, TableStage};
