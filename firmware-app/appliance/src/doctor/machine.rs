//! What the machine itself has to offer: the time, room for calibrations, permissions.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use baize_realtime::{memory, scheduling};

use super::Finding;
use crate::calibration_store::CalibrationStore;
use crate::config::{self, Config};
use crate::sources;

/// Made by systemd-timesyncd once the clock was set by a time server.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// No machine that runs this program has a right clock before it: 2026-01-01.
const NOT_BEFORE_UNIX_S: u64 = 1_767_225_600;

/// Whether the clock was set. States are stamped by another one; wall-clock times in health and certificates need it.
pub fn clock(config: &Config) -> Finding {
    const SUBJECT: &str = "clock";
    let now_s = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if now_s < NOT_BEFORE_UNIX_S {
        let found = "the clock was never set: it shows a time before 2026";
        let advice = "let systemd-timesyncd or chrony set it; `timedatectl` shows how it stands";
        // No certificate is valid at such a time.
        return match config.broker.url.starts_with("mqtts") {
            true => Finding::missing(SUBJECT, found).advise(advice),
            false => Finding::does_without(SUBJECT, found).advise(advice),
        };
    }
    match Path::new(SYNCHRONISED).exists() {
        true => Finding::good(SUBJECT, "set by a time server"),
        false => Finding::good(SUBJECT, "set; whether by a time server is not known"),
    }
}

/// What is kept in the folder of calibrations, and whether more can be.
pub fn calibrations(config: &Config) -> Finding {
    const SUBJECT: &str = "calibration";
    let folder = &config.calibration.folder;
    let request = match sources::request(config) {
        Ok(request) => request,
        Err(failure) => return Finding::missing(SUBJECT, failure),
    };
    if let Err(error) = try_to_write(folder) {
        return Finding::missing(
            SUBJECT,
            format!("{} cannot be written to: {error}", folder.display()),
        )
        .advise("give it to the user that runs baize, or name another folder: calibration.folder");
    }
    let kept = CalibrationStore::at(folder).read();
    let damaged: Vec<String> = kept.damaged.iter().map(ToString::to_string).collect();
    if !damaged.is_empty() {
        return Finding::does_without(SUBJECT, damaged.join("; "))
            .advise("the newest one that is whole is used; the next calibration overwrites a damaged one");
    }
    // The pictures' size is the camera's to say.
    let misfit = kept
        .newest()
        .and_then(|stored| stored.misfit(&config.table, request.table, None));
    match (kept.newest(), misfit) {
        (Some(_), Some(misfit)) => Finding::does_without(
            SUBJECT,
            format!("the one in {} is not used: {misfit}", folder.display()),
        )
        .advise("calibrate anew, or set the table right"),
        (Some(stored), None) => Finding::good(
            SUBJECT,
            format!(
                "id {} with a residual of {:.2} mm, in {}",
                stored.calibration.id,
                stored.calibration.residual_mm,
                folder.display()
            ),
        ),
        (None, _) if config.calibration.automatic => Finding::good(
            SUBJECT,
            "none yet; the appliance calibrates when it sees the table",
        ),
        (None, _) => Finding::does_without(SUBJECT, "none yet, and it is not to calibrate by itself")
            .advise("press the button, `baize calibrate --live`, or calibration.automatic = true"),
    }
}

/// Writes a file into the folder, or into the one in which the folder will be made, and takes it away.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let mut ancestors = folder
        .ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty());
    let there = ancestors
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("."));
    let probe = there.join(format!(".baize-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(&probe)
}

/// Whether this user's processes may run in real time.
pub fn permissions(config: &config::Realtime, tell: &mut dyn FnMut(Finding)) {
    tell(scheduling(config));
    tell(memory(config));
}

fn scheduling(config: &config::Realtime) -> Finding {
    const SUBJECT: &str = "scheduling";
    if !config.enabled {
        return Finding::good(SUBJECT, "ordinary, as configured");
    }
    // The configuration's check keeps it within a byte.
    let priority = u8::try_from(config.priority).unwrap_or(u8::MAX);
    // On a thread of its own: this one shall not stay urgent.
    let tried = std::thread::spawn(move || scheduling::set_fifo_priority(priority)).join();
    match tried {
        Ok(Ok(())) => Finding::good(SUBJECT, format!("may run in real time, priority {priority}")),
        Ok(Err(error)) => Finding::does_without(SUBJECT, error),
        Err(_) => Finding::does_without(SUBJECT, "the trial ended without a result"),
    }
}

fn memory(config: &config::Realtime) -> Finding {
    const SUBJECT: &str = "memory";
    if !config.lock_memory {
        return Finding::good(SUBJECT, "not locked, as configured");
    }
    match memory::lock_all() {
        Ok(()) => Finding::good(SUBJECT, "may be locked"),
        Err(error) => Finding::does_without(SUBJECT, error),
    }
}
