//! The capture thread: gets frames and hands them on. Never waits for anybody but the driver.

use std::sync::atomic::Ordering;
use std::time::Duration;

use baize_camera::{Camera, CameraLost, Captured};
use baize_realtime::clock;
use baize_realtime::sealing::Role;
use baize_table_state::CameraStatus;

use super::channels::{FAILED, FRAMES, OPENED, Shot, Trace};
use super::flow::{self, Flow};
use super::shared::SHARED;
use super::thread::ThreadPlan;
use crate::limits::{FRAME_AGE_MIN_US, RECOVERY_MS, driver_hung_us};
use crate::metrics::METRICS;

/// How long one wait for the driver lasts at most: the thread still notices a stop within a second.
const DRIVER_WAIT: Duration = Duration::from_millis(200);

/// Why a camera was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It said so itself.
    Lost(CameraLost),
    /// It said nothing for so long that it has hung.
    Hung,
}

/// Runs until stopped or until the recording ends. Without a camera it waits for the camera keeper to open one.
pub fn run(camera: Option<Box<dyn Camera>>, flow: Flow, plan: &ThreadPlan) {
    let seal = plan.enter(Role::Capture);
    let mut camera = camera;
    let mut silent_us = 0;
    let mut frames_due: u64 = 0;
    let mut recovered_us = 0;
    while !SHARED.is_stopping() {
        let Some(open) = camera.as_mut() else {
            camera = flow::next(&OPENED);
            SHARED.turn(Role::Capture);
            if let Some(opened) = &camera {
                if let Some(interval_us) = opened.frame_interval_us() {
                    SHARED.set_frame_interval_us(interval_us);
                }
                SHARED.set_camera(CameraStatus::Recovering);
                recovered_us = clock::monotonic_us() + RECOVERY_MS * 1000;
                silent_us = 0;
            }
            continue;
        };
        let captured = open.capture(DRIVER_WAIT);
        silent_us = match captured {
            Ok(Captured::TimedOut) => silent_us + DRIVER_WAIT.as_micros() as u64,
            _ => 0,
        };
        // Frames are turns. Waits are none until so many have passed that the camera recovers, or is a slow one.
        if silent_us == 0 || silent_us >= FRAME_AGE_MIN_US {
            SHARED.turn(Role::Capture);
        }
        let failure = match captured {
            Ok(Captured::Frame(frame)) => {
                let returned_us = clock::monotonic_us();
                frames_due += 1;
                METRICS.due.add(1);
                METRICS.newest_arrival_us.store(returned_us, Ordering::Relaxed);
                if returned_us >= recovered_us {
                    SHARED.set_camera(CameraStatus::Online);
                }
                let stride = u64::from(METRICS.stride.load(Ordering::Relaxed));
                if flow == Flow::LatestWins && !frames_due.is_multiple_of(stride) {
                    METRICS.left_out.add(1);
                    METRICS.superseded.add(1);
                    continue;
                }
                // Up to the hand-over: the detect thread that it wakes may take this thread's core for a while.
                let own_us = elapsed_us(returned_us);
                METRICS.capture.record(own_us);
                let trace = Trace {
                    frame_id: frames_due,
                    exposure_us: frame.exposure_us,
                    own_us,
                };
                if flow.hand_over(&FRAMES, Shot { frame, trace }).is_some() {
                    METRICS.superseded.add(1);
                }
                continue;
            }
            Ok(Captured::Dropped(cause)) => {
                METRICS.dropped(cause);
                frames_due += u64::from(cause.frames());
                continue;
            }
            Ok(Captured::TimedOut) => {
                if silent_us < driver_hung_us(SHARED.frame_interval_us()) {
                    continue;
                }
                Failure::Hung
            }
            Ok(Captured::Ended) => break,
            Err(lost) => Failure::Lost(lost),
        };
        SHARED.set_camera(match failure {
            Failure::Lost(_) => CameraStatus::Lost,
            Failure::Hung => CameraStatus::Recovering,
        });
        if let Some(failed) = camera.take() {
            // The keeper takes a failed camera at once; were one still waiting, dropping it here would free memory.
            let _ = Flow::Lossless.hand_over(&FAILED, (failed, failure));
        }
    }
    SHARED.ended(Role::Capture);
    // The camera is freed by the thread that is no longer sealed.
    drop(seal);
}

/// Microseconds since `start_us`, for histograms.
pub fn elapsed_us(start_us: u64) -> u32 {
    u32::try_from(clock::monotonic_us().saturating_sub(start_us)).unwrap_or(u32::MAX)
}
