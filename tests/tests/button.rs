//! The button and the LED of a whole appliance, on lines that the test pulls: their time is the test's, so that a minute
//! takes no time. One test, as a process has one pipeline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use baize::appliance;
use baize::config::Config;
use baize::panel::Panel;
use baize_board::button::{ButtonLine, LevelReading};
use baize_board::gpio::GpioError;
use baize_board::led::LedLine;
use baize_table_state::Topic;
use baize_tests::{CALIBRATIONS, Mosquitto, Scratch, Subscriber, TABLE, wait};
use serde_json::Value;

/// Readings come from the test; without one, time stands still.
struct FakeButton {
    readings: Receiver<LevelReading>,
    last: LevelReading,
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

/// The finger.
struct Finger {
    readings: Sender<LevelReading>,
    now_us: u64,
}

impl Finger {
    /// The line is at this level for so long, looked at every 20 ms.
    fn stay(&mut self, is_down: bool, ms: u64) {
        let end_us = self.now_us + ms * 1000;
        while self.now_us < end_us {
            self.read(is_down);
            self.now_us = (self.now_us + 20_000).min(end_us);
        }
        self.read(is_down);
    }

    fn read(&self, is_down: bool) {
        let reading = LevelReading {
            is_down,
            at_us: self.now_us,
        };
        self.readings.send(reading).expect("the appliance listens");
    }

    /// Contacts that touch and part for some milliseconds.
    fn bounce(&mut self) {
        for ms in [3, 2, 7, 4] {
            self.read(true);
            self.now_us += ms * 1000;
            self.read(false);
            self.now_us += 1000;
        }
    }

    fn press(&mut self, ms: u64) {
        self.bounce();
        self.stay(true, ms);
        self.bounce();
        self.stay(false, 500);
    }
}

/// Every change of the LED, and when.
#[derive(Clone, Default)]
struct FakeLed(Arc<Mutex<Vec<(bool, Instant)>>>);

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
    fn wait_for_blinking(&self, ms: std::ops::Range<u128>) {
        let from = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        wait::until("the LED to blink so", || {
            let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let newer = changes.get(from.saturating_sub(1)..)?;
            let lengths = newer.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_millis());
            (lengths.filter(|length| ms.contains(length)).count() >= 2).then_some(())
        });
    }

    /// Neither blinks nor changes for half a second.
    fn wait_for_steady(&self, is_lit: bool) {
        wait::until("the LED to be steady", || {
            let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (last, since) = *changes.last()?;
            // Slow blinking changes every half second, which is as long as a busy machine may be late.
            (last == is_lit && since.elapsed() > Duration::from_millis(900)).then_some(())
        });
    }
}

const SLOW_MS: std::ops::Range<u128> = 400..2000;
const FAST_MS: std::ops::Range<u128> = 50..400;

/// What was calibrated, in the order of the answers.
fn answers(subscriber: &Subscriber, count: usize) -> Vec<Value> {
    let answers = subscriber.wait_for_count(Topic::RecalibrateResult, count);
    answers.iter().map(|answer| answer.json()).collect()
}

#[test]
fn each_press_does_what_it_says_and_the_led_says_it_before() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let scratch = Scratch::new();
    let mut config = Config::default();
    config.table.name = TABLE.into();
    config.camera.source = "sim:size=1280x720,fps=5,balls=9,still".into();
    config.detector.backend = "rten".into();
    config.broker.url = broker.url();
    config.realtime.enabled = false;
    config.realtime.lock_memory = false;
    config.calibration.automatic = false;
    config.calibration.folder = scratch.path().join(CALIBRATIONS);

    let (sender, readings) = channel();
    let mut finger = Finger {
        readings: sender,
        now_us: 0,
    };
    let held_at_boot = LevelReading {
        is_down: true,
        at_us: 0,
    };
    let button = FakeButton {
        readings,
        last: held_at_boot,
    };
    let led = FakeLed::default();
    let seen = led.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stop);
    let appliance = std::thread::spawn(move || {
        let panel = Panel::with(button, led).expect("threads can be started");
        appliance::run(&config, panel, || stops.load(Ordering::Relaxed))
    });
    subscriber.wait_for_text(Topic::Status, "online");
    seen.wait_for_blinking(FAST_MS);

    // What was down at boot, and what is over before it counts, is no press.
    finger.stay(true, 4_000);
    finger.stay(false, 500);
    finger.bounce();
    finger.stay(false, 500);

    finger.stay(true, 1_000);
    seen.wait_for_steady(false);
    assert!(
        subscriber.on(Topic::RecalibrateResult).is_empty(),
        "not before it is released"
    );
    finger.stay(false, 500);
    let answered = answers(&subscriber, 1);
    assert_eq!(
        (&answered[0]["what"], &answered[0]["accepted"]),
        (&"table".into(), &true.into())
    );
    seen.wait_for_steady(true);

    finger.stay(true, 5_000);
    seen.wait_for_blinking(SLOW_MS);
    finger.stay(false, 500);
    let answered = answers(&subscriber, 2);
    assert_eq!(
        (&answered[1]["what"], &answered[1]["accepted"]),
        (&"projector".into(), &false.into())
    );
    seen.wait_for_steady(true);

    finger.stay(true, 11_000);
    seen.wait_for_blinking(FAST_MS);
    assert_eq!(answers(&subscriber, 2).len(), 2, "not before it is released");
    finger.stay(false, 500);
    let answered = answers(&subscriber, 3);
    assert_eq!(
        (&answered[2]["what"], &answered[2]["calibration_id"]),
        (&"installation".into(), &0.into())
    );

    // A button that is stuck is no press, and works again once it is free.
    finger.stay(true, 61_000);
    finger.stay(false, 500);
    finger.press(200);
    let answered = answers(&subscriber, 4);
    assert_eq!(answered[3]["what"], "table");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(answers(&subscriber, 4).len(), 4);

    stop.store(true, Ordering::Relaxed);
    appliance
        .join()
        .expect("it does not panic")
        .expect("it ends in order");
}
