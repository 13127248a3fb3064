use std::time::Duration;

use baize_realtime::clock::monotonic_us;

/// The moment `timeout` from now, in microseconds of the monotonic clock.
pub(crate) fn deadline_us(timeout: Duration) -> u64 {
    monotonic_us().saturating_add(u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX))
}

/// Sleeps until `moment_us` of the monotonic clock.
pub(crate) fn sleep_until(moment_us: u64) {
    if let Some(left) = moment_us.checked_sub(monotonic_us()) {
        std::thread::sleep(Duration::from_micros(left));
    }
}
