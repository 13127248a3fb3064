//! What the pipeline counts and times: atomics that pipeline threads write and anybody reads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use baize_camera::DropCause;
use baize_realtime::histogram::Histogram;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds to it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything counted and timed, for one pipeline a process.
pub struct Metrics {
    /// From the driver's return to the hand-over.
    pub capture: Histogram,
    /// Pixels to the network's input.
    pub preprocess: Histogram,
    /// The network.
    pub inference: Histogram,
    /// Raw outputs to detections.
    pub decode: Histogram,
    /// Cutting the balls found out of the camera's picture for the reader, and decoding its answers.
    pub cut: Histogram,
    /// The reader's network.
    pub read: Histogram,
    /// The table stage.
    pub table: Histogram,
    /// State to bytes.
    pub encode: Histogram,
    /// From hand-over to the MQTT client until the client reports it as sent.
    pub publish: Histogram,
    /// While a GPU worked on a frame; nothing where none does.
    pub gpu_work: Histogram,
    /// What that took beyond the work: starting it, queueing, waking up.
    pub gpu_queue: Histogram,
    /// Everything of a frame but inference and publishing.
    pub own_time: Histogram,
    /// From exposure until the MQTT client reports the state as sent.
    pub exposure_to_publish: Histogram,

    /// Frames that the camera owed us: those that came and those that are missing.
    pub due: Counter,
    /// Frames that went through table and encode.
    pub processed: Counter,
    /// Numbers the driver skipped.
    pub driver_gap: Counter,
    /// Frames the driver marked as damaged.
    pub driver_error: Counter,
    /// Frames without a slot.
    pub no_slot: Counter,
    /// Frames replaced by newer ones, or left out by rate adaptation.
    pub superseded: Counter,
    /// Frames whose pixels could not be had.
    pub decode_failed: Counter,
    /// Frames on which the detector failed.
    pub detect_failed: Counter,
    /// Of the superseded, those that rate adaptation left out.
    pub left_out: Counter,
    /// States replaced by newer ones before they were published.
    pub states_superseded: Counter,
    /// Events dropped because nobody took them.
    pub events_dropped: Counter,
    /// States published.
    pub states_published: Counter,
    /// Events the broker acknowledged.
    pub events_published: Counter,
    /// Connections to the broker.
    pub connections: Counter,

    /// Sizes of encoded states; bytes, not microseconds.
    pub state_bytes: Histogram,
    /// When the newest frame arrived, monotonic microseconds; 0 before the first.
    pub newest_arrival_us: AtomicU64,
    /// Every how many frames one is processed.
    pub stride: AtomicU32,
}

/// The pipeline's metrics.
pub static METRICS: Metrics = Metrics {
    capture: Histogram::new(),
    preprocess: Histogram::new(),
    inference: Histogram::new(),
    decode: Histogram::new(),
    cut: Histogram::new(),
    read: Histogram::new(),
    table: Histogram::new(),
    encode: Histogram::new(),
    publish: Histogram::new(),
    gpu_work: Histogram::new(),
    gpu_queue: Histogram::new(),
    own_time: Histogram::new(),
    exposure_to_publish: Histogram::new(),
    due: Counter::new(),
    processed: Counter::new(),
    driver_gap: Counter::new(),
    driver_error: Counter::new(),
    no_slot: Counter::new(),
    superseded: Counter::new(),
    decode_failed: Counter::new(),
    detect_failed: Counter::new(),
    left_out: Counter::new(),
    states_superseded: Counter::new(),
    events_dropped: Counter::new(),
    states_published: Counter::new(),
    events_published: Counter::new(),
    connections: Counter::new(),
    state_bytes: Histogram::new(),
    newest_arrival_us: AtomicU64::new(0),
    stride: AtomicU32::new(1),
};

impl Metrics {
    /// Forgets the latencies, so that the next figures are those of the time from now on.
    pub fn forget_latencies(&self) {
        for histogram in [
            &self.capture,
            &self.preprocess,
            &self.inference,
            &self.decode,
            &self.cut,
            &self.read,
            &self.table,
            &self.encode,
            &self.publish,
            &self.gpu_work,
            &self.gpu_queue,
            &self.own_time,
            &self.exposure_to_publish,
        ] {
            histogram.reset();
        }
    }

    /// Counts frames that were due and did not come.
    pub fn dropped(&self, cause: DropCause) {
        self.due.add(u64::from(cause.frames()));
        let counter = match cause {
            DropCause::DriverGap(_) => &self.driver_gap,
            DropCause::DriverError => &self.driver_error,
            DropCause::NoSlot => &self.no_slot,
            DropCause::DecodeFailed => &self.decode_failed,
        };
        counter.add(u64::from(cause.frames()));
    }
}
