//! A lock for `embassy-sync` whose owner runs at the priority of whoever waits for it.
//!
//! One word per lock, as the kernel's priority-inheritance futex wants it: 0 is free, else the owner's thread id. A
//! free lock is taken and given back by one compare-and-swap each; only contention enters the kernel.
//!
//! `embassy-sync` keeps its locks private, so statistics belong to the lock's **type**: one empty type per channel.
//!
//! ```
//! use baize_realtime::pi_mutex::{LockStatistics, Named, PiRawMutex};
//!
//! struct Frames;
//! impl Named for Frames {
//!     fn statistics() -> &'static LockStatistics {
//!         static STATISTICS: LockStatistics = LockStatistics::new("frames");
//!         &STATISTICS
//!     }
//! }
//!
//! static FRAMES: embassy_sync::channel::Channel<PiRawMutex<Frames>, u8, 4> = embassy_sync::channel::Channel::new();
//!
//! FRAMES.try_send(7).unwrap();
//! assert!(Frames::statistics().longest().hold_ns > 0);
//! ```

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use embassy_sync::blocking_mutex::raw::RawMutex;

use crate::{clock, futex};

/// Gives a kind of lock its name and statistics. All locks of one kind share them.
pub trait Named: 'static {
    /// Where the locks of this kind record their longest times: a `static` inside the function.
    fn statistics() -> &'static LockStatistics;
}

/// The longest wait for, and hold of, the locks of one kind. Any thread may read it.
#[derive(Debug)]
pub struct LockStatistics {
    name: &'static str,
    longest_wait_ns: AtomicU64,
    longest_hold_ns: AtomicU64,
}

/// The longest times of a lock since start or since [`LockStatistics::reset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockTimes {
    /// Longest time that a thread waited for the lock; 0 when it was always free.
    pub wait_ns: u64,
    /// Longest time that a thread held the lock.
    pub hold_ns: u64,
}

impl LockStatistics {
    /// Statistics under the name that health shows.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            longest_wait_ns: AtomicU64::new(0),
            longest_hold_ns: AtomicU64::new(0),
        }
    }

    /// The name that health shows.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The longest times so far.
    pub fn longest(&self) -> LockTimes {
        LockTimes {
            wait_ns: self.longest_wait_ns.load(Ordering::Relaxed),
            hold_ns: self.longest_hold_ns.load(Ordering::Relaxed),
        }
    }

    /// Forgets the times so far, for a measurement that starts now.
    pub fn reset(&self) {
        self.longest_wait_ns.store(0, Ordering::Relaxed);
        self.longest_hold_ns.store(0, Ordering::Relaxed);
    }
}

/// A priority-inheriting lock of kind `N`, for the types of `embassy-sync`.
#[derive(Debug)]
pub struct PiRawMutex<N> {
    word: AtomicU32,
    kind: PhantomData<fn() -> N>,
}

// SAFETY: only the thread whose id stands in `word` runs its closure, and only that thread takes the id out again.
// The same thread may enter twice, as the trait allows.
unsafe impl<N: Named> RawMutex for PiRawMutex<N> {
    // A fresh lock per use is what `RawMutex` asks of this constant.
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self {
        word: AtomicU32::new(0),
        kind: PhantomData,
    };

    fn lock<R>(&self, f: impl FnOnce() -> R) -> R {
        let thread_id = this_thread_id();
        if self.word.load(Ordering::Relaxed) & libc::FUTEX_TID_MASK == thread_id {
            // This thread holds the lock already, and its outer call will give it back.
            return f();
        }
        if self
            .word
            .compare_exchange(0, thread_id, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            let start_ns = clock::monotonic_ns();
            wait_for(&self.word);
            raise(&N::statistics().longest_wait_ns, clock::monotonic_ns() - start_ns);
        }
        let _held = Held {
            word: &self.word,
            thread_id,
            since_ns: clock::monotonic_ns(),
            statistics: N::statistics(),
        };
        f()
    }
}

/// Gives the lock back when dropped, also when the closure panicked.
struct Held<'a> {
    word: &'a AtomicU32,
    thread_id: u32,
    since_ns: u64,
    statistics: &'static LockStatistics,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        raise(
            &self.statistics.longest_hold_ns,
            clock::monotonic_ns() - self.since_ns,
        );
        if self
            .word
            .compare_exchange(self.thread_id, 0, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            // Somebody waits. The kernel writes the next owner into the word with full ordering.
            futex::unlock_pi(self.word).expect("the owner of a priority-inheriting lock can give it back");
        }
    }
}

#[cold]
fn wait_for(word: &AtomicU32) {
    while let Err(error) = futex::lock_pi(word) {
        match error.raw_os_error() {
            // Interrupted, or the kernel lost a race with the owner: ask again.
            Some(libc::EINTR | libc::EAGAIN) => {}
            Some(libc::ENOSYS) => {
                panic!("the kernel lacks priority inheritance: build it with CONFIG_FUTEX_PI=y")
            }
            _ => unreachable_lock_state(&error),
        }
    }
}

#[cold]
fn unreachable_lock_state(error: &io::Error) -> ! {
    panic!("a priority-inheriting lock is broken ({error}): was its memory overwritten, or its owner killed?")
}

/// A load is cheaper than an atomic maximum, and nearly always enough.
fn raise(longest_ns: &AtomicU64, time_ns: u64) {
    if time_ns > longest_ns.load(Ordering::Relaxed) {
        longest_ns.fetch_max(time_ns, Ordering::Relaxed);
    }
}

fn this_thread_id() -> u32 {
    thread_local! {
        static THREAD_ID: Cell<u32> = const { Cell::new(0) };
    }
    let cached = THREAD_ID.get();
    if cached != 0 {
        return cached;
    }
    // SAFETY: gettid has no preconditions.
    let thread_id = unsafe { libc::gettid() }.unsigned_abs();
    THREAD_ID.set(thread_id);
    thread_id
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_sync::blocking_mutex::Mutex;
    use std::cell::Cell;

    struct Tested;
    impl Named for Tested {
        fn statistics() -> &'static LockStatistics {
            static STATISTICS: LockStatistics = LockStatistics::new("tested");
            &STATISTICS
        }
    }

    #[test]
    fn contending_threads_never_hold_the_lock_together() {
        const THREADS: u64 = 4;
        const ROUNDS: u64 = 20_000;
        let counter = Mutex::<PiRawMutex<Tested>, _>::new(Cell::new(0u64));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        // A plain read and write, with a chance to be interrupted between: lost if two hold the lock.
                        counter.lock(|value| {
                            let read = value.get();
                            if read % 64 == 0 {
                                std::thread::yield_now();
                            }
                            value.set(read + 1);
                        });
                    }
                });
            }
        });
        assert_eq!(counter.into_inner().get(), THREADS * ROUNDS);
    }

    #[test]
    fn a_thread_may_enter_its_own_lock_again_and_leaves_it_free() {
        let mutex = Mutex::<PiRawMutex<Tested>, _>::new(Cell::new(0));
        mutex.lock(|outer| mutex.lock(|inner| inner.set(outer.get() + 1)));
        std::thread::scope(|scope| {
            scope
                .spawn(|| mutex.lock(|value| assert_eq!(value.get(), 1)))
                .join()
                .unwrap()
        });
    }

    #[test]
    fn a_panic_inside_gives_the_lock_back() {
        let mutex = Mutex::<PiRawMutex<Tested>, _>::new(Cell::new(3));
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| mutex.lock(|_| std::panic::resume_unwind(Box::new("inside"))));
            assert!(holder.join().is_err());
        });
        assert_eq!(mutex.lock(Cell::get), 3);
    }

    #[test]
    fn the_longest_wait_and_hold_are_recorded() {
        struct Timed;
        impl Named for Timed {
            fn statistics() -> &'static LockStatistics {
                static STATISTICS: LockStatistics = LockStatistics::new("timed");
                &STATISTICS
            }
        }
        const HOLD: std::time::Duration = std::time::Duration::from_millis(20);
        let mutex = Mutex::<PiRawMutex<Timed>, _>::new(());
        mutex.lock(|()| ());
        assert_eq!(Timed::statistics().longest().wait_ns, 0, "nobody waited yet");
        let held = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                mutex.lock(|()| {
                    held.wait();
                    std::thread::sleep(HOLD);
                })
            });
            held.wait();
            mutex.lock(|()| ());
        });
        let longest = Timed::statistics().longest();
        assert!(longest.hold_ns >= HOLD.as_nanos() as u64, "{longest:?}");
        assert!(longest.wait_ns > 0, "{longest:?}");
        Timed::statistics().reset();
        assert_eq!(
            Timed::statistics().longest(),
            LockTimes {
                wait_ns: 0,
                hold_ns: 0
            }
        );
        assert_eq!(Timed::statistics().name(), "timed");
    }
}
