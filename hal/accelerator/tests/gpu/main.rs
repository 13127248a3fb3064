//! The detector on a GPU: on a real one where there is one, and on a driver of our own (`fakes/cuda.cpp`) everywhere.

#[path = "../common/mod.rs"]
mod common;
#[path = "../fakes/mod.rs"]
mod fakes;

mod allocation;
mod child;
mod crops;
mod detector;
mod faults;
mod kernels;
mod places;
mod random;
mod reading;
mod stand_in;
mod tensorrt;
mod watching;

use std::sync::Arc;

use baize_accelerator::gpu::Device;
use baize_realtime::sealing::SealingAllocator;
use baize_skips::skipped;

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

/// The GPU of this machine; `None` where there is none, which is said.
fn real_gpu() -> Option<Arc<Device>> {
    Device::first().inspect_err(|_| skipped("an NVIDIA GPU")).ok()
}
