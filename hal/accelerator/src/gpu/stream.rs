//! Streams, where the GPU works through what it was given in order, and events, which mark places in them.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use super::driver::Handle;
use super::{Device, GpuError};

/// A stream that does not wait for the default one.
const NON_BLOCKING: u32 = 1;
/// Who waits for the event sleeps.
const BLOCKING_SYNC: u32 = 1;
/// Inside a graph, the event is recorded each time the graph runs.
const RECORD_EXTERNAL: u32 = 1;

/// Work for the GPU, done in order.
pub struct Stream {
    device: Arc<Device>,
    handle: Handle,
}

// SAFETY: the driver's streams may be used from every thread.
unsafe impl Send for Stream {}

impl Stream {
    /// A new stream.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn new(device: &Arc<Device>) -> Result<Self, GpuError> {
        device.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is valid for writing, the flag is CUDA's.
        unsafe { device.driver().stream_create(&raw mut handle, NON_BLOCKING) }?;
        Ok(Self {
            device: Arc::clone(device),
            handle,
        })
    }

    /// The GPU that it is on.
    pub const fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// The driver's own name for it: a `CUstream`.
    pub const fn handle(&self) -> *mut c_void {
        self.handle
    }

    /// Sleeps until everything is done.
    ///
    /// # Errors
    /// [`GpuError::Call`] with what went wrong meanwhile.
    pub fn synchronize(&self) -> Result<(), GpuError> {
        // SAFETY: the stream lives.
        unsafe { self.device.driver().stream_synchronize(self.handle) }
    }

    /// Copies from the host's memory to the GPU's.
    ///
    /// # Safety
    /// `bytes` bytes at `from` can be read and at `to` written, until the copy is done.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn copy_to_device(&self, to: u64, from: *const c_void, bytes: usize) -> Result<(), GpuError> {
        // SAFETY: the caller keeps the memory as it has to be.
        unsafe { self.device.driver().copy_to_device(to, from, bytes, self.handle) }
    }

    /// Copies from the GPU's memory to the host's.
    ///
    /// # Safety
    /// `bytes` bytes at `from` can be read and at `to` written, until the copy is done.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn copy_to_host(&self, to: *mut c_void, from: u64, bytes: usize) -> Result<(), GpuError> {
        // SAFETY: the caller keeps the memory as it has to be.
        unsafe { self.device.driver().copy_to_host(to, from, bytes, self.handle) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the stream came from `stream_create` and is destroyed once.
        let _ = unsafe { self.device.driver().stream_destroy(self.handle) };
    }
}

/// A place in a stream that can be waited for, and whose time is known.
pub struct Event {
    device: Arc<Device>,
    handle: Handle,
}

// SAFETY: the driver's events may be used from every thread.
unsafe impl Send for Event {}
// SAFETY: also by several at a time.
unsafe impl Sync for Event {}

impl Event {
    /// A new event, nowhere yet.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn new(device: &Arc<Device>) -> Result<Self, GpuError> {
        device.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is valid for writing, the flag is CUDA's.
        unsafe { device.driver().event_create(&raw mut handle, BLOCKING_SYNC) }?;
        Ok(Self {
            device: Arc::clone(device),
            handle,
        })
    }

    /// Marks the end of what a stream was given so far.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn record(&self, stream: &Stream) -> Result<(), GpuError> {
        let driver = self.device.driver();
        // SAFETY: both live; 0 asks for nothing special.
        unsafe { driver.event_record(self.handle, stream.handle, 0) }
    }

    /// The same in a graph that is being captured: on each of its runs.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn record_in_graph(&self, stream: &Stream) -> Result<(), GpuError> {
        let driver = self.device.driver();
        // SAFETY: both live, the flag is CUDA's.
        unsafe { driver.event_record(self.handle, stream.handle, RECORD_EXTERNAL) }
    }

    /// Sleeps until the GPU has come to this place.
    ///
    /// # Errors
    /// [`GpuError::Call`] with what went wrong on the way.
    pub fn synchronize(&self) -> Result<(), GpuError> {
        self.device.enter()?;
        // SAFETY: the event lives.
        unsafe { self.device.driver().event_synchronize(self.handle) }
    }

    /// Microseconds from an earlier event to this one, both of which the GPU has passed.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn micros_since(&self, earlier: &Self) -> Result<f32, GpuError> {
        let mut milliseconds = 0.0;
        // SAFETY: `milliseconds` is valid for writing, both events live.
        unsafe {
            self.device
                .driver()
                .event_elapsed(&raw mut milliseconds, earlier.handle, self.handle)
        }?;
        Ok(milliseconds * 1000.0)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the event came from `event_create` and is destroyed once.
        let _ = unsafe { self.device.driver().event_destroy(self.handle) };
    }
}
