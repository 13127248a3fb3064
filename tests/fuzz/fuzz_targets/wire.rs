//! Whatever comes on a binary topic is refused or decoded, and what was decoded is encoded to the same meaning.
#![no_main]

use baize_table_state::{Calibration, Message, ShotPrediction, TableEvent, TableState, decode, encode};
use libfuzzer_sys::fuzz_target;

fn check<M: Message + PartialEq + std::fmt::Debug>(payload: &[u8]) {
    let Ok(decoded) = decode::<M>(payload) else { return };
    let mut buffer = [0; 4096];
    assert!(M::MAX_BYTES <= buffer.len());
    let bytes = encode(&decoded.message, &mut buffer).expect("MAX_BYTES suffice for every message");
    assert!(bytes.len() <= M::MAX_BYTES);
    let again = decode::<M>(bytes).expect("what was encoded can be decoded");
    assert_eq!(again.message, decoded.message);
    assert_eq!(again.newer_minor, None);
}

/// A payload with the right key gets further.
fn check_also_keyed<M: Message + PartialEq + std::fmt::Debug>(payload: &[u8]) {
    check::<M>(payload);
    if let Some((minor, rest)) = payload.split_first() {
        let mut keyed = M::KEY.0.to_vec();
        keyed.push(minor % 3);
        keyed.extend_from_slice(rest);
        check::<M>(&keyed);
    }
}

fuzz_target!(|payload: &[u8]| {
    check_also_keyed::<TableState>(payload);
    check_also_keyed::<TableEvent>(payload);
    check_also_keyed::<Calibration>(payload);
    check_also_keyed::<ShotPrediction>(payload);
});
