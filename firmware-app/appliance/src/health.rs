//! Health: how the appliance is, as JSON, once a second. Keys are stable; new ones may come.

use std::sync::atomic::Ordering;

use baize_board::temperature::Temperature;
use baize_realtime::clock;
use baize_realtime::histogram::Summary;
use baize_realtime::sealing::{self, Role};
use serde_json::{Value, json};

use crate::detectors::Detectors;
use crate::metrics::METRICS;
use crate::pipeline::{SHARED, lock_statistics, refusals};

/// What is told of the appliance beside its metrics.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The boot that monotonic times belong to.
    pub boot_id: String,
    /// What the camera is; the source's name before there is one.
    pub camera: String,
}

/// The four figures of a latency.
pub fn figures(summary: Summary) -> Value {
    json!({"p50_us": summary.p50_us, "p90_us": summary.p90_us, "p99_us": summary.p99_us, "max_us": summary.max_us})
}

/// Latencies of every stage.
pub fn stages() -> Value {
    let stages = [
        ("capture", &METRICS.capture),
        ("preprocess", &METRICS.preprocess),
        ("inference", &METRICS.inference),
        ("decode", &METRICS.decode),
        ("cut", &METRICS.cut),
        ("read", &METRICS.read),
        ("table", &METRICS.table),
        ("encode", &METRICS.encode),
        ("publish", &METRICS.publish),
    ];
    stages
        .into_iter()
        .map(|(name, histogram)| (name.to_string(), figures(histogram.summary())))
        .collect()
}

/// How long a GPU worked on a frame, and what that took beside the work; null where none has.
pub fn gpu_times() -> Value {
    let work = METRICS.gpu_work.summary();
    match work.count {
        0 => Value::Null,
        _ => json!({"work": figures(work), "queue": figures(METRICS.gpu_queue.summary())}),
    }
}

/// Frames that are missing, by cause.
pub fn dropped() -> Value {
    json!({
        "driver_gap": METRICS.driver_gap.get(),
        "driver_error": METRICS.driver_error.get(),
        "no_slot": METRICS.no_slot.get(),
        "superseded": METRICS.superseded.get(),
        "decode_failed": METRICS.decode_failed.get(),
        "detect_failed": METRICS.detect_failed.get(),
    })
}

/// Allocations and frees of sealed threads, outside and inside the inference library.
pub fn allocations() -> Value {
    let mut counts: serde_json::Map<String, Value> = Role::ALL
        .iter()
        .map(|role| {
            let counts = sealing::allocations_after_sealing(*role);
            (role.name().to_string(), json!(counts.allocations + counts.frees))
        })
        .collect();
    let library = sealing::library_counts();
    counts.insert(
        "inference_library".into(),
        json!(library.allocations + library.frees),
    );
    Value::Object(counts)
}

/// The longest wait for, and hold of, each channel's lock.
fn locks() -> Value {
    lock_statistics()
        .into_iter()
        .map(|lock| {
            let longest = lock.longest();
            let us = |ns: u64| ns as f64 / 1000.0;
            (
                lock.name().to_string(),
                json!({"longest_wait_us": us(longest.wait_ns), "longest_hold_us": us(longest.hold_ns)}),
            )
        })
        .collect()
}

/// Age of the newest frame in milliseconds; `None` before the first.
pub fn frame_age_ms() -> Option<u64> {
    let arrival_us = METRICS.newest_arrival_us.load(Ordering::Relaxed);
    (arrival_us > 0).then(|| clock::monotonic_us().saturating_sub(arrival_us) / 1000)
}

fn temperatures_c(temperatures: &[Temperature]) -> Value {
    temperatures
        .iter()
        .map(|temperature| {
            (
                temperature.zone.clone(),
                json!(f64::from(temperature.millicelsius) / 1000.0),
            )
        })
        .collect()
}

/// The whole of it.
pub fn report(
    identity: &Identity,
    sequence: u64,
    temperatures: &[Temperature],
    detectors: &Detectors,
    calibration: &Value,
) -> String {
    let stride = METRICS.stride.load(Ordering::Relaxed);
    let fps = 1e6 / f64::from(SHARED.frame_interval_us().max(1));
    json!({
        "boot_id": identity.boot_id,
        "seq": sequence,
        "version": env!("CARGO_PKG_VERSION"),
        "monotonic_us": clock::monotonic_us(),
        "wall_offset_us": clock::wall_offset_us(),
        "camera": {"what": identity.camera, "frame_age_ms": frame_age_ms(), "fps": fps},
        "detector": detectors.serving(),
        "reader": detectors.reader(),
        "detector_fails": SHARED.detector_fails(),
        "gpu": detectors.report(),
        "calibration": calibration,
        "realtime_refused": refusals(),
        "rate": {
            "every": stride,
            "effective_fps": fps / f64::from(stride.max(1)),
            "reason": SHARED.rate_reason().text(),
        },
        "frames": {"processed": METRICS.processed.get(), "left_out": METRICS.left_out.get(), "dropped": dropped()},
        "states": {
            "published": METRICS.states_published.get(),
            "superseded": METRICS.states_superseded.get(),
        },
        "events": {"published": METRICS.events_published.get(), "dropped": METRICS.events_dropped.get()},
        "connections": METRICS.connections.get(),
        "stages": stages(),
        "own_time": figures(METRICS.own_time.summary()),
        "exposure_to_publish": figures(METRICS.exposure_to_publish.summary()),
        "locks": locks(),
        "allocations_after_sealing": allocations(),
        "temperatures_c": temperatures_c(temperatures),
    })
    .to_string()
}
