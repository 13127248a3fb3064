use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::sync::Arc;

use super::driver::Handle;
use super::{Device, GpuError, Stream};

/// A program for the GPU, compiled for the one that is there.
struct Module {
    device: Arc<Device>,
    handle: Handle,
}

// SAFETY: the driver's modules may be used from every thread.
unsafe impl Send for Module {}
// SAFETY: also by several at a time.
unsafe impl Sync for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        let _ = self.device.enter();
        // SAFETY: the module came from `module_load` and is unloaded once.
        let _ = unsafe { self.device.driver().module_unload(self.handle) };
    }
}

/// A function that many threads of the GPU run at once.
pub struct Kernel {
    module: Arc<Module>,
    function: Handle,
}

// SAFETY: as for the module, which lives as long.
unsafe impl Send for Kernel {}

impl Kernel {
    /// Compiles PTX for this GPU and finds the functions of these names in it.
    ///
    /// # Errors
    /// [`GpuError::Call`] where the driver is too old for the PTX, or has no function of a name.
    pub fn load<const N: usize>(
        device: &Arc<Device>,
        ptx: &str,
        names: [&CStr; N],
    ) -> Result<[Self; N], GpuError> {
        device.enter()?;
        let driver = device.driver();
        let ptx = CString::new(ptx).map_err(|_| GpuError::Network("PTX with a zero in it".to_owned()))?;
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is valid for writing, the text ends with a zero.
        unsafe { driver.module_load(&raw mut handle, ptx.as_ptr().cast()) }?;
        let module = Arc::new(Module {
            device: Arc::clone(device),
            handle,
        });
        let mut functions = [ptr::null_mut(); N];
        for (function, name) in functions.iter_mut().zip(names) {
            // SAFETY: `function` is valid for writing, the module lives, the name ends with a zero.
            unsafe { driver.module_function(&raw mut *function, handle, name.as_ptr()) }?;
        }
        Ok(functions.map(|function| Self {
            module: Arc::clone(&module),
            function,
        }))
    }

    /// Puts a run of it into a stream: `grid` blocks (columns, lines) of `threads` threads each.
    ///
    /// # Safety
    /// The arguments are addresses as the function wants them, of memory that stays as large as the function needs and
    /// free of others' use until it has run; in a graph, until the graph's last run has ended.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn enqueue<const N: usize>(
        &self,
        stream: &Stream,
        grid: [u32; 2],
        threads: u32,
        addresses: [u64; N],
    ) -> Result<(), GpuError> {
        // SAFETY: the caller knows the function.
        unsafe { self.enqueue_raw(stream.handle(), grid, threads, addresses) }
    }

    /// The same for a stream of which only the driver's name is known.
    ///
    /// # Safety
    /// As for [`enqueue`](Self::enqueue), and `stream` is a `CUstream` that lives.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub unsafe fn enqueue_raw<const N: usize>(
        &self,
        stream: *mut c_void,
        grid: [u32; 2],
        threads: u32,
        mut addresses: [u64; N],
    ) -> Result<(), GpuError> {
        let mut arguments = addresses
            .each_mut()
            .map(|address| ptr::from_mut(address).cast::<c_void>());
        let driver = self.module.device.driver();
        // SAFETY: there is a pointer to each argument, and the driver copies what they point to before it returns. The
        // rest is the caller's.
        unsafe {
            driver.launch(
                self.function,
                grid[0],
                grid[1],
                1,
                threads,
                1,
                1,
                0,
                stream,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        }
    }
}
