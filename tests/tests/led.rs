//! What the LED says of an appliance whose camera is gone. One test, as a process has one pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use baize::appliance;
use baize::config::Config;
use baize::panel::Panel;
use baize_board::button::LevelReading;
use baize_table_state::Topic;
use baize_tests::panel::{FAST_MS, FakeButton, FakeLed};
use baize_tests::{Appliance, CALIBRATIONS, Mosquitto, Scratch, Subscriber, TABLE, wait};

/// A camera that is gone for longer than the test takes.
const UNPLUGGED: &str = "sim:size=1280x720,fps=5,balls=9,still,unplug=0+3600";

#[test]
fn a_calibration_is_no_reason_for_light_where_nothing_is_seen() {
    let Some(broker) = Mosquitto::start() else { return };
    let scratch = Scratch::new();
    let subscriber = Subscriber::of(broker.port());
    let source = "sim:size=1280x720,fps=5,balls=9,still";
    let calibrated = Appliance::start_with(Scratch::new(), source, &broker.url(), "");
    subscriber.wait_for_calibration();
    wait::until("the calibration to be kept", || {
        let kept = calibrated.calibrations().join("slot-1");
        kept.is_file().then_some(())
    });
    scratch.take_over(&calibrated.calibrations());
    drop(calibrated);

    let mut config = Config::default();
    config.table.name = TABLE.into();
    config.camera.source = UNPLUGGED.into();
    config.detector.backend = "rten".into();
    config.broker.url = broker.url();
    config.realtime.enabled = false;
    config.realtime.lock_memory = false;
    config.calibration.automatic = false;
    config.calibration.folder = scratch.path().join(CALIBRATIONS);
    let (_finger, readings) = channel();
    let released = LevelReading {
        is_down: false,
        at_us: 0,
    };
    let led = FakeLed::default();
    let seen = led.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stop);
    let subscriber = Subscriber::of(broker.port());
    let appliance = std::thread::spawn(move || {
        let panel = Panel::with(FakeButton::new(readings, released), led).expect("threads can be started");
        appliance::run(&config, panel, || stops.load(Ordering::Relaxed))
    });
    // What the broker has kept is the calibration of the appliance before.
    let _ = subscriber.wait_for(Topic::Calibration, "its own calibration", |message| {
        !message.retained && !message.payload.is_empty()
    });
    subscriber.wait_for_text(Topic::CameraStatus, "lost");
    seen.wait_for_blinking(FAST_MS);

    stop.store(true, Ordering::Relaxed);
    appliance
        .join()
        .expect("it does not panic")
        .expect("it ends in order");
}
