//! A recording as commands play it: every picture that there is, and at its end whether that was all.

use std::fmt;
use std::time::Duration;

use baize_camera::{Camera, CameraLost, Captured, Frame};
use baize_frame::FrameFormat;

/// A recording that yields nothing for so long has hung.
const FRAME_WAIT: Duration = Duration::from_secs(20);

/// See the module.
pub struct Recording {
    camera: Box<dyn Camera>,
    unreadable: u64,
}

/// Why a recording gave less than it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingError {
    /// It broke off or is damaged.
    Lost(CameraLost),
    /// Its reader neither goes on nor ends.
    Hung,
    /// It was played to its end without the pictures that cannot be read.
    Incomplete {
        /// How many these are.
        unreadable: u64,
    },
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(lost) => lost.fmt(f),
            Self::Hung => write!(
                f,
                "the recording's reader hangs: it gave nothing for {FRAME_WAIT:?} and does not end"
            ),
            Self::Incomplete { unreadable } => write!(
                f,
                "{unreadable} of its pictures cannot be read, as the log says; copy them again or take them out"
            ),
        }
    }
}

impl std::error::Error for RecordingError {}

impl Recording {
    /// Of an opened source.
    pub const fn of(camera: Box<dyn Camera>) -> Self {
        Self {
            camera,
            unreadable: 0,
        }
    }

    /// Shape of its pictures.
    pub fn format(&self) -> FrameFormat {
        self.camera.format()
    }

    /// The next frame; `None` at the end of a recording of which every picture was given.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, RecordingError> {
        loop {
            match self.camera.capture(FRAME_WAIT).map_err(RecordingError::Lost)? {
                Captured::Frame(frame) => return Ok(Some(frame)),
                Captured::Dropped(cause) => {
                    self.unreadable += u64::from(cause.frames());
                    let why = self.camera.complaint().unwrap_or_else(|| format!("{cause:?}"));
                    log::warn!("a picture of the recording is missing: {why}");
                }
                Captured::TimedOut => return Err(RecordingError::Hung),
                Captured::Ended if self.unreadable > 0 => {
                    return Err(RecordingError::Incomplete {
                        unreadable: self.unreadable,
                    });
                }
                Captured::Ended => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_camera::DropCause;
    use baize_frame::{FrameFormat, PixelFormat};

    /// Says the same again and again.
    struct Always(fn() -> Captured);

    impl Camera for Always {
        fn format(&self) -> FrameFormat {
            FrameFormat::packed(64, 64, PixelFormat::Grey)
        }

        fn describe(&self) -> &str {
            "always the same"
        }

        fn frame_interval_us(&self) -> Option<u32> {
            None
        }

        fn capture(&mut self, _: Duration) -> Result<Captured, CameraLost> {
            Ok((self.0)())
        }
    }

    #[test]
    fn a_reader_that_hangs_is_an_error_and_not_the_end() {
        let mut recording = Recording::of(Box::new(Always(|| Captured::TimedOut)));
        assert_eq!(recording.next_frame().err(), Some(RecordingError::Hung));
    }

    #[test]
    fn only_a_recording_without_unreadable_pictures_ends_well() {
        let mut recording = Recording::of(Box::new(Always(|| Captured::Ended)));
        assert!(matches!(recording.next_frame(), Ok(None)));
        recording.unreadable = u64::from(DropCause::DecodeFailed.frames());
        assert_eq!(
            recording.next_frame().err(),
            Some(RecordingError::Incomplete { unreadable: 1 })
        );
    }
}
