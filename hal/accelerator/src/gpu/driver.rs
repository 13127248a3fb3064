//! The functions of NVIDIA's driver library that are used here, found when they are first asked for.
//!
//! Written out and not taken from a bindings crate: there, a driver without a function ends in a panic, and an error code
//! newer than the bindings in undefined behaviour.

use std::error::Error as _;
use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;

use super::GpuError;

/// A context, stream, event, graph, module or function of the driver.
pub(super) type Handle = *mut c_void;
/// An address in the GPU's memory, or in the host's as the GPU sees it.
pub(super) type Address = u64;

/// Names that the loader is asked for: that of the driver, and that of its development file.
const LIBRARY_NAMES: [&str; 2] = ["libcuda.so.1", "libcuda.so"];

macro_rules! functions {
    ($($name:ident = $symbol:literal($($argument:ident: $type:ty),*);)*) => {
        /// The driver's functions.
        pub(super) struct Driver {
            $($name: unsafe extern "C" fn($($type),*) -> c_uint,)*
            error_name: unsafe extern "C" fn(c_uint, *mut *const c_char) -> c_uint,
        }

        impl Driver {
            fn load() -> Result<Self, GpuError> {
                let library = open()?;
                Ok(Self {
                    // SAFETY: the type is that of the function in CUDA's headers.
                    $($name: unsafe { function(library, $symbol) }?,)*
                    // SAFETY: the same.
                    error_name: unsafe { function(library, "cuGetErrorName") }?,
                })
            }

            $(
                #[allow(clippy::too_many_arguments, reason = "they are the driver's")]
                pub(super) unsafe fn $name(&self, $($argument: $type),*) -> Result<(), GpuError> {
                    // SAFETY: the caller keeps the function's contract.
                    let code = unsafe { (self.$name)($($argument),*) };
                    self.check($symbol, code)
                }
            )*
        }
    };
}

functions! {
    init = "cuInit"(flags: c_uint);
    driver_version = "cuDriverGetVersion"(version: *mut c_int);
    device_count = "cuDeviceGetCount"(count: *mut c_int);
    device = "cuDeviceGet"(device: *mut c_int, ordinal: c_int);
    device_name = "cuDeviceGetName"(name: *mut c_char, room: c_int, device: c_int);
    device_bus_id = "cuDeviceGetPCIBusId"(text: *mut c_char, room: c_int, device: c_int);
    device_attribute = "cuDeviceGetAttribute"(value: *mut c_int, attribute: c_int, device: c_int);
    context_flags = "cuDevicePrimaryCtxSetFlags_v2"(device: c_int, flags: c_uint);
    context_retain = "cuDevicePrimaryCtxRetain"(context: *mut Handle, device: c_int);
    context_release = "cuDevicePrimaryCtxRelease_v2"(device: c_int);
    context_enter = "cuCtxSetCurrent"(context: Handle);
    memory_info = "cuMemGetInfo_v2"(free: *mut usize, total: *mut usize);
    memory_alloc = "cuMemAlloc_v2"(address: *mut Address, bytes: usize);
    memory_free = "cuMemFree_v2"(address: Address);
    host_alloc = "cuMemHostAlloc"(memory: *mut *mut c_void, bytes: usize, flags: c_uint);
    host_free = "cuMemFreeHost"(memory: *mut c_void);
    host_register = "cuMemHostRegister_v2"(memory: *mut c_void, bytes: usize, flags: c_uint);
    host_unregister = "cuMemHostUnregister"(memory: *mut c_void);
    host_address = "cuMemHostGetDevicePointer_v2"(address: *mut Address, memory: *mut c_void, flags: c_uint);
    copy_to_device = "cuMemcpyHtoDAsync_v2"(to: Address, from: *const c_void, bytes: usize, stream: Handle);
    copy_to_host = "cuMemcpyDtoHAsync_v2"(to: *mut c_void, from: Address, bytes: usize, stream: Handle);
    stream_create = "cuStreamCreate"(stream: *mut Handle, flags: c_uint);
    stream_destroy = "cuStreamDestroy_v2"(stream: Handle);
    stream_synchronize = "cuStreamSynchronize"(stream: Handle);
    capture_begin = "cuStreamBeginCapture_v2"(stream: Handle, mode: c_uint);
    capture_end = "cuStreamEndCapture"(stream: Handle, graph: *mut Handle);
    graph_instantiate = "cuGraphInstantiateWithFlags"(executable: *mut Handle, graph: Handle, flags: c_ulonglong);
    graph_destroy = "cuGraphDestroy"(graph: Handle);
    executable_launch = "cuGraphLaunch"(executable: Handle, stream: Handle);
    executable_destroy = "cuGraphExecDestroy"(executable: Handle);
    event_create = "cuEventCreate"(event: *mut Handle, flags: c_uint);
    event_destroy = "cuEventDestroy_v2"(event: Handle);
    event_record = "cuEventRecordWithFlags"(event: Handle, stream: Handle, flags: c_uint);
    event_synchronize = "cuEventSynchronize"(event: Handle);
    event_elapsed = "cuEventElapsedTime"(milliseconds: *mut f32, from: Handle, to: Handle);
    module_load = "cuModuleLoadData"(module: *mut Handle, image: *const c_void);
    module_unload = "cuModuleUnload"(module: Handle);
    module_function = "cuModuleGetFunction"(function: *mut Handle, module: Handle, name: *const c_char);
    launch = "cuLaunchKernel"(
        function: Handle,
        grid_x: c_uint, grid_y: c_uint, grid_z: c_uint,
        block_x: c_uint, block_y: c_uint, block_z: c_uint,
        shared_bytes: c_uint, stream: Handle,
        arguments: *mut *mut c_void, extra: *mut *mut c_void
    );
}

impl Driver {
    /// The driver of this machine, initialised. It is loaded once and never unloaded.
    pub(super) fn get() -> Result<&'static Self, GpuError> {
        static DRIVER: OnceLock<Result<Driver, GpuError>> = OnceLock::new();
        let driver = DRIVER.get_or_init(|| {
            let driver = Self::load()?;
            // SAFETY: no flags are defined, 0 is what has to be given.
            unsafe { driver.init(0) }?;
            Ok(driver)
        });
        driver.as_ref().map_err(GpuError::clone)
    }

    fn check(&self, function: &'static str, code: c_uint) -> Result<(), GpuError> {
        if code == 0 {
            return Ok(());
        }
        Err(GpuError::Call {
            function,
            code,
            name: self.name_of(code),
        })
    }

    fn name_of(&self, code: c_uint) -> &'static str {
        let mut name = ptr::null();
        // SAFETY: `name` is valid for writing.
        let found = unsafe { (self.error_name)(code, &raw mut name) };
        if found != 0 || name.is_null() {
            return "an error without a name";
        }
        // SAFETY: the driver's names are constant strings in its library, which is never unloaded.
        let name: &'static CStr = unsafe { CStr::from_ptr(name) };
        name.to_str().unwrap_or("an error without a name")
    }
}

fn open() -> Result<&'static Library, GpuError> {
    let mut reasons = Vec::new();
    for name in LIBRARY_NAMES {
        // SAFETY: what the driver's library does when it is loaded is its maker's; it is made to be loaded like this.
        match unsafe { Library::new(name) } {
            Ok(library) => return Ok(Box::leak(Box::new(library))),
            // The loader's own words are the cause.
            Err(error) => reasons.push(
                error
                    .source()
                    .map_or_else(|| error.to_string(), ToString::to_string),
            ),
        }
    }
    Err(GpuError::NoDriver(reasons.swap_remove(0)))
}

/// # Safety
/// `F` must be the type of the function of that name.
unsafe fn function<F: Copy>(library: &'static Library, symbol: &'static str) -> Result<F, GpuError> {
    // SAFETY: the caller knows the type; the library is never unloaded, so the pointer stays valid.
    let found = unsafe { library.get::<F>(symbol) };
    found
        .map(|function| *function)
        .map_err(|_| GpuError::DriverTooOld { missing: symbol })
}
