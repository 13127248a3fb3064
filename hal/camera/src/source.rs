//! Which source is meant, and opening it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::camera::Camera;
use crate::config::CameraConfig;
use crate::paced::{PacedCamera, Reader};
use crate::picture::PictureError;
use crate::pool::{prepare, the_pool};
use crate::replay::{ClipError, ClipReader, FolderReader, picture_files};
use crate::simulated::{OptionError, SimulatedCamera, SimulatedError, SimulatedOptions};
use crate::v4l2::{CameraName, V4l2Error, open_camera};

/// Pictures per second of a folder where no rate is wished.
const FOLDER_RATE_HZ: f32 = 25.0;

/// Which source of pictures is meant. Written `v4l2:auto`, `v4l2:/dev/video0`, `v4l2:NAME` (as in `/dev/v4l/by-id` or
/// `by-path`), the name of a file or folder, or `sim:` with options.
#[derive(Debug, Clone)]
pub enum SourceSpec {
    /// The simulated table. Clones share the time from which its faults count.
    Simulated(Box<SimulatedOptions>),
    /// A V4L2 camera.
    V4l2(CameraName),
    /// A recording: a PNG or JPEG, a folder of them, or a clip.
    Replay(PathBuf),
}

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// It is empty.
    Empty,
    /// An option of the simulated table is wrong.
    Simulated(OptionError),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated(error) => error.fmt(f),
            Self::Empty => {
                f.write_str("no source is given; try `sim:`, `v4l2:auto`, or the name of a file or folder")
            }
        }
    }
}

impl std::error::Error for SpecError {}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text.is_empty() {
            return Err(SpecError::Empty);
        }
        if let Some(name) = text.strip_prefix("v4l2:") {
            let Ok(name) = name.parse();
            return Ok(Self::V4l2(name));
        }
        if let Some(options) = text.strip_prefix("sim:") {
            return options
                .parse()
                .map(|options| Self::Simulated(Box::new(options)))
                .map_err(SpecError::Simulated);
        }
        if text.starts_with("/dev/") {
            return Ok(Self::V4l2(CameraName::Path(text.into())));
        }
        Ok(Self::Replay(text.into()))
    }
}

/// Why a source cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The simulated table cannot be shown.
    Simulated(SimulatedError),
    /// The V4L2 camera cannot be used.
    V4l2(V4l2Error),
    /// There is no such file or folder, or it cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The folder holds neither PNG nor JPEG.
    NoPictures(PathBuf),
    /// The picture cannot be read.
    Picture(PathBuf, PictureError),
    /// The clip cannot be played.
    Clip(PathBuf, ClipError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated(error) => error.fmt(f),
            Self::V4l2(error) => error.fmt(f),
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoPictures(path) => write!(f, "{}: the folder holds no PNG and no JPEG", path.display()),
            Self::Picture(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Clip(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// Opens a source. Allocates, and may wait for a device: not for pipeline threads.
///
/// # Errors
/// What is wrong with the source, and what to do about it.
pub fn open(spec: &SourceSpec, config: &CameraConfig) -> Result<Box<dyn Camera>, OpenError> {
    match spec {
        SourceSpec::Simulated(options) => {
            let camera = SimulatedCamera::open(options, config, the_pool()).map_err(OpenError::Simulated)?;
            Ok(prepared(camera))
        }
        SourceSpec::V4l2(name) => open_camera(name, config).map_err(OpenError::V4l2),
        SourceSpec::Replay(path) => open_recording(path, config),
    }
}

fn open_recording(path: &Path, config: &CameraConfig) -> Result<Box<dyn Camera>, OpenError> {
    let metadata = path
        .metadata()
        .map_err(|error| OpenError::Unreadable(path.into(), error))?;
    let files = if metadata.is_dir() {
        let files = picture_files(path).map_err(|error| OpenError::Unreadable(path.into(), error))?;
        if files.is_empty() {
            return Err(OpenError::NoPictures(path.into()));
        }
        files
    } else if is_picture(path).map_err(|error| OpenError::Unreadable(path.into(), error))? {
        vec![path.to_path_buf()]
    } else {
        let reader =
            ClipReader::open(path, config.looped).map_err(|error| OpenError::Clip(path.into(), error))?;
        return Ok(paced(reader, config));
    };
    let reader = FolderReader::open(
        files,
        path,
        config.rate_hz.unwrap_or(FOLDER_RATE_HZ),
        config.looped,
    );
    let reader = reader.map_err(|(file, error)| OpenError::Picture(file, error))?;
    Ok(paced(reader, config))
}

fn paced(reader: impl Reader + 'static, config: &CameraConfig) -> Box<dyn Camera> {
    prepared(PacedCamera::new(reader, the_pool(), config.pace))
}

fn prepared(camera: impl Camera + 'static) -> Box<dyn Camera> {
    prepare(the_pool(), camera.format().size_bytes());
    Box::new(camera)
}

/// Whether a file is taken for a picture, by its name or by its first bytes: a broken one shall be called a broken
/// picture, not a bad clip.
///
/// # Errors
/// The file cannot be read.
pub fn is_picture(path: &Path) -> std::io::Result<bool> {
    use std::io::Read as _;
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    if extension.is_some_and(|e| e == "png" || e == "jpg" || e == "jpeg") {
        return Ok(true);
    }
    let mut start = Vec::new();
    std::fs::File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(start.starts_with(&[0xFF, 0xD8, 0xFF]) || start.starts_with(b"\x89PNG"))
}
