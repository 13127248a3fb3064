//! Giving a thread the real-time scheduling class.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;

/// Priorities of SCHED_FIFO; the highest runs first.
pub const PRIORITIES: RangeInclusive<u8> = 1..=99;

/// Puts the calling thread under SCHED_FIFO. It then runs until it waits or a higher priority wants the core. Threads
/// and programs that it starts do not inherit this.
///
/// # Errors
/// When the priority is out of range, or the process lacks the privilege.
pub fn set_fifo_priority(priority: u8) -> Result<(), SchedulingError> {
    if !PRIORITIES.contains(&priority) {
        return Err(SchedulingError::PriorityOutOfRange { priority });
    }
    let parameter = libc::sched_param {
        sched_priority: priority.into(),
    };
    // SAFETY: the parameter is initialised and outlives the call; 0 means the calling thread.
    let result = unsafe {
        // The system call itself, because musl's wrapper refuses to work on threads.
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            std::ptr::from_ref(&parameter),
        )
    };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EPERM) => Err(SchedulingError::NotPermitted { priority }),
        _ => Err(SchedulingError::Refused(error)),
    }
}

/// Why a thread cannot run under SCHED_FIFO.
#[derive(Debug)]
pub enum SchedulingError {
    /// The priority is not one of [`PRIORITIES`].
    PriorityOutOfRange {
        /// The priority asked for.
        priority: u8,
    },
    /// The process has neither the capability nor a limit that allows it.
    NotPermitted {
        /// The priority asked for.
        priority: u8,
    },
    /// The kernel refused for another reason.
    Refused(io::Error),
}

impl fmt::Display for SchedulingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PriorityOutOfRange { priority } => write!(
                f,
                "real-time priority {priority} is out of range: use {} to {}",
                PRIORITIES.start(),
                PRIORITIES.end()
            ),
            Self::NotPermitted { priority } => write!(
                f,
                "no permission for real-time priority {priority}: give the process CAP_SYS_NICE \
                 (AmbientCapabilities=CAP_SYS_NICE in its unit) or a limit of at least {priority} \
                 (LimitRTPRIO={priority}, or `ulimit -r`)"
            ),
            Self::Refused(error) => write!(
                f,
                "the kernel refused SCHED_FIFO: {error}; does the unit set RestrictRealtime=yes or a seccomp filter \
                 forbid sched_setscheduler?"
            ),
        }
    }
}

impl std::error::Error for SchedulingError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_out_of_range_is_refused_by_name() {
        for priority in [0, 100, u8::MAX] {
            let error = set_fifo_priority(priority).unwrap_err();
            assert!(matches!(error, SchedulingError::PriorityOutOfRange { .. }));
            assert!(error.to_string().contains("1 to 99"));
        }
    }
}
