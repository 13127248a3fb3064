//! The four futex calls that this crate rests on, process-private.

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;

/// Sleeps while `word` is `expected`, until woken or until `deadline_ns` of the monotonic clock. May return early.
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline_ns: Option<u64>) {
    let deadline = deadline_ns.map(|ns| libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    });
    let deadline_pointer = deadline.as_ref().map_or(ptr::null(), ptr::from_ref);
    // WAIT_BITSET takes an absolute deadline, so that an interrupted wait does not grow longer.
    // SAFETY: `word` and the deadline outlive the call, which only reads them. Every outcome (woken, changed, timed
    // out, interrupted) means the same to the caller: look again.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            expected,
            deadline_pointer,
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        );
    }
}

/// Wakes one thread that waits on `word`.
pub(crate) fn wake_one(word: &AtomicU32) {
    // SAFETY: `word` is a live, aligned u32; the kernel only uses its address as a key.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

/// Asks the kernel once for the lock at `word`, lending this thread's priority to its owner meanwhile.
pub(crate) fn lock_pi(word: &AtomicU32) -> io::Result<()> {
    // SAFETY: `word` is a live, aligned u32 that only the priority-inheritance protocol writes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_LOCK_PI | libc::FUTEX_PRIVATE_FLAG,
            0,
            ptr::null::<libc::timespec>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives the lock at `word`, which this thread owns, to the waiting thread of highest priority.
pub(crate) fn unlock_pi(word: &AtomicU32) -> io::Result<()> {
    // SAFETY: `word` is a live, aligned u32 that only the priority-inheritance protocol writes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_UNLOCK_PI | libc::FUTEX_PRIVATE_FLAG,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
