//! What every source of pictures offers.

use std::fmt;
use std::time::Duration;

use baize_frame::FrameFormat;

use crate::frame::Frame;

/// A source of pictures that fills the slots of a pool.
pub trait Camera: Send {
    /// Shape of the pictures. In a folder whose pictures differ in size each [`Frame`] has its own.
    fn format(&self) -> FrameFormat;

    /// What this is, for people: device or file, size, and where the time stamps come from.
    fn describe(&self) -> &str;

    /// Nominal time from one picture to the next, in microseconds, where it is known.
    fn frame_interval_us(&self) -> Option<u32>;

    /// What was wrong with the picture that was dropped last, for people, where more is known than [`DropCause`] says.
    /// Allocates: not for pipeline threads.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// Waits at most `timeout` for the next picture. Neither allocates (but for decoding JPEG and PNG, inside
    /// a `baize_realtime::sealing::library_scope`) nor waits for anybody but the driver; a recording played as fast as possible
    /// also waits for a free slot, because it must not lose a picture.
    ///
    /// # Errors
    /// The source has failed and will deliver nothing more; drop it and open it again.
    fn capture(&mut self, timeout: Duration) -> Result<Captured, CameraLost>;
}

/// What a call of [`Camera::capture`] brought.
#[derive(Debug)]
pub enum Captured {
    /// A picture.
    Frame(Frame),
    /// Pictures that were due and are not there.
    Dropped(DropCause),
    /// Nothing came in time.
    TimedOut,
    /// The recording is over.
    Ended,
}

/// Why pictures are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropCause {
    /// The source's numbering skipped this many.
    DriverGap(u32),
    /// The driver marked one as damaged.
    DriverError,
    /// All slots were in use when one was due.
    NoSlot,
    /// One could not be decoded, or was shorter than its shape needs.
    DecodeFailed,
}

impl DropCause {
    /// How many pictures are missing.
    pub const fn frames(self) -> u32 {
        match self {
            Self::DriverGap(frames) => frames,
            Self::DriverError | Self::NoSlot | Self::DecodeFailed => 1,
        }
    }
}

/// Why a source that had been open delivers no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CameraLost {
    /// The device is gone: unplugged, or reset by its bus.
    Gone,
    /// A request to the driver failed.
    DriverFailed {
        /// What was asked of it.
        request: &'static str,
        /// Its answer.
        errno: i32,
    },
    /// The recording broke off in the middle of a picture, or its reader failed.
    RecordingBroken {
        /// Pictures delivered before.
        frames: u64,
    },
    /// The recording was played to its end, but its reader could not make sense of all of it.
    RecordingDamaged {
        /// Pictures delivered.
        frames: u64,
    },
}

impl fmt::Display for CameraLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the camera is gone; check its cable and its power"),
            Self::DriverFailed { request, errno } => {
                let error = std::io::Error::from_raw_os_error(*errno);
                write!(f, "the camera's driver refused to {request}: {error}")
            }
            Self::RecordingBroken { frames } => {
                write!(
                    f,
                    "the recording broke off after {frames} pictures; the log has the reader's own words"
                )
            }
            Self::RecordingDamaged { frames } => {
                write!(
                    f,
                    "the recording is damaged: pictures beside the {frames} that were played are missing, or some of \
                     them are wrong; the log has the reader's own words"
                )
            }
        }
    }
}

impl std::error::Error for CameraLost {}
