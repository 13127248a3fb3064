//! Engines are built by a trtexec, kept, and never trusted when anything differs. The trtexec is a script of ours.
#![cfg(feature = "gpu")]

mod fakes;

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use baize_accelerator::tensorrt::building::{
    BuildError, BuildOptions, EngineKey, EngineSource, FileError, find_trtexec,
};
use baize_accelerator::tensorrt::{Library, Version};
use fakes::nvinfer;

const VERSION: Version = Version {
    major: 10,
    minor: 3,
    patch: 0,
};
const ORIN: [u32; 2] = [8, 7];
const GOOD: &[u8] = b"good\nbaize-fake-plan\ninput x f32 4\noutput y f32 4\n";
const MINUTE: Duration = Duration::from_secs(60);

/// An empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("engine-building")
        .join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder of the test's own");
    folder
}

fn source(folder: &Path, onnx: &[u8]) -> EngineSource {
    EngineSource::new(folder, "nano", EngineKey::new(VERSION, ORIN, onnx))
}

fn options(time_limit: Duration) -> BuildOptions {
    let trtexec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/trtexec");
    BuildOptions { trtexec, time_limit }
}

fn build(source: &EngineSource, onnx: &[u8]) -> Result<Vec<u8>, BuildError> {
    source.build(onnx, &options(10 * MINUTE), &mut |_, _| {}, &|| false)
}

/// Names of everything in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the test's folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn an_engine_is_built_once_and_found_at_the_next_start() {
    let folder = folder("built-once");
    let first = source(&folder.join("engines"), GOOD);
    assert!(matches!(first.stored(), Err(FileError::Missing)));
    let told = RefCell::new(Vec::new());
    let plan = first.build(
        GOOD,
        &options(10 * MINUTE),
        &mut |_, line| told.borrow_mut().push(line.to_owned()),
        &|| false,
    );
    let plan = plan.expect("a build");
    assert_eq!(plan, GOOD.strip_prefix(b"good\n").expect("the plan follows"));
    assert_eq!(
        told.into_inner()[0],
        "&&&& RUNNING TensorRT.trtexec [TensorRT v100300]"
    );
    assert_eq!(files(&folder.join("engines")), ["nano.engine"]);

    let next = source(&folder.join("engines"), GOOD);
    assert_eq!(next.stored().expect("it is there"), plan);
    let Some(library) = nvinfer::library(&[]) else {
        return;
    };
    let library = Library::open(Some(&library)).expect("a version that is known");
    let runtime = library.runtime().expect("the fake starts");
    runtime.deserialize(&plan).expect("the fake takes its own plan");
}

#[test]
fn an_engine_for_another_version_gpu_or_model_is_stale_and_the_difference_named() {
    let folder = folder("stale");
    build(&source(&folder, GOOD), GOOD).expect("a build");
    let newer = Version { minor: 4, ..VERSION };
    for (key, difference) in [
        (
            EngineKey::new(newer, ORIN, GOOD),
            "tensorrt 10.3.0, now tensorrt 10.4.0",
        ),
        (EngineKey::new(VERSION, [8, 9], GOOD), "gpu sm_87, now gpu sm_89"),
        (
            EngineKey::new(VERSION, ORIN, b"another"),
            ", now onnx ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5",
        ),
    ] {
        let error = EngineSource::new(&folder, "nano", key)
            .stored()
            .expect_err(difference);
        assert!(matches!(error, FileError::Stale(_)), "{error:?}");
        assert!(error.to_string().contains(difference), "{error}");
    }
    // Options of the build are part of it, too.
    let file = folder.join("nano.engine");
    let bytes = fs::read(&file).expect("the engine");
    let other = String::from_utf8(bytes)
        .expect("the fake's plan is text")
        .replace("--maxAuxStreams=0", "--fp16");
    fs::write(&file, other).expect("another engine");
    assert!(matches!(source(&folder, GOOD).stored(), Err(FileError::Stale(_))));
    assert_eq!(
        build(&source(&folder, GOOD), GOOD).expect("a build"),
        source(&folder, GOOD).stored().expect("the new one")
    );
}

#[test]
fn an_engine_of_which_a_byte_is_missing_or_changed_is_not_used() {
    let folder = folder("damaged");
    let source = source(&folder, GOOD);
    build(&source, GOOD).expect("a build");
    let whole = fs::read(source.file()).expect("the engine");
    for length in 0..whole.len() {
        fs::write(source.file(), &whole[..length]).expect("a shorter file");
        assert!(
            matches!(source.stored(), Err(FileError::Damaged(_))),
            "{length} bytes"
        );
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x81;
        fs::write(source.file(), &changed).expect("a changed file");
        assert!(source.stored().is_err(), "byte {at}");
    }
    for junk in [
        &b"\n\n"[..],
        &[0; 5000],
        b"baize-engine 1\n\n",
        b"baize-engine 1\nplan 0 00\n\n",
    ] {
        fs::write(source.file(), junk).expect("junk");
        assert!(matches!(source.stored(), Err(FileError::Damaged(_))));
    }
    fs::write(source.file(), &whole).expect("the whole file");
    source.stored().expect("the engine as it was");
}

#[test]
fn what_an_interrupted_write_or_build_left_is_in_nobodys_way() {
    let folder = folder("interrupted");
    let source = source(&folder, GOOD);
    for left in ["nano.new", "nano.plan", "nano.onnx"] {
        fs::write(folder.join(left), b"half of somethi").expect("a leftover");
    }
    assert!(matches!(source.stored(), Err(FileError::Missing)));
    build(&source, GOOD).expect("a build");
    source.stored().expect("the engine");
    // A plan that was left must not be taken for the result of a build that wrote none.
    fs::write(folder.join("nano.plan"), b"half of somethi").expect("a leftover");
    assert!(matches!(build(&source, b"nothing\n"), Err(BuildError::NoPlan)));
}

#[test]
fn each_way_a_build_fails_has_a_name_and_leaves_what_was_there() {
    let folder = folder("fails");
    let source = source(&folder, GOOD);
    build(&source, GOOD).expect("a build");
    for (model, expected) in [
        (
            "fails\n",
            "exit status: 1): [11/26/2026-06:00:00] [E] Error[10]: Could not find any implementation for node {conv1}.; ",
        ),
        ("crashes\n", "signal: 11"),
        ("nothing\n", "left none"),
        ("empty\n", "left none"),
        ("chatters\n", "exit status: 3"),
        ("what\n", "(exit status: 2): no such model"),
    ] {
        let error = build(&source, model.as_bytes()).expect_err(model).to_string();
        assert!(error.contains(expected), "{model}: {error}");
        assert!(error.len() < 1500, "{} bytes", error.len());
    }
    assert_eq!(files(&folder), ["nano.engine", "nano.failed"]);
    source.stored().expect("the engine that was built before");
}

/// Builds a model that hangs, and asks for the end once its program has said something.
fn stopped_while_it_runs(source: &EngineSource, model: &[u8]) -> BuildError {
    let runs = Cell::new(false);
    let ample = options(Duration::from_secs(60));
    source
        .build(model, &ample, &mut |_, _| runs.set(true), &|| runs.get())
        .expect_err("it hangs")
}

#[test]
fn a_build_that_hangs_is_ended_after_its_time_and_one_that_is_not_wanted_any_more_at_once() {
    let folder = folder("hangs");
    let source = source(&folder, GOOD);
    for model in [&b"hangs\n"[..], b"silent\n"] {
        let short = options(Duration::from_millis(300));
        let error = source
            .build(model, &short, &mut |_, _| {}, &|| false)
            .expect_err("it hangs");
        assert!(matches!(error, BuildError::TooLong { .. }), "{error:?}");

        let error = stopped_while_it_runs(&source, model);
        assert!(matches!(error, BuildError::Stopped), "{error:?}");
    }
}

#[test]
fn after_a_failure_the_next_build_waits_over_restarts_and_longer_each_time() {
    let folder = folder("waits");
    let wait = |after: Duration| source(&folder, GOOD).wait_before_build(SystemTime::now() + after);
    assert_eq!(wait(Duration::ZERO), Duration::ZERO);
    build(&source(&folder, GOOD), b"fails\n").expect_err("it fails");
    let first = wait(Duration::ZERO);
    assert!((9 * MINUTE..=10 * MINUTE).contains(&first), "{first:?}");
    assert_eq!(wait(10 * MINUTE), Duration::ZERO);
    build(&source(&folder, GOOD), b"fails\n").expect_err("it fails");
    let second = wait(Duration::ZERO);
    assert!((39 * MINUTE..=40 * MINUTE).contains(&second), "{second:?}");
    for _ in 0..20 {
        source(&folder, GOOD).refuse("TensorRT does not take it");
    }
    assert!(wait(Duration::ZERO) <= 24 * 60 * MINUTE);

    // A clock that was set back, as on a board without a battery.
    let past = source(&folder, GOOD).wait_before_build(SystemTime::UNIX_EPOCH);
    assert_eq!(past, 24 * 60 * MINUTE);
    // Another model was not tried yet; one that is built at last waits no more.
    assert_eq!(
        source(&folder, b"another").wait_before_build(SystemTime::now()),
        Duration::ZERO
    );
    build(&source(&folder, GOOD), GOOD).expect("a build");
    assert_eq!(wait(Duration::ZERO), Duration::ZERO);
}

#[test]
fn a_plan_that_tensorrt_refuses_is_thrown_away_and_counts_as_a_failure() {
    let folder = folder("refused");
    let source = source(&folder, b"good\njunk");
    let plan = build(&source, b"good\njunk").expect("trtexec says it is good");
    let Some(library) = nvinfer::library(&[]) else {
        return;
    };
    let library = Library::open(Some(&library)).expect("a version that is known");
    let runtime = library.runtime().expect("the fake starts");
    let error = runtime.deserialize(&plan).expect_err("junk");
    source.refuse(&error.to_string());
    assert!(matches!(source.stored(), Err(FileError::Missing)));
    assert!(source.wait_before_build(SystemTime::now()) > 9 * MINUTE);
    let noted = fs::read_to_string(folder.join("nano.failed")).expect("a note");
    assert!(noted.contains("the plan is damaged"), "{noted}");
}

#[test]
fn a_build_that_is_given_up_because_the_appliance_stops_is_no_failure() {
    let folder = folder("given-up");
    let source = source(&folder, GOOD);
    let stopped = stopped_while_it_runs(&source, b"hangs\n");
    assert!(matches!(stopped, BuildError::Stopped), "{stopped:?}");
    assert_eq!(source.wait_before_build(SystemTime::now()), Duration::ZERO);
}

#[test]
fn a_full_disk_leaves_the_old_engine_and_says_which_file_could_not_be_written() {
    let name = "a_full_disk_leaves_the_old_engine_and_says_which_file_could_not_be_written";
    let folder = folder("full");
    let source = source(&folder, GOOD);
    build(&source, GOOD).expect("a build");
    // Files of this process may be no longer than 8 blocks of 512 bytes: writing more fails as on a full disk.
    if std::env::var_os("BAIZE_FULL_DISK").is_none() {
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().expect("this test's program"))
            .args(["--exact", name, "--nocapture"])
            .env("BAIZE_FULL_DISK", "1")
            // Through a pipe: a log file that it inherits would be limited, too.
            .output()
            .expect("a shell");
        assert!(
            child.status.success(),
            "{}",
            String::from_utf8_lossy(&child.stdout)
        );
        return;
    }
    let mut large = GOOD.to_vec();
    large.resize(100_000, b' ');
    let error = build(&source, &large).expect_err("the model alone is too large");
    assert!(
        error.to_string().contains("nano.onnx cannot be written"),
        "{error}"
    );
    assert!(error.to_string().contains("is the disk full?"), "{error}");

    // Here the plan has just room, and with its header it has not.
    large.truncate(4000);
    let error = build(&source, &large).expect_err("the engine is too large");
    assert!(
        error.to_string().contains("nano.engine cannot be written"),
        "{error}"
    );
    assert_eq!(files(&folder), ["nano.engine", "nano.failed"]);
    source.stored().expect("the engine that was built before");
}

#[test]
fn the_trtexec_that_is_configured_is_taken_and_a_missing_one_named_with_where_it_was_looked_for() {
    let ours = options(MINUTE).trtexec;
    assert_eq!(find_trtexec(Some(&ours)).expect("it is there"), ours);
    let missing = Path::new("/nowhere/trtexec");
    let error = find_trtexec(Some(missing))
        .expect_err("there is none")
        .to_string();
    assert!(error.contains("tried /nowhere/trtexec;"), "{error}");
    let folder = folder("no-program");
    let not_a_program = BuildOptions {
        trtexec: folder.clone(),
        time_limit: MINUTE,
    };
    let error = source(&folder, GOOD).build(GOOD, &not_a_program, &mut |_, _| {}, &|| false);
    assert!(matches!(error, Err(BuildError::NotStarted { .. })), "{error:?}");
}

#[test]
fn a_failure_that_cannot_be_noted_makes_the_next_build_wait_all_the_same() {
    let folder = folder("unnoted");
    fs::write(folder.join("engines"), b"").expect("a file in the folder's place");
    let source = source(&folder.join("engines"), GOOD);
    let error = build(&source, GOOD).expect_err("there is no room");
    assert!(matches!(error, BuildError::Unwritten { .. }), "{error:?}");
    assert!(source.wait_before_build(SystemTime::now()) > 9 * MINUTE);
}
