//! Waiting for what will come, and saying what did not.

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only a broken promise waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until `condition` yields something.
///
/// # Panics
/// After [`PATIENCE`], with `what` was waited for.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    for_at_most(PATIENCE, condition).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

/// Waits until `condition` yields something; `None` if it does not in time.
pub fn for_at_most<T>(most: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + most;
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}
