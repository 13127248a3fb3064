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

/// A detector with the reader of numbers and colours behind it, which runs on the CPU; with a second look at small balls in between
/// where the configuration wishes for one, so that the balls of all tiles are read once, and told together.
pub fn with_reader(
    detector: Box<dyn Detector>,
    config: &config::Detector,
) -> Result<Box<dyn Detector>, Failure> {
    let reader = reader_model()?;
    // Where the detector fell back, the reader does too, for the same reason.
    let (reader, _) = FaceReader::open(&reader, &cpu_options(config)?).map_err(Failure::from_error)?;
    let detector = if config.closer { closer(detector) } else { detector };
    Ok(reading(detector, reader))
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

#[cfg(test)]
mod tests {
    use baize_accelerator::{DetectError, DetectTimings, DetectorInfo};
    use baize_frame::{
        BallDetection, BallKind, Detections, FrameFormat, ImageView, KindShares, PixelFormat, Reading, Region,
    };

    use super::*;

    const FORMAT: FrameFormat = FrameFormat::packed(1280, 768, PixelFormat::Rgb24);
    const BALL_PX: f32 = 14.0;

    /// Sees small white balls where they are, and knows nothing of their kinds.
    struct Sees {
        info: DetectorInfo,
        balls: Vec<[f32; 2]>,
    }

    impl Detector for Sees {
        fn info(&self) -> &DetectorInfo {
            &self.info
        }

        fn prepare(&mut self, _format: FrameFormat) {}

        fn detect(
            &mut self,
            _image: &ImageView<'_>,
            region: Region,
            out: &mut Detections,
        ) -> Result<DetectTimings, DetectError> {
            out.clear();
            let within =
                |at: f32, first: u32, length: u32| (first as f32..(first + length) as f32).contains(&at);
            let seen = self
                .balls
                .iter()
                .filter(|[x, y]| within(*x, region.x, region.width) && within(*y, region.y, region.height));
            for &centre_px in seen {
                let ball = BallDetection {
                    centre_px,
                    size_px: [BALL_PX; 2],
                    kind: BallKind::Ball,
                    kind_shares: KindShares::UNKNOWN,
                    score: 0.9,
                    reading: Reading::NOTHING,
                };
                out.balls.push(ball).expect("room");
            }
            Ok(DetectTimings::default())
        }
    }

    /// The numbers of white balls that lie there.
    fn numbers_of_white_balls(balls: &[[f32; 2]]) -> Vec<Option<u8>> {
        let sees = Sees {
            info: DetectorInfo {
                backend: "sees",
                model: "sees".into(),
                input_px: [640, 384],
                box_margin: 1.0,
                reader: None,
            },
            balls: balls.to_vec(),
        };
        let config = config::Detector {
            backend: "rten".into(),
            closer: true,
            ..config::Detector::default()
        };
        let mut detector = with_reader(Box::new(sees), &config).expect("the reader is inside the program");
        let mut bytes = [20, 110, 60].repeat(1280 * 768);
        for y in 0..768_usize {
            for x in 0..1280_usize {
                let is_white =
                    |ball: &[f32; 2]| (x as f32 - ball[0]).hypot(y as f32 - ball[1]) < BALL_PX / 2.0;
                if balls.iter().any(is_white) {
                    bytes[3 * (y * 1280 + x)..][..3].copy_from_slice(&[240, 240, 235]);
                }
            }
        }
        let image = ImageView::new(&bytes, FORMAT).expect("a picture");
        let mut found = Detections::new();
        detector
            .detect(&image, image.whole(), &mut found)
            .expect("a detection");
        found.balls.iter().map(|ball| ball.reading.number).collect()
    }

    #[test]
    fn of_two_white_balls_that_different_tiles_show_neither_is_surely_the_cue_ball() {
        assert_eq!(numbers_of_white_balls(&[[100.0, 100.0]]), [Some(0)]);
        let two = numbers_of_white_balls(&[[100.0, 100.0], [1200.0, 700.0]]);
        assert_eq!(two, [None, None]);
    }
}
