//! Libraries that run networks on the CPU, and the choice between them.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::LoadError;
use crate::cpu_rten::RtenEngine;
use crate::signature::Signature;

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

/// A library that runs one network.
pub(crate) trait Engine: Send {
    fn name(&self) -> &'static str;

    /// Starts the library's threads anew, from the calling thread.
    fn settle(&mut self) {}

    /// Runs the network on `input` and copies its outputs. What the library allocates is wrapped in a library scope.
    fn infer(&mut self, input: &[f32], outputs: &mut [Vec<f32>]) -> Result<(), String>;
}

/// A network on the engine that runs it, with the rooms for its outputs.
pub(crate) struct Network {
    engine: Box<dyn Engine>,
    empty_input: Vec<f32>,
    outputs: Vec<Vec<f32>>,
}

impl Network {
    /// Opens a network on the wished engine, or on rten, with the reason.
    pub fn open(
        signature: &Signature,
        onnx: &[u8],
        options: &CpuOptions,
    ) -> Result<(Self, Option<FallbackReason>), LoadError> {
        let fallback = match options.backend {
            Backend::Rten => None,
            Backend::Auto | Backend::Onnxruntime => match open_onnxruntime(signature, onnx, options)? {
                Ok(network) => return Ok((network, None)),
                Err(reason) => Some(reason),
            },
        };
        let engine = RtenEngine::open(signature, onnx, options.threads)?;
        Ok((Self::warmed(signature, Box::new(engine))?, fallback))
    }

    /// Runs the network once on nothing: engines take their memory and start their threads on the first run.
    fn warmed(signature: &Signature, engine: Box<dyn Engine>) -> Result<Self, LoadError> {
        let mut network = Self {
            engine,
            empty_input: signature.empty_input(),
            outputs: signature.rooms(),
        };
        match network.engine.infer(&network.empty_input, &mut network.outputs) {
            Ok(()) => Ok(network),
            Err(reason) => Err(LoadError::Engine {
                backend: network.engine.name(),
                file: signature.file.clone(),
                reason,
            }),
        }
    }

    /// The engine's name.
    pub fn backend(&self) -> &'static str {
        self.engine.name()
    }

    /// Brings the engine's threads to the calling thread.
    pub fn settle(&mut self) {
        self.engine.settle();
        // New threads take their memory on their first run, which worked before and is asked for nothing else.
        let _ = self.engine.infer(&self.empty_input, &mut self.outputs);
    }

    /// The outputs for `input`, in the signature's order.
    pub fn run(&mut self, input: &[f32]) -> Result<&[Vec<f32>], String> {
        self.engine.infer(input, &mut self.outputs)?;
        Ok(&self.outputs)
    }
}

/// The outer error is the model's, which no other engine would heal; the inner one is onnxruntime's.
#[cfg(feature = "ort")]
fn open_onnxruntime(
    signature: &Signature,
    onnx: &[u8],
    options: &CpuOptions,
) -> Result<Result<Network, FallbackReason>, LoadError> {
    use crate::cpu_ort::{OpenError, OrtEngine};
    match OrtEngine::open(signature, onnx, options.threads, options.onnxruntime.as_deref()) {
        Ok(engine) => match Network::warmed(signature, Box::new(engine)) {
            Ok(network) => Ok(Ok(network)),
            Err(error) => Ok(Err(FallbackReason::Refused(error.to_string()))),
        },
        Err(OpenError::Fallback(reason)) => Ok(Err(reason)),
        Err(OpenError::Model(error)) => Err(error),
    }
}

#[cfg(not(feature = "ort"))]
fn open_onnxruntime(
    _signature: &Signature,
    _onnx: &[u8],
    _options: &CpuOptions,
) -> Result<Result<Network, FallbackReason>, LoadError> {
    Ok(Err(FallbackReason::NotBuiltIn))
}
