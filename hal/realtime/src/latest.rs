//! A cell between two threads in which the newest value wins.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use embassy_sync::blocking_mutex::Mutex;

use crate::pi_mutex::{Named, PiRawMutex};

/// Holds at most one value. The producer never waits: it gets back what the consumer was too slow for, to count it and
/// to give its resources back. Meant for **one** consumer; its lock is of kind `N`.
pub struct LatestCell<N: Named, T> {
    state: Mutex<PiRawMutex<N>, RefCell<State<T>>>,
}

struct State<T> {
    value: Option<T>,
    consumer: Option<Waker>,
}

impl<N: Named, T> LatestCell<N, T> {
    /// An empty cell.
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(RefCell::new(State {
                value: None,
                consumer: None,
            })),
        }
    }

    /// Puts `value` in and wakes the consumer. Returns the value that nobody has taken, if there was one.
    #[must_use = "the superseded value is to be counted, and its slot given back"]
    pub fn put(&self, value: T) -> Option<T> {
        let (superseded, consumer) = self.state.lock(|state| {
            let mut state = state.borrow_mut();
            (state.value.replace(value), state.consumer.take())
        });
        // Waking is a system call, so it happens outside the lock.
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        superseded
    }

    /// Takes the value out, if there is one.
    pub fn take(&self) -> Option<T> {
        self.state.lock(|state| state.borrow_mut().value.take())
    }

    /// Waits for a value and takes it out.
    pub async fn wait(&self) -> T {
        poll_fn(|context| {
            let (taken, replaced) = self.state.lock(|state| {
                let mut state = state.borrow_mut();
                match state.value.take() {
                    Some(value) => (Poll::Ready(value), None),
                    None => (Poll::Pending, state.consumer.replace(context.waker().clone())),
                }
            });
            // A second consumer is a mistake; waking the first makes it slow instead of stuck.
            if let Some(other) = replaced.filter(|other| !other.will_wake(context.waker())) {
                other.wake();
            }
            taken
        })
        .await
    }
}

impl<N: Named, T> Default for LatestCell<N, T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::park::{block_on, block_on_timeout};
    use crate::pi_mutex::LockStatistics;
    use std::time::Duration;

    struct Cells;
    impl Named for Cells {
        fn statistics() -> &'static LockStatistics {
            static STATISTICS: LockStatistics = LockStatistics::new("cells");
            &STATISTICS
        }
    }

    #[test]
    fn a_second_value_supersedes_the_first_and_hands_it_back() {
        let cell = LatestCell::<Cells, _>::new();
        assert_eq!(cell.put(1), None);
        assert_eq!(cell.put(2), Some(1));
        assert_eq!(cell.take(), Some(2));
        assert_eq!(cell.take(), None);
    }

    #[test]
    fn two_hundred_thousand_values_arrive_in_order_or_are_handed_back() {
        const VALUES: u32 = 200_000;
        let cell = LatestCell::<Cells, u32>::new();
        std::thread::scope(|scope| {
            let consumer = scope.spawn(|| {
                let mut taken = Vec::new();
                while taken.last() != Some(&(VALUES - 1)) {
                    taken.push(block_on(cell.wait()));
                }
                taken
            });
            let superseded: Vec<u32> = (0..VALUES).filter_map(|value| cell.put(value)).collect();
            let taken = consumer.join().unwrap();
            assert!(taken.is_sorted() && superseded.is_sorted());
            let mut all = [taken, superseded].concat();
            all.sort_unstable();
            assert!(
                all.into_iter().eq(0..VALUES),
                "each value is either taken or handed back, once"
            );
        });
    }

    #[test]
    fn a_consumer_that_gave_up_waiting_misses_nothing() {
        let cell = LatestCell::<Cells, u32>::new();
        assert_eq!(block_on_timeout(cell.wait(), Duration::from_millis(1)), None);
        assert_eq!(cell.put(7), None);
        assert_eq!(block_on_timeout(cell.wait(), Duration::ZERO), Some(7));
    }
}
