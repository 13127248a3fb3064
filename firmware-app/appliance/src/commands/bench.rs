//! `baize bench`: the appliance's own pipeline, measured on this machine.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use baize_camera::{Pace, SourceSpec, open};
use baize_realtime::shutdown::Signals;
use baize_table_vision::TableStage;
use baize_table_vision::geometry::Calibration;
use serde_json::{Value, json};

use super::args::BenchArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::find_table::find_table;
use crate::health::{allocations, dropped, figures, gpu_times, stages};
use crate::metrics::METRICS;
use crate::pipeline::{Flow, Pipeline, Plans, SHARED};
use crate::publish::{self, Inlets, Publisher};
use crate::recording::Recording;
use crate::sources;

/// The table's name in topics.
const TABLE: &str = "bench";

/// A pipeline that makes no progress for so long has hung.
const PROGRESS_MAX: Duration = Duration::from_secs(30);

/// How often progress is told to a person.
const TELL: Duration = Duration::from_secs(5);

/// Part of the picture around the bed that is searched too, as in the appliance.
const REGION_MARGIN_MM: f64 = 250.0;

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let signals = Signals::block();
    let mut config = Config::default();
    args.detector.apply(&mut config.detector);
    config.camera.format = "yuyv".into();
    config.camera.fps = args.fps.clamp(1, 500);
    let spec: SourceSpec = args.source.parse().map_err(Failure::from_error)?;
    let mut detector = sources::detector(&config.detector)?;
    let model = format!("{} on {}", detector.info().model, detector.info().backend);

    let mut stage = TableStage::new();
    let looped = sources::camera_config(&config.camera, Pace::AsFastAsPossible, true);
    let mut recording = Recording::of(open(&spec, &looped).map_err(Failure::from_error)?);
    let request = sources::request(&config)?;
    let outcome = find_table(&mut recording, detector.as_mut(), &request).map_err(Failure::from_error)?;
    drop(recording);
    let calibration = outcome.calibration.filter(|_| outcome.accepted);
    match &calibration {
        Some(calibration) => {
            SHARED.set_region_of_interest(calibration.region_of_interest(REGION_MARGIN_MM));
        }
        None => log::warn!(
            "the table was not found ({}): the table stage has nothing to do",
            outcome.reason
        ),
    }
    let calibration = calibration.map(|calibration| Calibration { id: 1, ..calibration });
    stage.set_calibration(calibration);

    let inlets = Arc::new(Inlets::default());
    let publisher = publisher(args, &mut config, &inlets)?;
    let paced = sources::camera_config(&config.camera, Pace::RealTime, true);
    let camera = open(&spec, &paced).map_err(Failure::from_error)?;
    let source = camera.describe().to_string();
    let interval_us = camera
        .frame_interval_us()
        .unwrap_or(1_000_000 / config.camera.fps);
    let started = Instant::now();
    let pipeline = Pipeline::start(
        Some(camera),
        detector,
        stage,
        interval_us,
        Flow::LatestWins,
        Plans::default(),
    )
    .map_err(Failure::from_error)?;
    let finished = measure(args.frames, &signals);
    let took = started.elapsed();
    publisher.stop();
    SHARED.stop();
    pipeline.join();
    finished?;

    let report = report(args, &source, &model, took);
    if args.json {
        println!("{report}");
    } else {
        tell(&report);
    }
    Ok(())
}

/// Waits until so many frames were due.
fn measure(frames: u64, signals: &Signals) -> Result<(), Failure> {
    let (mut last, mut progress, mut told) = (0, Instant::now(), Instant::now());
    loop {
        if signals.wait(Duration::from_millis(20)).is_some() {
            return Err(Failure::new("interrupted: nothing was measured to its end"));
        }
        let due = METRICS.due.get();
        if due >= frames {
            return Ok(());
        }
        if due > last {
            (last, progress) = (due, Instant::now());
        } else if progress.elapsed() > PROGRESS_MAX {
            return Err(Failure::new(format!(
                "no frame for {PROGRESS_MAX:?} after {due} frames"
            )));
        }
        if told.elapsed() >= TELL {
            told = Instant::now();
            // Progress is for a person; without one nobody misses it.
            let _ = writeln!(std::io::stderr(), "baize: {due} of {frames} frames");
        }
    }
}

fn publisher(args: &BenchArgs, config: &mut Config, inlets: &Arc<Inlets>) -> Result<Publisher, Failure> {
    match &args.broker {
        Some(url) => config.broker.url.clone_from(url),
        None => config.broker.url = own_broker()?,
    }
    let options = publish::options(TABLE, &config.broker).map_err(Failure::from_error)?;
    let table = TABLE.parse().map_err(Failure::from_error)?;
    // Nobody recalibrates a benchmark; the receiver may go at once.
    let (commands, _) = mpsc::sync_channel(1);
    Publisher::start(table, options, Arc::clone(inlets), commands).map_err(Failure::from_error)
}

#[cfg(feature = "demo")]
fn own_broker() -> Result<String, Failure> {
    let port = crate::embedded_broker::start_on_a_free_port()?;
    Ok(format!("mqtt://127.0.0.1:{port}"))
}

#[cfg(not(feature = "demo"))]
fn own_broker() -> Result<String, Failure> {
    Ok(Config::default().broker.url)
}

fn report(args: &BenchArgs, source: &str, model: &str, took: Duration) -> Value {
    let bytes = METRICS.state_bytes.summary();
    json!({
        "source": source,
        "detector": model,
        "seconds": took.as_secs_f64(),
        "frames": METRICS.due.get(),
        "frames_asked_for": args.frames,
        "processed": METRICS.processed.get(),
        "dropped": dropped(),
        "states_superseded": METRICS.states_superseded.get(),
        "events_dropped": METRICS.events_dropped.get(),
        "states_published": METRICS.states_published.get(),
        "stages": stages(),
        "gpu_times": gpu_times(),
        "own_time": figures(METRICS.own_time.summary()),
        "exposure_to_publish": figures(METRICS.exposure_to_publish.summary()),
        "allocations_after_sealing": allocations(),
        "bytes_per_state": {"p50": bytes.p50_us, "max": bytes.max_us},
        "peak_memory_kib": peak_memory_kib(),
    })
}

/// The most memory the process had resident so far.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn tell(report: &Value) {
    println!(
        "{} with {}",
        report["source"].as_str().unwrap_or("?"),
        report["detector"].as_str().unwrap_or("?")
    );
    println!(
        "{} frames due in {:.1} s, {} processed; dropped: {}",
        report["frames"],
        report["seconds"].as_f64().unwrap_or(0.0),
        report["processed"],
        report["dropped"]
    );
    println!(
        "{:<22}{:>10}{:>10}{:>10}{:>10}  microseconds",
        "", "p50", "p90", "p99", "max"
    );
    let row = |name: &str, figures: &Value| {
        println!(
            "{name:<22}{:>10}{:>10}{:>10}{:>10}",
            figures["p50_us"].to_string(),
            figures["p90_us"].to_string(),
            figures["p99_us"].to_string(),
            figures["max_us"].to_string()
        );
    };
    for stage in [
        "capture",
        "preprocess",
        "inference",
        "decode",
        "cut",
        "read",
        "table",
        "encode",
        "publish",
    ] {
        row(stage, &report["stages"][stage]);
    }
    if !report["gpu_times"].is_null() {
        row("GPU: work", &report["gpu_times"]["work"]);
        row("GPU: queue", &report["gpu_times"]["queue"]);
    }
    row("own time", &report["own_time"]);
    row("exposure to publish", &report["exposure_to_publish"]);
    println!(
        "bytes a state: p50 {}, max {}",
        report["bytes_per_state"]["p50"], report["bytes_per_state"]["max"]
    );
    println!(
        "allocations and frees after sealing: {}",
        report["allocations_after_sealing"]
    );
    println!("peak memory: {} KiB", report["peak_memory_kib"]);
}
