//! Keeping the process in memory, so that no pipeline thread waits for a page.

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::io;
use std::mem::MaybeUninit;

/// Stack that a pipeline thread may use, made resident by [`prefault_stack`]: far more than the deepest call of the
/// pipeline needs, and well below the 2 MiB that Rust gives a thread.
pub const PREFAULTED_STACK_BYTES: usize = 256 * 1024;

/// Smallest page of x86-64 and aarch64; larger pages are then touched more than once.
const PAGE_BYTES: usize = 4096;

/// Bit of CAP_IPC_LOCK in a capability set.
const CAP_IPC_LOCK: u32 = 14;

/// Locks all present and future memory of the process; a page becomes resident when first touched and stays.
///
/// # Errors
/// When the process may not lock without limit. A finite limit does not do: once it is reached, any later mapping
/// would fail as if memory had run out.
pub fn lock_all() -> Result<(), MemoryLockError> {
    if let Some(limit_bytes) = lock_limit_bytes()
        && !may_lock_without_limit()
    {
        return Err(MemoryLockError::LimitTooLow { limit_bytes });
    }
    // SAFETY: locking changes where pages live, not what they hold.
    let result = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if result == 0 {
        Ok(())
    } else {
        Err(MemoryLockError::Refused(io::Error::last_os_error()))
    }
}

/// Touches the calling thread's stack, [`PREFAULTED_STACK_BYTES`] deep, so that it is resident before work begins.
#[inline(never)]
pub fn prefault_stack() {
    let mut depth = [MaybeUninit::<u8>::uninit(); PREFAULTED_STACK_BYTES];
    for page in depth.chunks_mut(PAGE_BYTES) {
        page[0].write(0);
    }
    black_box(&mut depth);
}

/// Touches every page of `memory`, so that it is resident before work begins. The content stays.
pub fn prefault(memory: &mut [u8]) {
    let last = memory.len().wrapping_sub(1);
    for at in (0..memory.len())
        .step_by(PAGE_BYTES)
        .chain(memory.last().is_some().then_some(last))
    {
        let byte = &mut memory[at];
        let same = black_box(*byte);
        // A write, because reading an untouched page maps the shared zero page only.
        // SAFETY: `byte` is a valid, exclusive reference.
        unsafe { std::ptr::write_volatile(byte, same) };
    }
}

/// The limit on locked memory; `None` when there is none.
fn lock_limit_bytes() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writing. The resource exists, so the call cannot fail.
    unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Whether the calling thread has CAP_IPC_LOCK. Where `/proc` does not tell, it counts as missing.
fn may_lock_without_limit() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .is_some_and(|capabilities| capabilities >> CAP_IPC_LOCK & 1 == 1)
}

/// Why the process's memory cannot be locked.
#[derive(Debug)]
pub enum MemoryLockError {
    /// The process may lock only so much.
    LimitTooLow {
        /// The limit on locked memory, RLIMIT_MEMLOCK.
        limit_bytes: u64,
    },
    /// The kernel refused for another reason.
    Refused(io::Error),
}

impl fmt::Display for MemoryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitTooLow { limit_bytes } => write!(
                f,
                "no permission to lock all memory (RLIMIT_MEMLOCK is {} KiB): lift the limit (LimitMEMLOCK=infinity \
                 in the unit, or `ulimit -l unlimited`) or give the process CAP_IPC_LOCK",
                limit_bytes / 1024
            ),
            Self::Refused(error) => {
                write!(
                    f,
                    "the kernel refused to lock memory: {error}; it needs Linux 4.4 or later, and room for the process"
                )
            }
        }
    }
}

impl std::error::Error for MemoryLockError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefaulting_keeps_the_content() {
        for length in [0, 1, PAGE_BYTES - 1, PAGE_BYTES, 3 * PAGE_BYTES + 1] {
            let mut memory: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let before = memory.clone();
            prefault(&mut memory);
            assert_eq!(memory, before);
        }
    }

    #[test]
    fn prefaulting_the_stack_fits_a_default_thread() {
        std::thread::spawn(prefault_stack).join().unwrap();
    }
}
