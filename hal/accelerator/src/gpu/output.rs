use std::sync::Arc;

use super::{Access, Device, DeviceMemory, GpuError, PinnedMemory, Stream};
use crate::signature::Port;

/// An output of a network, where the network writes it and where the CPU reads it.
pub(super) struct Output {
    on_gpu: Option<DeviceMemory>,
    pub on_host: PinnedMemory,
}

impl Output {
    pub fn new(device: &Arc<Device>, port: &Port, access: Access) -> Result<Self, GpuError> {
        let bytes = port.shape.iter().product::<usize>() * size_of::<f32>();
        let on_gpu = match access {
            Access::InPlace => None,
            Access::Copied => Some(DeviceMemory::new(device, bytes)?),
        };
        Ok(Self {
            on_gpu,
            on_host: PinnedMemory::new(device, bytes)?,
        })
    }

    /// Where the network writes it.
    pub fn address(&self) -> u64 {
        self.on_gpu
            .as_ref()
            .map_or(self.on_host.address(), DeviceMemory::address)
    }

    /// Brings it to the host, where the network did not write it there.
    pub fn fetch(&self, stream: &Stream) -> Result<(), GpuError> {
        let Some(on_gpu) = &self.on_gpu else { return Ok(()) };
        // SAFETY: both are as large, and live as long as the graph.
        unsafe { stream.copy_to_host(self.on_host.as_ptr(), on_gpu.address(), on_gpu.bytes()) }
    }
}
