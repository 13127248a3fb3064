use std::borrow::Cow;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::manifest::ManifestError;
use crate::{LoadError, Manifest};

/// What the manifests of all models say.
pub trait Described: Sized {
    /// Reads and checks the text of a manifest.
    ///
    /// # Errors
    /// [`ManifestError`] names the key that is wrong.
    fn parse(text: &str) -> Result<Self, ManifestError>;

    /// Name of the model.
    fn name(&self) -> &str;

    /// The ONNX file's name.
    fn file(&self) -> &str;

    /// SHA-256 of that file, in hexadecimal digits.
    fn sha256(&self) -> &str;
}

/// A model: its manifest, and the bytes of the ONNX file that are known to be the manifest's.
#[derive(Debug, Clone)]
pub struct ModelFiles<M = Manifest> {
    manifest: M,
    onnx: Cow<'static, [u8]>,
}

impl<M: Described> ModelFiles<M> {
    /// Reads the model in a folder: its one `baize-*.json` and the ONNX file named there.
    ///
    /// # Errors
    /// Every [`LoadError`] but those of an engine.
    pub fn from_dir(folder: &Path) -> Result<Self, LoadError> {
        let unreadable = |error| LoadError::Unreadable {
            path: folder.to_owned(),
            error,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let name = entry
                .map_err(unreadable)?
                .file_name()
                .to_string_lossy()
                .into_owned();
            if name.starts_with("baize-") && name.ends_with(".json") {
                names.push(name);
            }
        }
        names.sort_unstable();
        match &names[..] {
            [] => Err(LoadError::NoManifest {
                folder: folder.to_owned(),
            }),
            [name] => Self::from_manifest(&folder.join(name)),
            _ => Err(LoadError::SeveralManifests {
                folder: folder.to_owned(),
                names,
            }),
        }
    }

    /// Reads the model of a manifest: the ONNX file lies beside it.
    ///
    /// # Errors
    /// Every [`LoadError`] but those of an engine.
    pub fn from_manifest(path: &Path) -> Result<Self, LoadError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| LoadError::Unreadable { path, error }
        };
        let text = fs::read_to_string(path).map_err(unreadable(path))?;
        let manifest: M = parse(&text, &path.display().to_string())?;
        let onnx_path = path.with_file_name(manifest.file());
        let onnx = fs::read(&onnx_path).map_err(unreadable(&onnx_path))?;
        Self::checked(manifest, Cow::Owned(onnx))
    }

    /// A model that is part of the program, by `include_bytes!` and `include_str!`.
    ///
    /// # Errors
    /// As for [`from_manifest`](Self::from_manifest), but for reading.
    pub fn embedded(onnx: &'static [u8], manifest: &'static str) -> Result<Self, LoadError> {
        Self::checked(parse(manifest, "in the program")?, Cow::Borrowed(onnx))
    }

    /// What the model says of itself.
    pub const fn manifest(&self) -> &M {
        &self.manifest
    }

    /// The ONNX file.
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    fn checked(manifest: M, onnx: Cow<'static, [u8]>) -> Result<Self, LoadError> {
        let found = format!("{:x}", Sha256::digest(&onnx));
        if !found.eq_ignore_ascii_case(manifest.sha256()) {
            return Err(LoadError::WrongHash {
                file: manifest.file().to_owned(),
                expected: manifest.sha256().to_owned(),
                found,
                size_bytes: onnx.len(),
            });
        }
        Ok(Self { manifest, onnx })
    }
}

fn parse<M: Described>(text: &str, source_name: &str) -> Result<M, LoadError> {
    M::parse(text).map_err(|error| LoadError::Manifest {
        source_name: source_name.to_owned(),
        error,
    })
}
