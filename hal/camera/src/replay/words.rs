//! What `ffmpeg` says while it plays a clip: when each picture is shown, and what is wrong with the clip.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// Complaints that are passed on; a damaged clip brings thousands a second, and the first ones tell what is wrong.
const TOLD: usize = 5;

/// Times that may wait for their pictures. `ffmpeg` is ahead by what a pipe of 64 KiB holds: with 64x64 pixels ten.
const TIMES: usize = 256;

/// The levels of `ffmpeg`'s own complaints, as `-v level+info` marks them.
const LEVELS: [&str; 3] = ["[error] ", "[fatal] ", "[panic] "];

/// A picture that `ffmpeg` gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    number: u64,
    time_us: Option<i64>,
}

/// What is known of a picture's time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// In microseconds.
    Known(i64),
    /// It has none.
    None,
    /// It was not said yet.
    ToCome,
}

/// The listening end. A thread of its own reads, so that a talkative `ffmpeg` never stops at a full pipe.
pub(super) struct Words {
    times: Receiver<Shown>,
    /// Already received, but of a later picture than was asked for.
    next: Option<Shown>,
    complaints: Arc<AtomicU64>,
}

impl Words {
    pub(super) fn listen(words: impl Read + Send + 'static, clip: String) -> std::io::Result<Self> {
        let (sender, times) = sync_channel(TIMES);
        let complaints = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&complaints);
        std::thread::Builder::new()
            .name("ffmpeg-words".into())
            .spawn(move || hear(BufReader::new(words), &clip, &sender, &count))?;
        Ok(Self {
            times,
            next: None,
            complaints,
        })
    }

    /// The time of this picture; to be asked for in ascending order.
    pub(super) fn time_of(&mut self, number: u64) -> Time {
        loop {
            let shown = match self.next.take() {
                Some(shown) => shown,
                None => match self.times.try_recv() {
                    Ok(shown) => shown,
                    Err(TryRecvError::Empty) => return Time::ToCome,
                    Err(TryRecvError::Disconnected) => return Time::None,
                },
            };
            if shown.number > number {
                self.next = Some(shown);
                return Time::None;
            }
            if shown.number == number {
                return shown.time_us.map_or(Time::None, Time::Known);
            }
        }
    }

    /// How often `ffmpeg` complained in all; `None` as long as it may say more.
    pub(super) fn complaints_in_all(&self) -> Option<u64> {
        loop {
            match self.times.try_recv() {
                Ok(_) => {}
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(self.complaints.load(Ordering::Acquire)),
            }
        }
    }
}

fn hear(mut words: impl BufRead, clip: &str, times: &SyncSender<Shown>, complaints: &AtomicU64) {
    let mut told: Vec<String> = Vec::new();
    let mut untold: u64 = 0;
    let mut bytes = Vec::new();
    while words.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes);
        if let Some(complaint) = complaint(&line) {
            complaints.fetch_add(1, Ordering::Release);
            if told.len() < TOLD && !told.iter().any(|before| before == complaint) {
                log::warn!("ffmpeg, playing {clip}: {complaint}");
                told.push(complaint.to_owned());
            } else {
                untold += 1;
            }
        }
        if let Some(shown) = shown(&line) {
            // Fails when nobody plays the clip any more; then `ffmpeg` is about to be ended.
            let _ = times.send(shown);
        }
        bytes.clear();
    }
    if untold > 0 {
        log::warn!("ffmpeg, playing {clip}: {untold} more such lines");
    }
}

fn complaint(line: &str) -> Option<&str> {
    let (_, words) = LEVELS.iter().find_map(|level| line.split_once(level))?;
    Some(words.trim_end())
}

/// Reads `… n:   3 pts: 120000 pts_time:0.12 …`, a line of the filter `showinfo`.
fn shown(line: &str) -> Option<Shown> {
    let (_, rest) = line.split_once(" n:")?;
    let (number, rest) = rest.split_once(" pts:")?;
    let time = rest.split_whitespace().next()?;
    Some(Shown {
        number: number.trim().parse().ok()?,
        time_us: time.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURES: &str = "\
[matroska,webm @ 0x5565] [info] Input #0
[Parsed_showinfo_1 @ 0x55b8] [info] n:   0 pts:      0 pts_time:0       pos:      594 fmt:yuv420p
[Parsed_showinfo_1 @ 0x55b8] [info] n:   1 pts:  40000 pts_time:0.04    pos:    11924 fmt:yuv420p
[Parsed_showinfo_1 @ 0x55b8] [info] n:   3 pts:  NOPTS pts_time:NOPTS   pos:    12924 fmt:yuv420p
[Parsed_showinfo_1 @ 0x55b8] [info] n:   4 pts: 160000 pts_time:0.16    pos:    13924 fmt:yuv420p
";

    fn when_said(words: &mut Words, number: u64) -> Time {
        loop {
            match words.time_of(number) {
                Time::ToCome => std::thread::yield_now(),
                time => return time,
            }
        }
    }

    #[test]
    fn each_picture_has_its_own_time_also_after_one_that_was_not_announced() {
        let mut words = Words::listen(PICTURES.as_bytes(), "clip".into()).expect("a thread");
        let times = [0, 1, 2, 3, 4, 5].map(|number| when_said(&mut words, number));
        let known = Time::Known;
        assert_eq!(
            times,
            [
                known(0),
                known(40_000),
                Time::None,
                Time::None,
                known(160_000),
                Time::None
            ]
        );
        assert_eq!(words.complaints_in_all(), Some(0));
    }

    #[test]
    fn every_complaint_is_counted_and_its_address_left_out() {
        let line = "[h264 @ 0x55e0d0a4c1c0] [error] Invalid NAL unit size (5 > 3).\n";
        assert_eq!(complaint(line), Some("Invalid NAL unit size (5 > 3)."));
        assert_eq!(complaint("[h264 @ 0x55e0] [warning] a hint\n"), None);
        let words = Words::listen(std::io::Cursor::new(line.repeat(10_000)), "clip".into());
        let words = words.expect("a thread");
        let count = loop {
            match words.complaints_in_all() {
                Some(count) => break count,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(count, 10_000);
    }
}
