//! The pipeline's own promises, in processes that run nothing else: it is static, so there is one a process. Each test
//! starts this program again for its own part.

use std::collections::VecDeque;
use std::env;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use baize::calibration_file::StoredCalibration;
use baize::metrics::METRICS;
use baize::pipeline::{DETECTORS, ENCODED, Flow, Pipeline, Plans, RETIRED, Retired, SHARED};
use baize_accelerator::{
    Backend, CpuOptions, DetectError, DetectTimings, Detector, DetectorInfo, ModelFiles, open_cpu,
};
use baize_camera::{Camera, CameraConfig, CameraLost, Captured, Pace, open, the_pool};
use baize_frame::{Detections, FrameFormat, ImageView, Region};
use baize_realtime::sealing::{
    Policy, Role, SealingAllocator, allocations_after_sealing, is_installed, set_policy,
};
use baize_table_state::{Message as _, TableState, encode};
use baize_table_vision::geometry::Calibration;
use baize_table_vision::{FrameStamp, StageOutput, TableStage};
use baize_tests::{Scratch, pictures, run, wait};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

/// Names what the started process is to do; its value says with which folder.
const PART: &str = "BAIZE_TEST_PIPELINE_PART";
const FOLDER: &str = "BAIZE_TEST_PIPELINE_FOLDER";

/// Enough for a thread to do whatever it does seldom.
const FRAMES: u64 = 60;
const INTERVAL_US: u32 = 33_333;
const SIGABRT: i32 = 6;

/// Runs one test of this program again, in a process where [`PART`] is set.
fn in_a_process_of_its_own(test: &str, folder: &Path) -> Output {
    let program = env::current_exe().expect("a process knows its program");
    let mut command = Command::new(program);
    command
        .args(["--exact", test, "--nocapture"])
        .env(PART, test)
        .env(FOLDER, folder);
    command
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("this program can be started again")
}

fn is_this_the_process() -> bool {
    env::var_os(PART).is_some()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// The same answer for every picture, and what a test wants besides.
struct Fake {
    info: DetectorInfo,
    besides: fn(),
}

impl Fake {
    fn boxed(besides: fn()) -> Box<dyn Detector> {
        let info = DetectorInfo {
            backend: "none",
            model: "fake".into(),
            input_px: [640, 384],
            box_margin: 1.0,
            reader: None,
        };
        Box::new(Self { info, besides })
    }
}

impl Detector for Fake {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn prepare(&mut self, _: FrameFormat) {}

    fn detect(
        &mut self,
        _: &ImageView<'_>,
        _: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        *out = Detections::new();
        (self.besides)();
        Ok(DetectTimings::default())
    }
}

/// A camera that does something besides with every picture.
struct Besides(Box<dyn Camera>, fn());

impl Camera for Besides {
    fn format(&self) -> FrameFormat {
        self.0.format()
    }

    fn describe(&self) -> &str {
        self.0.describe()
    }

    fn frame_interval_us(&self) -> Option<u32> {
        self.0.frame_interval_us()
    }

    fn capture(&mut self, timeout: Duration) -> Result<Captured, CameraLost> {
        (self.1)();
        self.0.capture(timeout)
    }
}

fn allocate() {
    drop(black_box(Box::new(1)));
}

fn nothing() {}

fn network() -> Box<dyn Detector> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/nano");
    let model = ModelFiles::from_dir(&model).expect("the model is in the repository");
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    open_cpu(&model, &options).expect("rten is always there").0
}

fn camera(source: &str, pace: Pace) -> Box<dyn Camera> {
    let config = CameraConfig {
        pace,
        ..CameraConfig::default()
    };
    open(&source.parse().expect("it is a source"), &config).expect("it can be opened")
}

/// Runs the live pipeline for [`FRAMES`]; the first allocation of a sealed thread ends the process.
fn run_sealed(camera_besides: fn(), detector: Box<dyn Detector>) {
    assert!(is_installed());
    set_policy(Policy::Abort);
    let camera = camera("sim:size=640x384,fps=30,balls=9,prerendered=10", Pace::RealTime);
    let camera = Box::new(Besides(camera, camera_besides));
    let pipeline = Pipeline::start(
        Some(camera),
        detector,
        TableStage::new(),
        INTERVAL_US,
        Flow::LatestWins,
        Plans::default(),
    )
    .expect("threads can be started");
    wait::until("the frames", || (METRICS.processed.get() >= FRAMES).then_some(()));
    SHARED.stop();
    pipeline.join();
    for role in Role::ALL {
        let counts = allocations_after_sealing(role);
        assert_eq!(counts.allocations + counts.frees, 0, "{}", role.name());
    }
}

fn ends_naming(test: &str, role: &str) {
    let output = in_a_process_of_its_own(test, Path::new(""));
    assert_eq!(output.status.signal(), Some(SIGABRT), "{}", said(&output));
    assert!(
        said(&output).contains(&format!("sealed thread '{role}'")),
        "{}",
        said(&output)
    );
}

#[test]
fn a_detector_that_allocates_ends_the_process_and_is_named() {
    if is_this_the_process() {
        return run_sealed(nothing, Fake::boxed(allocate));
    }
    ends_naming(
        "a_detector_that_allocates_ends_the_process_and_is_named",
        "detect",
    );
}

#[test]
fn a_camera_that_allocates_ends_the_process_and_is_named() {
    if is_this_the_process() {
        return run_sealed(allocate, Fake::boxed(nothing));
    }
    ends_naming("a_camera_that_allocates_ends_the_process_and_is_named", "capture");
}

#[test]
fn the_pipeline_with_the_real_network_never_allocates() {
    if is_this_the_process() {
        return run_sealed(nothing, network());
    }
    let output = in_a_process_of_its_own(
        "the_pipeline_with_the_real_network_never_allocates",
        Path::new(""),
    );
    assert!(output.status.success(), "{}", said(&output));
}

/// Finds nothing a few times; then its hardware is lost.
struct Dying {
    fake: Box<dyn Detector>,
    left: u32,
}

impl Detector for Dying {
    fn info(&self) -> &DetectorInfo {
        self.fake.info()
    }

    fn prepare(&mut self, _: FrameFormat) {}

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        self.left = self.left.checked_sub(1).ok_or(DetectError::DeviceLost)?;
        self.fake.detect(image, region, out)
    }
}

/// The pipeline goes on with another detector, and the slot that lost hardware may still read is used no more.
fn run_through_a_loss() {
    set_policy(Policy::Abort);
    let detector = Box::new(Dying {
        fake: Fake::boxed(nothing),
        left: 5,
    });
    let pipeline = Pipeline::start(
        Some(camera(
            "sim:size=640x384,fps=30,balls=9,prerendered=10",
            Pace::RealTime,
        )),
        detector,
        TableStage::new(),
        INTERVAL_US,
        Flow::LatestWins,
        Plans::default(),
    )
    .expect("threads can be started");
    let (_, why) = wait::until("the lost detector", || RETIRED.try_receive().ok());
    assert_eq!(why, Retired::Lost);
    assert!(
        DETECTORS.try_send(Fake::boxed(nothing)).is_ok(),
        "nobody else sends"
    );
    wait::until("frames again", || {
        (METRICS.processed.get() >= FRAMES).then_some(())
    });
    assert!(
        DETECTORS.try_send(Fake::boxed(nothing)).is_ok(),
        "the first was taken"
    );
    let (_, why) = wait::until("the second one back", || RETIRED.try_receive().ok());
    assert_eq!(why, Retired::Replaced);
    SHARED.stop();
    pipeline.join();
    assert_eq!(the_pool().free_slots(), the_pool().slots() - 1);
    for role in Role::ALL {
        let counts = allocations_after_sealing(role);
        assert_eq!(counts.allocations + counts.frees, 0, "{}", role.name());
    }
}

#[test]
fn a_lost_detector_costs_one_slot_and_another_takes_over() {
    if is_this_the_process() {
        return run_through_a_loss();
    }
    let output = in_a_process_of_its_own(
        "a_lost_detector_costs_one_slot_and_another_takes_over",
        Path::new(""),
    );
    assert!(output.status.success(), "{}", said(&output));
}

/// The recording's states, encoded, from one plain loop.
fn one_after_the_other(folder: &str, calibration: Calibration, region: Region) -> VecDeque<Vec<u8>> {
    let mut camera = camera(folder, Pace::AsFastAsPossible);
    let mut detector = network();
    let mut stage = Box::new(TableStage::new());
    stage.set_calibration(Some(calibration));
    let mut output = StageOutput::new();
    let mut detections = Detections::new();
    let mut buffer = [0; TableState::MAX_BYTES];
    let mut states = VecDeque::new();
    loop {
        match camera.capture(wait::PATIENCE).expect("the recording is whole") {
            Captured::Frame(frame) => {
                let image = frame.image();
                detector
                    .detect(&image, region, &mut detections)
                    .expect("the network works");
                let stamp = FrameStamp {
                    frame_id: states.len() as u64 + 1,
                    exposure_us: frame.exposure_us,
                };
                stage.step(stamp, &detections, Some(image.luminance()), &mut output);
                states.push_back(encode(&output.state, &mut buffer).expect("states fit").to_vec());
            }
            Captured::Ended => return states,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn four_threads_yield_the_bytes_of_a_single_loop() {
    const COUNT: usize = 12;
    if !is_this_the_process() {
        let scratch = Scratch::new();
        let recording = scratch.path().join("recording");
        let files = pictures::record(&recording, pictures::scene(3, 9), (1280, 720), COUNT);
        let calibration = scratch.path().join("calibration.json");
        let [picture, output] = [&files[0], &calibration].map(|path| path.to_str().expect("text"));
        let _ = run(["calibrate", picture, "--output", output]).succeeded();
        let output = in_a_process_of_its_own("four_threads_yield_the_bytes_of_a_single_loop", scratch.path());
        assert!(output.status.success(), "{}", said(&output));
        return;
    }
    let folder = env::var(FOLDER).expect("it was given");
    let stored =
        StoredCalibration::read(&Path::new(&folder).join("calibration.json")).expect("it was just made");
    let calibration = stored.calibration;
    let region = calibration
        .region_of_interest(250.0)
        .expect("the table is in the picture");
    let recording = format!("{folder}/recording");
    let mut expected = one_after_the_other(&recording, calibration, region);
    assert_eq!(expected.len(), COUNT);
    assert!(
        expected.iter().collect::<std::collections::BTreeSet<_>>().len() == COUNT,
        "no two states are the same"
    );

    SHARED.set_region_of_interest(Some(region));
    let mut stage = TableStage::new();
    stage.set_calibration(Some(calibration));
    let camera = camera(&recording, Pace::AsFastAsPossible);
    let pipeline = Pipeline::start(
        Some(camera),
        network(),
        stage,
        INTERVAL_US,
        Flow::Lossless,
        Plans::default(),
    )
    .expect("threads can be started");
    wait::until("the end of the recording", || {
        while let Ok(encoded) = ENCODED.try_receive() {
            let frame = COUNT - expected.len() + 1;
            let wanted = expected.pop_front().expect("no more states than frames");
            assert!(encoded.bytes[..] == wanted[..], "frame {frame} differs");
        }
        pipeline.has_ended().then_some(())
    });
    pipeline.join();
    assert!(
        expected.is_empty() && ENCODED.try_receive().is_err(),
        "{} states did not come",
        expected.len()
    );
}
