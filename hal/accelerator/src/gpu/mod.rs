//! The detector on an NVIDIA GPU, and the little of CUDA that it needs.
//!
//! - The driver's library is looked for at run time; nothing of CUDA is needed to build, and [`Device::first`] says in
//!   one line why there is no GPU.
//! - [`GpuPreprocessor`] means what [`crate::preprocess::golden`] means. A [`StreamNetwork`] is whatever engine takes its
//!   work from a stream.
//! - [`GpuDetector`] keeps one [`Graph`] for each place where pictures lie, preprocessing and network together. It fits
//!   pictures of every shape and every region; a picture costs the CPU one launch, one mark, one sleep.
//! - With a reader, it keeps a second graph for each place, that follows the decoding: [`GpuCrops`] cuts the balls found out of
//!   the picture, [`golden_crop`](crate::golden_crop) being the definition, and a second network looks at 16 of them at a time.
//! - On a GPU that shares the host's memory the pictures are read where the camera put them; others get a copy:
//!   [`Access`].
//!
//! Limits: one GPU, the first. A kernel of ours is PTX for compute capability 8.7; older GPUs are refused by the driver.

mod crops;
mod detector;
mod device;
mod driver;
mod error;
mod gauge;
mod graph;
mod kernel;
mod management;
mod memory;
mod network;
mod output;
mod preprocess;
mod reading;
mod stream;
mod waiter;
mod work;

pub use crops::GpuCrops;
pub use detector::{Access, GpuDetector, GpuTimes};
pub use device::{Device, DeviceInfo};
pub use error::GpuError;
pub use gauge::{Condition, Gauge};
pub use graph::Graph;
pub use kernel::Kernel;
pub use memory::{DeviceMemory, PinnedMemory, RegisteredMemory};
pub use network::{Precision, StreamNetwork};
pub use preprocess::{GpuPreprocessor, SourceFormat, SourcePixels};
pub use stream::{Event, Stream};
