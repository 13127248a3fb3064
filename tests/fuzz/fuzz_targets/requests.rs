//! Whatever a subscriber sends to `cmd/recalibrate`: a wish, or a refusal that can be published.
#![no_main]

use baize::recalibration::Wish;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    if let Err(verdict) = Wish::parse(payload) {
        assert!(!verdict.accepted);
        serde_json::to_string(&verdict).expect("a verdict is JSON");
    }
});
