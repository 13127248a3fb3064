//! The table thread: detections in, states and events out.

use baize_realtime::clock;
use baize_realtime::sealing::Role;
use baize_table_vision::{FrameStamp, StageOutput, TableStage};

use super::capture::elapsed_us;
use super::channels::{CALIBRATION, EVENTS, Judged, PICTURES, PREDICTIONS, Photo, SEEN, STATES, Trace};
use super::flow::{self, Flow};
use super::shared::SHARED;
use super::thread::ThreadPlan;
use crate::metrics::METRICS;

/// Runs until stopped, or until detection has ended and every frame is done.
pub fn run(stage: &mut TableStage, output: &mut StageOutput, flow: Flow, plan: &ThreadPlan) {
    let seal = plan.enter(Role::Table);
    while !SHARED.is_stopping() {
        SHARED.turn(Role::Table);
        let detect_ended = SHARED.has_ended(Role::Detect);
        let seen = flow::next(&SEEN);
        if let Ok(calibration) = CALIBRATION.try_receive() {
            stage.set_calibration(calibration);
        }
        let trace = match seen {
            Some(seen) => {
                let started_us = clock::monotonic_us();
                let image = seen.frame.image();
                let Trace {
                    frame_id,
                    exposure_us,
                    ..
                } = seen.trace;
                stage.step(
                    FrameStamp {
                        frame_id,
                        exposure_us,
                    },
                    &seen.detections,
                    Some(image.luminance()),
                    output,
                );
                let took_us = elapsed_us(started_us);
                METRICS.table.record(took_us);
                if SHARED.take_picture_request() {
                    // Nobody waits for an older one: the request was taken back with it.
                    let photo = Photo {
                        frame: seen.frame,
                        detections: seen.detections,
                    };
                    drop(Flow::LatestWins.hand_over(&PICTURES, photo));
                }
                Some(Trace {
                    own_us: seen.trace.own_us + took_us,
                    ..seen.trace
                })
            }
            None if detect_ended => break,
            // Recordings know no idle turns: what they yield depends on their frames alone.
            None if flow == Flow::Lossless => continue,
            None => {
                stage.repeat(output);
                None
            }
        };
        if flow == Flow::LatestWins {
            SHARED.mark(output);
        }
        for event in &output.events {
            let mut event = Some(*event);
            while let Some(Err(embassy_sync::channel::TrySendError::Full(back))) =
                event.take().map(|event| EVENTS.try_send(event))
            {
                // The oldest goes: whoever reads again wants to know what happened last.
                if EVENTS.try_receive().is_ok() {
                    METRICS.events_dropped.add(1);
                }
                event = Some(back);
            }
        }
        if let Some(prediction) = output.prediction.take() {
            // An older one is worth nothing; where nobody publishes, the newest waits.
            drop(Flow::LatestWins.hand_over(&PREDICTIONS, prediction));
        }
        let judged = Judged {
            state: output.state.clone(),
            trace,
        };
        if flow
            .hand_over(&STATES, judged)
            .is_some_and(|replaced| replaced.trace.is_some())
        {
            METRICS.superseded.add(1);
        }
    }
    SHARED.ended(Role::Table);
    drop(seal);
}
