//! What finds the balls: the model, what runs it, and the GPU with what it needs.

use baize_accelerator::DetectorInfo;
use baize_accelerator::gpu::Device;
use baize_accelerator::tensorrt::Library;
use baize_accelerator::tensorrt::building::find_trtexec;

use super::{Finding, Verdict};
use crate::config;
use crate::engine::{self, NotOnGpu, given};
use crate::sources;

pub fn all(config: &config::Detector, tell: &mut dyn FnMut(Finding)) {
    // What only `tensorrt` insists on, others do without.
    let lacking = match config.backend.as_str() {
        "tensorrt" => Verdict::Missing,
        _ => Verdict::DoesWithout,
    };
    tell(gpu(lacking));
    tell(tensorrt(config, lacking));
    let engine = engine::stored(config).map(|on_gpu| on_gpu.detector.info().clone());
    tell(engine_finding(config, engine.as_ref(), lacking));
    tell(detector(config, engine));
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
    match Library::open(given(&config.tensorrt)) {
        Ok(library) => Finding::good(SUBJECT, format!("version {}", library.version())),
        Err(error) => Finding::new(SUBJECT, lacking, error),
    }
}

/// The engine, or what would build it.
fn engine_finding(
    config: &config::Detector,
    stored: Result<&DetectorInfo, &NotOnGpu>,
    lacking: Verdict,
) -> Finding {
    const SUBJECT: &str = "engine";
    match (stored, find_trtexec(given(&config.trtexec))) {
        (Ok(info), _) => {
            let found = format!("that of {}, in {}", info.model, config.engines.display());
            match info.reader {
                Some("tensorrt") => Finding::good(SUBJECT, format!("{found}, and the reader's")),
                _ => Finding::does_without(
                    SUBJECT,
                    format!("{found}; the reader's could not be built, the CPU reads numbers and colours"),
                ),
            }
        }
        // Its reason is a finding of its own, or the GPU's own words.
        (Err(NotOnGpu::Never(why)), _) => Finding::new(SUBJECT, lacking, format!("none: {why}")),
        (Err(NotOnGpu::Unbuilt(why)), Ok(trtexec)) => Finding::does_without(SUBJECT, why).advise(format!(
            "`baize run` builds it with {}, which takes minutes; the CPU detects meanwhile",
            trtexec.display()
        )),
        (Err(NotOnGpu::Unbuilt(why)), Err(no_trtexec)) => {
            Finding::new(SUBJECT, lacking, why).advise(no_trtexec)
        }
    }
}

/// Opens what the appliance would start with.
fn detector(config: &config::Detector, on_gpu: Result<DetectorInfo, NotOnGpu>) -> Finding {
    const SUBJECT: &str = "detector";
    match (config.backend.as_str(), on_gpu) {
        ("auto" | "tensorrt", Ok(info)) => Finding::good(SUBJECT, format!("{} on tensorrt", info.model)),
        ("tensorrt", Err(NotOnGpu::Never(why))) => {
            Finding::missing(SUBJECT, why).advise("or let auto take what is there: detector.backend")
        }
        _ => match sources::cpu_detector(config) {
            Ok(detector) => {
                let info = detector.info();
                Finding::good(SUBJECT, format!("{} on {}", info.model, info.backend))
            }
            Err(failure) => Finding::missing(SUBJECT, failure),
        },
    }
}
