use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::manifest::ManifestError;

/// Why a model was not loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// A file or folder could not be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The folder holds no manifest.
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds more than one manifest.
    SeveralManifests {
        /// The folder.
        folder: PathBuf,
        /// What lies there.
        names: Vec<String>,
    },
    /// The manifest is not accepted.
    Manifest {
        /// Path of the manifest, or what else it is.
        source_name: String,
        /// What is wrong with it.
        error: ManifestError,
    },
    /// The ONNX file is not the one that the manifest tells of.
    WrongHash {
        /// The ONNX file.
        file: String,
        /// SHA-256 by the manifest.
        expected: String,
        /// SHA-256 of the file.
        found: String,
        /// Size of the file.
        size_bytes: usize,
    },
    /// Inputs or outputs of the ONNX file differ from the manifest.
    WrongInterface {
        /// The ONNX file.
        file: String,
        /// Every difference, in words.
        differences: Vec<String>,
    },
    /// The engine does not take the ONNX file.
    Engine {
        /// The engine.
        backend: &'static str,
        /// The ONNX file.
        file: String,
        /// The engine's reason.
        reason: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Self::NoManifest { folder } => write!(
                f,
                "{} holds no model: no file baize-*.json in it; give the folder of a model or its manifest",
                folder.display()
            ),
            Self::SeveralManifests { folder, names } => write!(
                f,
                "{} holds several models; give the path of one of {}",
                folder.display(),
                names.join(", ")
            ),
            Self::Manifest { source_name, error } => write!(f, "the model's manifest {source_name}: {error}"),
            Self::WrongHash {
                file,
                expected,
                found,
                size_bytes,
            } => write!(
                f,
                "the model {file} ({size_bytes} bytes) is not the one of its manifest: \
                 SHA-256 is {found}, expected {expected}; copy the model again, both files"
            ),
            Self::WrongInterface { file, differences } => {
                write!(
                    f,
                    "the model {file} differs from its manifest: {}",
                    differences.join("; ")
                )
            }
            Self::Engine {
                backend,
                file,
                reason,
            } => {
                write!(f, "{backend} does not take the model {file}: {reason}")
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::Manifest { error, .. } => Some(error),
            _ => None,
        }
    }
}
