//! The encode thread: states in, bytes for the wire out.

use baize_realtime::clock;
use baize_realtime::sealing::Role;
use baize_table_state::TableState;

use super::capture::elapsed_us;
use super::channels::{ENCODED, Encoded, STATES};
use super::flow::{self, Flow};
use super::shared::SHARED;
use super::thread::ThreadPlan;
use crate::limits::{IDLE_TURN_MS, STATE_BYTES};
use crate::metrics::METRICS;

/// Whether one state says anything that the other does not, but when.
fn differs(state: &TableState, other: &TableState) -> bool {
    state.flags != other.flags
        || state.calibration_id != other.calibration_id
        || state.calibration_validity != other.calibration_validity
        || state.balls != other.balls
        || state.cue != other.cue
}

/// Runs until stopped, or until the table stage has ended and every state is done.
pub fn run(flow: Flow, plan: &ThreadPlan) {
    let seal = plan.enter(Role::Encode);
    let mut last: Option<(TableState, u64)> = None;
    while !SHARED.is_stopping() {
        SHARED.turn(Role::Encode);
        let table_ended = SHARED.has_ended(Role::Table);
        let Some(judged) = flow::next(&STATES) else {
            if table_ended {
                break;
            }
            continue;
        };
        let started_us = clock::monotonic_us();
        let mut bytes = heapless::Vec::<u8, STATE_BYTES>::new();
        let _ = bytes.resize(STATE_BYTES, 0);
        let written = match baize_table_state::encode(&judged.state, &mut bytes) {
            Ok(encoded) => encoded.len(),
            // Every state fits by the wire's promise; one that does not is not published, and counted.
            Err(_) => {
                METRICS.encode_failed.add(1);
                continue;
            }
        };
        bytes.truncate(written);
        let took_us = elapsed_us(started_us);
        METRICS.encode.record(took_us);
        METRICS.state_bytes.record(written as u32);
        if let Some(trace) = judged.trace {
            METRICS.own_time.record(trace.own_us + took_us);
            METRICS.processed.add(1);
        }
        let is_news = last.as_ref().is_none_or(|(state, sent_us)| {
            started_us.saturating_sub(*sent_us) >= IDLE_TURN_MS * 1000 || differs(&judged.state, state)
        });
        if !is_news && flow == Flow::LatestWins {
            continue;
        }
        let encoded = Encoded {
            bytes,
            exposure_us: judged.state.exposure_us,
            encoded_us: clock::monotonic_us(),
            from_frame: judged.trace.is_some(),
        };
        last = Some((judged.state, started_us));
        if flow.hand_over(&ENCODED, encoded).is_some() {
            METRICS.states_superseded.add(1);
        }
    }
    SHARED.ended(Role::Encode);
    drop(seal);
}
