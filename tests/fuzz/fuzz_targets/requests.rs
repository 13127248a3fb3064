//! Whatever a subscriber sends to `cmd/recalibrate`: a wish, or a refusal that can be published; and whatever a projector's
//! controller answers.
#![no_main]

use baize::recalibration::{Wish, answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let _ = answer(payload);
    if let Err(verdict) = Wish::parse(payload) {
        assert!(!verdict.accepted);
        serde_json::to_string(&verdict).expect("a verdict is JSON");
    }
});
