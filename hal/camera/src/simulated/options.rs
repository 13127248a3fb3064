use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use baize_frame::PixelFormat;
use baize_realtime::clock::monotonic_us;
use baize_simulated_table::{BallSet, Layout, MAX_BALLS, Play, Scene, TableSize};

use crate::limits::MAX_PRERENDERED;

/// A simulated table and its camera. Written as a list of `key=value` and flags, such as `seed=3,balls=16,still`.
#[derive(Debug, Clone)]
pub struct SimulatedOptions {
    /// What there is to see.
    pub scene: Scene,
    /// Pictures per second. `None`: as configured, else 30.
    pub rate_hz: Option<f32>,
    /// Width and height in pixels. `None`: as configured, else 1280x720.
    pub size: Option<(u32, u32)>,
    /// Pixel format. `None`: as configured, else YUYV.
    pub pixels: Option<PixelFormat>,
    /// So many pictures are rendered beforehand and then shown in turn; 0: each is rendered when it is due.
    pub prerendered: usize,
    /// When the camera is unplugged, in real time.
    pub outages: Vec<Outage>,
    /// How long after each opening the camera is lost, microseconds. `None`: it is not.
    pub dies_after_us: Option<u64>,
    /// How long after the first opening the camera falls silent for good, microseconds. `None`: it does not.
    pub silent_after_us: Option<u64>,
    /// A projector hangs above the table and shows what this file says: the radius of its discs on the first line, x and
    /// y of one on each further line, in its pixels. `None`: there is no projector.
    pub projector: Option<PathBuf>,
    first_opened_us: Arc<OnceLock<u64>>,
}

/// A time during which the camera is unplugged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, from the moment the source was opened for the first time.
    pub at_us: u64,
    /// How long it lasts.
    pub for_us: u64,
}

impl Default for SimulatedOptions {
    fn default() -> Self {
        Self::of(Scene::standard())
    }
}

impl SimulatedOptions {
    /// This scene, and everything else by default.
    pub fn of(scene: Scene) -> Self {
        Self {
            scene,
            rate_hz: None,
            size: None,
            pixels: None,
            prerendered: 0,
            outages: Vec::new(),
            dies_after_us: None,
            silent_after_us: None,
            projector: None,
            first_opened_us: Arc::default(),
        }
    }

    /// Time since this source, or a clone of it, was opened for the first time: now, if it never was.
    pub(super) fn elapsed_us(&self) -> u64 {
        let now_us = monotonic_us();
        now_us - self.first_opened_us.get_or_init(|| now_us)
    }

    /// Whether the camera is unplugged now.
    pub(super) fn is_unplugged(&self) -> bool {
        let now_us = self.elapsed_us();
        self.outages
            .iter()
            .any(|outage| (outage.at_us..outage.at_us + outage.for_us).contains(&now_us))
    }

    /// Whether a camera opened at that time is lost by now.
    pub(super) fn has_died(&self, opened_us: u64) -> bool {
        self.dies_after_us
            .is_some_and(|after_us| monotonic_us().saturating_sub(opened_us) >= after_us)
    }

    /// Whether it says nothing any more.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_after_us
            .is_some_and(|after_us| self.elapsed_us() >= after_us)
    }
}

/// An option of the simulated table that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError {
    option: String,
    expected: &'static str,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "option `{}` of the simulated table: expected {}",
            self.option, self.expected
        )
    }
}

impl std::error::Error for OptionError {}

const KEYS: &str = "one of seed=N, balls=N, set=american|snooker|pub|carom, still, play, size=WxH, fps=HZ, \
                    format=yuyv|nv12|grey|rgb, prerendered=N, unplug=AT+FOR, dies=AFTER, \
                    silent=AFTER (seconds), projector=FILE";

impl FromStr for SimulatedOptions {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let mut options = Self::default();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let wrong = |expected| OptionError {
                option: option.to_owned(),
                expected,
            };
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "seed" => options.scene.seed = value.parse().map_err(|_| wrong("a whole number"))?,
                "balls" => {
                    let count = value
                        .parse()
                        .ok()
                        .filter(|count| usize::from(*count) <= MAX_BALLS);
                    options.scene.layout =
                        Layout::Scattered(count.ok_or_else(|| wrong("a number up to 22"))?);
                }
                "set" => {
                    set(&mut options.scene, value).ok_or_else(|| wrong("american, snooker, pub or carom"))?
                }
                "still" if value.is_empty() => options.scene.play = Play::Still,
                "play" if value.is_empty() => options.scene.play = Play::Random,
                "size" => options.size = Some(size(value).ok_or_else(|| wrong("a size such as 1920x1080"))?),
                "fps" => {
                    let rate_hz = value
                        .parse()
                        .ok()
                        .filter(|rate_hz| (0.1..=1000.0).contains(rate_hz));
                    options.rate_hz = Some(rate_hz.ok_or_else(|| wrong("pictures per second, 0.1 to 1000"))?);
                }
                "format" => {
                    options.pixels = Some(pixels(value).ok_or_else(|| wrong("yuyv, nv12, grey or rgb"))?)
                }
                "prerendered" => {
                    let count = value.parse().ok().filter(|count| *count <= MAX_PRERENDERED);
                    options.prerendered = count.ok_or_else(|| wrong("a number up to 300"))?;
                }
                "unplug" => {
                    let outage =
                        outage(value).ok_or_else(|| wrong("seconds until it and of it, such as 5+2"))?;
                    options.outages.push(outage);
                }
                "dies" => {
                    options.dies_after_us = Some(micros(value).ok_or_else(|| wrong("seconds, such as 0.5"))?);
                }
                "silent" => {
                    options.silent_after_us = Some(micros(value).ok_or_else(|| wrong("seconds, such as 5"))?);
                }
                "projector" if !value.is_empty() => options.projector = Some(value.into()),
                _ => return Err(wrong(KEYS)),
            }
        }
        Ok(options)
    }
}

/// Puts another set on a table of its own, seen by the same camera from a distance in proportion.
fn set(scene: &mut Scene, name: &str) -> Option<()> {
    let (set, table) = match name {
        "american" => (BallSet::American, TableSize::NINE_FOOT),
        "snooker" => (BallSet::Snooker, TableSize::SNOOKER),
        "pub" => (BallSet::Pub, TableSize::PUB),
        "carom" => (BallSet::Carom, TableSize::CAROM),
        _ => return None,
    };
    let scale = table.length_mm / scene.table.length_mm;
    scene.camera.position_mm = scene.camera.position_mm.map(|mm| mm * scale);
    for lamp in &mut scene.lights.lamps {
        lamp.position_mm = lamp.position_mm.map(|mm| mm * scale);
        lamp.half_size_mm = lamp.half_size_mm.map(|mm| mm * scale);
    }
    scene.table = table;
    scene.ball_set = set;
    Some(())
}

fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

fn pixels(text: &str) -> Option<PixelFormat> {
    Some(match text.to_ascii_lowercase().as_str() {
        "yuyv" => PixelFormat::Yuyv,
        "nv12" => PixelFormat::Nv12,
        "grey" => PixelFormat::Grey,
        "rgb" => PixelFormat::Rgb24,
        _ => return None,
    })
}

fn micros(text: &str) -> Option<u64> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..1e6).contains(seconds))?;
    Some((seconds * 1e6) as u64)
}

fn outage(text: &str) -> Option<Outage> {
    let (at, duration) = text.split_once('+')?;
    Some(Outage {
        at_us: micros(at)?,
        for_us: micros(duration)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SimulatedOptions {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options =
            parse("still,balls=9,seed=3,size=640x384,fps=50,format=nv12,unplug=1.5+2,dies=2,prerendered=20");
        assert_eq!(
            (options.dies_after_us, options.silent_after_us),
            (Some(2_000_000), None)
        );
        assert_eq!(
            (options.scene.seed, options.scene.layout),
            (3, Layout::Scattered(9))
        );
        assert_eq!(options.scene.play, Play::Still);
        assert_eq!((options.size, options.rate_hz), (Some((640, 384)), Some(50.0)));
        assert_eq!(
            (options.pixels, options.prerendered),
            (Some(PixelFormat::Nv12), 20)
        );
        assert_eq!(
            options.outages,
            [Outage {
                at_us: 1_500_000,
                for_us: 2_000_000
            }]
        );
    }

    #[test]
    fn another_set_comes_with_a_table_of_its_own() {
        let snooker = parse("set=snooker").scene;
        assert_eq!(
            (snooker.ball_set, snooker.table),
            (BallSet::Snooker, TableSize::SNOOKER)
        );
        assert_eq!(parse("set=american").scene, Scene::standard());
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_was_expected() {
        for (text, part) in [
            ("sed=3", "seed=N"),
            ("seed=x", "a whole number"),
            ("balls=23", "up to 22"),
            ("size=640", "1920x1080"),
            ("fps=0", "0.1 to 1000"),
            ("still=1", "still"),
            ("unplug=5", "5+2"),
            ("dies=often", "0.5"),
            ("silent=", "seconds"),
        ] {
            let error = text.parse::<SimulatedOptions>().expect_err(text).to_string();
            assert!(error.contains(text) && error.contains(part), "{error}");
        }
    }
}
