//! Waiting for futures by parking the thread: no executor, no polling, and nothing allocated per wait.
//!
//! Each thread that waits owns one parker for good. It is never freed, so that a waker stays valid wherever it was
//! left, even after its thread has ended; a process has a handful of threads and a parker is one word.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::Duration;

use crate::{clock, futex};

/// Runs `future` to its end on this thread, which sleeps while there is nothing to do.
///
/// # Panics
/// Inside another `block_on` of the same thread: the inner wait would swallow the outer one's wake-up.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waiting = Waiting::begin();
    loop {
        if let Poll::Ready(output) = waiting.poll(future.as_mut()) {
            return output;
        }
        waiting.parker.park(None);
    }
}

/// Runs `future` on this thread until it ends or `timeout` has passed; then `None`, and the future is dropped.
///
/// The future is polled at least once, also with a zero timeout.
///
/// # Panics
/// Inside another `block_on` of the same thread: the inner wait would swallow the outer one's wake-up.
pub fn block_on_timeout<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    let deadline_ns =
        clock::monotonic_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
    let mut future = pin!(future);
    let waiting = Waiting::begin();
    loop {
        if let Poll::Ready(output) = waiting.poll(future.as_mut()) {
            return Some(output);
        }
        if clock::monotonic_ns() >= deadline_ns {
            return None;
        }
        waiting.parker.park(Some(deadline_ns));
    }
}

/// Makes this thread's parker now, so that its first wait allocates nothing. Sealing a thread does this.
pub fn prepare_this_thread() {
    Parker::of_this_thread();
}

const IDLE: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;

/// The word on which one thread sleeps.
struct Parker {
    state: AtomicU32,
}

impl Parker {
    fn of_this_thread() -> &'static Parker {
        thread_local! {
            static PARKER: Cell<Option<&'static Parker>> = const { Cell::new(None) };
        }
        PARKER.get().unwrap_or_else(|| {
            let parker: &'static Parker = Box::leak(Box::new(Parker {
                state: AtomicU32::new(IDLE),
            }));
            PARKER.set(Some(parker));
            parker
        })
    }

    /// Sleeps until notified or until the deadline, and takes the notification. May return early.
    fn park(&self, deadline_ns: Option<u64>) {
        if self
            .state
            .compare_exchange(IDLE, PARKED, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            futex::wait(&self.state, PARKED, deadline_ns);
        }
        // Acquire: what the notifier wrote before is seen by the poll that follows.
        self.state.swap(IDLE, Ordering::Acquire);
    }

    fn notify(&self) {
        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            futex::wake_one(&self.state);
        }
    }

    fn waker(&'static self) -> Waker {
        // SAFETY: the data is a `&'static Parker`, as every function of the table expects, valid for ever and shared
        // by all clones.
        unsafe { Waker::from_raw(raw_waker(self)) }
    }
}

const VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop_nothing);

fn raw_waker(parker: &'static Parker) -> RawWaker {
    RawWaker::new(std::ptr::from_ref(parker).cast(), &VTABLE)
}

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    // SAFETY: `data` came from `raw_waker`, so it points to a `Parker` that is never freed.
    let parker = unsafe { &*data.cast::<Parker>() };
    parker.notify();
}

fn drop_nothing(_: *const ()) {}

thread_local! {
    static IS_WAITING: Cell<bool> = const { Cell::new(false) };
}

/// One `block_on` of this thread, from its first poll to its end.
struct Waiting {
    parker: &'static Parker,
    waker: Waker,
}

impl Waiting {
    fn begin() -> Self {
        assert!(
            !IS_WAITING.replace(true),
            "block_on inside block_on of the same thread: await the future instead"
        );
        let parker = Parker::of_this_thread();
        Self {
            parker,
            waker: parker.waker(),
        }
    }

    fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&self.waker))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        IS_WAITING.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;

    #[test]
    fn a_ready_future_returns_at_once() {
        assert_eq!(block_on(ready(5)), 5);
        assert_eq!(block_on_timeout(ready(6), Duration::ZERO), Some(6));
    }

    #[test]
    fn a_future_that_never_ends_times_out_and_not_early() {
        let start_ns = clock::monotonic_ns();
        assert_eq!(block_on_timeout(pending::<()>(), Duration::from_millis(20)), None);
        assert!(clock::monotonic_ns() - start_ns >= 20_000_000);
    }

    #[test]
    fn constant_waking_does_not_outlast_the_timeout() {
        let restless = poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!(block_on_timeout(restless, Duration::from_millis(5)), None);
    }

    #[test]
    fn every_wake_from_another_thread_is_seen() {
        static FLAG: AtomicBool = AtomicBool::new(false);
        let (send_waker, wakers) = mpsc::channel::<Waker>();
        let waking = std::thread::spawn(move || {
            for waker in wakers {
                FLAG.store(true, Ordering::Release);
                waker.wake();
            }
        });
        for _ in 0..20_000 {
            let mut handed_over = false;
            block_on(poll_fn(|context| {
                if FLAG.swap(false, Ordering::Acquire) {
                    return Poll::Ready(());
                }
                if !handed_over {
                    handed_over = true;
                    send_waker.send(context.waker().clone()).unwrap();
                }
                Poll::Pending
            }));
        }
        drop(send_waker);
        waking.join().unwrap();
    }

    #[test]
    fn a_waker_outlives_its_thread() {
        let waker = std::thread::spawn(|| block_on(poll_fn(|context| Poll::Ready(context.waker().clone()))))
            .join()
            .unwrap();
        let clone = waker.clone();
        clone.wake();
        waker.wake();
    }

    #[test]
    fn nesting_is_refused_and_leaves_the_thread_usable() {
        let nested = std::panic::catch_unwind(|| block_on(async { block_on(ready(())) }));
        assert!(nested.is_err());
        assert_eq!(block_on(ready(1)), 1);
    }
}
