//! Sources that are not driven by a device: a [`Reader`] makes pictures, [`PacedCamera`] gives them time and slots.

use std::time::Duration;

use baize_frame::FrameFormat;
use baize_realtime::clock::monotonic_us;

use crate::camera::{Camera, CameraLost, Captured, DropCause};
use crate::clock::{deadline_us, sleep_until};
use crate::config::Pace;
use crate::frame::Frame;
use crate::pool::{FramePool, Slot};

/// How often a free slot is looked for where a recording must not lose a picture.
const SLOT_POLL_US: u64 = 200;

/// Makes one picture after the other, without knowing of time or slots.
pub(crate) trait Reader: Send {
    fn format(&self) -> FrameFormat;
    fn describe(&self) -> &str;
    fn interval_us(&self) -> u32;

    /// Writes the next picture into `slot`, waiting no longer than `deadline_us` of the monotonic clock. After
    /// [`Read::Pending`] it is called again with the same slot.
    fn read(&mut self, slot: &mut Slot, deadline_us: u64) -> Result<Read, CameraLost>;

    /// What was wrong with the last [`Read::Undecodable`].
    fn complaint(&self) -> Option<String> {
        None
    }

    /// Leaves out `frames` pictures without making them. `false`: this reader cannot.
    fn skip(&mut self, frames: u32) -> bool {
        let _ = frames;
        false
    }
}

pub(crate) enum Read {
    /// A picture, due this long after the first one.
    Frame { format: FrameFormat, media_us: u64 },
    /// Not complete before the deadline.
    Pending,
    /// A picture that cannot be decoded.
    Undecodable,
    /// There are no more.
    End,
}

pub(crate) struct PacedCamera<R> {
    reader: R,
    pool: &'static FramePool,
    pace: Pace,
    /// What the reader writes into next, or has written into.
    slot: Option<Slot>,
    /// The picture in `slot`, read but not yet due.
    waiting: Option<(FrameFormat, u64)>,
    /// When the picture with media time 0 was due, on the monotonic clock.
    origin_us: Option<u64>,
    /// Pictures that became due while an earlier one was being made.
    missed: u32,
    sequence: u64,
}

impl<R: Reader> PacedCamera<R> {
    pub(crate) fn new(reader: R, pool: &'static FramePool, pace: Pace) -> Self {
        Self {
            reader,
            pool,
            pace,
            slot: None,
            waiting: None,
            origin_us: None,
            missed: 0,
            sequence: 0,
        }
    }

    pub(crate) const fn reader(&self) -> &R {
        &self.reader
    }

    fn read_next(&mut self, deadline_us: u64) -> Result<Option<Captured>, CameraLost> {
        while self.slot.is_none() {
            self.slot = self.pool.take();
            if self.slot.is_none() {
                if monotonic_us() >= deadline_us {
                    return Ok(Some(Captured::TimedOut));
                }
                sleep_until(deadline_us.min(monotonic_us() + SLOT_POLL_US));
            }
        }
        let Some(slot) = self.slot.as_mut() else {
            return Ok(Some(Captured::TimedOut));
        };
        Ok(match self.reader.read(slot, deadline_us)? {
            Read::Frame { format, media_us } => {
                self.waiting = Some((format, media_us));
                None
            }
            Read::Pending => Some(Captured::TimedOut),
            Read::Undecodable => {
                self.sequence += 1;
                Some(Captured::Dropped(DropCause::DecodeFailed))
            }
            Read::End => Some(Captured::Ended),
        })
    }

    /// When a picture of this media time is due, on the monotonic clock. Also notes how many pictures became due since.
    fn due_us(&mut self, media_us: u64) -> u64 {
        let now_us = monotonic_us();
        let origin_us = *self.origin_us.get_or_insert(now_us.saturating_sub(media_us));
        let due_us = origin_us + media_us;
        let late_us = now_us.saturating_sub(due_us);
        self.missed =
            u32::try_from(late_us / u64::from(self.reader.interval_us()).max(1)).unwrap_or(u32::MAX);
        due_us
    }

    /// A source that fell behind either leaves pictures out, as a live camera would, or goes on later than it should.
    fn catch_up(&mut self) -> Option<Captured> {
        let missed = std::mem::take(&mut self.missed);
        if missed == 0 {
            return None;
        }
        if self.reader.skip(missed) {
            self.sequence += u64::from(missed);
            return Some(Captured::Dropped(DropCause::DriverGap(missed)));
        }
        let behind_us = u64::from(missed) * u64::from(self.reader.interval_us());
        self.origin_us = self.origin_us.map(|origin_us| origin_us + behind_us);
        None
    }
}

impl<R: Reader> Camera for PacedCamera<R> {
    fn format(&self) -> FrameFormat {
        self.reader.format()
    }

    fn describe(&self) -> &str {
        self.reader.describe()
    }

    fn frame_interval_us(&self) -> Option<u32> {
        Some(self.reader.interval_us())
    }

    fn complaint(&self) -> Option<String> {
        self.reader.complaint()
    }

    fn capture(&mut self, timeout: Duration) -> Result<Captured, CameraLost> {
        let deadline_us = deadline_us(timeout);
        if self.waiting.is_none() {
            if let Some(gap) = self.catch_up() {
                return Ok(gap);
            }
            if let Some(outcome) = self.read_next(deadline_us)? {
                return Ok(outcome);
            }
        }
        let Some((format, media_us)) = self.waiting else {
            return Ok(Captured::TimedOut);
        };
        let mut exposure_us = media_us;
        let mut spare = None;
        if self.pace == Pace::RealTime {
            exposure_us = self.due_us(media_us);
            sleep_until(exposure_us.min(deadline_us));
            if monotonic_us() < exposure_us {
                return Ok(Captured::TimedOut);
            }
            spare = self.pool.take();
        }
        self.waiting = None;
        let sequence = self.sequence;
        self.sequence += 1;
        if self.pace == Pace::RealTime && spare.is_none() {
            return Ok(Captured::Dropped(DropCause::NoSlot));
        }
        let Some(slot) = std::mem::replace(&mut self.slot, spare) else {
            return Ok(Captured::TimedOut);
        };
        Ok(match Frame::new(slot, format, sequence, exposure_us) {
            Ok(frame) => Captured::Frame(frame),
            Err(_) => Captured::Dropped(DropCause::DecodeFailed),
        })
    }
}
