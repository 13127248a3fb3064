//! How fast a Jetson's GPU is clocked, by the kernel's devfreq files.

use std::fs;
use std::path::Path;

/// What a GPU's entry is named after: it on newer kernels, its chip on older ones (`17000000.gpu`, `17000000.ga10b`).
const NAMES: [&str; 3] = [".gpu", ".ga10b", ".gv11b"];

/// A GPU's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuClock {
    /// Now; an idle GPU is clocked down.
    pub now_hz: u64,
    /// The most that it may be clocked now: the power mode lowers this, and so does heat.
    pub limit_hz: u64,
    /// The most that it could be clocked; `None` where the kernel does not list it.
    pub most_hz: Option<u64>,
}

impl GpuClock {
    /// That of this machine; `None` where the kernel does not clock a GPU.
    pub fn of_this_machine() -> Option<Self> {
        Self::under(Path::new("/"))
    }

    /// That of the machine whose file system stands under `root`.
    pub fn under(root: &Path) -> Option<Self> {
        let entries = fs::read_dir(root.join("sys/class/devfreq")).ok()?;
        let is_gpu = |name: &str| NAMES.iter().any(|end| name.ends_with(end));
        let gpu = entries
            .flatten()
            .find(|entry| is_gpu(&entry.file_name().to_string_lossy()))?
            .path();
        let text = |file: &str| fs::read_to_string(gpu.join(file)).ok();
        let hz = |file: &str| text(file)?.trim().parse().ok();
        let listed = text("available_frequencies");
        Some(Self {
            now_hz: hz("cur_freq")?,
            limit_hz: hz("max_freq")?,
            most_hz: listed
                .and_then(|listed| listed.split_whitespace().filter_map(|hz| hz.parse().ok()).max()),
        })
    }
}
