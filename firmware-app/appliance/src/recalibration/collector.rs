//! Takes pictures from the pipeline, one at a time, each copied so that its slot goes back at once.

use std::time::{Duration, Instant};

use baize_frame::{BallDetection, FrameFormat, ImageView};
use baize_realtime::clock::monotonic_us;

use crate::pipeline::{PICTURES, SHARED};

/// Without a picture for so long there is no camera to calibrate.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A copy of a picture, and the balls in it.
pub struct Picture {
    format: FrameFormat,
    bytes: Vec<u8>,
    exposure_us: u64,
    /// The balls.
    pub balls: Vec<BallDetection>,
}

impl Picture {
    /// Asks the pipeline for the next one.
    pub fn ask() {
        SHARED.want_picture();
    }

    /// The next picture that the pipeline handed over, if one is there.
    pub fn take() -> Option<Self> {
        let photo = PICTURES.try_receive().ok()?;
        Some(Self {
            format: photo.frame.format,
            bytes: photo.frame.image().bytes().to_vec(),
            exposure_us: photo.frame.exposure_us,
            balls: photo.detections.balls.to_vec(),
        })
    }

    /// The picture itself.
    pub fn view(&self) -> Option<ImageView<'_>> {
        ImageView::new(&self.bytes, self.format).ok()
    }
}

/// The pictures themselves.
pub fn views(pictures: &[Picture]) -> Vec<ImageView<'_>> {
    pictures.iter().filter_map(Picture::view).collect()
}

/// Collects so many pictures.
pub struct Collector {
    wanted: usize,
    interval: Duration,
    exposed_after_us: u64,
    /// When the last picture was kept.
    kept: Instant,
    /// When the last picture came, kept or not.
    seen: Instant,
    pictures: Vec<Picture>,
}

/// Why there are no pictures.
pub struct Silent;

impl Collector {
    /// `wanted` pictures, `interval` apart, exposed no earlier than after `settle`.
    pub fn new(wanted: usize, interval: Duration, settle: Duration) -> Self {
        // A picture asked for before may still lie there.
        let _ = PICTURES.try_receive();
        Self {
            wanted,
            interval,
            exposed_after_us: monotonic_us() + settle.as_micros() as u64,
            kept: Instant::now(),
            seen: Instant::now(),
            pictures: Vec::new(),
        }
    }

    /// How many there are.
    pub const fn done(&self) -> usize {
        self.pictures.len()
    }

    /// Makes a turn. The pictures, once there are enough.
    pub fn turn(&mut self) -> Result<Option<Vec<Picture>>, Silent> {
        if let Some(picture) = Picture::take() {
            self.seen = Instant::now();
            // A slow pipeline still brings pictures of before: signs of life, but not what was asked for.
            if picture.exposure_us >= self.exposed_after_us {
                self.kept = self.seen;
                self.pictures.push(picture);
            }
        }
        if self.pictures.len() >= self.wanted {
            return Ok(Some(std::mem::take(&mut self.pictures)));
        }
        if self.seen.elapsed() > SILENCE_MAX {
            return Err(Silent);
        }
        if self.pictures.is_empty() || self.kept.elapsed() >= self.interval {
            Picture::ask();
        }
        Ok(None)
    }
}
