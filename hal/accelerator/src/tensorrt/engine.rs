use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::sync::Arc;

use super::abi::{self, Dims, Owned};
use super::context::{ContextError, ExecutionContext};
use super::messages;
use crate::signature::{Interface, Signature, Tensor};
use crate::{LoadError, Manifest, ReaderManifest};

/// Our networks have two or three inputs and outputs; a plan with more than this is none of ours.
const MAX_TENSORS: i32 = 16;

/// A network, ready for this GPU.
#[derive(Debug, Clone)]
pub struct Engine {
    object: Arc<EngineObject>,
    inputs: Arc<[Port]>,
    outputs: Arc<[Port]>,
}

/// The engine and what it came from, dropped in this order.
#[derive(Debug)]
struct EngineObject {
    engine: Owned,
    _runtime: Arc<Owned>,
}

#[derive(Debug)]
struct Port {
    name: CString,
    tensor: Tensor,
}

/// Why a plan does not become an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// TensorRT does not take it.
    PlanRefused {
        /// Its words.
        said: String,
    },
    /// What the engine tells of its inputs and outputs cannot be.
    Nonsense {
        /// What it tells.
        what: String,
    },
}

impl Engine {
    pub(super) fn new(engine: Owned, runtime: Arc<Owned>) -> Result<Self, EngineError> {
        // SAFETY: this is an `ICudaEngine`.
        let count = unsafe { abi::tensor_count(&engine) };
        if !(0..=MAX_TENSORS).contains(&count) {
            return Err(EngineError::Nonsense {
                what: format!("{count} inputs and outputs"),
            });
        }
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for index in 0..count {
            let name = name(&engine, index)?;
            // SAFETY: as above, and the engine knows the name.
            match unsafe { abi::tensor_direction(&engine, name.as_ptr()) } {
                abi::INPUT => inputs.push(port(&engine, name)),
                abi::OUTPUT => outputs.push(port(&engine, name)),
                other => {
                    return Err(EngineError::Nonsense {
                        what: format!("{name:?} is neither input nor output, but {other}"),
                    });
                }
            }
        }
        Ok(Self {
            object: Arc::new(EngineObject {
                engine,
                _runtime: runtime,
            }),
            inputs: inputs.into(),
            outputs: outputs.into(),
        })
    }

    /// Refuses an engine that takes or gives something else than the detector's model.
    ///
    /// # Errors
    /// [`LoadError::WrongInterface`] names every difference.
    pub fn check_detector(&self, manifest: &Manifest) -> Result<(), LoadError> {
        self.check(&manifest.signature())
    }

    /// Refuses an engine that takes or gives something else than the reader's model.
    ///
    /// # Errors
    /// [`LoadError::WrongInterface`] names every difference.
    pub fn check_reader(&self, manifest: &ReaderManifest) -> Result<(), LoadError> {
        self.check(&manifest.signature())
    }

    fn check(&self, signature: &Signature) -> Result<(), LoadError> {
        let tensors = |ports: &[Port]| ports.iter().map(|port| port.tensor.clone()).collect();
        Interface {
            inputs: tensors(&self.inputs),
            outputs: tensors(&self.outputs),
        }
        .check(signature)
    }

    /// GPU memory that a run needs for itself.
    pub fn scratch_bytes(&self) -> u64 {
        // SAFETY: this is an `ICudaEngine`.
        let bytes = unsafe { abi::scratch_bytes(&self.object.engine) };
        u64::try_from(bytes).unwrap_or(0)
    }

    /// Makes the engine ready to run. Where it needs scratch memory, the context is to be given some.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn context(&self) -> Result<ExecutionContext, ContextError> {
        // SAFETY: this is an `ICudaEngine`.
        let returned = unsafe { abi::create_context(&self.object.engine, abi::USER_MANAGED) };
        // SAFETY: it was just created for us.
        match unsafe { Owned::new(returned) } {
            Some(context) => Ok(ExecutionContext::new(context, self.clone())),
            None => Err(ContextError {
                said: messages::said(),
            }),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &CStr> {
        let ports = self.inputs.iter().chain(self.outputs.iter());
        ports.map(|port| port.name.as_c_str())
    }
}

fn name(engine: &Owned, index: i32) -> Result<CString, EngineError> {
    // SAFETY: this is an `ICudaEngine`, and the index one of its tensors.
    let name: *const c_char = unsafe { abi::tensor_name(engine, index) };
    if name.is_null() {
        return Err(EngineError::Nonsense {
            what: format!("no name for number {index} of its inputs and outputs"),
        });
    }
    // SAFETY: a text with its end, which lives as long as the engine.
    Ok(unsafe { CStr::from_ptr(name) }.to_owned())
}

fn port(engine: &Owned, name: CString) -> Port {
    // SAFETY: this is an `ICudaEngine`, and the name one of its tensors.
    let element = unsafe { abi::tensor_type(engine, name.as_ptr()) };
    // SAFETY: as above.
    let format = unsafe { abi::tensor_format(engine, name.as_ptr()) };
    // SAFETY: as above.
    let shape = unsafe { abi::tensor_shape(engine, name.as_ptr()) };
    let element = element_name(element);
    let tensor = Tensor {
        name: name.to_string_lossy().into_owned(),
        element: match format {
            abi::LINEAR => element,
            format => format!("{element} in packed format {format}"),
        },
        shape: sizes(&shape),
    };
    Port { name, tensor }
}

/// `nvinfer1::DataType`, as manifests have it.
fn element_name(element: i32) -> String {
    const NAMES: [&str; 10] = ["f32", "f16", "i8", "i32", "bool", "u8", "f8", "bf16", "i64", "i4"];
    match usize::try_from(element)
        .ok()
        .and_then(|element| NAMES.get(element))
    {
        Some(name) => (*name).to_owned(),
        None => format!("elements of type {element}"),
    }
}

/// A shape of unknown rank has a negative count of axes; an unknown size is negative, too.
fn sizes(shape: &Dims) -> Option<Vec<Option<usize>>> {
    let sizes = shape.sizes.get(..usize::try_from(shape.axes).ok()?)?;
    Some(sizes.iter().map(|&size| usize::try_from(size).ok()).collect())
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlanRefused { said } => write!(f, "TensorRT does not take the engine's plan: {said}"),
            Self::Nonsense { what } => write!(f, "TensorRT tells of an engine that cannot be: {what}"),
        }
    }
}

impl std::error::Error for EngineError {}
