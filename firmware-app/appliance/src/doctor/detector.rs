//! What finds the balls: the model, what runs it, and the GPU with what it needs.

use baize_accelerator::gpu::Device;
use baize_accelerator::tensorrt::Library;
use baize_accelerator::tensorrt::building::FileError;

use super::{Finding, Verdict};
use crate::config;
use crate::gpu_engine::GpuEngine;
use crate::sources;

pub fn all(config: &config::Detector, tell: &mut dyn FnMut(Finding)) {
    // What only `tensorrt` insists on, others do without.
    let lacking = match config.backend.as_str() {
        "tensorrt" => Verdict::Missing,
        _ => Verdict::DoesWithout,
    };
    tell(gpu(lacking));
    tell(tensorrt(config, lacking));
    tell(engine(config, lacking));
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

/// The engine, or what would build it.
fn engine(config: &config::Detector, lacking: Verdict) -> Finding {
    const SUBJECT: &str = "engine";
    let engine = match GpuEngine::start(config) {
        Ok(engine) => engine,
        // Each of them has a finding of its own.
        Err(_) => return Finding::does_without(SUBJECT, "none without GPU and TensorRT"),
    };
    let path = engine.path();
    match (engine.file(), engine.trtexec()) {
        (Ok(_), _) => Finding::good(SUBJECT, path.display()),
        (Err(FileError::Missing), Ok(trtexec)) => Finding::does_without(SUBJECT, "not built yet").advise(format!(
            "`baize run` builds it with {} at its first start, which takes minutes; the CPU detects meanwhile",
            trtexec.display()
        )),
        (Err(error), Ok(_)) => Finding::does_without(SUBJECT, error).advise("`baize run` builds it again"),
        (Err(error), Err(no_trtexec)) => Finding::new(SUBJECT, lacking, error).advise(no_trtexec),
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
