//! How the GPU is that serves, for health: its memory, temperature, clock, and what slows it down.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baize_accelerator::gpu::{Condition, Gauge};
use baize_board::gpu_clock::GpuClock;
use baize_board::temperature::Thermals;
use serde_json::{Value, json};

use crate::background::Job;

/// How often the GPU is asked. Seldom: a driver may make a launch wait for it.
const INTERVAL: Duration = Duration::from_secs(10);

/// An answer older than this tells nothing of now.
const LASTS: Duration = Duration::from_secs(25);

/// What an answer holds; null what nobody tells.
pub const KEYS: [&str; 4] = ["memory_bytes", "temperature_c", "slowed_down_by", "clock_mhz"];

/// Asks on a thread of its own: a driver whose GPU has hung may never answer.
pub struct GpuWatch {
    gauge: Arc<Gauge>,
    asking: Option<Job<Value>>,
    asked_at: Instant,
    answer: Option<(Instant, Value)>,
}

impl GpuWatch {
    /// Begins with the first question.
    pub fn start(gauge: Gauge) -> Self {
        let mut watch = Self {
            gauge: Arc::new(gauge),
            asking: None,
            asked_at: Instant::now(),
            answer: None,
        };
        watch.ask();
        watch
    }

    /// Takes an answer, asks again.
    pub fn turn(&mut self) {
        match self.asking.as_ref().and_then(Job::poll) {
            Some(answer) => {
                self.asking = None;
                // A thread that could not be started is tried again with the next question.
                if let Ok(answer) = answer {
                    self.answer = Some((Instant::now(), answer));
                }
            }
            None if self.asking.is_none() && self.asked_at.elapsed() >= INTERVAL => self.ask(),
            None => {}
        }
    }

    /// The newest answer, for health; `None` while there is none or it is old.
    pub fn report(&self) -> Option<&Value> {
        let (at, answer) = self.answer.as_ref()?;
        (at.elapsed() < LASTS).then_some(answer)
    }

    fn ask(&mut self) {
        self.asked_at = Instant::now();
        let gauge = Arc::clone(&self.gauge);
        self.asking = Some(Job::start("baize-gpu-watch", move || {
            described(&gauge.read(), Path::new("/"))
        }));
    }
}

/// What the GPU's maker and the kernel of the machine under `root` tell. Of the temperature the maker knows better; what
/// slows the GPU down each knows in part.
fn described(condition: &Condition, root: &Path) -> Value {
    let thermals = Thermals::under(root);
    let is_gpus = |name: &str| name.to_lowercase().contains("gpu");
    let zone_c = || {
        let zones = thermals.temperatures();
        let zone = zones.iter().find(|zone| is_gpus(&zone.zone))?;
        Some(f64::from(zone.millicelsius) / 1000.0)
    };
    let throttles = || {
        let throttles = thermals.throttles().into_iter().map(|throttle| throttle.device);
        throttles
            .filter(|device| is_gpus(device))
            .collect::<Vec<String>>()
    };
    let memory = condition
        .memory_bytes
        .map(|[free, total]| json!({"used": total.saturating_sub(free), "free": free, "total": total}));
    let clock = GpuClock::under(root).map(|clock| {
        let mhz = |hz: u64| hz / 1_000_000;
        json!({"now": mhz(clock.now_hz), "limit": mhz(clock.limit_hz), "most": clock.most_hz.map(mhz)})
    });
    let by_maker = condition.slowed_by.iter().flatten().map(ToString::to_string);
    let slowed_by: Vec<String> = by_maker.chain(throttles()).collect();
    // A kernel that does not clock the GPU would not know.
    let is_known = condition.slowed_by.is_some() || clock.is_some();
    json!({
        "memory_bytes": memory,
        "temperature_c": condition.temperature_c.map(f64::from).or_else(zone_c),
        "slowed_down_by": is_known.then_some(slowed_by),
        "clock_mhz": clock,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A folder that plays the root of a machine's file system, with these files.
    fn machine(test: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("baize-gpu-watch-{test}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join("sys/class").join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
            fs::write(path, text).expect("the folder is ours");
        }
        root
    }

    #[test]
    fn on_a_jetson_the_kernel_tells_of_heat_and_clock() {
        let root = machine(
            "jetson",
            &[
                ("thermal/thermal_zone0/type", "cpu-thermal\n"),
                ("thermal/thermal_zone0/temp", "61000\n"),
                ("thermal/thermal_zone1/type", "gpu-thermal\n"),
                ("thermal/thermal_zone1/temp", "58250\n"),
                ("thermal/cooling_device0/type", "gpu-throttle-alert\n"),
                ("thermal/cooling_device0/cur_state", "1\n"),
                ("thermal/cooling_device0/max_state", "1\n"),
                ("thermal/cooling_device1/type", "cpufreq-cpu0\n"),
                ("thermal/cooling_device1/cur_state", "3\n"),
                ("thermal/cooling_device1/max_state", "9\n"),
                ("devfreq/17000000.gpu/cur_freq", "306000000\n"),
                ("devfreq/17000000.gpu/max_freq", "510000000\n"),
                (
                    "devfreq/17000000.gpu/available_frequencies",
                    "306000000 510000000 1020000000\n",
                ),
            ],
        );
        let condition = Condition {
            memory_bytes: Some([3_000, 8_000]),
            temperature_c: None,
            slowed_by: None,
        };
        let told = described(&condition, &root);
        fs::remove_dir_all(&root).expect("the folder is ours");
        assert_eq!(
            told,
            json!({
                "memory_bytes": {"used": 5_000, "free": 3_000, "total": 8_000},
                "temperature_c": 58.25,
                "slowed_down_by": ["gpu-throttle-alert"],
                "clock_mhz": {"now": 306, "limit": 510, "most": 1020},
            })
        );
    }

    #[test]
    fn a_management_library_that_knows_no_reason_does_not_hide_what_the_kernel_throttles() {
        let root = machine(
            "jetson-with-nvml",
            &[
                ("thermal/cooling_device0/type", "gpu-throttle-alert\n"),
                ("thermal/cooling_device0/cur_state", "1\n"),
                ("thermal/cooling_device0/max_state", "1\n"),
            ],
        );
        let told = |slowed_by| {
            let condition = Condition {
                memory_bytes: None,
                temperature_c: None,
                slowed_by: Some(slowed_by),
            };
            described(&condition, &root)["slowed_down_by"].clone()
        };
        let (none, heat) = (told(vec![]), told(vec!["heat"]));
        fs::remove_dir_all(&root).expect("the folder is ours");
        assert_eq!(none, json!(["gpu-throttle-alert"]));
        assert_eq!(heat, json!(["heat", "gpu-throttle-alert"]));
    }

    #[test]
    fn what_nobody_tells_is_null() {
        let condition = Condition {
            memory_bytes: None,
            temperature_c: None,
            slowed_by: None,
        };
        let told = described(&condition, Path::new("/nowhere"));
        assert!(KEYS.iter().all(|&key| told[key].is_null()), "{told}");
        assert_eq!(told.as_object().map(|told| told.len()), Some(KEYS.len()));
    }

    #[test]
    fn the_makers_temperature_goes_before_the_kernels() {
        let root = machine(
            "discrete",
            &[
                ("thermal/thermal_zone0/type", "gpu-of-the-board\n"),
                ("thermal/thermal_zone0/temp", "30000\n"),
            ],
        );
        let condition = Condition {
            memory_bytes: None,
            temperature_c: Some(71),
            slowed_by: Some(vec!["heat"]),
        };
        let told = described(&condition, &root);
        fs::remove_dir_all(&root).expect("the folder is ours");
        assert_eq!(
            told,
            json!({"memory_bytes": null, "temperature_c": 71.0, "slowed_down_by": ["heat"], "clock_mhz": null})
        );
    }
}
