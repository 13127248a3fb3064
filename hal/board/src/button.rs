//! A button watched on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::gpio::GpioError;
use crate::press::{ButtonEvent, DEBOUNCE_US, PressClassifier};

/// How long to wait for an edge before looking at the level anyway: a lost edge heals within this time, and a watch
/// ends within it.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A level and when it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelReading {
    /// Whether the button is down.
    pub is_down: bool,
    /// Monotonic time of the edge, or of the look, in microseconds.
    pub at_us: u64,
}

/// Where levels come from: a GPIO line, or a fake in tests.
pub trait ButtonLine: Send {
    /// Waits for the level to change, at most for `timeout`, and tells the level then.
    ///
    /// # Errors
    /// When the line has stopped working.
    fn next_level(&mut self, timeout: Duration) -> Result<LevelReading, GpioError>;
}

/// Watches a button until dropped.
#[derive(Debug)]
pub struct ButtonWatch {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ButtonWatch {
    /// Starts to watch `line` and sends what the button says to `events`. A line that stops working sends its error as
    /// the last item, then the channel closes.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start<L: ButtonLine + 'static>(
        line: L,
        events: Sender<Result<ButtonEvent, GpioError>>,
    ) -> std::io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let seen_by_thread = Arc::clone(&ends);
        let thread = thread::Builder::new()
            .name("button".into())
            .spawn(move || watch(line, &events, &seen_by_thread))?;
        Ok(Self {
            ends,
            thread: Some(thread),
        })
    }
}

impl Drop for ButtonWatch {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A watch that panicked has nothing left to end.
            let _ = thread.join();
        }
    }
}

fn watch(mut line: impl ButtonLine, events: &Sender<Result<ButtonEvent, GpioError>>, ends: &AtomicBool) {
    if let Err(error) = watch_until_end(&mut line, events, ends) {
        // Nobody listening any more is a way to end, too.
        let _ = events.send(Err(error));
    }
}

fn watch_until_end(
    line: &mut impl ButtonLine,
    events: &Sender<Result<ButtonEvent, GpioError>>,
    ends: &AtomicBool,
) -> Result<(), GpioError> {
    let first = line.next_level(Duration::ZERO)?;
    let mut classifier = PressClassifier::new(first.is_down, first.at_us);
    while !ends.load(Ordering::Relaxed) {
        let timeout = if classifier.is_settling() {
            Duration::from_micros(DEBOUNCE_US)
        } else {
            LOOK_AGAIN
        };
        let reading = line.next_level(timeout)?;
        if let Some(event) = classifier.observe(reading.is_down, reading.at_us)
            && events.send(Ok(event)).is_err()
        {
            break;
        }
    }
    Ok(())
}
