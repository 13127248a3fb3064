use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use baize_frame::{Detections, FrameFormat, ImageView, Region};

use crate::cpu_rten::RtenEngine;
use crate::decode::{BALL_CHANNELS, CUE_CHANNELS, Decoder};
use crate::preprocess::Preprocessor;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo, LoadError, Manifest, ModelFiles};

/// Which engine runs the network on the CPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// onnxruntime where it is found, otherwise rten.
    #[default]
    Auto,
    /// rten, which is part of the program.
    Rten,
    /// onnxruntime, about twice as fast, from a library found at run time; rten where it cannot be had.
    Onnxruntime,
}

/// How to run the network on the CPU.
#[derive(Debug, Clone)]
pub struct CpuOptions {
    /// The engine.
    pub backend: Backend,
    /// Threads that work on one picture.
    pub threads: NonZeroUsize,
    /// The onnxruntime library. Without it, the environment's `ORT_DYLIB_PATH` and then the system's loader are asked.
    pub onnxruntime: Option<PathBuf>,
}

impl Default for CpuOptions {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            threads: NonZeroUsize::MIN,
            onnxruntime: None,
        }
    }
}

/// Why rten runs the network although onnxruntime was to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FallbackReason {
    /// The program was built without the feature `ort`.
    NotBuiltIn,
    /// No usable library was found; what was tried, each with its reason.
    NotFound(Vec<String>),
    /// The library is there, but failed to start or to take the model; its words.
    Refused(String),
}

impl fmt::Display for FallbackReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuiltIn => write!(f, "onnxruntime is not built in, using rten"),
            Self::NotFound(tried) => write!(
                f,
                "no usable onnxruntime library, using rten, which takes about twice the time; tried {}",
                tried.join("; ")
            ),
            Self::Refused(reason) => {
                write!(
                    f,
                    "onnxruntime refused, using rten, which takes about twice the time: {reason}"
                )
            }
        }
    }
}

/// Opens a detector on the CPU.
///
/// Logs nothing; where the second value is `Some`, the caller warns once.
///
/// # Errors
/// [`LoadError`] where no engine takes the model, or it differs from its manifest.
pub fn open_cpu(
    model: &ModelFiles,
    options: &CpuOptions,
) -> Result<(Box<dyn Detector>, Option<FallbackReason>), LoadError> {
    let fallback = match options.backend {
        Backend::Rten => None,
        Backend::Auto | Backend::Onnxruntime => match open_onnxruntime(model, options)? {
            Ok(detector) => return Ok((detector, None)),
            Err(reason) => Some(reason),
        },
    };
    let engine = RtenEngine::open(model, options.threads)?;
    Ok((Box::new(CpuDetector::new(model.manifest(), engine)?), fallback))
}

/// The outer error is the model's, which no other engine would heal; the inner one is onnxruntime's.
#[cfg(feature = "ort")]
fn open_onnxruntime(
    model: &ModelFiles,
    options: &CpuOptions,
) -> Result<Result<Box<dyn Detector>, FallbackReason>, LoadError> {
    use crate::cpu_ort::{OpenError, OrtEngine};
    let refused = |error: LoadError| FallbackReason::Refused(error.to_string());
    match OrtEngine::open(model, options.threads, options.onnxruntime.as_deref()) {
        Ok(engine) => match CpuDetector::new(model.manifest(), engine) {
            Ok(detector) => Ok(Ok(Box::new(detector))),
            Err(error) => Ok(Err(refused(error))),
        },
        Err(OpenError::Fallback(reason)) => Ok(Err(reason)),
        Err(OpenError::Model(error)) => Err(error),
    }
}

#[cfg(not(feature = "ort"))]
fn open_onnxruntime(
    _model: &ModelFiles,
    _options: &CpuOptions,
) -> Result<Result<Box<dyn Detector>, FallbackReason>, LoadError> {
    Ok(Err(FallbackReason::NotBuiltIn))
}

/// A library that runs the network.
pub(crate) trait Engine: Send {
    const NAME: &'static str;

    /// Starts the library's threads anew, from the calling thread.
    fn settle(&mut self) {}

    /// Runs the network on `input` and copies its outputs. What the library allocates is wrapped in a library scope.
    fn infer(&mut self, input: &[f32], outputs: &mut RawOutputs) -> Result<(), String>;
}

/// The network's outputs, as it puts them out.
pub(crate) struct RawOutputs {
    pub balls: Vec<f32>,
    pub cues: Vec<f32>,
}

impl RawOutputs {
    fn new(manifest: &Manifest) -> Self {
        let cells = |stride: u32| {
            manifest
                .input_px()
                .map(|size| (size / stride) as usize)
                .iter()
                .product::<usize>()
        };
        Self {
            balls: vec![0.0; BALL_CHANNELS * cells(manifest.outputs.balls.stride)],
            cues: vec![0.0; CUE_CHANNELS * cells(manifest.outputs.cues.stride)],
        }
    }
}

/// Preprocessing, an engine, decoding.
pub(crate) struct CpuDetector<E> {
    info: DetectorInfo,
    preprocessor: Preprocessor,
    engine: E,
    outputs: RawOutputs,
    decoder: Decoder,
}

impl<E: Engine> CpuDetector<E> {
    /// Runs the network once on an empty picture: engines take their memory and start their threads on the first run.
    pub fn new(manifest: &Manifest, mut engine: E) -> Result<Self, LoadError> {
        let input_px = manifest.input_px();
        let mut outputs = RawOutputs::new(manifest);
        let empty = vec![0.0; 3 * input_px[0] as usize * input_px[1] as usize];
        engine
            .infer(&empty, &mut outputs)
            .map_err(|reason| LoadError::Engine {
                backend: E::NAME,
                file: manifest.file.clone(),
                reason,
            })?;
        Ok(Self {
            info: DetectorInfo {
                backend: E::NAME,
                model: manifest.name.clone(),
                input_px,
            },
            preprocessor: Preprocessor::new(input_px),
            engine,
            outputs,
            decoder: Decoder::new(manifest),
        })
    }
}

impl<E: Engine> Detector for CpuDetector<E> {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn settle(&mut self) {
        self.engine.settle();
        let [width, height] = self.info.input_px.map(|size| size as usize);
        // New threads take their memory on their first run, which worked before and is asked for nothing else.
        let _ = self
            .engine
            .infer(&vec![0.0; 3 * width * height], &mut self.outputs);
    }

    fn prepare(&mut self, format: FrameFormat) {
        self.preprocessor.prepare(format);
    }

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        out.clear();
        let started = Instant::now();
        let input = self.preprocessor.run(image, region)?;
        let preprocessed = Instant::now();
        self.engine
            .infer(input, &mut self.outputs)
            .map_err(|_| DetectError::Inference)?;
        let inferred = Instant::now();
        let RawOutputs { balls, cues } = &self.outputs;
        self.decoder
            .decode(balls, cues, &self.preprocessor.letterbox(), out);
        Ok(DetectTimings {
            preprocess_us: micros(started, preprocessed),
            inference_us: micros(preprocessed, inferred),
            decode_us: micros(inferred, Instant::now()),
        })
    }
}

fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from(to.duration_since(from).as_micros()).unwrap_or(u32::MAX)
}
