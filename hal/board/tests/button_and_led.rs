//! The threads of button and LED, on fake lines.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use baize_board::button::{ButtonLine, ButtonWatch, LevelReading};
use baize_board::gpio::GpioError;
use baize_board::led::{LedLine, LedPattern, StatusLed};
use baize_board::press::{ButtonEvent, Press};

/// Plays readings of (ms, is down), then is unplugged.
struct ScriptedButton(VecDeque<(u64, bool)>);

impl ButtonLine for ScriptedButton {
    fn next_level(&mut self, _: Duration) -> Result<LevelReading, GpioError> {
        let (at_ms, is_down) = self.0.pop_front().ok_or_else(unplugged)?;
        Ok(LevelReading {
            is_down,
            at_us: at_ms * 1_000,
        })
    }
}

fn unplugged() -> GpioError {
    GpioError::Lost {
        name: "fake".into(),
        error: gpiocdev::Error::NoGpioChips(),
    }
}

#[test]
fn presses_arrive_in_order_and_an_unplugged_line_is_the_last_news() {
    let readings = [
        (0, false),
        (100, true),
        (103, false),
        (105, true),
        (400, false),
        (500, false),
        (1_000, true),
        (5_000, false),
        (5_100, false),
        (6_000, true),
        (16_000, false),
        (16_100, false),
    ];
    let (sender, events) = mpsc::channel();
    let watch = ButtonWatch::start(ScriptedButton(readings.into()), sender).unwrap();
    let received: Vec<_> = events
        .iter()
        .filter(|event| !matches!(event, Ok(ButtonEvent::Reached(_))))
        .collect();
    drop(watch);
    let presses = received[..3].iter().map(|event| *event.as_ref().unwrap());
    let expected = [Press::Short, Press::Long, Press::VeryLong].map(ButtonEvent::Pressed);
    assert!(presses.eq(expected), "{received:?}");
    assert!(
        matches!(received[3..], [Err(GpioError::Lost { .. })]),
        "{received:?}"
    );
}

#[test]
fn a_watch_ends_when_it_is_dropped() {
    struct Untouched;
    impl ButtonLine for Untouched {
        fn next_level(&mut self, timeout: Duration) -> Result<LevelReading, GpioError> {
            std::thread::sleep(timeout.min(Duration::from_millis(1)));
            Ok(LevelReading {
                is_down: false,
                at_us: 0,
            })
        }
    }
    let (sender, events) = mpsc::channel();
    drop(ButtonWatch::start(Untouched, sender).unwrap());
    assert!(events.recv().is_err(), "the thread has let go of the channel");
}

/// Reports each level that it is set to; fails once nobody listens.
struct WatchedLed(Sender<bool>);

impl LedLine for WatchedLed {
    fn set(&mut self, is_lit: bool) -> Result<(), GpioError> {
        self.0.send(is_lit).map_err(|_| unplugged())
    }
}

fn watched_led() -> (StatusLed, Receiver<bool>) {
    let (sender, levels) = mpsc::channel();
    (StatusLed::start(WatchedLed(sender)).unwrap(), levels)
}

#[test]
fn the_led_is_dark_then_lit_then_dark_when_stopped() {
    let (led, levels) = watched_led();
    assert!(led.show(LedPattern::On));
    led.stop().unwrap();
    assert_eq!(levels.iter().collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a_blinking_led_changes_until_told_otherwise() {
    let (led, levels) = watched_led();
    led.show(LedPattern::FastBlink);
    let seen: Vec<bool> = levels.iter().take(5).collect();
    assert_eq!(seen, [false, true, false, true, false]);
    led.show(LedPattern::Off);
    drop(led);
    assert_eq!(levels.iter().last(), Some(false));
}

#[test]
fn a_failing_led_is_reported_when_asked() {
    let (led, levels) = watched_led();
    levels.recv().unwrap();
    drop(levels);
    led.show(LedPattern::On);
    assert!(matches!(led.stop(), Err(GpioError::Lost { .. })));
}
