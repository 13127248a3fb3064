//! Pinning a thread to one core.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;

/// Cores that the kernel's fixed-size set holds.
const MAX_CORES: usize = libc::CPU_SETSIZE as usize;

/// Keeps the calling thread on `core` (counted from 0) until it is pinned elsewhere. Threads that it starts inherit
/// this.
///
/// # Errors
/// When there is no such core, or the process may not use it.
pub fn pin_this_thread(core: usize) -> Result<(), AffinityError> {
    if core >= MAX_CORES {
        return Err(AffinityError::CoreUnavailable { core });
    }
    let mut cores = empty_set();
    // SAFETY: `core` is below the capacity of the set.
    unsafe { libc::CPU_SET(core, &mut cores) };
    // SAFETY: the set is initialised and its size is given; 0 means the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &cores) };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL) => Err(AffinityError::CoreUnavailable { core }),
        _ => Err(AffinityError::Refused(error)),
    }
}

/// The cores on which the calling thread may run now, in rising order.
///
/// # Errors
/// When the kernel knows more cores than fit its fixed-size set (1024).
pub fn allowed_cores() -> Result<Vec<usize>, AffinityError> {
    let mut cores = empty_set();
    // SAFETY: the set is valid for writing and its size is given; 0 means the calling thread.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut cores) };
    if result != 0 {
        return Err(AffinityError::Refused(io::Error::last_os_error()));
    }
    // SAFETY: every core asked for is below the capacity of the set.
    Ok((0..MAX_CORES)
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &cores) })
        .collect())
}

fn empty_set() -> libc::cpu_set_t {
    // SAFETY: a cpu_set_t is an array of integers; all bits zero is the empty set.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Why a thread cannot be pinned.
#[derive(Debug)]
pub enum AffinityError {
    /// The machine has no such core, or the process is confined to others.
    CoreUnavailable {
        /// The core asked for.
        core: usize,
    },
    /// The kernel refused for another reason.
    Refused(io::Error),
}

impl fmt::Display for AffinityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoreUnavailable { core } => write!(
                f,
                "core {core} is not there or not allowed: choose one of /sys/devices/system/cpu/online that the unit's \
                 AllowedCPUs= permits"
            ),
            Self::Refused(error) => write!(
                f,
                "the kernel refused to set or tell a thread's cores: {error}; does a seccomp filter forbid \
                 sched_setaffinity (SystemCallFilter=@resources allows it)?"
            ),
        }
    }
}

impl std::error::Error for AffinityError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_pinned_thread_is_allowed_on_that_core_only() {
        let core = *allowed_cores().unwrap().last().unwrap();
        thread::spawn(move || {
            pin_this_thread(core).unwrap();
            assert_eq!(allowed_cores().unwrap(), [core]);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_core_that_is_not_there_is_named() {
        for core in [MAX_CORES - 1, MAX_CORES, usize::MAX] {
            let error = pin_this_thread(core).unwrap_err();
            assert!(matches!(error, AffinityError::CoreUnavailable { .. }));
            assert!(error.to_string().contains(&core.to_string()));
        }
    }
}
