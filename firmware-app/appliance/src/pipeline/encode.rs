//! The encode thread: states in, bytes for the wire out.

use super::capture::elapsed_us;
use super::channels::{ENCODED, Encoded, STATES};
use super::flow::{self, Flow};
use super::news::News;
use super::shared::SHARED;
use super::thread::ThreadPlan;
use crate::limits::STATE_BYTES;
use crate::metrics::METRICS;
use baize_realtime::clock;
use baize_realtime::sealing::Role;

/// Runs until stopped, or until the table stage has ended and every state is done.
pub fn run(flow: Flow, plan: &ThreadPlan) {
    let seal = plan.enter(Role::Encode);
    let mut news = News::default();
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
            // Every state fits by the wire's promise; for one that does not, the next takes its place.
            Err(_) => {
                METRICS.superseded.add(1);
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
        if flow == Flow::LatestWins && !news.is_news(&judged.state, started_us) {
            continue;
        }
        let encoded = Encoded {
            bytes,
            exposure_us: judged.state.exposure_us,
            encoded_us: clock::monotonic_us(),
            from_frame: judged.trace.is_some(),
        };
        if flow.hand_over(&ENCODED, encoded).is_some() {
            METRICS.states_superseded.add(1);
        }
    }
    SHARED.ended(Role::Encode);
    drop(seal);
}
