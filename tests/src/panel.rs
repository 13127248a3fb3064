//! A button and an LED whose lines are the test's.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use baize_board::button::{ButtonLine, LevelReading};
use baize_board::gpio::GpioError;
use baize_board::led::LedLine;

use crate::wait;

/// Readings come from the test; without one, time stands still.
#[derive(Debug)]
pub struct FakeButton {
    readings: Receiver<LevelReading>,
    last: LevelReading,
}

impl FakeButton {
    /// The line is as in `last` until a reading comes.
    pub fn new(readings: Receiver<LevelReading>, last: LevelReading) -> Self {
        Self { readings, last }
    }
}

impl ButtonLine for FakeButton {
    fn next_level(&mut self, timeout: Duration) -> Result<LevelReading, GpioError> {
        match self.readings.recv_timeout(timeout.min(Duration::from_millis(5))) {
            Ok(reading) => self.last = reading,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(5)),
        }
        Ok(self.last)
    }
}

/// Every change of the LED, and when.
#[derive(Debug, Clone, Default)]
pub struct FakeLed(Arc<Mutex<Vec<(bool, Instant)>>>);

impl LedLine for FakeLed {
    fn set(&mut self, is_lit: bool) -> Result<(), GpioError> {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.last().is_none_or(|(last, _)| *last != is_lit) {
            changes.push((is_lit, Instant::now()));
        }
        Ok(())
    }
}

impl FakeLed {
    /// The length of the last complete light or dark, once it is one of these.
    pub fn wait_for_blinking(&self, ms: std::ops::Range<u128>) {
        let from = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        wait::until("the LED to blink so", || {
            let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let newer = changes.get(from.saturating_sub(1)..)?;
            let lengths = newer.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_millis());
            (lengths.filter(|length| ms.contains(length)).count() >= 2).then_some(())
        });
    }

    /// Neither blinks nor changes for longer than a slow light or dark.
    pub fn wait_for_steady(&self, is_lit: bool) {
        wait::until("the LED to be steady", || {
            let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (last, since) = *changes.last()?;
            // Slow blinking changes every half second, which is as long as a busy machine may be late.
            (last == is_lit && since.elapsed() > Duration::from_millis(900)).then_some(())
        });
    }
}

/// A light or dark of slow blinking.
pub const SLOW_MS: std::ops::Range<u128> = 400..2000;
/// Of fast blinking.
pub const FAST_MS: std::ops::Range<u128> = 50..400;
