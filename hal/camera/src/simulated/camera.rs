use std::fmt;
use std::time::Duration;

use baize_frame::{FrameFormat, ImageError, PixelFormat};
use baize_realtime::clock::monotonic_us;
use baize_simulated_table::{Projector, SimulatedTable, Truth};

use super::light::LightFile;
use super::options::SimulatedOptions;
use crate::camera::{Camera, CameraLost, Captured};
use crate::clock::{deadline_us, sleep_until};
use crate::config::{CameraConfig, Pace, PixelWish};
use crate::limits::{MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH};
use crate::paced::{PacedCamera, Read, Reader};
use crate::pool::{FramePool, Slot};

const USUAL_SIZE: (u32, u32) = (1280, 720);
const USUAL_RATE_HZ: f32 = 30.0;

/// A camera above a simulated table.
pub struct SimulatedCamera {
    paced: PacedCamera<TableReader>,
    options: SimulatedOptions,
    opened_us: u64,
}

/// Why there is no picture of the simulated table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimulatedError {
    /// The fault script has it unplugged.
    Unplugged,
    /// No picture has this size.
    Size(ImageError),
    /// The picture is larger than a slot.
    TooLarge,
}

impl fmt::Display for SimulatedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unplugged => f.write_str("the simulated camera is unplugged, as its options say"),
            Self::Size(error) => write!(f, "the simulated camera cannot give such pictures: {error}"),
            Self::TooLarge => f.write_str("the simulated camera gives at most 3840x2160 pixels"),
        }
    }
}

impl std::error::Error for SimulatedError {}

impl SimulatedCamera {
    /// Sets up the table, and renders beforehand what shall be.
    ///
    /// # Errors
    /// The pictures cannot be as large as wished, or the fault script has the camera unplugged.
    pub fn open(
        options: &SimulatedOptions,
        config: &CameraConfig,
        pool: &'static FramePool,
    ) -> Result<Self, SimulatedError> {
        if options.is_unplugged() {
            return Err(SimulatedError::Unplugged);
        }
        let (width, height) = options.size.or(config.size).unwrap_or(USUAL_SIZE);
        let pixels = options.pixels.unwrap_or(match config.pixels {
            PixelWish::Nv12 => PixelFormat::Nv12,
            PixelWish::Grey => PixelFormat::Grey,
            PixelWish::Auto | PixelWish::Yuyv | PixelWish::Mjpeg => PixelFormat::Yuyv,
        });
        if width > MAX_FRAME_WIDTH || height > MAX_FRAME_HEIGHT {
            return Err(SimulatedError::TooLarge);
        }
        let format = FrameFormat::packed(width, height, pixels);
        let rate_hz = options.rate_hz.or(config.rate_hz).unwrap_or(USUAL_RATE_HZ);
        let interval_us = (1e6 / rate_hz).round() as u32;
        let mut table = SimulatedTable::new(options.scene.clone(), format).map_err(SimulatedError::Size)?;
        // While the camera was away, the game went on.
        if config.pace == Pace::RealTime {
            table.advance(options.elapsed_us());
        }
        let light = options.projector.as_deref().map(LightFile::new);
        if light.is_some() {
            table.hang(Projector::standard(&options.scene.table));
        }
        let reader =
            TableReader::new(table, interval_us, options.prerendered, light).map_err(SimulatedError::Size)?;
        Ok(Self {
            paced: PacedCamera::new(reader, pool, config.pace),
            options: options.clone(),
            opened_us: monotonic_us(),
        })
    }

    /// What the picture that was rendered last really shows.
    pub fn truth(&self) -> &Truth {
        self.paced.reader().truth()
    }
}

impl Camera for SimulatedCamera {
    fn format(&self) -> FrameFormat {
        self.paced.format()
    }

    fn describe(&self) -> &str {
        self.paced.describe()
    }

    fn frame_interval_us(&self) -> Option<u32> {
        self.paced.frame_interval_us()
    }

    fn capture(&mut self, timeout: Duration) -> Result<Captured, CameraLost> {
        if self.options.is_silent() {
            sleep_until(deadline_us(timeout));
            return Ok(Captured::TimedOut);
        }
        if self.options.is_unplugged() || self.options.has_died(self.opened_us) {
            return Err(CameraLost::Gone);
        }
        self.paced.capture(timeout)
    }
}

/// Renders the table, or shows what was rendered beforehand.
struct TableReader {
    table: SimulatedTable,
    interval_us: u32,
    description: String,
    /// Pictures made or left out.
    count: u64,
    /// Pictures rendered beforehand, one behind the other, and the truth of each.
    beforehand: Vec<u8>,
    truths: Vec<Truth>,
    light: Option<LightFile>,
}

impl TableReader {
    fn new(
        mut table: SimulatedTable,
        interval_us: u32,
        prerendered: usize,
        light: Option<LightFile>,
    ) -> Result<Self, ImageError> {
        let format = table.format();
        let mut beforehand = vec![0; prerendered * format.size_bytes()];
        let mut truths = Vec::with_capacity(prerendered);
        for picture in beforehand.chunks_exact_mut(format.size_bytes()) {
            if !truths.is_empty() {
                table.advance(interval_us.into());
            }
            table.render(picture)?;
            truths.push(table.truth().clone());
        }
        let description = format!(
            "simulated table, seed {}, {}x{}, {:.2} Hz",
            table.scene().seed,
            format.width,
            format.height,
            1e6 / f64::from(interval_us)
        );
        Ok(Self {
            table,
            interval_us,
            description,
            count: 0,
            beforehand,
            truths,
            light,
        })
    }

    /// Which of the pictures rendered beforehand is the one with this number.
    fn place(&self, number: u64) -> usize {
        (number % self.truths.len().max(1) as u64) as usize
    }

    fn truth(&self) -> &Truth {
        match self.truths.get(self.place(self.count.saturating_sub(1))) {
            Some(truth) => truth,
            None => self.table.truth(),
        }
    }
}

impl Reader for TableReader {
    fn format(&self) -> FrameFormat {
        self.table.format()
    }

    fn describe(&self) -> &str {
        &self.description
    }

    fn interval_us(&self) -> u32 {
        self.interval_us
    }

    fn read(&mut self, slot: &mut Slot, _deadline_us: u64) -> Result<Read, CameraLost> {
        let format = self.format();
        let media_us = self.count * u64::from(self.interval_us);
        let picture = &mut slot.bytes_mut()[..format.size_bytes()];
        if self.truths.is_empty() {
            if self.count > 0 {
                self.table.advance(self.interval_us.into());
            }
            if let Some(light) = &mut self.light {
                self.table.project(light.read());
            }
            if self.table.render(picture).is_err() {
                return Ok(Read::Undecodable);
            }
        } else {
            let at = self.place(self.count) * picture.len();
            picture.copy_from_slice(&self.beforehand[at..at + picture.len()]);
        }
        self.count += 1;
        Ok(Read::Frame { format, media_us })
    }

    fn skip(&mut self, frames: u32) -> bool {
        self.count += u64::from(frames);
        if self.truths.is_empty() {
            self.table
                .advance(u64::from(frames) * u64::from(self.interval_us));
        }
        true
    }
}
