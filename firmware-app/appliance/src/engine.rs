//! The detector on a GPU: TensorRT with the engine of the model, which is built once on each machine.

use std::path::Path;
use std::time::{Duration, SystemTime};

use baize_accelerator::tensorrt::building::{BuildError, BuildOptions, EngineSource, find_trtexec};
use baize_accelerator::tensorrt::{PlanError, TensorRt, messages};
use baize_accelerator::{Detector, ModelFiles};

use crate::config;
use crate::failure::Failure;

/// The model for GPUs inside the program: the same weights in 16 bits.
const MODEL: &[u8] = include_bytes!("../../../models/nano-fp16/baize-nano.onnx");
const MANIFEST: &str = include_str!("../../../models/nano-fp16/baize-nano.json");

/// An Orin Nano takes minutes. What takes this long has hung.
const BUILD_TIME_LIMIT: Duration = Duration::from_secs(45 * 60);

/// How soon a wish to stop is noticed before a build.
const TURN: Duration = Duration::from_millis(200);

/// Why the detector does not run on a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOnGpu {
    /// This machine lacks something; what.
    Never(String),
    /// Its engine has to be built first; why.
    Unbuilt(String),
}

/// A GPU that may run the model, and the place of its engine.
struct Gpu {
    tensorrt: TensorRt,
    model: ModelFiles,
    source: EngineSource,
}

impl Gpu {
    fn find(config: &config::Detector) -> Result<Self, String> {
        let library = given(&config.tensorrt);
        let tensorrt = TensorRt::start(library).map_err(|error| error.to_string())?;
        let model = match given(&config.model) {
            Some(folder) => ModelFiles::from_dir(folder),
            None => ModelFiles::embedded(MODEL, MANIFEST),
        };
        let model = model.map_err(|error| error.to_string())?;
        Ok(Self {
            source: tensorrt.engine_of(&model, &config.engines),
            tensorrt,
            model,
        })
    }

    /// A plan that TensorRT does not take is thrown away.
    fn detector(&self, plan: &[u8]) -> Result<Box<dyn Detector>, PlanError> {
        match self.tensorrt.detector(&self.model, plan) {
            Ok(detector) => Ok(Box::new(detector)),
            // The GPU's troubles are not the plan's.
            Err(error @ PlanError::Gpu(_)) => Err(error),
            Err(error) => {
                self.source.refuse(&error.to_string());
                Err(error)
            }
        }
    }
}

/// The detector on the engine that was built earlier.
///
/// # Errors
/// [`NotOnGpu`].
pub fn stored(config: &config::Detector) -> Result<Box<dyn Detector>, NotOnGpu> {
    let gpu = Gpu::find(config).map_err(NotOnGpu::Never)?;
    let plan = gpu
        .source
        .stored()
        .map_err(|error| NotOnGpu::Unbuilt(error.to_string()))?;
    gpu.detector(&plan).map_err(|error| match error {
        PlanError::Gpu(error) => NotOnGpu::Never(error.to_string()),
        error => NotOnGpu::Unbuilt(error.to_string()),
    })
}

/// Builds the engine, which takes minutes, and opens the detector on it. A failed build is tried again, after waits that
/// grow.
///
/// # Errors
/// [`Failure`] where it is of no use to try again, or `stop` said so.
pub fn built(config: &config::Detector, stop: &dyn Fn() -> bool) -> Result<Box<dyn Detector>, Failure> {
    let gpu = Gpu::find(config).map_err(Failure::new)?;
    let options = BuildOptions {
        trtexec: find_trtexec(given(&config.trtexec)).map_err(Failure::from_error)?,
        time_limit: BUILD_TIME_LIMIT,
    };
    loop {
        wait_for_the_turn_of(&gpu.source, stop)?;
        log::info!("building the engine of {}", gpu.model.manifest().name);
        let mut tell = |so_far: Duration, line: &str| {
            log::info!("building the engine for {} s now: {line}", so_far.as_secs());
        };
        match gpu.source.build(gpu.model.onnx(), &options, &mut tell, stop) {
            Ok(plan) => match gpu.detector(&plan) {
                Ok(detector) => return Ok(detector),
                Err(PlanError::Gpu(error)) => return Err(Failure::from_error(error)),
                Err(error) => log::warn!("the engine just built is of no use: {error}"),
            },
            Err(error @ BuildError::Stopped) => return Err(Failure::from_error(error)),
            Err(error) => log::warn!("no engine: {error}"),
        }
    }
}

/// Logs what TensorRT has said since the last call.
pub fn log_messages() {
    while let Some(message) = messages::next() {
        match message.severity {
            messages::Severity::Error => log::error!("TensorRT: {message}"),
            messages::Severity::Warning => log::warn!("TensorRT: {message}"),
        }
    }
    match messages::lost() {
        0 => {}
        lost => log::warn!("TensorRT said {lost} things more"),
    }
}

fn wait_for_the_turn_of(source: &EngineSource, stop: &dyn Fn() -> bool) -> Result<(), Failure> {
    let wait = source.wait_before_build(SystemTime::now());
    if !wait.is_zero() {
        log::info!(
            "the engine is built again in {} s: earlier builds failed",
            wait.as_secs()
        );
    }
    while !source.wait_before_build(SystemTime::now()).is_zero() {
        if stop() {
            return Err(Failure::from_error(BuildError::Stopped));
        }
        std::thread::sleep(TURN);
    }
    Ok(())
}

/// A path of the configuration, which is empty where none is given.
pub fn given(path: &Path) -> Option<&Path> {
    Some(path).filter(|path| !path.as_os_str().is_empty())
}
