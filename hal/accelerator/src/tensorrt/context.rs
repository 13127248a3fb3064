use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::ptr;

use super::abi::{self, Owned};
use super::engine::Engine;
use super::messages;

/// An engine that can run: it knows where its inputs, outputs and scratch memory lie on the GPU.
#[derive(Debug)]
pub struct ExecutionContext {
    // Before the engine: fields are dropped in this order.
    context: Owned,
    engine: Engine,
    bindings: Vec<Binding>,
    has_scratch: bool,
    is_complete: bool,
}

#[derive(Debug)]
struct Binding {
    name: CString,
    is_bound: bool,
}

/// TensorRT does not make an engine ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextError {
    /// Its words.
    pub said: String,
}

/// Why an input or output was not bound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// The engine has no such input or output.
    Unknown {
        /// What was to be bound.
        tensor: String,
    },
    /// TensorRT does not take the address.
    Refused {
        /// For which input or output.
        tensor: String,
        /// Its words.
        said: String,
    },
}

/// Why a run was not put on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueError {
    /// An input or output was never bound.
    NotBound {
        /// Which.
        tensor: String,
    },
    /// Scratch memory was never given.
    NoScratch {
        /// How much it takes.
        bytes: u64,
    },
    /// TensorRT misses the sizes of inputs.
    SizesMissing {
        /// Of how many.
        count: i32,
    },
    /// TensorRT failed; [`messages`] tell why.
    Refused,
}

impl ExecutionContext {
    pub(super) fn new(context: Owned, engine: Engine) -> Self {
        let binding = |name: &CStr| Binding {
            name: name.to_owned(),
            is_bound: false,
        };
        Self {
            context,
            bindings: engine.names().map(binding).collect(),
            engine,
            has_scratch: false,
            is_complete: false,
        }
    }

    /// GPU memory that a run needs for itself.
    pub fn scratch_bytes(&self) -> u64 {
        self.engine.scratch_bytes()
    }

    /// Says where that memory is.
    ///
    /// # Safety
    /// So many bytes of GPU memory lie there for as long as this context or a graph made of it may run, aligned to 256
    /// bytes, and nobody else uses them meanwhile.
    pub unsafe fn set_scratch(&mut self, device_address: u64, bytes: u64) {
        let address = ptr::with_exposed_provenance_mut(device_address as usize);
        // SAFETY: this is an `IExecutionContext`, exclusively ours; the memory is the caller's promise.
        unsafe { abi::set_scratch(&self.context, address, i64::try_from(bytes).unwrap_or(i64::MAX)) };
        self.has_scratch = bytes >= self.scratch_bytes();
    }

    /// Says where an input or output is from the next run on. Graphs that were captured before keep what they have.
    ///
    /// # Safety
    /// The whole tensor has room there, in memory of the GPU or mapped into it, for as long as this context or a graph made
    /// of it may run.
    ///
    /// # Errors
    /// [`BindError`].
    pub unsafe fn bind(&mut self, tensor: &str, device_address: u64) -> Result<(), BindError> {
        let named = |binding: &&mut Binding| binding.name.to_bytes() == tensor.as_bytes();
        let Some(binding) = self.bindings.iter_mut().find(named) else {
            return Err(BindError::Unknown {
                tensor: tensor.to_owned(),
            });
        };
        let address = ptr::with_exposed_provenance_mut(device_address as usize);
        // SAFETY: this is an `IExecutionContext`, exclusively ours; the memory is the caller's promise.
        let taken = unsafe { abi::set_tensor_address(&self.context, binding.name.as_ptr(), address) };
        if taken == 0 {
            return Err(BindError::Refused {
                tensor: tensor.to_owned(),
                said: messages::said(),
            });
        }
        binding.is_bound = true;
        Ok(())
    }

    /// Puts one run on a stream of CUDA's and does not wait for it. Allocates nothing unless the first run finds
    /// something missing.
    ///
    /// # Safety
    /// The stream is one of the current CUDA context and lives. What is bound stays untouched until the stream has come
    /// past this run.
    ///
    /// # Errors
    /// [`EnqueueError`].
    pub unsafe fn enqueue(&mut self, stream: *mut c_void) -> Result<(), EnqueueError> {
        if !self.is_complete {
            self.check_complete()?;
            self.is_complete = true;
        }
        // SAFETY: this is an `IExecutionContext`, exclusively ours; the stream is the caller's promise.
        let enqueued = unsafe { abi::enqueue(&self.context, stream) };
        if enqueued == 0 {
            return Err(EnqueueError::Refused);
        }
        Ok(())
    }

    /// TensorRT would fail too, but say so less clearly.
    fn check_complete(&self) -> Result<(), EnqueueError> {
        if let Some(missing) = self.bindings.iter().find(|binding| !binding.is_bound) {
            return Err(EnqueueError::NotBound {
                tensor: missing.name.to_string_lossy().into_owned(),
            });
        }
        let bytes = self.scratch_bytes();
        if bytes > 0 && !self.has_scratch {
            return Err(EnqueueError::NoScratch { bytes });
        }
        // SAFETY: this is an `IExecutionContext`; it writes no names where there is room for none.
        match unsafe { abi::infer_shapes(&self.context, 0, ptr::null_mut()) } {
            0 => Ok(()),
            count @ 1.. => Err(EnqueueError::SizesMissing { count }),
            _ => Err(EnqueueError::Refused),
        }
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorRT does not make the engine ready to run: {}", self.said)
    }
}

impl std::error::Error for ContextError {}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { tensor } => write!(f, "the engine has no input or output `{tensor}`"),
            Self::Refused { tensor, said } => {
                write!(f, "TensorRT does not take the address of `{tensor}`: {said}")
            }
        }
    }
}

impl std::error::Error for BindError {}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBound { tensor } => write!(f, "`{tensor}` of the engine was never bound to memory"),
            Self::NoScratch { bytes } => {
                write!(
                    f,
                    "the engine was not given the {bytes} bytes of scratch memory it needs"
                )
            }
            Self::SizesMissing { count } => {
                write!(
                    f,
                    "the engine misses the sizes of {count} inputs; it has to be built with fixed ones"
                )
            }
            Self::Refused => write!(f, "TensorRT failed to start a run of the engine"),
        }
    }
}

impl std::error::Error for EnqueueError {}
