//! NVIDIA's management library (NVML): what a GPU tells of its temperature and of what slows it down. A Jetson may have it,
//! and it may know less there than the kernel. It asks the driver beside CUDA, so no launch waits for it.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong};
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;

use super::driver::Handle;

const LIBRARY_NAME: &str = "libnvidia-ml.so.1";

/// The only sensor that there is.
const SENSOR_OF_THE_GPU: c_int = 0;

/// What lowers the clocks against anybody's wish, by NVML's bits.
const REASONS: [(c_ulonglong, &str); 5] = [
    (0x04, "power limit"),
    (0x08, "hardware"),
    (0x20, "heat"),
    (0x40, "heat, by hardware"),
    (0x80, "power brake"),
];

type Init = unsafe extern "C" fn() -> c_int;
type HandleByBusId = unsafe extern "C" fn(*const c_char, *mut Handle) -> c_int;
type Temperature = unsafe extern "C" fn(Handle, c_int, *mut c_uint) -> c_int;
type Reasons = unsafe extern "C" fn(Handle, *mut c_ulonglong) -> c_int;

struct Functions {
    handle_by_bus_id: HandleByBusId,
    temperature: Temperature,
    reasons: Reasons,
}

impl Functions {
    /// `None` where there is no library, or it does not start.
    fn get() -> Option<&'static Self> {
        static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
        FUNCTIONS.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        // SAFETY: what the library does when it is loaded is its maker's; it is made to be loaded like this.
        let library = unsafe { Library::new(LIBRARY_NAME) }.ok()?;
        let library: &'static Library = Box::leak(Box::new(library));
        // SAFETY: the type is that of the function in NVML's header; the library is never unloaded.
        let init = unsafe { library.get::<Init>("nvmlInit_v2") }.ok()?;
        // SAFETY: the same.
        let reasons = unsafe { library.get::<Reasons>("nvmlDeviceGetCurrentClocksEventReasons") };
        let functions = Self {
            // SAFETY: the same.
            handle_by_bus_id: *unsafe { library.get::<HandleByBusId>("nvmlDeviceGetHandleByPciBusId_v2") }
                .ok()?,
            // SAFETY: the same.
            temperature: *unsafe { library.get::<Temperature>("nvmlDeviceGetTemperature") }.ok()?,
            reasons: *reasons
                // SAFETY: the same; its name before the driver of CUDA 12.2.
                .or_else(|_| unsafe { library.get("nvmlDeviceGetCurrentClocksThrottleReasons") })
                .ok()?,
        };
        // SAFETY: it takes nothing.
        (unsafe { init() } == 0).then_some(functions)
    }
}

/// One GPU, as the management library knows it.
pub(super) struct Management {
    functions: &'static Functions,
    gpu: Handle,
}

// SAFETY: NVML may be called from every thread, by several at a time.
unsafe impl Send for Management {}
// SAFETY: as above.
unsafe impl Sync for Management {}

impl Management {
    /// `None` where the library is not there or does not know the GPU.
    pub fn of(bus_id: &CStr) -> Option<Self> {
        let functions = Functions::get()?;
        let mut gpu = ptr::null_mut();
        // SAFETY: the text ends with a zero, `gpu` is valid for writing.
        let code = unsafe { (functions.handle_by_bus_id)(bus_id.as_ptr(), &raw mut gpu) };
        (code == 0).then_some(Self { functions, gpu })
    }

    /// Degrees Celsius.
    pub fn temperature_c(&self) -> Option<u32> {
        let mut celsius = 0;
        // SAFETY: the handle is NVML's, `celsius` is valid for writing.
        let code = unsafe { (self.functions.temperature)(self.gpu, SENSOR_OF_THE_GPU, &raw mut celsius) };
        (code == 0).then_some(celsius)
    }

    /// What slows it down now.
    pub fn slowed_by(&self) -> Option<Vec<&'static str>> {
        let mut bits = 0;
        // SAFETY: the handle is NVML's, `bits` is valid for writing.
        let code = unsafe { (self.functions.reasons)(self.gpu, &raw mut bits) };
        let told = REASONS.iter().filter(|(bit, _)| bits & bit != 0);
        (code == 0).then(|| told.map(|(_, name)| *name).collect())
    }
}
