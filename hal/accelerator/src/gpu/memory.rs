//! Memory that the GPU reads and writes: its own, the host's made for it, and the host's that was there before.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use super::driver::Address;
use super::{Device, GpuError};

/// Host memory that every context may use, and that the GPU may read and write in place.
const PORTABLE_AND_MAPPED: u32 = 1 | 2;

const PAGE_BYTES: usize = 4096;

/// Memory of the GPU.
pub struct DeviceMemory {
    device: Arc<Device>,
    address: Address,
    bytes: usize,
}

impl DeviceMemory {
    /// Takes `bytes` of the GPU's memory. Nothing is known of what stands there.
    ///
    /// # Errors
    /// [`GpuError::Call`], mostly CUDA_ERROR_OUT_OF_MEMORY.
    pub fn new(device: &Arc<Device>, bytes: usize) -> Result<Self, GpuError> {
        device.enter()?;
        let mut address = 0;
        // SAFETY: `address` is valid for writing.
        unsafe { device.driver().memory_alloc(&raw mut address, bytes.max(1)) }?;
        Ok(Self {
            device: Arc::clone(device),
            address,
            bytes,
        })
    }

    /// Where it lies for the GPU.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its size.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the address came from `memory_alloc` and is freed once.
        let _ = unsafe { self.device.driver().memory_free(self.address) };
    }
}

/// Host memory that the GPU reads and writes in place.
pub struct PinnedMemory {
    device: Arc<Device>,
    memory: *mut c_void,
    address: Address,
    bytes: usize,
}

// SAFETY: it is plain memory, owned like a box.
unsafe impl Send for PinnedMemory {}

impl PinnedMemory {
    /// Takes `bytes` of the host's memory, all zero. It is cached, unlike the write-combined kind: the CPU reads it.
    ///
    /// # Errors
    /// [`GpuError::Call`], mostly CUDA_ERROR_OUT_OF_MEMORY.
    pub fn new(device: &Arc<Device>, bytes: usize) -> Result<Self, GpuError> {
        device.enter()?;
        let driver = device.driver();
        let mut memory = ptr::null_mut();
        // SAFETY: `memory` is valid for writing, the flags are CUDA's.
        unsafe { driver.host_alloc(&raw mut memory, bytes.max(1), PORTABLE_AND_MAPPED) }?;
        // SAFETY: the driver gave at least `bytes` bytes.
        unsafe { ptr::write_bytes(memory.cast::<u8>(), 0, bytes) };
        let mut pinned = Self {
            device: Arc::clone(device),
            memory,
            address: 0,
            bytes,
        };
        // SAFETY: the memory was made with the flag for it; 0 is the only flag defined.
        unsafe { driver.host_address(&raw mut pinned.address, memory, 0) }?;
        Ok(pinned)
    }

    /// Where it lies for the GPU.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Where it lies for the CPU.
    pub const fn as_ptr(&self) -> *mut c_void {
        self.memory
    }

    /// Its size.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What stands there, as numbers of some plain type.
    ///
    /// # Safety
    /// Nothing on the GPU writes to it while the slice is used, and all bytes make good numbers: `T` is an integer or
    /// a float, no larger than 8 bytes.
    pub const unsafe fn values<T: Copy>(&self) -> &[T] {
        let count = self.bytes / size_of::<T>();
        // SAFETY: the driver's memory is aligned to far more than 8 bytes and was all zero at first; the rest is the
        // caller's.
        unsafe { std::slice::from_raw_parts(self.memory.cast::<T>(), count) }
    }

    /// The same, to be written.
    ///
    /// # Safety
    /// As for [`values`](Self::values), and nothing on the GPU reads it either.
    pub const unsafe fn values_mut<T: Copy>(&mut self) -> &mut [T] {
        let count = self.bytes / size_of::<T>();
        // SAFETY: as in `values`.
        unsafe { std::slice::from_raw_parts_mut(self.memory.cast::<T>(), count) }
    }
}

impl Drop for PinnedMemory {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the memory came from `host_alloc` and is freed once.
        let _ = unsafe { self.device.driver().host_free(self.memory) };
    }
}

/// Host memory of somebody else, which the GPU reads in place while this lives.
pub struct RegisteredMemory {
    device: Arc<Device>,
    memory: *mut c_void,
    address: Address,
}

// SAFETY: the pointer is only given back to the driver.
unsafe impl Send for RegisteredMemory {}

impl RegisteredMemory {
    /// Makes the whole pages at `address` on that hold `bytes` readable for the GPU.
    ///
    /// They are pinned: should their owner unmap them, the GPU goes on reading the pages as they were.
    ///
    /// # Errors
    /// [`GpuError::Call`] where this memory cannot be pinned, as that of some cameras' drivers.
    pub fn new(device: &Arc<Device>, address: usize, bytes: usize) -> Result<Self, GpuError> {
        device.enter()?;
        let driver = device.driver();
        let memory = ptr::with_exposed_provenance_mut::<c_void>(address);
        let bytes = bytes.next_multiple_of(PAGE_BYTES);
        // SAFETY: the driver checks that the pages are there, and pins them.
        unsafe { driver.host_register(memory, bytes, PORTABLE_AND_MAPPED) }?;
        let mut registered = Self {
            device: Arc::clone(device),
            memory,
            address: 0,
        };
        // SAFETY: the memory was registered with the flag for it; 0 is the only flag defined.
        unsafe { driver.host_address(&raw mut registered.address, memory, 0) }?;
        Ok(registered)
    }

    /// Where it lies for the GPU.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Where it lies for the CPU.
    pub const fn as_ptr(&self) -> *const c_void {
        self.memory
    }
}

impl Drop for RegisteredMemory {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the memory was registered and is given back once.
        let _ = unsafe { self.device.driver().host_unregister(self.memory) };
    }
}
