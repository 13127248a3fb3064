use std::io::{BufRead, BufReader, Read as _};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use baize_frame::{FrameFormat, PixelFormat};
use baize_realtime::clock::monotonic_us;

use super::probe::{ClipError, not_run, probe, protocol_safe};
use crate::camera::CameraLost;
use crate::limits::MAX_FRAME_BYTES;
use crate::paced::{Read, Reader};
use crate::pool::Slot;

/// A clip that the program `ffmpeg` decodes; its NV12 pictures come over a pipe, straight into slots.
pub(crate) struct ClipReader {
    ffmpeg: Child,
    pipe: ChildStdout,
    description: String,
    format: FrameFormat,
    interval_us: u32,
    shown_us: Vec<u64>,
    looped: bool,
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
            "{},scale=out_color_matrix=bt601:out_range=tv,format=nv12",
            facts.filter
        );
        let mut ffmpeg = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
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
            facts.shown_us.len(),
            facts.width,
            facts.height,
            1e6 / f64::from(facts.interval_us)
        );
        // Without a listener a talkative ffmpeg would stop at a full pipe.
        let listener = std::thread::Builder::new().name("ffmpeg-log".into());
        let listening = listener.spawn(move || {
            for line in BufReader::new(words).lines().map_while(Result::ok) {
                log::warn!("ffmpeg, playing {name}: {line}");
            }
        });
        listening.map_err(ClipError::NotRun)?;
        Ok(Self {
            ffmpeg,
            pipe,
            description,
            format,
            interval_us: facts.interval_us,
            shown_us: facts.shown_us,
            looped,
            played: 0,
            filled: 0,
        })
    }

    /// When picture number `index` is shown; rounds of a looped clip follow each other.
    fn media_us(&self, index: u64) -> u64 {
        let count = self.shown_us.len() as u64;
        let last_us = self.shown_us.last().copied().unwrap_or(0);
        let interval_us = u64::from(self.interval_us);
        if self.looped {
            let round_us = last_us + interval_us;
            return index / count * round_us + self.shown_us[(index % count) as usize];
        }
        // A clip may decode to a picture more than it has packets.
        let beyond = (index + 1).saturating_sub(count);
        self.shown_us
            .get(index as usize)
            .copied()
            .unwrap_or(last_us + beyond * interval_us)
    }

    /// The pipe is at its end: did `ffmpeg` play the whole clip?
    fn ended(&mut self) -> Result<Read, CameraLost> {
        let whole = self.filled == 0 && self.played > 0;
        let succeeded = self.ffmpeg.wait().is_ok_and(|status| status.success());
        if whole && succeeded {
            Ok(Read::End)
        } else {
            Err(CameraLost::RecordingBroken { frames: self.played })
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
                Ok(0) => return self.ended(),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(CameraLost::RecordingBroken { frames: self.played }),
            }
        }
        self.filled = 0;
        let media_us = self.media_us(self.played);
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
