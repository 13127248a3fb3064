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
//! - Balls are predicted together: a physics of impacts says where each is after the time between two exposures, and a
//!   sighting decides whether an impact happened. `tests/motion` measures what that is worth.
//!
//! Limits: one camera, one table, one cue. Numbers and colours are weighed picture by picture as if each were new evidence;
//! pictures of a resting ball hardly are. A strike with side spin leaves the cue's line; the prediction does not know.
#![no_std]
#![forbid(unsafe_code)]

mod cloth;
mod cue;
mod events;
mod faces;
pub mod geometry;
mod identity;
pub mod limits;
mod observation;
mod peak;
mod prediction;
mod readings;
mod refine;
mod shaft;
mod stage;
mod stroke;
mod taken;
mod tracking;

pub use geometry::{Calibration, TableSize};
pub use observation::{CueLine, Observation, Observations};
pub use prediction::Physics;
pub use shaft::straightened;
pub use stage::{FrameStamp, StageOutput, TableStage};
