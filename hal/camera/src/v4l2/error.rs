//! Which camera is meant, and why it cannot be had.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

/// Which V4L2 camera is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraName {
    /// The first that offers something usable, looked for anew each time.
    Auto,
    /// A node, or a link to one.
    Path(PathBuf),
    /// A name in `/dev/v4l/by-id` or `/dev/v4l/by-path`.
    Stable(String),
}

impl FromStr for CameraName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "auto" => Self::Auto,
            path if path.starts_with('/') => Self::Path(path.into()),
            name => Self::Stable(name.to_owned()),
        })
    }
}

impl fmt::Display for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Path(path) => path.display().fmt(f),
            Self::Stable(name) => f.write_str(name),
        }
    }
}

/// Why a V4L2 camera cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum V4l2Error {
    /// No node captures pictures.
    NoCamera,
    /// None of the cameras there offers anything usable; each with the reason.
    NoneUsable(String),
    /// Nothing has that name; the names there are.
    NotFound(CameraName, String),
    /// The node cannot be opened.
    Unopened(PathBuf, io::Error),
    /// The node is no camera; what it is instead.
    NotACamera(PathBuf, String),
    /// The camera offers nothing usable; what it offers.
    NoUsableFormat(PathBuf, String),
    /// Another program uses the camera.
    Busy(PathBuf),
    /// The driver refused a request.
    Refused {
        /// The node.
        node: PathBuf,
        /// What was asked of it.
        request: &'static str,
        /// Its answer.
        error: io::Error,
    },
    /// The driver chose a format that was not asked for and cannot be used; its description.
    WrongFormat(PathBuf, String),
}

impl fmt::Display for V4l2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCamera => f.write_str(
                "no camera is connected: no /dev/video node captures pictures; check the cable with `v4l2-ctl \
                 --list-devices`",
            ),
            Self::NoneUsable(reasons) => write!(f, "no camera is usable:{reasons}"),
            Self::NotFound(name, names) => write!(f, "there is no camera {name}; there are:{names}"),
            Self::Unopened(node, error) => {
                write!(f, "{}: {error}", node.display())?;
                match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        f.write_str("; add the user to the group `video`: usermod -aG video USER")
                    }
                    io::ErrorKind::NotFound => f.write_str("; is the camera plugged in?"),
                    _ => Ok(()),
                }
            }
            Self::NotACamera(node, reason) => write!(f, "{}: {reason}", node.display()),
            Self::NoUsableFormat(node, reason) => write!(f, "{}: {reason}", node.display()),
            Self::Busy(node) => write!(
                f,
                "{}: another program uses the camera; `fuser -v {0}` names it",
                node.display()
            ),
            Self::Refused { node, request, error } => {
                write!(f, "{}: the driver refused to {request}: {error}", node.display())
            }
            Self::WrongFormat(node, reason) => write!(f, "{}: {reason}", node.display()),
        }
    }
}

impl std::error::Error for V4l2Error {}
