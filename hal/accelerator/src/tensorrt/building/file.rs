//! The file of an engine: a header in lines of text, an empty line, the plan.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::trtexec::ARGUMENTS;
use crate::tensorrt::Version;

const MAGIC: &str = "baize-engine 1";

/// A header is some 300 bytes.
const HEADER_BYTES_MAX: usize = 1024;

/// A plan of our networks is some 10 MB.
const PLAN_BYTES_MAX: u64 = 256 << 20;

/// What an engine is built of and for: another one does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineKey {
    tensorrt: Version,
    compute_capability: [u32; 2],
    onnx_sha256: String,
}

/// Why a stored engine is not used.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// There is none.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It was built of something else, or for something else: what it was, and what it is now.
    Stale(String),
    /// These are not the bytes that were written.
    Damaged(&'static str),
}

impl EngineKey {
    /// For this version of TensorRT, a GPU of this compute capability, and the network in these bytes of ONNX. How the
    /// numbers are represented is the ONNX file's affair.
    pub fn new(tensorrt: Version, compute_capability: [u32; 2], onnx: &[u8]) -> Self {
        Self {
            tensorrt,
            compute_capability,
            onnx_sha256: sha256(onnx),
        }
    }

    /// The header's lines that tell it, arguments of the build included.
    pub fn lines(&self) -> [String; 4] {
        let [major, minor] = self.compute_capability;
        [
            format!("tensorrt {}", self.tensorrt),
            format!("gpu sm_{major}{minor}"),
            format!("onnx {}", self.onnx_sha256),
            format!("arguments {}", ARGUMENTS.join(" ")),
        ]
    }
}

/// The plan in a file that was written for this key.
pub fn read(path: &Path, key: &EngineKey) -> Result<Vec<u8>, FileError> {
    let mut bytes = read_limited(path, PLAN_BYTES_MAX + HEADER_BYTES_MAX as u64)?;
    let beginning = &bytes[..bytes.len().min(HEADER_BYTES_MAX)];
    let header = beginning.windows(2).position(|window| window == b"\n\n");
    let header_bytes = header.ok_or(FileError::Damaged("its header has no end"))?;
    let header = std::str::from_utf8(&bytes[..header_bytes]);
    let header = header.map_err(|_| FileError::Damaged("its header is no text"))?;
    let lines: Vec<&str> = header.lines().collect();
    let [MAGIC, told @ .., plan] = &lines[..] else {
        return Err(FileError::Damaged("it is no engine of this program"));
    };
    let wanted = key.lines();
    if told.len() != wanted.len() {
        return Err(FileError::Damaged("lines of its header are missing"));
    }
    if told != wanted {
        let differing = told.iter().zip(&wanted).filter(|(told, wanted)| *told != wanted);
        let differences: Vec<_> = differing
            .map(|(told, wanted)| format!("{told}, now {wanted}"))
            .collect();
        return Err(FileError::Stale(differences.join("; ")));
    }
    let sum = plan_line(&bytes[header_bytes + 2..]);
    if *plan != sum {
        return Err(FileError::Damaged("its plan is not the one that was written"));
    }
    bytes.drain(..header_bytes + 2);
    Ok(bytes)
}

/// Writes the file: the old one stays until the new one is on the disk.
pub fn write(path: &Path, key: &EngineKey, plan: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let written = write_beside(&beside, key, plan).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // On a full disk half a file is in the way.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // The new name is on the disk once its folder is.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn write_beside(beside: &Path, key: &EngineKey, plan: &[u8]) -> io::Result<()> {
    let lines = key.lines().join("\n");
    // A plan is code: nobody else is to write it.
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(beside)?;
    write!(file, "{MAGIC}\n{lines}\n{}\n\n", plan_line(plan))?;
    file.write_all(plan)?;
    file.sync_all()
}

/// A plan as trtexec wrote it.
pub fn read_plan(path: &Path) -> io::Result<Vec<u8>> {
    match read_limited(path, PLAN_BYTES_MAX) {
        Ok(plan) => Ok(plan),
        Err(FileError::Unreadable(error)) => Err(error),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

fn read_limited(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing,
        _ => FileError::Unreadable(error),
    })?;
    let read = opened.take(bytes_max + 1).read_to_end(&mut bytes);
    match read.map_err(FileError::Unreadable)? as u64 {
        read if read > bytes_max => Err(FileError::Damaged("it is larger than any engine")),
        _ => Ok(bytes),
    }
}

fn plan_line(plan: &[u8]) -> String {
    format!("plan {} {}", plan.len(), sha256(plan))
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "no engine was built yet"),
            Self::Unreadable(error) => write!(f, "the stored engine cannot be read: {error}"),
            Self::Stale(differences) => write!(f, "the stored engine is another one: {differences}"),
            Self::Damaged(what) => write!(f, "the stored engine is damaged: {what}"),
        }
    }
}

impl std::error::Error for FileError {}
