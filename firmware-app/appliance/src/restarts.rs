//! Restarts for a GPU that is out of order: only a new process gets it back, and not every one does.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::durable;

/// A GPU that needs more is left alone; the CPU serves.
pub const RESTARTS_AN_HOUR: usize = 3;

const HOUR_S: u64 = 3600;

/// Notes a restart in `file`, unless there were too many within the last hour: then `false`.
///
/// # Errors
/// The note could not be written: nobody would know of the restart, so there must be none.
pub fn note_if_few(file: &Path, now: SystemTime) -> io::Result<bool> {
    let mut restarts = within_the_hour(file, now);
    if restarts.len() >= RESTARTS_AN_HOUR {
        return Ok(false);
    }
    restarts.push(seconds(now));
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let text: String = restarts.iter().map(|at| format!("{at}\n")).collect();
    durable::write(file, text.as_bytes())?;
    Ok(true)
}

/// When there were restarts within the last hour, in seconds since 1970. What cannot be read did not happen.
pub fn within_the_hour(file: &Path, now: SystemTime) -> Vec<u64> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let now = seconds(now);
    let restarts = text.lines().filter_map(|line| line.parse().ok());
    // One in the future is from before the clock was set.
    restarts.filter(|at| *at <= now && now - at < HOUR_S).collect()
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn there_are_three_restarts_within_an_hour_and_no_fourth() {
        let folder = std::env::temp_dir().join(format!("baize-restarts-{}", std::process::id()));
        let file = folder.join("gpu-restarts");
        let outcomes = [10_000, 11_000, 12_000, 13_000, 13_599, 13_600, 13_601]
            .map(|now| note_if_few(&file, at(now)).expect("a folder to write to"));
        assert_eq!(outcomes, [true, true, true, false, false, true, false]);
        // The clock was set back: what lies ahead of it is no reason.
        assert_eq!(within_the_hour(&file, at(5000)), [0; 0]);
        fs::write(&file, "junk\n-1\n10\n").expect("a folder to write to");
        assert_eq!(within_the_hour(&file, at(20)), [10]);
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
