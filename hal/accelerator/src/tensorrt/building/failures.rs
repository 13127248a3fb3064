//! How often building an engine failed, in a file, so that a restart does not forget it.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::file::EngineKey;

/// After the first failure; then four times as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(10 * 60);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub struct Failures {
    file: PathBuf,
    /// How many there were and when the last one was, for as long as the process lives: on a full disk none can be noted.
    known: Cell<Option<(u32, SystemTime)>>,
}

impl Failures {
    pub const fn of(file: PathBuf) -> Self {
        Self {
            file,
            known: Cell::new(None),
        }
    }

    /// How long to wait before the next try. A clock that was set back makes it no longer than from now.
    pub fn wait(&self, key: &EngineKey, now: SystemTime) -> Duration {
        let Some((count, at)) = self.read(key) else {
            return Duration::ZERO;
        };
        let wait = wait_after(count);
        let waited = now.duration_since(at).unwrap_or_default();
        wait.saturating_sub(waited)
    }

    /// Notes one more.
    pub fn note(&self, key: &EngineKey, now: SystemTime, reason: &str) {
        let count = self.read(key).map_or(0, |(count, _)| count).saturating_add(1);
        self.known.set(Some((count, now)));
        let at_s = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let text = format!(
            "failed {count}\nat {at_s}\n{}\n{reason}\n",
            key.lines().join("\n")
        );
        // On a full disk nothing is noted: then only the next start tries again at once.
        let _ = fs::write(&self.file, text);
    }

    pub fn forget(&self) {
        self.known.set(None);
        // There seldom is one.
        let _ = fs::remove_file(&self.file);
    }

    /// How many failures there were of this very build, and when the last one was.
    fn read(&self, key: &EngineKey) -> Option<(u32, SystemTime)> {
        self.known.get().or_else(|| self.read_file(key))
    }

    fn read_file(&self, key: &EngineKey) -> Option<(u32, SystemTime)> {
        let text = fs::read_to_string(&self.file).ok()?;
        let mut lines = text.lines();
        let count = lines.next()?.strip_prefix("failed ")?.parse().ok()?;
        let at_s = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let same = key.lines().iter().all(|line| lines.next() == Some(line));
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at_s))?;
        same.then_some((count, at))
    }
}

fn wait_after(failures: u32) -> Duration {
    let times = 4_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_WAIT.saturating_mul(times).min(LONGEST_WAIT)
}
