//! The monotonic time of the project, how far it is from the wall clock, and which boot it counts from.

use std::fmt;
use std::fs;
use std::path::Path;

const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";

/// Nanoseconds of CLOCK_MONOTONIC, the clock in which V4L2 drivers stamp frames.
pub fn monotonic_ns() -> u64 {
    read_clock_ns(libc::CLOCK_MONOTONIC).unsigned_abs()
}

/// Microseconds of CLOCK_MONOTONIC, the unit of `exposure_us`.
pub fn monotonic_us() -> u64 {
    monotonic_ns() / 1_000
}

/// Microseconds to add to [`monotonic_us`] to get microseconds since 1970 (UTC), as the wall clock stands now. It
/// changes when the wall clock is set.
pub fn wall_offset_us() -> i64 {
    let before_ns = read_clock_ns(libc::CLOCK_MONOTONIC);
    let wall_ns = read_clock_ns(libc::CLOCK_REALTIME);
    let after_ns = read_clock_ns(libc::CLOCK_MONOTONIC);
    (wall_ns - before_ns.midpoint(after_ns)) / 1_000
}

fn read_clock_ns(clock: libc::clockid_t) -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid place for a timespec. Both clocks exist on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Names one boot of the machine: monotonic times compare only within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId(u128);

impl BootId {
    /// Reads the kernel's random id of this boot.
    ///
    /// # Errors
    /// When `/proc` is not mounted or holds something else there.
    pub fn read() -> Result<Self, BootIdError> {
        Self::read_from(Path::new(BOOT_ID_PATH))
    }

    fn read_from(path: &Path) -> Result<Self, BootIdError> {
        let text = fs::read_to_string(path).map_err(BootIdError::Unreadable)?;
        let digits: String = text.trim().chars().filter(|&c| c != '-').collect();
        if digits.len() != 32 {
            return Err(BootIdError::Malformed);
        }
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| BootIdError::Malformed)
    }

    /// A boot id from its 128 bits, as a recording holds them.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits of the id.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

/// Writes the usual form, `01234567-89ab-cdef-0123-456789abcdef`.
impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = [
            self.0 >> 96,
            self.0 >> 80 & 0xffff,
            self.0 >> 64 & 0xffff,
            self.0 >> 48 & 0xffff,
        ];
        write!(
            f,
            "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{:012x}",
            self.0 & 0xffff_ffff_ffff
        )
    }
}

/// Why the boot id is unknown.
#[derive(Debug)]
pub enum BootIdError {
    /// The kernel's file cannot be read.
    Unreadable(std::io::Error),
    /// The kernel's file does not hold a UUID.
    Malformed,
}

impl fmt::Display for BootIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => {
                write!(
                    f,
                    "cannot read the boot id from {BOOT_ID_PATH}: {error}; is /proc mounted?"
                )
            }
            Self::Malformed => write!(
                f,
                "{BOOT_ID_PATH} does not hold a UUID; is /proc the kernel's own?"
            ),
        }
    }
}

impl std::error::Error for BootIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_never_runs_backwards() {
        let mut last_ns = monotonic_ns();
        for _ in 0..10_000 {
            let now_ns = monotonic_ns();
            assert!(now_ns >= last_ns);
            last_ns = now_ns;
        }
    }

    #[test]
    fn wall_offset_leads_from_monotonic_to_wall_time() {
        let before = std::time::SystemTime::now();
        let wall_us = monotonic_us()
            .checked_add_signed(wall_offset_us())
            .expect("the wall clock is past 1970");
        let difference = std::time::UNIX_EPOCH + std::time::Duration::from_micros(wall_us);
        // A machine under load may pause between the two readings; a wrong unit would be off by years.
        let apart = difference
            .duration_since(before)
            .unwrap_or_else(|early| early.duration());
        assert!(apart.as_secs() < 3600, "{apart:?} apart");
    }

    #[test]
    fn boot_id_reads_the_same_twice_and_prints_as_the_kernel_does() {
        let id = BootId::read().unwrap();
        assert_eq!(id, BootId::read().unwrap());
        assert_eq!(id.to_string(), fs::read_to_string(BOOT_ID_PATH).unwrap().trim());
        assert_eq!(BootId::from_bits(id.bits()), id);
    }

    #[test]
    fn boot_id_refuses_a_file_that_holds_something_else() {
        assert!(matches!(
            BootId::read_from(Path::new("/proc/self/stat")),
            Err(BootIdError::Malformed)
        ));
        assert!(matches!(
            BootId::read_from(Path::new("/proc/no-such")),
            Err(BootIdError::Unreadable(_))
        ));
    }
}
