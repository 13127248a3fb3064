//! Detectors: a picture goes in, balls and cues in pixels come out.
//!
//! - [`Detector`] is the one face of every kind of hardware; [`open_cpu`] opens those that need nothing but a CPU.
//! - A model is an ONNX file and a [`Manifest`]; [`ModelFiles`] are known to belong together, and an engine that finds
//!   other inputs or outputs than the manifest names refuses with the difference.
//! - [`preprocess`] goes from the camera's pixels straight to the network's input, in one pass, with [`golden`] as the
//!   definition of what is to come out; [`Decoder`] goes from raw outputs to detections. Both are ours and allocate
//!   nothing once prepared; what the inference library allocates is wrapped in a library scope and counted apart.
//! - A [`FaceReader`] looks closer at the balls found, for their numbers and colours; [`reading`] puts one behind a detector.
//! - [`closer`] puts a second look behind a detector, tile after tile, for pictures whose balls are small.
//! - Nothing here knows of tables, millimetres, or the picture before.
//!
//! Limits: pictures in the four formats of `baize-frame`; networks with one input, fixed shapes, 32-bit floats.
//!
//! [`golden`]: preprocess::golden

mod closer;
mod cpu;
#[cfg(feature = "ort")]
mod cpu_ort;
mod cpu_rten;
mod decode;
mod detector;
mod engine;
#[cfg(feature = "gpu")]
pub mod gpu;
mod load_error;
mod manifest;
mod model_files;
pub mod preprocess;
mod reader;
mod signature;
#[cfg(feature = "gpu")]
pub mod tensorrt;

pub use closer::closer;
pub use cpu::open_cpu;
pub use decode::Decoder;
pub use detector::{DetectError, DetectTimings, Detector, DetectorInfo, GpuTimings};
pub use engine::{Backend, CpuOptions, FallbackReason};
pub use load_error::LoadError;
pub use manifest::{InputSpec, Manifest, ManifestError, OutputSpec, OutputSpecs, Thresholds, Trained};
pub use model_files::{Described, ModelFiles};
pub use reader::{FaceReader, ReaderManifest, Square, golden_crop, reading};
