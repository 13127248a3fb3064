//! What finds the balls: the model, what runs it, and what would run it faster.

use baize_accelerator::tensorrt::{Library, LibraryError};

use super::Finding;
use crate::config;
use crate::sources;

pub fn all(config: &config::Detector, tell: &mut dyn FnMut(Finding)) {
    tell(detector(config));
    tell(tensorrt(config));
}

/// Opens the model as the appliance would.
fn detector(config: &config::Detector) -> Finding {
    const SUBJECT: &str = "detector";
    match sources::detector(config) {
        Ok(detector) => {
            let info = detector.info();
            Finding::good(SUBJECT, format!("{} on {}", info.model, info.backend))
        }
        Err(failure) => Finding::missing(SUBJECT, failure),
    }
}

fn tensorrt(config: &config::Detector) -> Finding {
    const SUBJECT: &str = "tensorrt";
    let path = Some(config.tensorrt.as_path()).filter(|path| !path.as_os_str().is_empty());
    match Library::open(path) {
        Ok(library) => Finding::good(SUBJECT, format!("version {}", library.version())),
        // Without an NVIDIA GPU nobody wants to hear that it should be installed.
        Err(LibraryError::NotLoaded { library, reason }) if path.is_none() => {
            Finding::does_without(SUBJECT, format!("no {}: {reason}", library.display()))
        }
        Err(error) => Finding::missing(SUBJECT, error),
    }
}
