use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::Arc;

use super::GpuError;
use super::driver::{Driver, Handle};

/// A thread that waits for the GPU sleeps instead of spinning.
const SCHEDULE_BLOCKING: u32 = 4;

/// Attributes of a device, by CUDA's numbers.
const INTEGRATED: c_int = 18;
const CAN_MAP_HOST_MEMORY: c_int = 19;
const COMPUTE_MAJOR: c_int = 75;
const COMPUTE_MINOR: c_int = 76;
const CAN_REGISTER_HOST_MEMORY: c_int = 99;

/// What a GPU is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its maker's name for it.
    pub name: String,
    /// Compute capability, major and minor: 8 and 7 for a Jetson Orin.
    pub compute: [u32; 2],
    /// The newest CUDA that the driver knows, major and minor.
    pub cuda: [u32; 2],
    /// It shares its memory with the CPU, as on a Jetson.
    pub is_integrated: bool,
    /// It can read and write the host's memory in place.
    pub maps_host_memory: bool,
    /// Memory that is there already can be made such memory.
    pub registers_host_memory: bool,
}

/// A GPU that is in use. Everything made on it keeps it in use.
pub struct Device {
    driver: &'static Driver,
    ordinal: c_int,
    context: Handle,
    info: DeviceInfo,
}

// SAFETY: the driver's contexts may be used from every thread, by several at a time.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// The first GPU that the driver offers, made the calling thread's.
    ///
    /// # Errors
    /// [`GpuError`] where there is no driver, no GPU, or it is out of order.
    pub fn first() -> Result<Arc<Self>, GpuError> {
        let driver = Driver::get()?;
        let mut count = 0;
        // SAFETY: `count` is valid for writing.
        unsafe { driver.device_count(&raw mut count) }?;
        if count < 1 {
            return Err(GpuError::NoDevice);
        }
        let mut ordinal = 0;
        // SAFETY: `ordinal` is valid for writing, and device 0 exists.
        unsafe { driver.device(&raw mut ordinal, 0) }?;
        let info = info(driver, ordinal)?;
        // SAFETY: the flag is one of CUDA's.
        unsafe { driver.context_flags(ordinal, SCHEDULE_BLOCKING) }?;
        let mut context = ptr::null_mut();
        // SAFETY: `context` is valid for writing.
        unsafe { driver.context_retain(&raw mut context, ordinal) }?;
        let device = Self {
            driver,
            ordinal,
            context,
            info,
        };
        device.enter()?;
        Ok(Arc::new(device))
    }

    /// What it is.
    pub const fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Makes this device the one that the calling thread works with.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn enter(&self) -> Result<(), GpuError> {
        // SAFETY: the context lives as long as `self`.
        unsafe { self.driver.context_enter(self.context) }
    }

    /// Bytes of the GPU's memory that are free, and all of them.
    ///
    /// # Errors
    /// [`GpuError::Call`].
    pub fn memory_bytes(&self) -> Result<[usize; 2], GpuError> {
        self.enter()?;
        let [mut free, mut total] = [0; 2];
        // SAFETY: both are valid for writing.
        unsafe { self.driver.memory_info(&raw mut free, &raw mut total) }?;
        Ok([free, total])
    }

    /// Its place on the bus, as NVIDIA's other library names it.
    pub(super) fn bus_id(&self) -> Option<CString> {
        let mut text = [0; 16];
        // SAFETY: `text` is valid for writing 16 characters; the driver ends what it writes with a zero.
        unsafe { self.driver.device_bus_id(text.as_mut_ptr(), 16, self.ordinal) }.ok()?;
        let text = text.map(|character| character as u8);
        CStr::from_bytes_until_nul(&text).ok().map(CStr::to_owned)
    }

    pub(super) const fn driver(&self) -> &'static Driver {
        self.driver
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: the context was retained once, and nothing that was made in it is left: it would hold the device.
        let _ = unsafe { self.driver.context_release(self.ordinal) };
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(&self.info).finish()
    }
}

fn info(driver: &Driver, ordinal: c_int) -> Result<DeviceInfo, GpuError> {
    let attribute = |attribute| {
        let mut value = 0;
        // SAFETY: `value` is valid for writing, the device exists.
        unsafe { driver.device_attribute(&raw mut value, attribute, ordinal) }?;
        Ok(u32::try_from(value).unwrap_or(0))
    };
    let mut name = [0; 128];
    // SAFETY: `name` is valid for writing 128 characters; the driver ends what it writes with a zero.
    unsafe { driver.device_name(name.as_mut_ptr(), 128, ordinal) }?;
    let name = CStr::from_bytes_until_nul(&name.map(|character| character as u8))
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut version = 0;
    // SAFETY: `version` is valid for writing.
    unsafe { driver.driver_version(&raw mut version) }?;
    let version = u32::try_from(version).unwrap_or(0);
    Ok(DeviceInfo {
        name,
        compute: [attribute(COMPUTE_MAJOR)?, attribute(COMPUTE_MINOR)?],
        cuda: [version / 1000, version % 1000 / 10],
        is_integrated: attribute(INTEGRATED)? != 0,
        maps_host_memory: attribute(CAN_MAP_HOST_MEMORY)? != 0,
        registers_host_memory: attribute(CAN_REGISTER_HOST_MEMORY)? != 0,
    })
}
