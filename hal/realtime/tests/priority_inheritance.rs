//! The lock lends priority: a thread that holds it cannot be starved by a middle one while a high one waits.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use baize_realtime::affinity::{allowed_cores, pin_this_thread};
use baize_realtime::pi_mutex::{LockStatistics, Named, PiRawMutex};
use baize_realtime::scheduling::{SchedulingError, set_fifo_priority};
use embassy_sync::blocking_mutex::raw::RawMutex;

struct Contended;
impl Named for Contended {
    fn statistics() -> &'static LockStatistics {
        static STATISTICS: LockStatistics = LockStatistics::new("contended");
        &STATISTICS
    }
}

/// On one core: low (10) takes the lock and wakes middle (20), which preempts it, wakes high (30) and spins. High
/// preempts and asks for the lock. Only if low inherits priority 30 does it get the core again, and high the lock,
/// before middle gives up.
#[test]
fn the_owner_of_a_lock_runs_at_the_priority_of_its_waiter() {
    /// How long middle keeps the core from a low that inherits nothing. Not a limit on a working lock.
    const GIVE_UP: Duration = Duration::from_millis(500);
    if let Err(SchedulingError::NotPermitted { .. }) = thread::spawn(|| set_fifo_priority(30)).join().unwrap()
    {
        baize_skips::skipped("the permission for SCHED_FIFO");
        return;
    }
    let core = *allowed_cores().unwrap().last().unwrap();
    let lock = PiRawMutex::<Contended>::INIT;
    let everyone_ready = Barrier::new(3);
    let [high_asks, high_has_it] = [const { AtomicBool::new(false) }; 2];
    let become_fifo = |priority| {
        set_fifo_priority(priority).unwrap();
        pin_this_thread(core).unwrap();
        everyone_ready.wait();
    };
    let high = || {
        become_fifo(30);
        thread::park();
        high_asks.store(true, Ordering::SeqCst);
        lock.lock(|| high_has_it.store(true, Ordering::SeqCst));
    };
    let middle = |high: Thread| {
        become_fifo(20);
        thread::park();
        high.unpark();
        let start = Instant::now();
        while !high_has_it.load(Ordering::SeqCst) && start.elapsed() < GIVE_UP {
            std::hint::spin_loop();
        }
        high_has_it.load(Ordering::SeqCst)
    };
    let low = |middle: Thread| {
        become_fifo(10);
        lock.lock(|| {
            middle.unpark();
            while !high_asks.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
        });
    };
    let high_was_in_time = thread::scope(|scope| {
        let high_thread = scope.spawn(high).thread().clone();
        let middle_handle = scope.spawn(|| middle(high_thread));
        let middle_thread = middle_handle.thread().clone();
        scope.spawn(|| low(middle_thread));
        middle_handle.join().unwrap()
    });
    assert!(high_was_in_time, "the owner of the lock was starved");
    assert!(Contended::statistics().longest().wait_ns > 0);
}
