//! Lines of the GPIO character device, found by the name that the device tree gives them.

use std::fmt;
use std::fs::File;
use std::io;
use std::time::Duration;

use baize_realtime::clock::monotonic_us;
use gpiocdev::line::{EdgeDetection, EdgeKind, EventClock, Value};
use gpiocdev::{FoundLine, Request};

use crate::button::{ButtonLine, LevelReading};
use crate::led::LedLine;

/// What `gpioinfo` shows as the user of our lines.
const CONSUMER: &str = "baize";

/// Which resistor the chip connects to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bias {
    /// As the firmware or the device tree left it.
    #[default]
    AsIs,
    /// None: there is one on the board.
    Disabled,
    /// Towards the supply, for a button to ground.
    PullUp,
    /// Towards ground, for a button to the supply.
    PullDown,
}

/// The line of a button.
#[derive(Debug)]
pub struct ButtonGpio {
    request: Request,
    name: String,
}

impl ButtonGpio {
    /// Takes the line called `name`. `is_active_low` for a button that connects it to ground.
    ///
    /// # Errors
    /// When there is no such line, somebody else has it, or the process may not use it.
    pub fn open(name: &str, is_active_low: bool, bias: Bias) -> Result<Self, GpioError> {
        let line = find(name)?;
        let mut builder = Request::builder();
        builder.with_consumer(CONSUMER).with_found_line(&line).as_input();
        builder
            .with_edge_detection(EdgeDetection::BothEdges)
            .with_event_clock(EventClock::Monotonic);
        builder.with_bias(match bias {
            Bias::AsIs => None,
            Bias::Disabled => Some(gpiocdev::line::Bias::Disabled),
            Bias::PullUp => Some(gpiocdev::line::Bias::PullUp),
            Bias::PullDown => Some(gpiocdev::line::Bias::PullDown),
        });
        if is_active_low {
            builder.as_active_low();
        }
        let request = builder
            .request()
            .map_err(|error| GpioError::unusable(&line, name, error))?;
        Ok(Self {
            request,
            name: name.to_owned(),
        })
    }

    fn lost(&self, error: gpiocdev::Error) -> GpioError {
        GpioError::Lost {
            name: self.name.clone(),
            error,
        }
    }
}

impl ButtonLine for ButtonGpio {
    fn next_level(&mut self, timeout: Duration) -> Result<LevelReading, GpioError> {
        if self
            .request
            .wait_edge_event(timeout)
            .map_err(|error| self.lost(error))?
        {
            let edge = self.request.read_edge_event().map_err(|error| self.lost(error))?;
            // Rising means towards active, whatever the polarity.
            return Ok(LevelReading {
                is_down: edge.kind == EdgeKind::Rising,
                at_us: edge.timestamp_ns / 1_000,
            });
        }
        let value = self.request.lone_value().map_err(|error| self.lost(error))?;
        Ok(LevelReading {
            is_down: value == Value::Active,
            at_us: monotonic_us(),
        })
    }
}

/// The line of a status LED.
#[derive(Debug)]
pub struct LedGpio {
    request: Request,
    name: String,
}

impl LedGpio {
    /// Takes the line called `name` and switches the LED off. `is_active_low` where a low level lights it.
    ///
    /// # Errors
    /// When there is no such line, somebody else has it, or the process may not use it.
    pub fn open(name: &str, is_active_low: bool) -> Result<Self, GpioError> {
        let line = find(name)?;
        let mut builder = Request::builder();
        builder
            .with_consumer(CONSUMER)
            .with_found_line(&line)
            .as_output(Value::Inactive);
        if is_active_low {
            builder.as_active_low();
        }
        let request = builder
            .request()
            .map_err(|error| GpioError::unusable(&line, name, error))?;
        Ok(Self {
            request,
            name: name.to_owned(),
        })
    }
}

impl LedLine for LedGpio {
    fn set(&mut self, is_lit: bool) -> Result<(), GpioError> {
        let value = if is_lit { Value::Active } else { Value::Inactive };
        self.request
            .set_lone_value(value)
            .map_err(|error| GpioError::Lost {
                name: self.name.clone(),
                error,
            })
    }
}

fn find(name: &str) -> Result<FoundLine, GpioError> {
    if let Some(line) = gpiocdev::find_named_line(name) {
        return Ok(line);
    }
    // The search passes over chips that cannot be opened; tell them from chips that lack the line.
    let chips = gpiocdev::chip::chips().unwrap_or_default();
    if chips.is_empty() {
        return Err(GpioError::NoChips {
            name: name.to_owned(),
        });
    }
    let is_forbidden =
        |chip| File::open(chip).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if chips.iter().any(is_forbidden) {
        return Err(GpioError::NotPermitted {
            name: name.to_owned(),
        });
    }
    Err(GpioError::NoSuchLine {
        name: name.to_owned(),
        chips: chips.len(),
    })
}

/// Why a GPIO line cannot be used.
#[derive(Debug)]
pub enum GpioError {
    /// The machine offers no GPIO chip.
    NoChips {
        /// The line asked for.
        name: String,
    },
    /// No chip has a line of this name.
    NoSuchLine {
        /// The line asked for.
        name: String,
        /// Chips that were searched.
        chips: usize,
    },
    /// A chip may not be opened by this process.
    NotPermitted {
        /// The line asked for.
        name: String,
    },
    /// The line is there but was not given to us.
    Unusable {
        /// The line asked for.
        name: String,
        /// Who uses it, where the kernel tells.
        user: Option<String>,
        /// What the kernel said.
        error: gpiocdev::Error,
    },
    /// The line worked before and does no more.
    Lost {
        /// The line in use.
        name: String,
        /// What the kernel said.
        error: gpiocdev::Error,
    },
}

impl GpioError {
    fn unusable(line: &FoundLine, name: &str, error: gpiocdev::Error) -> Self {
        let user = line.info.used.then(|| line.info.consumer.clone());
        Self::Unusable {
            name: name.to_owned(),
            user,
            error,
        }
    }
}

impl fmt::Display for GpioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChips { name } => write!(
                f,
                "no GPIO chip for line '{name}': on a machine without GPIO take the line out of the config"
            ),
            Self::NoSuchLine { name, chips } => write!(
                f,
                "no GPIO line is called '{name}' on {chips} chip(s): `gpioinfo` lists the names, the device tree gives \
                 them (gpio-line-names)"
            ),
            Self::NotPermitted { name } => write!(
                f,
                "no permission to look for GPIO line '{name}': add the user to the group that owns /dev/gpiochip* \
                 (often `gpio`), and DeviceAllow=char-gpiochip rw to a hardened unit"
            ),
            Self::Unusable {
                name,
                user: Some(user),
                ..
            } => write!(
                f,
                "GPIO line '{name}' is in use by '{user}': take its node (such as gpio-keys or gpio-leds) out of the \
                 device tree, or end that program"
            ),
            Self::Unusable {
                name,
                user: None,
                error,
            } => write!(
                f,
                "GPIO line '{name}' was refused: {error}; does the chip support the polarity and bias of the config?"
            ),
            Self::Lost { name, error } => write!(
                f,
                "GPIO line '{name}' stopped working: {error}; was its chip unplugged?"
            ),
        }
    }
}

impl std::error::Error for GpioError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_there_is_named_in_the_error() {
        let error = ButtonGpio::open("baize-no-such-line", true, Bias::PullUp).unwrap_err();
        assert!(error.to_string().contains("baize-no-such-line"), "{error}");
        let error = LedGpio::open("baize-no-such-line", false).unwrap_err();
        assert!(error.to_string().contains("baize-no-such-line"), "{error}");
    }
}
