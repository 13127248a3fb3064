//! Detectors: a picture goes in, balls and cues in pixels come out.
#![warn(missing_docs)]

mod detector;

pub use detector::{DetectError, DetectTimings, Detector, DetectorInfo};
