//! A status LED that blinks on a thread of its own.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::gpio::GpioError;

/// What the LED shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedPattern {
    /// Dark.
    Off,
    /// Lit.
    On,
    /// Once a second: something is under way.
    SlowBlink,
    /// Five times a second: something wants attention.
    FastBlink,
}

impl LedPattern {
    /// Half the period of blinking; `None` for a steady pattern.
    const fn half_period(self) -> Option<Duration> {
        match self {
            Self::Off | Self::On => None,
            Self::SlowBlink => Some(Duration::from_millis(500)),
            Self::FastBlink => Some(Duration::from_millis(100)),
        }
    }
}

/// What lights up: a GPIO line, or a fake in tests.
pub trait LedLine: Send {
    /// Lights the LED or darkens it.
    ///
    /// # Errors
    /// When the line has stopped working.
    fn set(&mut self, is_lit: bool) -> Result<(), GpioError>;
}

/// A status LED; darkened when dropped. What the line does once nobody holds it is up to its chip.
#[derive(Debug)]
pub struct StatusLed {
    patterns: Option<Sender<LedPattern>>,
    thread: Option<JoinHandle<Result<(), GpioError>>>,
}

impl StatusLed {
    /// Takes charge of the LED on `line`, dark at first.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start<L: LedLine + 'static>(mut line: L) -> std::io::Result<Self> {
        let (patterns, wanted) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("led".into())
            .spawn(move || show(&mut line, &wanted))?;
        Ok(Self {
            patterns: Some(patterns),
            thread: Some(thread),
        })
    }

    /// Shows `pattern` from now on. Returns `false` once the line has stopped working: [`StatusLed::stop`] tells why.
    pub fn show(&self, pattern: LedPattern) -> bool {
        self.patterns
            .as_ref()
            .is_some_and(|patterns| patterns.send(pattern).is_ok())
    }

    /// Darkens the LED and lets go of the line.
    ///
    /// # Errors
    /// When the line stopped working before or now.
    pub fn stop(mut self) -> Result<(), GpioError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), GpioError> {
        self.patterns = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            // Ended before, or panicked: there is no line left to speak of.
            Some(Err(_)) | None => Ok(()),
        }
    }
}

impl Drop for StatusLed {
    fn drop(&mut self) {
        // Whoever wants to know of a failing line calls `stop`.
        let _ = self.end();
    }
}

fn show(line: &mut impl LedLine, wanted: &mpsc::Receiver<LedPattern>) -> Result<(), GpioError> {
    let mut pattern = LedPattern::Off;
    let mut is_lit = false;
    loop {
        line.set(is_lit)?;
        let next = match pattern.half_period() {
            Some(half_period) => wanted.recv_timeout(half_period),
            None => wanted.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(new) if new == pattern => {}
            Ok(new) => {
                pattern = new;
                is_lit = new != LedPattern::Off;
            }
            Err(RecvTimeoutError::Timeout) => is_lit = !is_lit,
            Err(RecvTimeoutError::Disconnected) => return line.set(false),
        }
    }
}
