//! What finds the balls: the model, what runs it, and the GPU with what it needs.

use baize_accelerator::gpu::Device;
use baize_accelerator::tensorrt::Library;

use super::{Finding, Verdict};
use crate::config;
use crate::sources;

pub fn all(config: &config::Detector, tell: &mut dyn FnMut(Finding)) {
    // What only `tensorrt` insists on, others do without.
    let lacking = match config.backend.as_str() {
        "tensorrt" => Verdict::Missing,
        _ => Verdict::DoesWithout,
    };
    tell(gpu(lacking));
    tell(tensorrt(config, lacking));
    tell(detector(config));
}

fn gpu(lacking: Verdict) -> Finding {
    const SUBJECT: &str = "gpu";
    match Device::first() {
        Ok(device) => {
            let info = device.info();
            let ([major, minor], [cuda, update]) = (info.compute, info.cuda);
            Finding::good(
                SUBJECT,
                format!(
                    "{}, sm_{major}{minor}, with a driver for CUDA {cuda}.{update}",
                    info.name
                ),
            )
        }
        Err(error) => Finding::new(SUBJECT, lacking, error),
    }
}

fn tensorrt(config: &config::Detector, lacking: Verdict) -> Finding {
    const SUBJECT: &str = "tensorrt";
    let path = Some(config.tensorrt.as_path()).filter(|path| !path.as_os_str().is_empty());
    match Library::open(path) {
        Ok(library) => Finding::good(SUBJECT, format!("version {}", library.version())),
        Err(error) => Finding::new(SUBJECT, lacking, error),
    }
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
