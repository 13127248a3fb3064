//! The network on onnxruntime, whose library is looked for at run time: faster, but C++ and 35 MB.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use baize_realtime::sealing::library_scope;
use ort::environment::Environment;
use ort::session::Session;
use ort::value::{Outlet, TensorRef};

use crate::engine::Engine;
use crate::signature::{Interface, Signature, Tensor};
use crate::{FallbackReason, LoadError};

/// Names that the system's loader is asked for: that of the development package, and that of the runtime's.
const LIBRARY_NAMES: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];

pub(crate) enum OpenError {
    /// Another engine may do better.
    Fallback(FallbackReason),
    /// The model itself is wrong.
    Model(LoadError),
}

pub(crate) struct OrtEngine {
    session: Session,
    input: String,
    input_shape: [usize; 4],
    outputs: Vec<String>,
}

impl OrtEngine {
    pub fn open(
        signature: &Signature,
        onnx: &[u8],
        threads: NonZeroUsize,
        library: Option<&Path>,
    ) -> Result<Self, OpenError> {
        let environment = environment(library).map_err(OpenError::Fallback)?;
        let session = session(&environment, onnx, threads)
            .map_err(|error| OpenError::Fallback(FallbackReason::Refused(error.to_string())))?;
        let interface = Interface {
            inputs: tensors(session.inputs()),
            outputs: tensors(session.outputs()),
        };
        interface.check(signature).map_err(OpenError::Model)?;
        Ok(Self {
            session,
            input: signature.input.name.clone(),
            input_shape: signature.input.shape,
            outputs: signature
                .outputs
                .iter()
                .map(|output| output.name.clone())
                .collect(),
        })
    }
}

impl Engine for OrtEngine {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn infer(&mut self, input: &[f32], outputs: &mut [Vec<f32>]) -> Result<(), String> {
        let _scope = library_scope();
        self.run(input, outputs).map_err(|error| error.to_string())
    }
}

impl OrtEngine {
    fn run(&mut self, input: &[f32], outputs: &mut [Vec<f32>]) -> ort::Result<()> {
        let picture = TensorRef::from_array_view((self.input_shape, input))?;
        let values = self.session.run(ort::inputs![self.input.as_str() => picture])?;
        for (name, output) in self.outputs.iter().zip(outputs) {
            let value = values
                .get(name)
                .ok_or_else(|| ort::Error::new(format!("no output `{name}`")))?;
            let (_, data) = value.try_extract_tensor::<f32>()?;
            if data.len() != output.len() {
                return Err(ort::Error::new(format!(
                    "output `{name}` has another size than declared"
                )));
            }
            output.copy_from_slice(data);
        }
        Ok(())
    }
}

fn session(environment: &Environment, onnx: &[u8], threads: NonZeroUsize) -> ort::Result<Session> {
    Session::builder(environment)?
        // One thread works on the calling one; more must not burn the cores of their neighbours while they wait.
        .with_intra_op_spinning(false)?
        .with_intra_threads(threads.get())?
        .commit_from_memory(onnx)
}

/// onnxruntime's one environment of the process. The library that is found first stays.
fn environment(library: Option<&Path>) -> Result<Environment, FallbackReason> {
    static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*environment {
        return Ok(environment.clone());
    }
    let candidates: Vec<PathBuf> = match (library, std::env::var_os("ORT_DYLIB_PATH")) {
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(path)) if !path.is_empty() => vec![path.into()],
        _ => LIBRARY_NAMES.map(PathBuf::from).to_vec(),
    };
    let mut tried = Vec::new();
    for candidate in candidates {
        match ort::init_from(&candidate) {
            Ok(builder) => {
                let built = builder
                    .with_name("baize")
                    .with_telemetry(false)
                    .build()
                    .map_err(|error| FallbackReason::Refused(error.to_string()))?;
                return Ok(environment.insert(built).clone());
            }
            Err(error) => tried.push(error.to_string()),
        }
    }
    Err(FallbackReason::NotFound(tried))
}

fn tensors(outlets: &[Outlet]) -> Vec<Tensor> {
    let tensor = |outlet: &Outlet| Tensor {
        name: outlet.name().to_owned(),
        element: match outlet.dtype().tensor_type() {
            Some(element) => element.to_string(),
            None => "no tensor".to_owned(),
        },
        // Sizes that are not fixed are negative.
        shape: outlet
            .dtype()
            .tensor_shape()
            .map(|shape| shape.iter().map(|&size| usize::try_from(size).ok()).collect()),
    };
    outlets.iter().map(tensor).collect()
}
