//! The button and the LED of a whole appliance, on lines that the test pulls: their time is the test's, so that a minute
//! takes no time. One test, as a process has one pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use baize::appliance;
use baize::config::Config;
use baize::panel::Panel;
use baize_board::button::LevelReading;
use baize_table_state::Topic;
use baize_tests::panel::{FAST_MS, FakeButton, FakeLed, SLOW_MS};
use baize_tests::{CALIBRATIONS, Mosquitto, Scratch, Subscriber, TABLE};
use serde_json::Value;

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
    let button = FakeButton::new(readings, held_at_boot);
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
