//! The button and the status LED. Neither has to be there.

use std::sync::mpsc::{Receiver, channel};

use baize_board::button::{ButtonLine, ButtonWatch};
use baize_board::gpio::{Bias, ButtonGpio, GpioError, LedGpio};
use baize_board::led::{LedLine, LedPattern, StatusLed};
use baize_board::press::{ButtonEvent, Press};

use crate::config::{self, ButtonBias};
use crate::failure::Failure;

/// What a person can press and see.
#[derive(Debug)]
pub struct Panel {
    button: Option<Button>,
    led: Option<StatusLed>,
    /// The button is down, and this is what its release would be.
    held: Option<Press>,
    shown: LedPattern,
}

#[derive(Debug)]
pub(crate) struct Button {
    events: Receiver<Result<ButtonEvent, GpioError>>,
    _watch: ButtonWatch,
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
        Self::of(button, led)
    }

    /// With these lines.
    pub fn with(button: impl ButtonLine + 'static, led: impl LedLine + 'static) -> std::io::Result<Self> {
        Ok(Self::of(Some(watch(button)?), Some(StatusLed::start(led)?)))
    }

    fn of(button: Option<Button>, led: Option<StatusLed>) -> Self {
        Self {
            button,
            led,
            held: None,
            shown: LedPattern::Off,
        }
    }

    /// The next press, if there was one.
    pub fn press(&mut self) -> Option<Press> {
        loop {
            match self.button.as_ref()?.events.try_recv().ok()? {
                Ok(ButtonEvent::Reached(press)) => self.held = Some(press),
                Ok(ButtonEvent::Pressed(press)) => {
                    self.held = None;
                    return Some(press);
                }
                Ok(ButtonEvent::Stuck) => {
                    log::warn!("the button has been down for a minute; it is ignored until it comes free");
                    self.held = None;
                }
                Ok(ButtonEvent::Freed) => log::info!("the button has come free"),
                Err(error) => {
                    log::warn!("the button stopped working: {error}");
                    self.held = None;
                    self.button = None;
                }
            }
        }
    }

    /// Shows a pattern on the LED; while the button is down, what its release would do instead: dark for a short press,
    /// slow blinking for a long one, fast for a very long one.
    pub fn show(&mut self, pattern: LedPattern) {
        let pattern = match self.held {
            None => pattern,
            Some(Press::Short) => LedPattern::Off,
            Some(Press::Long) => LedPattern::SlowBlink,
            Some(Press::VeryLong) => LedPattern::FastBlink,
        };
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

fn watch(line: impl ButtonLine + 'static) -> std::io::Result<Button> {
    let (sender, events) = channel();
    Ok(Button {
        _watch: ButtonWatch::start(line, sender)?,
        events,
    })
}

/// Takes the button's line, where one is configured.
pub(crate) fn open_button(config: &config::Board) -> Result<Option<Button>, Failure> {
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
    watch(line).map(Some).map_err(Failure::from_error)
}

/// Takes the LED's line, where one is configured.
pub(crate) fn open_led(config: &config::Board) -> Result<Option<StatusLed>, Failure> {
    if config.led_line.is_empty() {
        return Ok(None);
    }
    let line = LedGpio::open(&config.led_line, config.led_active_low).map_err(Failure::from_error)?;
    StatusLed::start(line).map(Some).map_err(Failure::from_error)
}
