//! The simulated table as a camera: the same seed gives the same bytes, in its own time, with faults on demand.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use baize_camera::{
    Camera, CameraConfig, CameraLost, Captured, DropCause, Frame, OpenError, Pace, SimulatedCamera,
    SimulatedError, SourceSpec, open, the_pool,
};
use baize_frame::PixelFormat;

const PATIENCE: Duration = Duration::from_secs(20);

/// The tests share the one static pool.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spec(text: &str) -> SourceSpec {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn as_fast_as_possible() -> CameraConfig {
    CameraConfig {
        pace: Pace::AsFastAsPossible,
        ..CameraConfig::default()
    }
}

fn simulated(text: &str, config: &CameraConfig) -> SimulatedCamera {
    let SourceSpec::Simulated(options) = spec(text) else {
        panic!("{text} is not simulated")
    };
    SimulatedCamera::open(&options, config, the_pool()).unwrap_or_else(|error| panic!("{error}"))
}

fn next_frame(camera: &mut dyn Camera) -> Frame {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        match camera.capture(PATIENCE) {
            Ok(Captured::Frame(frame)) => return frame,
            // A busy machine may be too slow for the camera's rate.
            Ok(Captured::Dropped(DropCause::DriverGap(_))) => {}
            other => panic!("a frame was expected, not {other:?}"),
        }
    }
    panic!("no frame came");
}

#[test]
fn the_same_seed_gives_the_same_pictures_and_another_one_others() {
    let _alone = alone();
    let pictures = |text: &str| -> Vec<_> {
        let mut camera = simulated(text, &as_fast_as_possible());
        (0..4)
            .map(|_| next_frame(&mut camera))
            .map(|f| (f.sequence, f.exposure_us, f.image().bytes().to_vec()))
            .collect()
    };
    let first = pictures("sim:seed=5,balls=6,size=160x96,fps=40");
    assert_eq!(first, pictures("sim:seed=5,balls=6,size=160x96,fps=40"));
    assert_ne!(first, pictures("sim:seed=6,balls=6,size=160x96,fps=40"));
    assert_eq!((first[3].0, first[3].1), (3, 75_000));
}

#[test]
fn pictures_rendered_beforehand_are_those_rendered_when_due() {
    let _alone = alone();
    let mut when_due = simulated("sim:seed=2,size=160x96", &as_fast_as_possible());
    let mut beforehand = simulated("sim:seed=2,size=160x96,prerendered=3", &as_fast_as_possible());
    let mut first = None;
    for index in 0..4 {
        let shown = next_frame(&mut beforehand);
        if index < 3 {
            assert_eq!(next_frame(&mut when_due).image().bytes(), shown.image().bytes());
            assert_eq!(when_due.truth(), beforehand.truth());
        }
        let bytes = shown.image().bytes().to_vec();
        let first = first.get_or_insert_with(|| bytes.clone());
        assert_eq!(index % 3 == 0, *first == bytes, "picture {index}");
    }
}

#[test]
fn every_format_can_be_had_and_what_is_too_large_is_refused() {
    let _alone = alone();
    for (name, pixels) in [
        ("yuyv", PixelFormat::Yuyv),
        ("nv12", PixelFormat::Nv12),
        ("grey", PixelFormat::Grey),
    ] {
        let mut camera = simulated(&format!("sim:size=160x96,format={name}"), &as_fast_as_possible());
        assert_eq!(next_frame(&mut camera).image().format().pixels, pixels);
    }
    let refused = open(&spec("sim:size=8000x6000"), &CameraConfig::default()).map(|_| ());
    assert!(matches!(
        refused,
        Err(OpenError::Simulated(SimulatedError::TooLarge))
    ));
    let refused = open(&spec("sim:size=641x480"), &CameraConfig::default()).map(|_| ());
    assert!(matches!(
        refused,
        Err(OpenError::Simulated(SimulatedError::Size(_)))
    ));
}

#[test]
fn in_real_time_pictures_are_an_interval_apart_and_none_comes_before_it_is_due() {
    let _alone = alone();
    let mut camera = simulated("sim:size=160x96,fps=100,prerendered=2", &CameraConfig::default());
    let mut previous: Option<Frame> = None;
    for _ in 0..8 {
        let frame = next_frame(&mut camera);
        assert!(frame.exposure_us <= baize_realtime::clock::monotonic_us());
        if let Some(previous) = previous {
            let steps = frame.sequence - previous.sequence;
            assert_eq!(frame.exposure_us - previous.exposure_us, steps * 10_000);
        }
        previous = Some(frame);
    }
}

#[test]
fn a_camera_too_slow_for_its_rate_leaves_pictures_out_and_counts_them() {
    let _alone = alone();
    let mut camera = simulated("sim:size=160x96,fps=100,prerendered=2", &CameraConfig::default());
    let first = next_frame(&mut camera);
    std::thread::sleep(Duration::from_millis(55));
    let late = next_frame(&mut camera);
    let Ok(Captured::Dropped(DropCause::DriverGap(missed))) = camera.capture(PATIENCE) else {
        panic!("no gap")
    };
    assert!(missed >= 4, "{missed} of at least four");
    let next = next_frame(&mut camera);
    assert_eq!(late.sequence, first.sequence + 1);
    assert!(next.sequence > late.sequence + u64::from(missed));
}

#[test]
fn an_unplugged_camera_is_lost_cannot_be_opened_and_comes_back() {
    let _alone = alone();
    let source = spec("sim:size=160x96,fps=100,prerendered=2,unplug=0.8+0.5");
    let begin = Instant::now();
    let mut camera = open(&source, &CameraConfig::default()).expect("it is plugged in");
    let mut frames = 0;
    let lost = loop {
        match camera.capture(PATIENCE) {
            Ok(Captured::Frame(_)) => frames += 1,
            Ok(_) => {}
            Err(lost) => break lost,
        }
    };
    assert_eq!(lost, CameraLost::Gone);
    assert!(frames > 0);
    drop(camera);
    let refused = open(&source.clone(), &CameraConfig::default()).map(|_| ());
    // A machine so slow that the outage has passed cannot show this.
    if begin.elapsed() < Duration::from_millis(1300) {
        assert!(matches!(
            refused,
            Err(OpenError::Simulated(SimulatedError::Unplugged))
        ));
    }
    let mut again = loop {
        match open(&source, &CameraConfig::default()) {
            Ok(camera) => break camera,
            Err(_) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => panic!("{error}"),
        }
    };
    assert!(begin.elapsed() >= Duration::from_millis(1300));
    next_frame(again.as_mut());
}

#[test]
fn sources_are_told_apart_by_how_they_are_written() {
    assert!(matches!(spec("v4l2:auto"), SourceSpec::V4l2(_)));
    assert!(matches!(spec("/dev/video2"), SourceSpec::V4l2(_)));
    assert!(matches!(spec("sim:"), SourceSpec::Simulated(_)));
    assert!(matches!(spec("clips/break.mp4"), SourceSpec::Replay(_)));
    for (text, part) in [("", "sim:"), ("sim:ball=3", "balls=N")] {
        let error = text.parse::<SourceSpec>().expect_err("no source").to_string();
        assert!(error.contains(part), "{error}");
    }
}
