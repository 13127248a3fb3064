//! What is read from the system's files, on made-up systems.

use std::fs;
use std::path::{Path, PathBuf};

use baize_board::gpu_clock::GpuClock;
use baize_board::identity::{Identity, IdentityError, IdentitySource};
use baize_board::temperature::{Temperature, Thermals, Throttle};

/// A folder that plays the root of a machine's file system.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("baize-board-{name}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    fn with(self, path: &str, content: &str) -> Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn with_zone(self, number: usize, name: &str, temp: &str) -> Self {
        let folder = format!("sys/class/thermal/thermal_zone{number}");
        self.with(&format!("{folder}/type"), name)
            .with(&format!("{folder}/temp"), temp)
    }

    fn with_cooler(self, number: usize, name: &str, state: &str, max: &str) -> Self {
        let folder = format!("sys/class/thermal/cooling_device{number}");
        self.with(&format!("{folder}/type"), name)
            .with(&format!("{folder}/cur_state"), state)
            .with(&format!("{folder}/max_state"), max)
    }

    fn with_clock(self, name: &str, files: &[(&str, &str)]) -> Self {
        files.iter().fold(self, |machine, (file, text)| {
            machine.with(&format!("sys/class/devfreq/{name}/{file}"), text)
        })
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn zones_are_read_by_name_and_unreadable_ones_left_out() {
    let machine = Machine::new("zones")
        .with_zone(0, "gpu-thermal\n", "48125\n")
        .with_zone(1, "cpu-thermal\n", "51500\n")
        .with_zone(2, "cv0-thermal\n", "not now\n")
        .with_zone(10, "outside\n", "-3000\n")
        .with("sys/class/thermal/thermal_zone11/type", "no temperature\n");
    let found = Thermals::under(machine.root()).temperatures();
    let expected = [
        ("cpu-thermal", 51_500),
        ("gpu-thermal", 48_125),
        ("outside", -3_000),
    ];
    assert_eq!(
        found,
        expected.map(|(zone, millicelsius)| Temperature {
            zone: zone.into(),
            millicelsius
        })
    );
}

#[test]
fn the_clock_of_a_jetsons_gpu_is_read_whatever_its_kernel_calls_it() {
    for name in ["17000000.gpu", "17000000.ga10b"] {
        let machine = Machine::new(&format!("clock-{name}"))
            .with_clock(
                "15340000.vic",
                &[("cur_freq", "115200000\n"), ("max_freq", "115200000\n")],
            )
            .with_clock(
                name,
                &[
                    ("cur_freq", "306000000\n"),
                    ("max_freq", "624750000\n"),
                    (
                        "available_frequencies",
                        "306000000 624750000 1020000000 510000000\n",
                    ),
                ],
            );
        let expected = GpuClock {
            now_hz: 306_000_000,
            limit_hz: 624_750_000,
            most_hz: Some(1_020_000_000),
        };
        assert_eq!(GpuClock::under(machine.root()), Some(expected), "{name}");
    }
}

#[test]
fn a_machine_without_such_a_gpu_has_no_clock_and_a_list_that_is_missing_is_left_out() {
    let none =
        Machine::new("no-clock").with_clock("15340000.vic", &[("cur_freq", "1\n"), ("max_freq", "2\n")]);
    assert_eq!(GpuClock::under(none.root()), None);
    assert_eq!(GpuClock::under(Path::new("/nowhere")), None);
    let unreadable =
        Machine::new("bad-clock").with_clock("17000000.gpu", &[("cur_freq", "off\n"), ("max_freq", "2\n")]);
    assert_eq!(GpuClock::under(unreadable.root()), None);
    let unlisted =
        Machine::new("short-clock").with_clock("17000000.gpu", &[("cur_freq", "1\n"), ("max_freq", "2\n")]);
    let clock = GpuClock::under(unlisted.root()).expect("a clock");
    assert_eq!((clock.now_hz, clock.limit_hz, clock.most_hz), (1, 2, None));
}

#[test]
fn only_what_is_slowed_down_now_counts_as_throttled() {
    let machine = Machine::new("throttles")
        .with_cooler(0, "cpufreq-cpu0\n", "2\n", "9\n")
        .with_cooler(1, "devfreq-gpu\n", "0\n", "5\n")
        .with_cooler(2, "pwm-fan\n", "3\n", "4\n")
        .with_cooler(3, "intel_powerclamp\n", "-1\n", "50\n");
    let found = Thermals::under(machine.root()).throttles();
    assert_eq!(
        found,
        [Throttle {
            device: "cpufreq-cpu0".into(),
            steps: 2,
            steps_max: 9
        }]
    );
}

#[test]
fn a_machine_without_sensors_has_no_temperatures() {
    let machine = Machine::new("bare");
    assert_eq!(Thermals::under(machine.root()).temperatures(), []);
    assert_eq!(Thermals::under(machine.root()).throttles(), []);
}

#[test]
fn the_serial_number_of_the_module_comes_first() {
    let board = Machine::new("serial")
        .with("proc/device-tree/serial-number", "1421222004837\0")
        .with("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    let identity = Identity::read_under(board.root()).unwrap();
    assert_eq!(identity.source(), IdentitySource::SerialNumber);
    // Fixed for ever: the names of tables in the field depend on it.
    assert_eq!(identity.default_table_name(), "baize-5a221a8e");
    assert_eq!(
        identity.default_table_name(),
        format!("baize-{}", identity.short_id())
    );
}

#[test]
fn without_a_serial_number_the_machine_id_names_it_and_is_not_given_away() {
    let id = "0123456789abcdef0123456789abcdef";
    for useless_serial in ["", "\0", "0000000000000\0"] {
        let machine = Machine::new("machine-id")
            .with("proc/device-tree/serial-number", useless_serial)
            .with("etc/machine-id", &format!("{id}\n"));
        let identity = Identity::read_under(machine.root()).unwrap();
        assert_eq!(identity.source(), IdentitySource::MachineId);
        assert_eq!(identity.short_id(), "30a283c2");
        assert!(!id.contains(&identity.short_id()));
    }
}

#[test]
fn neighbouring_serial_numbers_give_different_names() {
    let name = |serial: &str| {
        let board = Machine::new("neighbours").with("proc/device-tree/serial-number", serial);
        Identity::read_under(board.root()).unwrap().default_table_name()
    };
    assert_ne!(name("1421222004837"), name("1421222004838"));
    assert_ne!(name("1421222004837"), name("1421222004847"));
}

#[test]
fn a_machine_without_any_name_is_told_what_to_do() {
    let machine = Machine::new("nameless").with("etc/machine-id", "uninitialized\n");
    assert_eq!(Identity::read_under(machine.root()), Err(IdentityError));
    assert!(IdentityError.to_string().contains("systemd-machine-id-setup"));
}
