//! The detect thread: frames in, detections out.

use std::sync::atomic::Ordering;

use baize_accelerator::{DetectError, Detector};
use baize_frame::Detections;
use baize_realtime::clock;
use baize_realtime::sealing::{Role, library_scope};

use super::adapt::RateAdapter;
use super::capture::elapsed_us;
use super::channels::{DETECTORS, FRAMES, RETIRED, Retired, SEEN, Seen, Trace};
use super::flow::{self, Flow};
use super::shared::SHARED;
use super::thread::ThreadPlan;
use crate::metrics::METRICS;

/// Runs until stopped, or until capture has ended and every frame is done.
pub fn run(mut detector: Box<dyn Detector>, flow: Flow, plan: &ThreadPlan) {
    let seal = plan.enter_with(Role::Detect, || detector.settle());
    let mut serving = Some(detector);
    let mut adapter = RateAdapter::new(SHARED.frame_interval_us());
    let mut detections = Detections::new();
    while !SHARED.is_stopping() {
        SHARED.turn(Role::Detect);
        take_over(&mut serving);
        // Read before the wait: what was handed over before the end is then seen by the wait.
        let capture_ended = SHARED.has_ended(Role::Capture);
        let Some(shot) = flow::next(&FRAMES) else {
            if capture_ended {
                break;
            }
            continue;
        };
        let Some(detector) = serving.as_mut() else {
            failed();
            continue;
        };
        let started_us = clock::monotonic_us();
        let image = shot.frame.image();
        let region = SHARED.region_of_interest(&image);
        match detector.detect(&image, region, &mut detections) {
            Ok(timings) => {
                SHARED.detector_worked(true);
                METRICS.preprocess.record(timings.preprocess_us);
                METRICS.inference.record(timings.inference_us);
                METRICS.decode.record(timings.decode_us);
                METRICS.cut.record(timings.cut_us);
                METRICS.read.record(timings.read_us);
                if let Some(gpu) = timings.gpu {
                    METRICS.gpu_work.record(gpu.work_us);
                    METRICS.gpu_queue.record(gpu.queue_us);
                }
                let own_us = shot.trace.own_us + timings.preprocess_us + timings.decode_us + timings.cut_us;
                let seen = Seen {
                    frame: shot.frame,
                    detections: detections.clone(),
                    trace: Trace { own_us, ..shot.trace },
                };
                if flow.hand_over(&SEEN, seen).is_some() {
                    METRICS.superseded.add(1);
                }
            }
            Err(DetectError::DeviceLost) => {
                failed();
                shot.frame.slot.quarantine();
                retire(&mut serving, Retired::Lost);
            }
            Err(_) => failed(),
        }
        if flow == Flow::LatestWins {
            let now_us = clock::monotonic_us();
            adapter.set_interval(SHARED.frame_interval_us());
            let stride = adapter.observe(now_us, elapsed_us(started_us), SHARED.is_throttled());
            METRICS.stride.store(stride, Ordering::Relaxed);
            SHARED.set_rate_reason(adapter.reason());
        }
    }
    SHARED.ended(Role::Detect);
    drop(seal);
}

fn failed() {
    SHARED.detector_worked(false);
    METRICS.detect_failed.add(1);
}

/// Takes the detector that was made beside the pipeline, if there is one.
fn take_over(serving: &mut Option<Box<dyn Detector>>) {
    let Ok(mut detector) = DETECTORS.try_receive() else {
        return;
    };
    retire(serving, Retired::Replaced);
    // Its threads start anew from here; what that takes is the library's.
    let _scope = library_scope();
    detector.settle();
    *serving = Some(detector);
}

/// Hands the detector to the supervisor, which may free it.
fn retire(serving: &mut Option<Box<dyn Detector>>, why: Retired) {
    if let Some(detector) = serving.take() {
        let _ = Flow::Lossless.hand_over(&RETIRED, (detector, why));
    }
}
