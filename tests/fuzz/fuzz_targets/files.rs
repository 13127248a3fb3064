//! Whatever stands in a file that a person may edit: refused with a sentence, or read into something that can be used.
#![no_main]

use baize::calibration_file::StoredCalibration;
use baize::calibration_store;
use baize::config::{Config, Game};
use baize_accelerator::Manifest;
use baize_table_state::{Calibration, Message as _, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Some((kind, text)) = file.split_first() else { return };
    if kind % 4 == 3 {
        let _ = calibration_store::parse(text);
        return;
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    match kind % 4 {
        0 => {
            if let Err(error) = Config::parse(text) {
                assert!(!error.to_string().is_empty());
            }
        }
        1 => match StoredCalibration::parse(text) {
            Ok(stored) => {
                let calibration = &stored.calibration;
                // What is in use must bear whatever the pipeline asks of it.
                let _ = calibration.project([0.0, 0.0, 0.0]);
                let _ = calibration.region_of_interest(250.0);
                let mut buffer = [0; Calibration::MAX_BYTES];
                encode(&stored.for_the_wire(Game::Pool), &mut buffer).expect("MAX_BYTES suffice");
            }
            Err(error) => assert!(!error.is_empty()),
        },
        _ => {
            if let Err(error) = Manifest::parse(text) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
});
