//! The engine of the GPU: the one that was built before, or one that is built beside the pipeline while the CPU detects.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use baize_accelerator::gpu::GpuDetector;
use baize_accelerator::tensorrt::building::{
    BuildError, BuildOptions, EngineSource, FileError, find_trtexec,
};
use baize_accelerator::tensorrt::{PlanError, TensorRt, messages};
use baize_accelerator::{Detector, ModelFiles};

use crate::background::Job;
use crate::config;
use crate::failure::Failure;
use crate::pipeline::SHARED;
use crate::sources;

/// A build takes minutes on a Jetson; one that takes this long has hung.
const BUILD_MAX: Duration = Duration::from_secs(30 * 60);

/// How soon a stop is noticed while nothing is built.
const TURN: Duration = Duration::from_millis(200);

/// A GPU with TensorRT, and the model that is to run there.
pub struct GpuEngine {
    tensorrt: TensorRt,
    source: EngineSource,
    model: ModelFiles,
    trtexec: Option<PathBuf>,
}

impl GpuEngine {
    /// Looks for the GPU and TensorRT.
    pub fn start(config: &config::Detector) -> Result<Self, Failure> {
        let given = |path: &Path| Some(path.to_owned()).filter(|path| !path.as_os_str().is_empty());
        let tensorrt = TensorRt::start(given(&config.tensorrt).as_deref()).map_err(Failure::from_error)?;
        let model = sources::gpu_model(config)?;
        Ok(Self {
            source: tensorrt.engine_of(&model, &config.engines),
            tensorrt,
            model,
            trtexec: given(&config.trtexec),
        })
    }

    /// The GPU and TensorRT, for people.
    pub fn describe(&self) -> String {
        let (gpu, version) = (self.tensorrt.gpu(), self.tensorrt.version());
        format!("{} with TensorRT {version}", gpu.name)
    }

    /// What is in the file of the engine.
    pub fn file(&self) -> Result<Vec<u8>, FileError> {
        self.source.stored()
    }

    /// Where that file is.
    pub fn path(&self) -> PathBuf {
        self.source.file()
    }

    /// What builds engines.
    pub fn trtexec(&self) -> Result<PathBuf, BuildError> {
        find_trtexec(self.trtexec.as_deref())
    }

    /// A detector on the engine that was built before; otherwise why there is none.
    pub fn stored(&self) -> Result<GpuDetector, String> {
        let plan = self.file().map_err(|error| error.to_string())?;
        self.detector(&plan)
    }

    /// A plan that TensorRT does not take, or that is not the model's, is thrown away.
    fn detector(&self, plan: &[u8]) -> Result<GpuDetector, String> {
        self.tensorrt.detector(&self.model, plan).map_err(|error| {
            if matches!(error, PlanError::Engine(_) | PlanError::Model(_)) {
                self.source.refuse(&error.to_string());
            }
            error.to_string()
        })
    }

    /// Builds until there is a detector; `None` when the appliance stops or nothing can be built here.
    fn build(&self) -> Option<GpuDetector> {
        let trtexec = match self.trtexec() {
            Ok(trtexec) => trtexec,
            Err(error) => {
                log::warn!("{error}; the CPU goes on detecting");
                return None;
            }
        };
        let options = BuildOptions {
            trtexec,
            time_limit: BUILD_MAX,
        };
        loop {
            if !sleep(self.source.wait_before_build(SystemTime::now())) {
                return None;
            }
            log::info!(
                "building the engine for {}, which takes minutes; the CPU detects meanwhile",
                self.describe()
            );
            let started = Instant::now();
            let built = self.source.build(
                self.model.onnx(),
                &options,
                &mut |since, line| log::info!("building the engine, {} s: {line}", since.as_secs()),
                &|| SHARED.is_stopping(),
            );
            let failed = match built {
                Ok(plan) => match self.detector(&plan) {
                    Ok(detector) => {
                        log::info!("the engine was built in {} s", started.elapsed().as_secs());
                        return Some(detector);
                    }
                    Err(reason) => reason,
                },
                Err(BuildError::Stopped) => return None,
                Err(error) => error.to_string(),
            };
            let wait = self.source.wait_before_build(SystemTime::now());
            log::warn!(
                "{failed}; the CPU goes on detecting, the next try is in {} min",
                wait.as_secs().div_ceil(60)
            );
            if wait.is_zero() && !sleep(UNNOTED_WAIT) {
                return None;
            }
        }
    }
}

/// Where a failure cannot even be noted, because the disk is full.
const UNNOTED_WAIT: Duration = Duration::from_secs(10 * 60);

/// Sleeps, unless the appliance stops meanwhile.
fn sleep(wait: Duration) -> bool {
    let until = Instant::now() + wait;
    while !SHARED.is_stopping() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(TURN));
    }
    false
}

/// Builds the engine on a thread of its own.
#[derive(Debug)]
pub struct Building(Job<Option<Box<dyn Detector>>>);

impl Building {
    /// Starts it. The detector comes with the reader of numbers and colours behind it.
    pub fn start(engine: GpuEngine, config: &config::Detector) -> Self {
        let config = config.clone();
        Self(Job::start("baize-engine", move || {
            let detector = engine.build()?;
            let options = sources::cpu_options(&config).ok()?;
            match sources::with_reader(Box::new(detector), &options) {
                Ok(detector) => Some(detector),
                Err(failure) => {
                    log::warn!("{failure}; the CPU goes on detecting");
                    None
                }
            }
        }))
    }

    /// Once it is over: the detector on the new engine, if there is one.
    pub fn poll(&self) -> Option<Option<Box<dyn Detector>>> {
        self.0.poll().map(|built| built.ok().flatten())
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
