//! From configuration and command line to the camera, the detector and the table stage.

use std::path::PathBuf;

use baize_accelerator::{
    Backend, CpuOptions, Detector, FaceReader, ModelFiles, ReaderManifest, closer, open_cpu, reading,
};
use baize_camera::{BufferWish, CameraConfig, ControlWishes, Pace, PixelWish};
use baize_table_calibration::{Hints, Request};
use baize_table_vision::geometry::TableSize;

use crate::config::{self, Config};
use crate::engine::{self, NotOnGpu};
use crate::failure::Failure;
use crate::lens_file;

/// The models inside the program: the detector, and the reader of numbers and colours.
const MODEL: &[u8] = include_bytes!("../../../models/nano/baize-nano.onnx");
const MANIFEST: &str = include_str!("../../../models/nano/baize-nano.json");
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

/// Loads the detector and the reader behind it: on the GPU where an engine lies ready there, else on the CPU.
pub fn detector(config: &config::Detector) -> Result<Box<dyn Detector>, Failure> {
    let on_gpu = match config.backend.as_str() {
        "auto" | "tensorrt" => engine::stored(config),
        _ => return cpu_detector(config),
    };
    match on_gpu {
        Ok(on_gpu) => Ok(on_gpu.detector),
        Err(_) if config.backend == "auto" => cpu_detector(config),
        Err(NotOnGpu::Never(why)) => Err(Failure::new(why)),
        Err(NotOnGpu::Unbuilt(why)) => Err(Failure::new(format!("{why}; `baize run` builds the engine"))),
    }
}

/// The detector on the CPU, with the reader; says in one line when another engine than the wished one runs.
pub fn cpu_detector(config: &config::Detector) -> Result<Box<dyn Detector>, Failure> {
    let model = if config.model.as_os_str().is_empty() {
        ModelFiles::embedded(MODEL, MANIFEST)
    } else {
        ModelFiles::from_dir(&config.model)
    };
    let model = model.map_err(Failure::from_error)?;
    let options = cpu_options(config)?;
    let (detector, fallback) = open_cpu(&model, &options).map_err(Failure::from_error)?;
    // `auto` means: whatever is there. Only who asked for an engine wants to hear that it is another one.
    if let Some(reason) = fallback.filter(|_| options.backend == Backend::Onnxruntime) {
        log::warn!("{reason}");
    }
    with_reader(detector, config)
}

/// A detector with the reader of numbers and colours behind it, which runs on the CPU.
pub fn with_reader(
    detector: Box<dyn Detector>,
    config: &config::Detector,
) -> Result<Box<dyn Detector>, Failure> {
    let reader = reader_model()?;
    // Where the detector fell back, the reader does too, for the same reason.
    let (reader, _) = FaceReader::open(&reader, &cpu_options(config)?).map_err(Failure::from_error)?;
    Ok(as_wished(reading(detector, reader), config))
}

/// A detector that reads, with a second look at small balls where the configuration wishes for one.
pub fn as_wished(detector: Box<dyn Detector>, config: &config::Detector) -> Box<dyn Detector> {
    if config.closer { closer(detector) } else { detector }
}

/// The reader of numbers and colours inside the program.
pub fn reader_model() -> Result<ModelFiles<ReaderManifest>, Failure> {
    ModelFiles::embedded(READER, READER_MANIFEST).map_err(Failure::from_error)
}

fn cpu_options(config: &config::Detector) -> Result<CpuOptions, Failure> {
    let backend = match config.backend.as_str() {
        "rten" => Backend::Rten,
        "onnxruntime" => Backend::Onnxruntime,
        "auto" | "tensorrt" => Backend::Auto,
        other => {
            return Err(Failure::new(format!(
                "`{other}` is no engine; give auto, rten, onnxruntime or tensorrt"
            )));
        }
    };
    Ok(CpuOptions {
        backend,
        onnxruntime: Some(config.onnxruntime.clone()).filter(|path| !path.as_os_str().is_empty()),
        ..CpuOptions::default()
    })
}

/// What is asked of a calibration of this table, under this camera.
pub fn request<'a>(config: &Config) -> Result<Request<'a>, Failure> {
    let size: TableSize = config.table.size.parse().map_err(Failure::from_error)?;
    let lens = Some(config.camera.lens.as_path()).filter(|file| !file.as_os_str().is_empty());
    Ok(Request {
        turned: config.table.turned,
        hints: Hints {
            lens: lens.map(lens_file::read).transpose()?,
            ..Hints::default()
        },
        ..Request::new(size, config.table.ball_mm())
    })
}

/// Reads the configuration: the defaults, where no file is given.
pub fn config(files: &[PathBuf]) -> Result<Config, Failure> {
    Config::read(files).map_err(Failure::from_error)
}
