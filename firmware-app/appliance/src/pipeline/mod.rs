//! The static pipeline: capture → detect → table → encode, one thread each, joined by channels of one place.
//!
//! - One pipeline a process: its channels, its stage and its counters are `static`.
//! - After start-up its threads neither allocate nor free, log, or wait for anything but their work; what must be
//!   said goes through [`SHARED`], [`METRICS`] and the channels to threads that may.
//! - Each thread makes a turn at least every 100 ms, with or without work; capture at every
//!   frame, and at waits once its camera is silent. The service manager's watchdog lives on that.

mod adapt;
mod capture;
mod channels;
mod detect;
mod encode;
mod flow;
mod news;
mod shared;
mod table;
mod thread;

use std::thread::JoinHandle;

use baize_accelerator::Detector;
use baize_camera::{Camera, the_pool};
use baize_frame::{FrameFormat, PixelFormat};
use baize_table_vision::{StageOutput, TableStage};
use static_cell::StaticCell;

use self::channels::{FRAMES, SEEN, STATES};
use crate::limits::MAX_PICTURE_PX;
use crate::metrics::METRICS;

pub use capture::Failure;
pub use channels::{
    Bells, CALIBRATION, DETECTORS, ENCODED, EVENTS, Encoded, FAILED, OPENED, PICTURES, PREDICTIONS, RETIRED,
    Retired, lock_statistics,
};
pub use flow::Flow;
pub use shared::SHARED;
pub use thread::{Refused, ThreadPlan, refusals, refused};

/// Where each thread runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plans {
    /// Capture.
    pub capture: ThreadPlan,
    /// Detection.
    pub detect: ThreadPlan,
    /// The table stage.
    pub table: ThreadPlan,
    /// Encoding.
    pub encode: ThreadPlan,
}

/// A running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    threads: Vec<JoinHandle<()>>,
}

impl Pipeline {
    /// Starts the threads. Without a camera, capture waits for one in [`OPENED`]. `frame_interval_us` holds until a
    /// camera comes that tells another.
    ///
    /// # Panics
    /// When called a second time in a process.
    pub fn start(
        camera: Option<Box<dyn Camera>>,
        detector: Box<dyn Detector>,
        stage: TableStage,
        frame_interval_us: u32,
        flow: Flow,
        plans: Plans,
    ) -> std::io::Result<Self> {
        SHARED.set_frame_interval_us(frame_interval_us);
        let mut detector = detector;
        make_ready(&mut *detector, camera.as_ref().map(|camera| camera.format()));
        static STAGE: StaticCell<TableStage> = StaticCell::new();
        static OUTPUT: StaticCell<StageOutput> = StaticCell::new();
        let stage = STAGE.init(stage);
        let output = OUTPUT.init(StageOutput::new());
        let thread = |name: &str| std::thread::Builder::new().name(format!("baize-{name}"));
        let threads = vec![
            thread("encode").spawn(move || encode::run(flow, &plans.encode))?,
            thread("table").spawn(move || table::run(stage, output, flow, &plans.table))?,
            thread("detect").spawn(move || detect::run(detector, flow, &plans.detect))?,
            thread("capture").spawn(move || capture::run(camera, flow, &plans.capture))?,
        ];
        Ok(Self { threads })
    }

    /// Whether every thread has ended: the recording is over, or a stop was asked for.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the threads to end; asks them to with [`SHARED`]`.stop()` where they would not by themselves.
    pub fn join(self) {
        for thread in self.threads {
            // A panic has aborted the process, or was printed by the test that caused it.
            let _ = thread.join();
        }
        // What a stop left between two stages was superseded by nothing, but not processed either.
        let left = [
            FRAMES.try_receive().is_ok(),
            SEEN.try_receive().is_ok(),
            STATES.try_receive().is_ok_and(|judged| judged.trace.is_some()),
        ];
        METRICS
            .superseded
            .add(left.iter().filter(|&&left| left).count() as u64);
    }
}

/// Makes a detector ready for the pipeline, whose camera sends pictures of this shape.
pub fn make_ready(detector: &mut dyn Detector, format: Option<FrameFormat>) {
    // For the largest pictures that a slot holds: whatever camera is opened later, there is room.
    for pixels in [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::Grey,
        PixelFormat::Rgb24,
    ] {
        detector.prepare(FrameFormat::packed(MAX_PICTURE_PX[0], MAX_PICTURE_PX[1], pixels));
    }
    let slots: Vec<_> = the_pool().memory().collect();
    detector.expect_slots(&slots, format.map_or(0, |format| format.size_bytes()));
}
