use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Program, Scratch, ServiceManager};

/// The table's name in all tests.
pub const TABLE: &str = "hall-1";

/// Folder of a model that takes hardly any time.
pub const SMALL_MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../hal/accelerator/tests/fixtures/spots"
);

/// The folder of calibrations in an appliance's scratch folder.
pub const CALIBRATIONS: &str = "calibration";

/// `baize run` with a configuration of its own.
#[derive(Debug)]
pub struct Appliance {
    /// The process.
    pub program: Program,
    scratch: Scratch,
}

impl Appliance {
    /// Starts it on a source and a broker.
    pub fn start(source: &str, broker: &str) -> Self {
        Self::start_with(Scratch::new(), source, broker, "")
    }

    /// Starts it with more lines in its configuration, and its calibration in `scratch`.
    pub fn start_with(scratch: Scratch, source: &str, broker: &str, lines: &str) -> Self {
        let more = More {
            lines,
            ..More::default()
        };
        Self::of(write_config(&scratch, source, broker, &more), scratch)
    }

    /// Starts it with more keys of `[table]`, and its calibration in `scratch`.
    pub fn start_at_table(scratch: Scratch, source: &str, broker: &str, table: &str) -> Self {
        let more = More {
            table,
            ..More::default()
        };
        Self::of(write_config(&scratch, source, broker, &more), scratch)
    }

    /// Starts it with the small model of the accelerator's own tests: for what is about cameras and not about balls.
    pub fn start_with_a_small_model(source: &str, broker: &str) -> Self {
        let more = More {
            model: SMALL_MODEL,
            ..More::default()
        };
        let scratch = Scratch::new();
        Self::of(write_config(&scratch, source, broker, &more), scratch)
    }

    /// Starts it with the small model and a service manager that waits so long for a sign of life.
    pub fn start_under(manager: &ServiceManager, watchdog: Duration, source: &str) -> Self {
        let more = More {
            model: SMALL_MODEL,
            ..More::default()
        };
        let scratch = Scratch::new();
        let config = write_config(&scratch, source, "mqtt://127.0.0.1:1", &more);
        let arguments = [OsStr::new("run"), OsStr::new("--config"), config.as_os_str()];
        let (address, interval_us) = (manager.address(), watchdog.as_micros().to_string());
        let environment = [
            ("NOTIFY_SOCKET", address.as_os_str()),
            ("WATCHDOG_USEC", OsStr::new(&interval_us)),
        ];
        let program = Program::start_in(arguments, &environment);
        Self { program, scratch }
    }

    fn of(config: PathBuf, scratch: Scratch) -> Self {
        let program = Program::start([PathBuf::from("run"), "--config".into(), config]);
        Self { program, scratch }
    }

    /// Its folder of calibrations, there or not.
    pub fn calibrations(&self) -> PathBuf {
        self.scratch.path().join(CALIBRATIONS)
    }
}

/// What a configuration adds to the one of all tests.
#[derive(Default)]
struct More<'a> {
    /// Keys of `[table]`.
    table: &'a str,
    /// Folder of the model; empty: the one inside the program.
    model: &'a str,
    /// Keys of `[broker]`, and whole tables.
    lines: &'a str,
}

/// A configuration that asks nothing special of the machine.
fn write_config(scratch: &Scratch, source: &str, broker: &str, more: &More<'_>) -> PathBuf {
    let More { table, model, lines } = more;
    let calibration = scratch.path().join(CALIBRATIONS);
    let mut text = format!(
        "[table]\nname = \"{TABLE}\"\n{table}\n[camera]\nsource = \"{source}\"\n\
         [realtime]\nenabled = false\nlock_memory = false\n\
         [detector]\nbackend = \"rten\"\nmodel = \"{model}\"\n\
         [calibration]\nfolder = \"{}\"\n",
        calibration.display()
    );
    let _ = write!(text, "[broker]\nurl = \"{broker}\"\n{lines}");
    scratch.write("baize.toml", text)
}
