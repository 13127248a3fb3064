use std::fmt;
use std::sync::Arc;

use super::abi::{self, Owned};
use super::engine::{Engine, EngineError};
use super::messages;

/// TensorRT, started.
#[derive(Debug, Clone)]
pub struct Runtime(Arc<Owned>);

/// TensorRT does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeError {
    /// Its words.
    pub said: String,
}

impl Runtime {
    pub(super) fn new(runtime: Owned) -> Self {
        Self(Arc::new(runtime))
    }

    /// Makes an engine of a plan. The plan's bytes are not needed any more afterwards.
    ///
    /// TensorRT refuses what is no plan of its own version and this kind of GPU, but a plan is code: see the module.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn deserialize(&self, plan: &[u8]) -> Result<Engine, EngineError> {
        // SAFETY: this is an `IRuntime`; TensorRT reads the plan during the call only.
        let returned = unsafe { abi::deserialize(&self.0, plan.as_ptr().cast(), plan.len()) };
        // SAFETY: it was just created for us.
        match unsafe { Owned::new(returned) } {
            Some(engine) => Engine::new(engine, Arc::clone(&self.0)),
            None => Err(EngineError::PlanRefused {
                said: messages::said(),
            }),
        }
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorRT does not start: {}", self.said)
    }
}

impl std::error::Error for RuntimeError {}
