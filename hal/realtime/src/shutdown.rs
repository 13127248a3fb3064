//! SIGTERM and SIGINT as a value that one thread waits for.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use crate::clock;

/// A request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: the service manager stops the appliance.
    Terminate,
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
}

/// Lets writing into a pipe that nobody reads any more end the process quietly, as people's tools do (`… | head`). Rust
/// programs otherwise get an error from it, which `println!` turns into a panic. Not for the appliance itself: a service
/// does not end because its log is gone.
pub fn end_on_broken_pipe() {
    // SAFETY: sets the default action of a signal that exists; no handler of ours is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// The two signals, kept from ending the process and waiting to be taken.
#[derive(Debug)]
pub struct Signals {
    set: libc::sigset_t,
}

impl Signals {
    /// Blocks both signals in the calling thread and in all that it starts from now on: to be called first in `main`.
    /// Programs started later inherit the block too; end them with SIGKILL or by closing their input.
    pub fn block() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `set` is valid for writing; this initialises it.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: initialised by the call before.
        let mut set = unsafe { set.assume_init() };
        for signal in [libc::SIGTERM, libc::SIGINT] {
            // SAFETY: the set is initialised and the signal exists.
            unsafe { libc::sigaddset(&mut set, signal) };
        }
        // SAFETY: the set is initialised; the old mask is not asked for. With these arguments it cannot fail.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, ptr::null_mut()) };
        Self { set }
    }

    /// Waits for one of the signals, at most for `timeout`.
    pub fn wait(&self, timeout: Duration) -> Option<Signal> {
        let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let deadline_ns = clock::monotonic_ns().saturating_add(timeout_ns);
        loop {
            let left_ns = deadline_ns.saturating_sub(clock::monotonic_ns());
            let left = libc::timespec {
                tv_sec: (left_ns / 1_000_000_000) as libc::time_t,
                tv_nsec: (left_ns % 1_000_000_000) as libc::c_long,
            };
            // SAFETY: the set and the time are initialised and outlive the call.
            match unsafe { libc::sigtimedwait(&self.set, ptr::null_mut(), &left) } {
                libc::SIGTERM => return Some(Signal::Terminate),
                libc::SIGINT => return Some(Signal::Interrupt),
                // Another signal's handler ran meanwhile: wait on.
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// In a thread of its own, because the mask of a test harness's thread is not ours to change.
    fn in_own_thread(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().unwrap();
    }

    fn send_to_this_thread(signal: libc::c_int) {
        // SAFETY: the signal is blocked in this thread, so it stays pending.
        assert_eq!(unsafe { libc::raise(signal) }, 0);
    }

    #[test]
    fn a_signal_sent_before_the_wait_is_not_lost() {
        in_own_thread(|| {
            let signals = Signals::block();
            send_to_this_thread(libc::SIGTERM);
            assert_eq!(signals.wait(Duration::from_secs(10)), Some(Signal::Terminate));
            send_to_this_thread(libc::SIGINT);
            assert_eq!(signals.wait(Duration::ZERO), Some(Signal::Interrupt));
            assert_eq!(signals.wait(Duration::ZERO), None, "each is taken once");
        });
    }

    #[test]
    fn the_wait_ends_at_its_timeout_and_not_early() {
        in_own_thread(|| {
            let signals = Signals::block();
            let start_ns = clock::monotonic_ns();
            assert_eq!(signals.wait(Duration::from_millis(10)), None);
            assert!(clock::monotonic_ns() - start_ns >= 10_000_000);
        });
    }

    #[test]
    fn threads_started_after_the_block_leave_the_signals_to_the_waiting_one() {
        in_own_thread(|| {
            let _signals = Signals::block();
            in_own_thread(|| {
                let mut mask = MaybeUninit::uninit();
                // SAFETY: no new mask is given; the present one is written to `mask`.
                unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()) };
                // SAFETY: written by the call before.
                let mask = unsafe { mask.assume_init() };
                for signal in [libc::SIGTERM, libc::SIGINT] {
                    // SAFETY: the mask is initialised.
                    assert_eq!(unsafe { libc::sigismember(&mask, signal) }, 1);
                }
            });
        });
    }
}
