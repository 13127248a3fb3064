//! How hot the machine is, and what the kernel slows down because of it.

use std::fs;
use std::path::{Path, PathBuf};

/// One thermal zone of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temperature {
    /// The zone's name, such as `cpu-thermal`.
    pub zone: String,
    /// Thousandths of a degree Celsius.
    pub millicelsius: i32,
}

/// Something that the kernel slows down now, to cool the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// What is slowed down, such as `cpufreq-cpu0`.
    pub device: String,
    /// How far: 1 to `steps_max`.
    pub steps: u32,
    /// The most that it can be slowed down.
    pub steps_max: u32,
}

/// The kernel's thermal files.
///
/// A zone or a device that cannot be read now (a sensor of a part that is powered down) is left out: a missing figure is
/// better than none at all. Limits: over-current throttling that a board's firmware does on its own does not show here.
#[derive(Debug, Clone)]
pub struct Thermals {
    folder: PathBuf,
}

impl Thermals {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        Self::under(Path::new("/"))
    }

    /// Those of the machine whose file system stands under `root`.
    pub fn under(root: &Path) -> Self {
        Self {
            folder: root.join("sys/class/thermal"),
        }
    }

    /// All zones that can be read, by name. Empty where the machine has none.
    pub fn temperatures(&self) -> Vec<Temperature> {
        let mut all: Vec<Temperature> = self
            .entries("thermal_zone")
            .filter_map(|zone| {
                Some(Temperature {
                    millicelsius: read_number(&zone.join("temp"))?,
                    zone: read_line(&zone.join("type"))?,
                })
            })
            .collect();
        all.sort_by(|a, b| a.zone.cmp(&b.zone));
        all
    }

    /// What is slowed down now, by name. Fans are no throttle.
    pub fn throttles(&self) -> Vec<Throttle> {
        let mut all: Vec<Throttle> = self
            .entries("cooling_device")
            .filter_map(|cooler| {
                Some(Throttle {
                    device: read_line(&cooler.join("type"))?,
                    // Some drivers say -1 for idle, which is no number of steps.
                    steps: read_number(&cooler.join("cur_state"))?,
                    steps_max: read_number(&cooler.join("max_state"))?,
                })
            })
            .filter(|throttle| throttle.steps > 0 && !throttle.device.to_lowercase().contains("fan"))
            .collect();
        all.sort_by(|a, b| a.device.cmp(&b.device));
        all
    }

    fn entries(&self, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries
            .filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path())
    }
}

fn read_line(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn read_number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    read_line(path)?.parse().ok()
}
