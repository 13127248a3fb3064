use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::building::{EngineKey, EngineSource};
use super::network::EngineNetwork;
use super::{EngineError, Library, LibraryError, Runtime, RuntimeError, Version};
use crate::gpu::{Access, Device, DeviceInfo, Gauge, GpuDetector, GpuError};
use crate::model_files::Described;
use crate::{LoadError, ModelFiles, ReaderManifest};

/// The first GPU, with TensorRT started on it.
#[derive(Debug)]
pub struct TensorRt {
    runtime: Runtime,
    version: Version,
    device: Arc<Device>,
}

/// Why there is no TensorRT on a GPU.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// No GPU to begin with.
    Gpu(GpuError),
    /// A GPU, but no TensorRT that can be used.
    Library(LibraryError),
    /// It does not start.
    Runtime(RuntimeError),
}

/// Why a plan does not become a detector.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError {
    /// TensorRT does not take it.
    Engine(EngineError),
    /// It is not that of the model.
    Model(LoadError),
    /// The GPU does not run it.
    Gpu(GpuError),
}

impl TensorRt {
    /// Starts TensorRT from the library at `library`, or from the one that the system's loader knows.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(library: Option<&Path>) -> Result<Self, StartError> {
        // The GPU first: without one TensorRT crashes where it should fail.
        let device = Device::first().map_err(StartError::Gpu)?;
        let library = Library::open(library).map_err(StartError::Library)?;
        Ok(Self {
            runtime: library.runtime().map_err(StartError::Runtime)?,
            version: library.version(),
            device,
        })
    }

    /// The GPU.
    pub fn gpu(&self) -> &DeviceInfo {
        self.device.info()
    }

    /// TensorRT's version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What tells how the GPU is.
    pub fn gauge(&self) -> Gauge {
        Gauge::of(&self.device)
    }

    /// Where the engine of a model comes from, with its files in `folder`.
    pub fn engine_of<M: Described>(&self, model: &ModelFiles<M>, folder: &Path) -> EngineSource {
        let key = EngineKey::new(self.version, self.gpu().compute, model.onnx());
        EngineSource::new(folder, model.manifest().name(), key)
    }

    /// A detector that runs the model's plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn detector(&self, model: &ModelFiles, plan: &[u8]) -> Result<GpuDetector, PlanError> {
        self.device.enter().map_err(PlanError::Gpu)?;
        let engine = self.runtime.deserialize(plan).map_err(PlanError::Engine)?;
        let manifest = model.manifest();
        engine.check_detector(manifest).map_err(PlanError::Model)?;
        let network = EngineNetwork::new(&self.device, &engine).map_err(PlanError::Gpu)?;
        let access = Access::best(self.gpu());
        GpuDetector::open(&self.device, manifest, Box::new(network), access).map_err(PlanError::Gpu)
    }

    /// The same detector, reading numbers and colours with a reader's plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn with_reader(
        &self,
        detector: GpuDetector,
        model: &ModelFiles<ReaderManifest>,
        plan: &[u8],
    ) -> Result<GpuDetector, PlanError> {
        self.device.enter().map_err(PlanError::Gpu)?;
        let engine = self.runtime.deserialize(plan).map_err(PlanError::Engine)?;
        let manifest = model.manifest();
        engine.check_reader(manifest).map_err(PlanError::Model)?;
        let network = EngineNetwork::new(&self.device, &engine).map_err(PlanError::Gpu)?;
        let network = Box::new(network);
        detector.with_reader(manifest, network).map_err(PlanError::Gpu)
    }
}

impl Drop for TensorRt {
    fn drop(&mut self) {
        // TensorRT frees what it has on the GPU of the calling thread.
        let _ = self.device.enter();
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu(error) => error.fmt(f),
            Self::Library(error) => error.fmt(f),
            Self::Runtime(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Model(error) => error.fmt(f),
            Self::Gpu(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PlanError {}
