//! The checked-in bytes and keys: what other languages are tested with, and what must not change within a version.

mod support;

use baize_table_state::{Calibration, Message, ShotPrediction, TableEvent, TableState, decode};
use support::{
    bytes_of, empty_table, hex, nine_foot_table, shot_under_way, straight_pot, stripe_potted, unhex,
};

fn assert_golden<M: Message + PartialEq + std::fmt::Debug>(message: &M, golden: &str) {
    assert_eq!(
        hex(&bytes_of(message)),
        golden.trim(),
        "the encoder's bytes are not the golden ones"
    );
    let decoded = decode::<M>(&unhex(golden)).expect("golden bytes");
    assert_eq!(&decoded.message, message);
    assert_eq!(decoded.newer_minor, None);
}

#[test]
fn a_shot_under_way_has_its_golden_bytes() {
    assert_golden(&shot_under_way(), include_str!("golden/state.hex"));
}

#[test]
fn an_empty_table_has_its_golden_bytes() {
    assert_golden(&empty_table(), include_str!("golden/state_empty.hex"));
}

#[test]
fn an_uncalibrated_table_has_its_golden_bytes() {
    assert_golden(
        &TableState::uncalibrated(1, 33_333),
        include_str!("golden/state_uncalibrated.hex"),
    );
}

#[test]
fn an_event_has_its_golden_bytes() {
    assert_golden(&stripe_potted(), include_str!("golden/event.hex"));
}

#[test]
fn a_calibration_has_its_golden_bytes() {
    assert_golden(&nine_foot_table(), include_str!("golden/calibration.hex"));
}

#[test]
fn a_prediction_has_its_golden_bytes() {
    assert_golden(&straight_pot(), include_str!("golden/prediction.hex"));
}

#[test]
fn the_keys_are_those_checked_in() {
    let keys = format!(
        "v1/state {}\nv1/event {}\nv1/calibration {}\nv1/prediction {}\n",
        TableState::KEY,
        TableEvent::KEY,
        Calibration::KEY,
        ShotPrediction::KEY
    );
    assert_eq!(
        keys,
        include_str!("golden/keys.txt"),
        "a key is constant for its major version: a new one needs a new version, new topics and new golden files"
    );
}
