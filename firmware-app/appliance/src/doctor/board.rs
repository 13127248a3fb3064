//! Button and status LED, where there are to be any.

use super::Finding;
use crate::config;
use crate::failure::Failure;
use crate::panel;

pub fn all(config: &config::Board, tell: &mut dyn FnMut(Finding)) {
    let (button, led) = (panel::open_button(config), panel::open_led(config));
    tell(line("button", "board.button_line", &config.button_line, button));
    tell(line("led", "board.led_line", &config.led_line, led));
}

fn line<T>(subject: &'static str, key: &str, name: &str, opened: Result<Option<T>, Failure>) -> Finding {
    match opened {
        Ok(Some(_)) => Finding::good(subject, format!("line {name}")),
        Ok(None) => Finding::does_without(subject, "none configured").advise(format!(
            "where there is one: {key}; `gpioinfo` lists the names of lines"
        )),
        Err(failure) => Finding::missing(subject, failure),
    }
}
