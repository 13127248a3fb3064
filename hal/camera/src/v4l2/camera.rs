use std::io;
use std::time::Duration;

use baize_frame::FrameFormat;
use baize_realtime::clock::monotonic_us;
use baize_realtime::sealing::library_scope;
use v4l::v4l_sys::V4L2_BUF_FLAG_ERROR;

use super::buffers::Buffers;
use super::device::{Device, STREAMOFF, VIDEO_CAPTURE, v4l2_buffer};
use super::encoding::Encoding;
use super::stamp::Stamp;
use crate::camera::{Camera, CameraLost, Captured, DropCause};
use crate::clock::{deadline_us, sleep_until};
use crate::frame::Frame;
use crate::jpeg::decode_jpeg;
use crate::pool::{Slot, the_pool};

/// How long to wait for a slot where the camera does not tell its rate.
const USUAL_INTERVAL_US: u32 = 33_333;

/// A streaming V4L2 camera. Fields are dropped in their order: the device is closed, so that the driver writes no more,
/// before the slots that it had go back.
pub(super) struct V4l2Camera {
    pub(super) device: Device,
    pub(super) buffers: Buffers,
    pub(super) encoding: Encoding,
    pub(super) format: FrameFormat,
    pub(super) interval_us: Option<u32>,
    pub(super) description: String,
    /// How long the sensor is exposed, if that is locked.
    pub(super) exposure_us: Option<u32>,
    /// Room for an MJPEG picture whose tables have to be added.
    pub(super) scratch: Vec<u8>,
    pub(super) numbering: Numbering,
    /// What is to be told after a gap.
    pub(super) after_gap: Option<Captured>,
}

impl V4l2Camera {
    fn judge(&mut self, slot: Slot, buffer: &v4l2_buffer) -> Result<Captured, CameraLost> {
        if buffer.flags & V4L2_BUF_FLAG_ERROR != 0 {
            return Ok(Captured::Dropped(DropCause::DriverError));
        }
        let stamp = &buffer.timestamp;
        let stamp_us = stamp.tv_sec as u64 * 1_000_000 + stamp.tv_usec as u64;
        let exposure_us =
            Stamp::of(buffer.flags).start_of_exposure_us(stamp_us, monotonic_us(), self.exposure_us);
        let slot = if self.encoding == Encoding::Mjpeg {
            match self.decode(slot, buffer.bytesused as usize)? {
                Ok(decoded) => decoded,
                Err(cause) => return Ok(Captured::Dropped(cause)),
            }
        } else if (buffer.bytesused as usize) < self.format.size_bytes() {
            return Ok(Captured::Dropped(DropCause::DecodeFailed));
        } else {
            slot
        };
        Ok(
            match Frame::new(slot, self.format, self.numbering.total, exposure_us) {
                Ok(frame) => Captured::Frame(frame),
                Err(_) => Captured::Dropped(DropCause::DecodeFailed),
            },
        )
    }

    /// Decodes into a slot of the pool; the driver has its buffer back at once.
    fn decode(&mut self, encoded: Slot, bytes_used: usize) -> Result<Result<Slot, DropCause>, CameraLost> {
        let outcome = match the_pool().take() {
            None => Err(DropCause::NoSlot),
            Some(mut slot) => {
                let _decoder_allocates = library_scope();
                let jpeg = &encoded.bytes()[..bytes_used.min(encoded.bytes().len())];
                match decode_jpeg(jpeg, &mut self.scratch, slot.bytes_mut()) {
                    Ok(format) if format == self.format => Ok(slot),
                    _ => Err(DropCause::DecodeFailed),
                }
            }
        };
        self.buffers
            .queue(&self.device, encoded)
            .map_err(|error| lost("take a buffer (QBUF)", &error))?;
        Ok(outcome)
    }
}

impl Camera for V4l2Camera {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn describe(&self) -> &str {
        &self.description
    }

    fn frame_interval_us(&self) -> Option<u32> {
        self.interval_us
    }

    fn capture(&mut self, timeout: Duration) -> Result<Captured, CameraLost> {
        if let Some(after_gap) = self.after_gap.take() {
            return Ok(after_gap);
        }
        let deadline_us = deadline_us(timeout);
        let queued = self.buffers.queue_free_slots(&self.device);
        queued.map_err(|error| lost("take a buffer (QBUF)", &error))?;
        if self.buffers.queued() == 0 {
            let interval_us = u64::from(self.interval_us.unwrap_or(USUAL_INTERVAL_US));
            sleep_until(deadline_us.min(monotonic_us() + interval_us));
            self.numbering.missed_by_us += 1;
            return Ok(Captured::Dropped(DropCause::NoSlot));
        }
        let ready = wait(&self.device, deadline_us).map_err(|error| lost("be waited for (poll)", &error))?;
        if ready == 0 {
            return Ok(Captured::TimedOut);
        }
        let (slot, buffer) = match self.buffers.dequeue(&self.device) {
            Ok(filled) => filled,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && ready & libc::POLLIN != 0 => {
                return Ok(Captured::TimedOut);
            }
            Err(error) => return Err(lost("hand over a picture (DQBUF)", &error)),
        };
        let gap = self.numbering.next(buffer.sequence);
        let outcome = self.judge(slot, &buffer)?;
        if gap == 0 {
            return Ok(outcome);
        }
        self.after_gap = Some(outcome);
        Ok(Captured::Dropped(DropCause::DriverGap(gap)))
    }
}

impl Drop for V4l2Camera {
    fn drop(&mut self) {
        // A frame that nobody came for goes back before the buffers are closed.
        self.after_gap = None;
        // Fails when the device is gone; then closing it stops the stream.
        let _ = self.device.call(STREAMOFF, &mut (VIDEO_CAPTURE as i32));
    }
}

/// Waits for the device; returns what poll() saw, 0 after the deadline.
fn wait(device: &Device, deadline_us: u64) -> io::Result<libc::c_short> {
    loop {
        let left_ms = deadline_us.saturating_sub(monotonic_us()).div_ceil(1000);
        let mut request = libc::pollfd {
            fd: device.descriptor(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: `request` is one pollfd, and the device is open.
        let ready = unsafe { libc::poll(&mut request, 1, i32::try_from(left_ms).unwrap_or(i32::MAX)) };
        match ready {
            0 => return Ok(0),
            1.. => return Ok(request.revents),
            _ => {}
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn lost(request: &'static str, error: &io::Error) -> CameraLost {
    match error.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => CameraLost::Gone,
        errno => CameraLost::DriverFailed {
            request,
            errno: errno.unwrap_or(libc::EIO),
        },
    }
}

/// Counts pictures by the driver's numbers.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    last: Option<u32>,
    /// The number of the last picture, in a count that does not wrap.
    total: u64,
    /// Pictures already counted as dropped because the driver had no slot to write to.
    missed_by_us: u32,
}

impl Numbering {
    /// A gap so long is no gap: the driver has begun to count anew.
    const LONGEST_GAP: u32 = 10_000;

    /// Notes the number of the next picture; returns how many are missing before it that nobody counted yet.
    fn next(&mut self, sequence: u32) -> u32 {
        let step = self.last.map_or(1, |last| sequence.wrapping_sub(last));
        // Some drivers never count.
        let step = if step == 0 || step > Self::LONGEST_GAP {
            1
        } else {
            step
        };
        self.total += if self.last.is_some() { u64::from(step) } else { 0 };
        self.last = Some(sequence);
        let missing = step - 1;
        missing.saturating_sub(std::mem::take(&mut self.missed_by_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(sequences: &[u32]) -> (Vec<u32>, u64) {
        let mut numbering = Numbering::default();
        let gaps = sequences
            .iter()
            .map(|sequence| numbering.next(*sequence))
            .collect();
        (gaps, numbering.total)
    }

    #[test]
    fn missing_numbers_are_counted_once_even_where_the_count_wraps() {
        assert_eq!(gaps(&[7, 8, 11, 12]), (vec![0, 0, 2, 0], 5));
        assert_eq!(gaps(&[u32::MAX - 1, 1]), (vec![0, 2], 3));
    }

    #[test]
    fn a_driver_that_does_not_count_or_starts_anew_makes_no_gap() {
        assert_eq!(gaps(&[0, 0, 0]), (vec![0, 0, 0], 2));
        assert_eq!(gaps(&[500, 501, 0, 1]), (vec![0, 0, 0, 0], 3));
    }

    #[test]
    fn pictures_that_found_no_slot_are_not_counted_again_as_a_gap() {
        let mut numbering = Numbering::default();
        numbering.next(1);
        numbering.missed_by_us = 2;
        assert_eq!(numbering.next(5), 1);
        assert_eq!(numbering.next(7), 1);
    }
}
