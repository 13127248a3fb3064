//! The button and the status LED. Neither has to be there.

use std::sync::mpsc::{Receiver, channel};

use baize_board::button::ButtonWatch;
use baize_board::gpio::{Bias, ButtonGpio, GpioError, LedGpio};
use baize_board::led::{LedPattern, StatusLed};
use baize_board::press::{ButtonEvent, Press};

use crate::config::{self, ButtonBias};
use crate::failure::Failure;

/// What a person can press and see.
pub struct Panel {
    button: Option<(ButtonWatch, Receiver<Result<ButtonEvent, GpioError>>)>,
    led: Option<StatusLed>,
    shown: LedPattern,
}

impl Panel {
    /// Takes the lines that the configuration names. One that cannot be had is warned of: a table without its button
    /// is still a table.
    pub fn open(config: &config::Board) -> Self {
        let button = open_button(config).unwrap_or_else(|failure| {
            log::warn!("no button: {failure}");
            None
        });
        let led = open_led(config).unwrap_or_else(|failure| {
            log::warn!("no status LED: {failure}");
            None
        });
        Self {
            button,
            led,
            shown: LedPattern::Off,
        }
    }

    /// The next press, if there was one.
    pub fn press(&mut self) -> Option<Press> {
        let (_, events) = self.button.as_ref()?;
        match events.try_recv().ok()? {
            Ok(ButtonEvent::Pressed(press)) => Some(press),
            Ok(ButtonEvent::Stuck) => {
                log::warn!("the button has been down for a minute; it is ignored until it comes free");
                None
            }
            Ok(ButtonEvent::Freed) => None,
            Err(error) => {
                log::warn!("the button stopped working: {error}");
                self.button = None;
                None
            }
        }
    }

    /// Shows a pattern on the LED.
    pub fn show(&mut self, pattern: LedPattern) {
        if pattern == self.shown {
            return;
        }
        self.shown = pattern;
        if self.led.as_ref().is_some_and(|led| !led.show(pattern))
            && let Some(Err(error)) = self.led.take().map(StatusLed::stop)
        {
            log::warn!("the status LED stopped working: {error}");
        }
    }
}

type Button = (ButtonWatch, Receiver<Result<ButtonEvent, GpioError>>);

fn open_button(config: &config::Board) -> Result<Option<Button>, Failure> {
    if config.button_line.is_empty() {
        return Ok(None);
    }
    let bias = match config.button_bias {
        ButtonBias::AsIs => Bias::AsIs,
        ButtonBias::Disabled => Bias::Disabled,
        ButtonBias::PullUp => Bias::PullUp,
        ButtonBias::PullDown => Bias::PullDown,
    };
    let line =
        ButtonGpio::open(&config.button_line, config.button_active_low, bias).map_err(Failure::from_error)?;
    let (sender, events) = channel();
    let watch = ButtonWatch::start(line, sender).map_err(Failure::from_error)?;
    Ok(Some((watch, events)))
}

fn open_led(config: &config::Board) -> Result<Option<StatusLed>, Failure> {
    if config.led_line.is_empty() {
        return Ok(None);
    }
    let line = LedGpio::open(&config.led_line, config.led_active_low).map_err(Failure::from_error)?;
    StatusLed::start(line).map(Some).map_err(Failure::from_error)
}
