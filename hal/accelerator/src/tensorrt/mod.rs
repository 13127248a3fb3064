//! TensorRT, where its library is found at run time: our own binding, without NVIDIA's headers and without C++.
//!
//! - [`Library`] loads `libnvinfer.so.10` and refuses versions whose tables of functions are not known to be these.
//! - A [`Runtime`] makes an [`Engine`] of a plan; an engine gives an [`ExecutionContext`], which puts one run of the network
//!   on a stream. Each keeps alive what it came from, so they can be dropped in any order.
//! - [`messages`] holds what TensorRT says; errors carry what it said to them.
//! - [`TensorRt`] puts these together with [`crate::gpu`]: a model's plan becomes a detector.
//! - [`building`] gets plans: built by `trtexec` on this machine, and kept.
//! - `abi` is the only file that knows how a C++ object is laid out.
//!
//! A plan is executable code: take it from a cache of this machine's own, never from somebody else.
//!
//! Limits: networks of fixed shapes. CUDA is the caller's: initialise it first, and keep its context current on every
//! thread that makes, uses or drops something from here. It was run against a library of our own and never yet against
//! NVIDIA's.

mod abi;
pub mod building;
mod context;
mod engine;
mod library;
pub mod messages;
mod network;
mod on_gpu;
mod ring;
mod runtime;

pub use context::{BindError, ContextError, EnqueueError, ExecutionContext};
pub use engine::{Engine, EngineError};
pub use library::{Library, LibraryError, Version};
pub use on_gpu::{PlanError, StartError, TensorRt};
pub use runtime::{Runtime, RuntimeError};
