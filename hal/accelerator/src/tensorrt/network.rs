use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use super::{Engine, ExecutionContext};
use crate::gpu::{Device, DeviceMemory, GpuError, Precision, StreamNetwork};

/// An engine as the GPU detector takes it, with scratch memory of its own.
pub(super) struct EngineNetwork {
    context: ExecutionContext,
    _scratch: DeviceMemory,
    device: Arc<Device>,
}

impl EngineNetwork {
    pub fn new(device: &Arc<Device>, engine: &Engine) -> Result<Self, GpuError> {
        device.enter()?;
        let mut context = engine.context().map_err(in_words)?;
        let bytes = context.scratch_bytes();
        let scratch = DeviceMemory::new(device, usize::try_from(bytes).unwrap_or(usize::MAX))?;
        // SAFETY: the memory is the context's alone; graphs of it live no longer than the detector, which owns both.
        unsafe { context.set_scratch(scratch.address(), bytes) };
        Ok(Self {
            context,
            _scratch: scratch,
            device: Arc::clone(device),
        })
    }
}

impl StreamNetwork for EngineNetwork {
    fn backend(&self) -> &'static str {
        "tensorrt"
    }

    fn precision(&self) -> Precision {
        // What the manifests say of every model; its engine was held against its own.
        Precision::Single
    }

    fn bind(&mut self, tensor: &str, device_address: u64) -> Result<(), String> {
        // SAFETY: the detector binds memory as large as the manifest says the tensor is, and keeps it longer than the network.
        unsafe { self.context.bind(tensor, device_address) }.map_err(|error| error.to_string())
    }

    fn enqueue(&mut self, stream: *mut c_void) -> Result<(), String> {
        // SAFETY: the detector gives a stream of its device, and waits for its end before it touches what is bound.
        unsafe { self.context.enqueue(stream) }.map_err(|error| error.to_string())
    }
}

impl Drop for EngineNetwork {
    fn drop(&mut self) {
        // TensorRT frees what it has on the GPU of the calling thread.
        let _ = self.device.enter();
    }
}

fn in_words(error: impl fmt::Display) -> GpuError {
    GpuError::Network(error.to_string())
}
