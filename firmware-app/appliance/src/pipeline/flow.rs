//! How a stage hands its result to the next: the newest replaces the one that waits, or, in deterministic replay, the
//! stage waits until the next one has room.

use std::time::Duration;

use baize_realtime::park::{block_on, block_on_timeout};
use baize_realtime::pi_mutex::{Named, PiRawMutex};
use embassy_sync::channel::{Channel, TrySendError};

use crate::limits::{IDLE_TURN_MS, LATEST};

/// A channel that holds one value; `N` names its lock in health.
pub type Cell<T, N> = Channel<PiRawMutex<N>, T, LATEST>;

/// What happens to a result when the next stage has not taken the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The new one replaces it: live operation, where only the newest counts.
    LatestWins,
    /// It waits: replay, where every frame counts.
    Lossless,
}

impl Flow {
    /// Hands `value` over. Returns what it replaced.
    pub fn hand_over<T, N: Named>(self, cell: &Cell<T, N>, value: T) -> Option<T> {
        match self {
            Self::Lossless => {
                block_on(cell.send(value));
                None
            }
            Self::LatestWins => {
                let mut value = value;
                let mut replaced = None;
                // The next stage may take the waiting value between the two calls; then there is room at once.
                while let Err(TrySendError::Full(back)) = cell.try_send(value) {
                    value = back;
                    replaced = cell.try_receive().ok().or(replaced);
                }
                replaced
            }
        }
    }
}

/// Waits for a value, but only so long that the stage still makes its idle turns.
pub fn next<T, N: Named>(cell: &Cell<T, N>) -> Option<T> {
    block_on_timeout(cell.receive(), Duration::from_millis(IDLE_TURN_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_realtime::pi_mutex::LockStatistics;

    struct Numbers;
    impl Named for Numbers {
        fn statistics() -> &'static LockStatistics {
            static STATISTICS: LockStatistics = LockStatistics::new("numbers");
            &STATISTICS
        }
    }

    #[test]
    fn the_newest_wins_and_gives_back_what_it_replaced() {
        let cell = Cell::<u32, Numbers>::new();
        assert_eq!(Flow::LatestWins.hand_over(&cell, 1), None);
        assert_eq!(Flow::LatestWins.hand_over(&cell, 2), Some(1));
        assert_eq!(next(&cell), Some(2));
    }

    #[test]
    fn in_lossless_flow_every_value_arrives_in_order() {
        let cell = Cell::<u32, Numbers>::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..1000 {
                    assert_eq!(Flow::Lossless.hand_over(&cell, value), None);
                }
            });
            for value in 0..1000 {
                assert_eq!(next(&cell), Some(value));
            }
        });
    }
}
