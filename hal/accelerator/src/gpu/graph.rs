use std::ptr;
use std::sync::Arc;

use super::driver::Handle;
use super::{Device, GpuError, Stream};

/// Only the capturing thread is kept from calls that would disturb the capture.
const THREAD_LOCAL: u32 = 1;

/// Work that was put into a stream once and is started again with one call.
pub struct Graph {
    device: Arc<Device>,
    executable: Handle,
}

// SAFETY: the driver's graphs may be used from every thread, by one at a time.
unsafe impl Send for Graph {}

impl Graph {
    /// Keeps what `work` puts into `stream`, which is not carried out. The memory that it names must outlive the graph's
    /// last run.
    ///
    /// # Errors
    /// The error of `work`, or [`GpuError::Call`] where something in it cannot be part of a graph.
    pub fn capture(
        stream: &Stream,
        work: impl FnOnce(&Stream) -> Result<(), GpuError>,
    ) -> Result<Self, GpuError> {
        let device = stream.device();
        device.enter()?;
        let driver = device.driver();
        // SAFETY: the stream lives, the mode is CUDA's.
        unsafe { driver.capture_begin(stream.handle(), THREAD_LOCAL) }?;
        let outcome = work(stream);
        let mut graph = ptr::null_mut();
        // Also after a failure: the stream is of no use until its capture has ended.
        // SAFETY: `graph` is valid for writing, the stream is being captured.
        let ended = unsafe { driver.capture_end(stream.handle(), &raw mut graph) };
        let captured = outcome.and(ended).and_then(|()| {
            let mut executable = ptr::null_mut();
            // SAFETY: `executable` is valid for writing, the graph is whole; 0 asks for nothing special.
            unsafe { driver.graph_instantiate(&raw mut executable, graph, 0) }?;
            Ok(executable)
        });
        if !graph.is_null() {
            // SAFETY: the graph came from `capture_end`; what was made of it does not need it.
            let _ = unsafe { driver.graph_destroy(graph) };
        }
        Ok(Self {
            device: Arc::clone(device),
            executable: captured?,
        })
    }

    /// Starts the work once more, after what the stream was given before.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn launch(&self, stream: &Stream) -> Result<(), GpuError> {
        // SAFETY: both live.
        unsafe {
            self.device
                .driver()
                .executable_launch(self.executable, stream.handle())
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the handle came from `graph_instantiate` and is destroyed once.
        let _ = unsafe { self.device.driver().executable_destroy(self.executable) };
    }
}
