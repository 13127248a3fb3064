use std::fmt::Write as _;
use std::path::PathBuf;

use crate::{Program, Scratch};

/// The table's name in all tests.
pub const TABLE: &str = "hall-1";

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
        let config = write_config(&scratch, source, broker, "", lines);
        let program = Program::start([PathBuf::from("run"), "--config".into(), config]);
        Self { program, scratch }
    }

    /// Starts it with more keys of `[table]`, and its calibration in `scratch`.
    pub fn start_at_table(scratch: Scratch, source: &str, broker: &str, table: &str) -> Self {
        let config = write_config(&scratch, source, broker, table, "");
        let program = Program::start([PathBuf::from("run"), "--config".into(), config]);
        Self { program, scratch }
    }

    /// Its calibration file, there or not.
    pub fn calibration_file(&self) -> PathBuf {
        self.scratch.path().join("calibration.json")
    }
}

/// A configuration that asks nothing special of the machine. `table` may add keys of `[table]`, `lines` whole tables, and
/// keys of `[broker]`.
fn write_config(scratch: &Scratch, source: &str, broker: &str, table: &str, lines: &str) -> PathBuf {
    let calibration = scratch.path().join("calibration.json");
    let mut text = format!(
        "[table]\nname = \"{TABLE}\"\n{table}\n[camera]\nsource = \"{source}\"\n\
         [realtime]\nenabled = false\nlock_memory = false\n\
         [detector]\nbackend = \"rten\"\n\
         [calibration]\nfile = \"{}\"\n",
        calibration.display()
    );
    let _ = write!(text, "[broker]\nurl = \"{broker}\"\n{lines}");
    scratch.write("baize.toml", text)
}
