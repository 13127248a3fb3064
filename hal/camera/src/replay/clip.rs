use std::io::Read as _;
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use baize_frame::{FrameFormat, PixelFormat};
use baize_realtime::clock::monotonic_us;

use super::probe::{ClipError, not_run, probe, protocol_safe};
use super::timeline::Timeline;
use super::words::{Time, Words};
use crate::camera::CameraLost;
use crate::clock::sleep_until;
use crate::limits::MAX_FRAME_BYTES;
use crate::paced::{Read, Reader};
use crate::pool::Slot;

/// How often is looked whether `ffmpeg` has said what it is about to say.
const WORDS_POLL_US: u64 = 200;

/// A clip that the program `ffmpeg` decodes; its NV12 pictures come over a pipe, straight into slots, and their times
/// over another.
pub(crate) struct ClipReader {
    ffmpeg: Child,
    pipe: ChildStdout,
    description: String,
    format: FrameFormat,
    interval_us: u32,
    words: Words,
    timeline: Timeline,
    played: u64,
    /// Bytes of the next picture that have arrived.
    filled: usize,
}

impl ClipReader {
    pub(crate) fn open(clip: &Path, looped: bool) -> Result<Self, ClipError> {
        let facts = probe(clip)?;
        let format = FrameFormat::packed(facts.width, facts.height, PixelFormat::Nv12);
        if format.size_bytes() > MAX_FRAME_BYTES {
            return Err(ClipError::TooLarge {
                width: facts.width,
                height: facts.height,
            });
        }
        // Clips are often BT.709, and those of telephones full range: NV12 frames are BT.601, limited range.
        let filter = format!(
            "{},scale=out_color_matrix=bt601:out_range=tv,format=nv12,settb=1/1000000,showinfo=checksum=0",
            facts.filter
        );
        let mut ffmpeg = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-hide_banner",
                "-nostats",
                "-v",
                "level+info",
                "-stream_loop",
                if looped { "-1" } else { "0" },
                "-i",
            ])
            .arg(protocol_safe(clip))
            .args([
                "-map",
                "0:v:0",
                "-vf",
                &filter,
                "-vsync",
                "passthrough",
                "-f",
                "rawvideo",
                "pipe:1",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(not_run)?;
        let (Some(pipe), Some(words)) = (ffmpeg.stdout.take(), ffmpeg.stderr.take()) else {
            return Err(ClipError::NotRun(std::io::Error::other("its pipes are missing")));
        };
        let name = clip.display().to_string();
        let description = format!(
            "{name} ({} pictures, {}x{}, {:.2} Hz)",
            facts.pictures,
            facts.width,
            facts.height,
            1e6 / f64::from(facts.interval_us)
        );
        let words = Words::listen(words, name).map_err(ClipError::NotRun)?;
        Ok(Self {
            ffmpeg,
            pipe,
            description,
            format,
            interval_us: facts.interval_us,
            words,
            timeline: Timeline::new(facts.interval_us),
            played: 0,
            filled: 0,
        })
    }

    /// The pipe is at its end: did `ffmpeg` play the whole clip? Its last words may still be on their way.
    fn ended(&mut self, deadline_us: u64) -> Result<Read, CameraLost> {
        let complaints = loop {
            match self.words.complaints_in_all() {
                Some(complaints) => break complaints,
                None if monotonic_us() >= deadline_us => return Ok(Read::Pending),
                None => sleep_until(deadline_us.min(monotonic_us() + WORDS_POLL_US)),
            }
        };
        let frames = self.played;
        let whole = self.filled == 0 && frames > 0;
        let succeeded = self.ffmpeg.wait().is_ok_and(|status| status.success());
        if !whole || !succeeded {
            Err(CameraLost::RecordingBroken { frames })
        } else if complaints > 0 {
            Err(CameraLost::RecordingDamaged { frames })
        } else {
            Ok(Read::End)
        }
    }
}

impl Reader for ClipReader {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn describe(&self) -> &str {
        &self.description
    }

    fn interval_us(&self) -> u32 {
        self.interval_us
    }

    fn read(&mut self, slot: &mut Slot, deadline_us: u64) -> Result<Read, CameraLost> {
        let size = self.format.size_bytes();
        while self.filled < size {
            if !readable(self.pipe.as_raw_fd(), deadline_us) {
                return Ok(Read::Pending);
            }
            match self.pipe.read(&mut slot.bytes_mut()[self.filled..size]) {
                Ok(0) => return self.ended(deadline_us),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(CameraLost::RecordingBroken { frames: self.played }),
            }
        }
        let time_us = loop {
            match self.words.time_of(self.played) {
                Time::Known(time_us) => break Some(time_us),
                Time::None => break None,
                Time::ToCome if monotonic_us() >= deadline_us => return Ok(Read::Pending),
                Time::ToCome => sleep_until(deadline_us.min(monotonic_us() + WORDS_POLL_US)),
            }
        };
        let media_us = self.timeline.place(time_us);
        self.filled = 0;
        self.played += 1;
        Ok(Read::Frame {
            format: self.format,
            media_us,
        })
    }
}

impl Drop for ClipReader {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.ffmpeg.kill();
        let _ = self.ffmpeg.wait();
    }
}

/// Waits until there is something to read, or its end.
fn readable(descriptor: RawFd, deadline_us: u64) -> bool {
    let left_ms = deadline_us.saturating_sub(monotonic_us()).div_ceil(1000);
    let mut request = libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: `request` is one pollfd, and the descriptor is open as long as its owner is borrowed.
    unsafe { libc::poll(&mut request, 1, i32::try_from(left_ms).unwrap_or(i32::MAX)) > 0 }
}
