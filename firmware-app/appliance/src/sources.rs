//! From configuration and command line to the camera, the detector and the table stage.

use std::path::Path;

use baize_accelerator::{Backend, CpuOptions, Detector, FaceReader, ModelFiles, open_cpu, reading};
use baize_camera::{BufferWish, CameraConfig, ControlWishes, Pace, PixelWish};
use baize_table_calibration::Request;
use baize_table_vision::geometry::TableSize;

use crate::config::{self, Config};
use crate::failure::Failure;

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

/// Loads the detector and the reader behind it; says in one line when another engine than the wished one runs.
pub fn detector(config: &config::Detector) -> Result<Box<dyn Detector>, Failure> {
    let model = if config.model.as_os_str().is_empty() {
        ModelFiles::embedded(MODEL, MANIFEST)
    } else {
        ModelFiles::from_dir(&config.model)
    };
    let model = model.map_err(Failure::from_error)?;
    let backend = match config.backend.as_str() {
        "rten" => Backend::Rten,
        "onnxruntime" => Backend::Onnxruntime,
        "auto" => Backend::Auto,
        other => {
            return Err(Failure::new(format!(
                "`{other}` is no engine; give auto, rten or onnxruntime"
            )));
        }
    };
    let onnxruntime = Some(config.onnxruntime.clone()).filter(|path| !path.as_os_str().is_empty());
    let options = CpuOptions {
        backend,
        onnxruntime,
        ..CpuOptions::default()
    };
    let (detector, fallback) = open_cpu(&model, &options).map_err(Failure::from_error)?;
    // `auto` means: whatever is there. Only who asked for an engine wants to hear that it is another one.
    if let Some(reason) = fallback.filter(|_| backend == Backend::Onnxruntime) {
        log::warn!("{reason}");
    }
    let reader = ModelFiles::embedded(READER, READER_MANIFEST).map_err(Failure::from_error)?;
    // Where the detector fell back, the reader does too, for the same reason.
    let (reader, _) = FaceReader::open(&reader, &options).map_err(Failure::from_error)?;
    Ok(reading(detector, reader))
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
