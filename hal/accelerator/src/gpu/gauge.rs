use std::sync::Arc;

use super::Device;
use super::management::Management;

/// How a GPU is. What nobody tells is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its memory that is free, and all of it; where it shares the CPU's, that is meant.
    pub memory_bytes: Option<[usize; 2]>,
    /// Its temperature. A GPU that shares the CPU's memory may have only a thermal zone of the machine's.
    pub temperature_c: Option<u32>,
    /// What slows it down now, in words; the machine's kernel may know more.
    pub slowed_by: Option<Vec<&'static str>>,
}

/// Looks at a GPU from beside its work.
///
/// To be read on a thread that may wait: the driver answers late or never where the GPU has hung, and what its calls lock
/// within it is its maker's affair. So read it seldom.
pub struct Gauge {
    device: Arc<Device>,
    management: Option<Management>,
}

impl Gauge {
    /// For a GPU in use.
    pub fn of(device: &Arc<Device>) -> Self {
        Self {
            device: Arc::clone(device),
            management: device.bus_id().and_then(|bus_id| Management::of(&bus_id)),
        }
    }

    /// How it is now.
    pub fn read(&self) -> Condition {
        Condition {
            memory_bytes: self.device.memory_bytes().ok(),
            temperature_c: self.management.as_ref().and_then(Management::temperature_c),
            slowed_by: self.management.as_ref().and_then(Management::slowed_by),
        }
    }
}
