//! A fixed ring that any thread may write to without waiting and without memory.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

const FREE: u8 = 0;
const WRITING: u8 = 1;
const FULL: u8 = 2;
const READING: u8 = 3;

/// Values that wait to be taken, at most `N`.
pub struct Ring<T, const N: usize> {
    places: [Place<T>; N],
    next: AtomicU32,
    lost: AtomicU32,
}

struct Place<T> {
    state: AtomicU8,
    order: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: only the thread that brought a place into the state WRITING or READING touches its value.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T, const N: usize> Ring<T, N> {
    pub const fn new() -> Self {
        Self {
            places: [const { Place::new() }; N],
            next: AtomicU32::new(0),
            lost: AtomicU32::new(0),
        }
    }

    /// Keeps a value, or counts it as lost where every place is taken.
    pub fn push(&self, value: T) {
        let order = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(place) = self.places.iter().find(|place| place.claim(FREE, WRITING)) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        // SAFETY: this thread has just claimed the place.
        unsafe { *place.value.get() = Some(value) };
        place.order.store(order, Ordering::Relaxed);
        place.state.store(FULL, Ordering::Release);
    }

    /// Takes the value that was kept first.
    pub fn pop(&self) -> Option<T> {
        loop {
            let full = self
                .places
                .iter()
                .filter(|place| place.state.load(Ordering::Acquire) == FULL);
            // From what comes next backwards: the count may have run over.
            let next = self.next.load(Ordering::Relaxed);
            let oldest = full.max_by_key(|place| next.wrapping_sub(place.order.load(Ordering::Relaxed)))?;
            if !oldest.claim(FULL, READING) {
                continue;
            }
            // SAFETY: this thread has just claimed the place.
            let value = unsafe { (*oldest.value.get()).take() };
            oldest.state.store(FREE, Ordering::Release);
            return value;
        }
    }

    /// How many values found no place since the last call.
    pub fn lost(&self) -> u32 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl<T> Place<T> {
    const fn new() -> Self {
        Self {
            state: AtomicU8::new(FREE),
            order: AtomicU32::new(0),
            value: UnsafeCell::new(None),
        }
    }

    fn claim(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_in_order_and_those_without_a_place_are_counted() {
        let ring = Ring::<u32, 4>::new();
        assert_eq!(ring.pop(), None);
        for round in 0..3 {
            for value in 0..6 {
                ring.push(10 * round + value);
            }
            assert_eq!(ring.lost(), 2);
            assert_eq!(ring.pop(), Some(10 * round));
            ring.push(10 * round + 6);
            let rest: Vec<_> = std::iter::from_fn(|| ring.pop()).collect();
            assert_eq!(rest, [1, 2, 3, 6].map(|value| 10 * round + value));
            assert_eq!(ring.lost(), 0);
        }
    }

    #[test]
    fn what_many_threads_push_is_taken_once_or_counted_as_lost() {
        const THREADS: u32 = 4;
        const EACH: u32 = 2000;
        let ring = Ring::<u32, 8>::new();
        let mut taken = Vec::new();
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let ring = &ring;
                    scope.spawn(move || (0..EACH).for_each(|value| ring.push(thread * EACH + value)))
                })
                .collect();
            while !writers.iter().all(|writer| writer.is_finished()) {
                taken.extend(ring.pop());
            }
        });
        taken.extend(std::iter::from_fn(|| ring.pop()));
        let count = taken.len();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), count, "nothing is taken twice");
        assert!(taken.iter().all(|&value| value < THREADS * EACH));
        assert_eq!(count + ring.lost() as usize, (THREADS * EACH) as usize);
    }
}
