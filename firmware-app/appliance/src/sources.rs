//! From configuration and command line to the camera, the detector and the table stage.

use std::path::Path;

use baize_accelerator::{Backend, CpuOptions, Detector, FaceReader, ModelFiles, open_cpu, reading};
use baize_camera::{BufferWish, CameraConfig, ControlWishes, Pace, PixelWish};
use baize_table_calibration::Request;
use baize_table_vision::geometry::TableSize;

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::gpu_engine::GpuEngine;

/// The models inside the program: the detector for CPUs and for GPUs, and the reader of numbers and colours.
const MODEL: &[u8] = include_bytes!("../../../models/nano/baize-nano.onnx");
const MANIFEST: &str = include_str!("../../../models/nano/baize-nano.json");
const HALF_MODEL: &[u8] = include_bytes!("../../../models/nano-fp16/baize-nano.onnx");
const HALF_MANIFEST: &str = include_str!("../../../models/nano-fp16/baize-nano.json");
const READER: &[u8] = include_bytes!("../../../models/reader/baize-reader.onnx");
const READER_MANIFEST: &str = include_str!("../../../models/reader/baize-reader.json");

/// What the configuration wishes of a camera.
pub fn camera_config(camera: &config::Camera, pace: Pace, looped: bool) -> CameraConfig {
    CameraConfig {
        size: Some((camera.width, camera.height)),
        rate_hz: Some(camera.fps as f32),
        pixels: match camera.format.as_str() {
            "yuyv" => PixelWish::Yuyv,
            "nv12" => PixelWish::Nv12,
            "grey" => PixelWish::Grey,
            "mjpeg" => PixelWish::Mjpeg,
            _ => PixelWish::Auto,
        },
        buffers: match camera.io.as_str() {
            "mmap" => BufferWish::Mmap,
            "userptr" => BufferWish::UserPtr,
            _ => BufferWish::Auto,
        },
        controls: ControlWishes {
            exposure_us: camera.exposure_us,
            gain: camera.gain,
            white_balance_k: camera.white_balance_k,
            focus: camera.focus,
            power_line_hz: camera.power_line_hz,
        },
        pace,
        looped,
    }
}

/// The detector, and what is still to be done about a better one.
pub struct Chosen {
    /// What detects.
    pub detector: Box<dyn Detector>,
    /// A GPU that waits for its engine, and why there is none yet.
    pub unbuilt: Option<(GpuEngine, String)>,
    /// Why no GPU detects, where one could have been meant.
    pub no_gpu: Option<Failure>,
}

/// Loads the detector and the reader behind it; says in one line when another engine than the wished one runs.
pub fn detector(config: &config::Detector) -> Result<Box<dyn Detector>, Failure> {
    Ok(choose(config)?.detector)
}

/// The same, with what `baize run` does about an engine that is not built yet.
pub fn choose(config: &config::Detector) -> Result<Chosen, Failure> {
    let mut chosen = Chosen {
        detector: on_the_cpu(config)?,
        unbuilt: None,
        no_gpu: None,
    };
    if !matches!(config.backend.as_str(), "auto" | "tensorrt") {
        return Ok(chosen);
    }
    match GpuEngine::start(config) {
        Ok(engine) => match engine.stored() {
            Ok(detector) => chosen.detector = with_reader(Box::new(detector), &cpu_options(config)?)?,
            Err(reason) => chosen.unbuilt = Some((engine, reason)),
        },
        Err(failure) if config.backend == "tensorrt" => return Err(failure),
        Err(failure) => chosen.no_gpu = Some(failure),
    }
    Ok(chosen)
}

/// The model for a GPU: in half precision, unless the configuration names another.
pub fn gpu_model(config: &config::Detector) -> Result<ModelFiles, Failure> {
    let model = if config.model.as_os_str().is_empty() {
        ModelFiles::embedded(HALF_MODEL, HALF_MANIFEST)
    } else {
        ModelFiles::from_dir(&config.model)
    };
    model.map_err(Failure::from_error)
}

/// Puts the reader of numbers and colours behind a detector. It stays on the CPU.
pub fn with_reader(detector: Box<dyn Detector>, options: &CpuOptions) -> Result<Box<dyn Detector>, Failure> {
    let reader = ModelFiles::embedded(READER, READER_MANIFEST).map_err(Failure::from_error)?;
    // Where the detector fell back, the reader does too, for the same reason.
    let (reader, _) = FaceReader::open(&reader, options).map_err(Failure::from_error)?;
    Ok(reading(detector, reader))
}

/// How networks run on the CPU.
pub fn cpu_options(config: &config::Detector) -> Result<CpuOptions, Failure> {
    let backend = match config.backend.as_str() {
        "rten" => Backend::Rten,
        "onnxruntime" => Backend::Onnxruntime,
        "auto" | "tensorrt" => Backend::Auto,
        other => {
            return Err(Failure::new(format!(
                "`{other}` is no engine; give auto, tensorrt, rten or onnxruntime"
            )));
        }
    };
    Ok(CpuOptions {
        backend,
        onnxruntime: Some(config.onnxruntime.clone()).filter(|path| !path.as_os_str().is_empty()),
        ..CpuOptions::default()
    })
}

fn on_the_cpu(config: &config::Detector) -> Result<Box<dyn Detector>, Failure> {
    let options = cpu_options(config)?;
    let model = if config.model.as_os_str().is_empty() {
        ModelFiles::embedded(MODEL, MANIFEST)
    } else {
        ModelFiles::from_dir(&config.model)
    };
    let model = model.map_err(Failure::from_error)?;
    let (detector, fallback) = open_cpu(&model, &options).map_err(Failure::from_error)?;
    // `auto` means: whatever is there. Only who asked for an engine wants to hear that it is another one.
    if let Some(reason) = fallback.filter(|_| options.backend == Backend::Onnxruntime) {
        log::warn!("{reason}");
    }
    with_reader(detector, &options)
}

/// What is asked of a calibration of this table.
pub fn request<'a>(table: &config::Table) -> Result<Request<'a>, Failure> {
    let size: TableSize = table.size.parse().map_err(Failure::from_error)?;
    Ok(Request {
        turned: table.turned,
        ..Request::new(size, table.ball_diameter_mm)
    })
}

/// Reads the configuration, or takes the defaults.
pub fn config(file: Option<&Path>) -> Result<Config, Failure> {
    file.map_or_else(
        || Ok(Config::default()),
        |file| Config::read(file).map_err(Failure::from_error),
    )
}
