//! Engines are built on the machine that runs them, by NVIDIA's `trtexec`, which takes minutes; a file keeps the result.
//!
//! The file says what its engine was built of and for. One that differs in anything, or whose bytes are not those that
//! were written, is not used but built again. A failed build is noted beside it: the next one waits, over restarts too,
//! longer each time.

mod failures;
mod file;
mod trtexec;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use failures::Failures;

pub use file::{EngineKey, FileError};
pub use trtexec::{BuildError, BuildOptions, find_trtexec};

/// The engine of one model: its file, and how it is built.
#[derive(Debug)]
pub struct EngineSource {
    folder: PathBuf,
    model: String,
    key: EngineKey,
    failures: Failures,
}

impl EngineSource {
    /// For the model of that name, with its files in that folder.
    pub fn new(folder: &Path, model: &str, key: EngineKey) -> Self {
        Self {
            folder: folder.to_owned(),
            model: model.to_owned(),
            key,
            failures: Failures::of(folder.join(format!("{model}.failed"))),
        }
    }

    /// The plan that was built earlier, if it was built of the same and for the same.
    ///
    /// # Errors
    /// [`FileError`]: whatever it is, building is the answer.
    pub fn stored(&self) -> Result<Vec<u8>, FileError> {
        file::read(&self.file(), &self.key)
    }

    /// How long to wait before a build: nothing, unless earlier ones of the same failed.
    pub fn wait_before_build(&self, now: SystemTime) -> Duration {
        self.failures.wait(&self.key, now)
    }

    /// Builds the engine, keeps it, and returns its plan. Takes minutes. `tell` gets a line of trtexec's now and then, with
    /// the time since the start; once `stop` says so, the build is given up.
    ///
    /// # Errors
    /// [`BuildError`]; what was stored before is still there.
    pub fn build(
        &self,
        onnx: &[u8],
        options: &BuildOptions,
        tell: &mut dyn FnMut(Duration, &str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, BuildError> {
        let built = self.build_and_keep(onnx, options, tell, stop);
        match &built {
            Ok(_) => self.failures.forget(),
            // Nobody's fault.
            Err(BuildError::Stopped) => {}
            Err(error) => self
                .failures
                .note(&self.key, SystemTime::now(), &error.to_string()),
        }
        built
    }

    /// TensorRT does not take the plan that was stored or built: it is thrown away, and the build counts as failed.
    pub fn refuse(&self, reason: &str) {
        self.failures.note(&self.key, SystemTime::now(), reason);
        // One that stays is refused again at the next start, and said again.
        let _ = fs::remove_file(self.file());
    }

    fn build_and_keep(
        &self,
        onnx: &[u8],
        options: &BuildOptions,
        tell: &mut dyn FnMut(Duration, &str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, BuildError> {
        let (model, plan) = (self.beside("onnx"), self.beside("plan"));
        let built = self.prepare(&model, onnx).and_then(|()| {
            trtexec::build(&model, &plan, options, tell, stop)?;
            let plan = file::read_plan(&plan).map_err(|error| unwritten(&plan, error))?;
            let kept = file::write(&self.file(), &self.key, &plan);
            kept.map_err(|error| unwritten(&self.file(), error))?;
            Ok(plan)
        });
        for file in [model, plan] {
            // What is left is overwritten by the next build.
            let _ = fs::remove_file(file);
        }
        built
    }

    fn prepare(&self, model: &Path, onnx: &[u8]) -> Result<(), BuildError> {
        fs::create_dir_all(&self.folder).map_err(|error| unwritten(&self.folder, error))?;
        fs::write(model, onnx).map_err(|error| unwritten(model, error))
    }

    /// The file that keeps the engine.
    pub fn file(&self) -> PathBuf {
        self.beside("engine")
    }

    fn beside(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{}.{what}", self.model))
    }
}

fn unwritten(path: &Path, error: io::Error) -> BuildError {
    BuildError::Unwritten {
        path: path.to_owned(),
        error,
    }
}
