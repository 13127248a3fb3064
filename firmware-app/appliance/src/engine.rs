//! The detector on a GPU: TensorRT with the engine of the model, which is built once on each machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use baize_accelerator::gpu::{Gauge, GpuDetector};
use baize_accelerator::tensorrt::building::{
    BuildError, BuildOptions, EngineSource, FileError, find_trtexec,
};
use baize_accelerator::tensorrt::{PlanError, TensorRt, messages};
use baize_accelerator::{Detector, ModelFiles, ReaderManifest};

use crate::config;
use crate::failure::Failure;
use crate::sources;

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
    /// An engine has to be built first; why.
    Unbuilt(String),
}

/// A detector on a GPU, and what tells how that is.
pub struct OnGpu {
    /// It reads numbers and colours, too: there, or on the CPU where the reader's engine could not be built, or a second look at
    /// small balls is wished for.
    pub detector: Box<dyn Detector>,
    /// For whoever watches the GPU.
    pub gauge: Gauge,
}

/// A GPU that may run the models, and the places of their engines.
struct Gpu {
    tensorrt: TensorRt,
    model: ModelFiles,
    source: EngineSource,
    reader: ModelFiles<ReaderManifest>,
    reader_source: EngineSource,
    /// A second look comes between detector and reader, which is on the CPU then.
    looks_closer: bool,
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
        let reader = sources::reader_model().map_err(|failure| failure.to_string())?;
        Ok(Self {
            source: tensorrt.engine_of(&model, &config.engines),
            reader_source: tensorrt.engine_of(&reader, &config.engines),
            tensorrt,
            model,
            reader,
            looks_closer: config.closer,
        })
    }

    /// The detector on its plan, and the reader on its own, if there is one. A plan that TensorRT does not take is thrown
    /// away.
    fn open(&self, plan: &[u8], reader_plan: Option<&[u8]>) -> Result<GpuDetector, PlanError> {
        let refuse = |source: &EngineSource, error: PlanError| {
            // The GPU's troubles are not the plan's.
            if !matches!(error, PlanError::Gpu(_)) {
                source.refuse(&error.to_string());
            }
            error
        };
        let detector = self.tensorrt.detector(&self.model, plan);
        let detector = detector.map_err(|error| refuse(&self.source, error))?;
        match reader_plan {
            Some(plan) => {
                let reading = self.tensorrt.with_reader(detector, &self.reader, plan);
                reading.map_err(|error| refuse(&self.reader_source, error))
            }
            None => Ok(detector),
        }
    }

    /// With the reader on the CPU where it has none here.
    fn whole(&self, detector: GpuDetector, config: &config::Detector) -> Result<OnGpu, Failure> {
        let reads = detector.info().reader.is_some();
        let detector: Box<dyn Detector> = Box::new(detector);
        Ok(OnGpu {
            detector: match reads {
                true => detector,
                false => sources::with_reader(detector, config)?,
            },
            gauge: self.tensorrt.gauge(),
        })
    }

    /// Whether the reader's engine could not be built lately, so that it stays on the CPU for now.
    fn does_without_reader(&self) -> bool {
        !self.reader_source.wait_before_build(SystemTime::now()).is_zero()
    }

    /// The reader's engine that there is; `None` where none is wanted.
    fn stored_reader(&self) -> Result<Option<Vec<u8>>, FileError> {
        if self.looks_closer {
            return Ok(None);
        }
        self.reader_source.stored().map(Some)
    }

    /// The plan that there is, else a new one. A failed build is tried again, after waits that grow.
    fn plan(&self, options: &BuildOptions, stop: &dyn Fn() -> bool) -> Result<Vec<u8>, Failure> {
        if let Ok(plan) = self.source.stored() {
            return Ok(plan);
        }
        loop {
            wait_for_the_turn_of(&self.source, stop)?;
            match build(
                &self.source,
                &self.model.manifest().name,
                self.model.onnx(),
                options,
                stop,
            ) {
                Ok(plan) => return Ok(plan),
                Err(error @ BuildError::Stopped) => return Err(Failure::from_error(error)),
                Err(error) => log::warn!("no engine: {error}"),
            }
        }
    }

    /// The same for the reader, which is tried once: the CPU can do its work beside the GPU.
    fn reader_plan(
        &self,
        options: &BuildOptions,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, Failure> {
        if let Ok(plan) = self.stored_reader() {
            return Ok(plan);
        }
        if self.does_without_reader() {
            return Ok(None);
        }
        let (name, onnx) = (&self.reader.manifest().name, self.reader.onnx());
        match build(&self.reader_source, name, onnx, options, stop) {
            Ok(plan) => Ok(Some(plan)),
            Err(error @ BuildError::Stopped) => Err(Failure::from_error(error)),
            Err(error) => {
                log::warn!("numbers and colours are read on the CPU, for lack of an engine: {error}");
                Ok(None)
            }
        }
    }
}

/// The detector on the engines that were built earlier.
///
/// # Errors
/// [`NotOnGpu`].
pub fn stored(config: &config::Detector) -> Result<OnGpu, NotOnGpu> {
    let gpu = Gpu::find(config).map_err(NotOnGpu::Never)?;
    let plan = gpu
        .source
        .stored()
        .map_err(|error| NotOnGpu::Unbuilt(error.to_string()))?;
    let reader_plan = match gpu.stored_reader() {
        Ok(plan) => plan,
        Err(_) if gpu.does_without_reader() => None,
        Err(error) => {
            let reader = &gpu.reader.manifest().name;
            return Err(NotOnGpu::Unbuilt(format!("{reader}: {error}")));
        }
    };
    let opened = gpu.open(&plan, reader_plan.as_deref());
    let detector = opened.map_err(|error| match error {
        PlanError::Gpu(error) => NotOnGpu::Never(error.to_string()),
        error => NotOnGpu::Unbuilt(error.to_string()),
    })?;
    gpu.whole(detector, config)
        .map_err(|failure| NotOnGpu::Never(failure.to_string()))
}

/// The program that builds engines; in words where it is not there.
///
/// # Errors
/// The words.
pub fn trtexec(config: &config::Detector) -> Result<PathBuf, String> {
    find_trtexec(given(&config.trtexec)).map_err(|error| error.to_string())
}

/// Builds the engines that are missing, which takes minutes, and opens the detector on them.
///
/// # Errors
/// [`Failure`] where it is of no use to try again, or `stop` said so.
pub fn built(config: &config::Detector, trtexec: PathBuf, stop: &dyn Fn() -> bool) -> Result<OnGpu, Failure> {
    let gpu = Gpu::find(config).map_err(Failure::new)?;
    let options = BuildOptions {
        trtexec,
        time_limit: BUILD_TIME_LIMIT,
    };
    loop {
        let plan = gpu.plan(&options, stop)?;
        let reader_plan = gpu.reader_plan(&options, stop)?;
        match gpu.open(&plan, reader_plan.as_deref()) {
            Ok(detector) => return gpu.whole(detector, config),
            Err(PlanError::Gpu(error)) => return Err(Failure::from_error(error)),
            Err(error) => log::warn!("the engine just built is of no use: {error}"),
        }
    }
}

fn build(
    source: &EngineSource,
    name: &str,
    onnx: &[u8],
    options: &BuildOptions,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u8>, BuildError> {
    log::info!("building the engine of {name}");
    let mut tell = |so_far: Duration, line: &str| {
        log::info!(
            "building the engine of {name} for {} s now: {line}",
            so_far.as_secs()
        );
    };
    source.build(onnx, options, &mut tell, stop)
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
