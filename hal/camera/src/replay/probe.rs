//! What `ffprobe` tells of a clip, and what can be wrong with one.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is needed of a clip before it is played.
#[derive(Debug, PartialEq)]
pub(super) struct ClipFacts {
    /// Size in memory: upright, with square pixels, even.
    pub(super) width: u32,
    pub(super) height: u32,
    /// How `ffmpeg` is to bring its pictures to that size.
    pub(super) filter: String,
    pub(super) interval_us: u32,
    /// Pictures that are shown.
    pub(super) pictures: u64,
}

/// Why a clip cannot be played.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClipError {
    /// `ffmpeg` or `ffprobe` is not installed.
    NoFfmpeg,
    /// The program could not be run.
    NotRun(io::Error),
    /// The file is no video that `ffmpeg` understands; its own words.
    NotAVideo(String),
    /// The file declares more pictures than it has.
    CutShort {
        /// Pictures declared.
        declared: u64,
        /// Pictures there.
        present: u64,
    },
    /// The pictures are larger than 4K.
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

impl fmt::Display for ClipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFfmpeg => f.write_str(
                "clips are read through the programs `ffmpeg` and `ffprobe`, which are not installed; \
                 on Debian or Ubuntu: apt-get install ffmpeg",
            ),
            Self::NotRun(error) => write!(f, "`ffmpeg` cannot be run: {error}"),
            Self::NotAVideo(reason) => write!(f, "this is no video that ffmpeg can read ({reason})"),
            Self::CutShort { declared, present } => write!(
                f,
                "the clip is cut short: {present} of its {declared} pictures are there; copy it again, or keep what \
                 there is with: ffmpeg -i CLIP -c copy REPAIRED.mp4"
            ),
            Self::TooLarge { width, height } => write!(
                f,
                "{width}x{height} pixels are more than a frame of the pipeline holds (3840x2160); \
                 make it smaller with: ffmpeg -i CLIP -vf scale=1920:-2 SMALLER.mp4"
            ),
        }
    }
}

impl std::error::Error for ClipError {}

/// Starting a program failed: because it is not there?
pub(super) fn not_run(error: io::Error) -> ClipError {
    if error.kind() == io::ErrorKind::NotFound {
        ClipError::NoFfmpeg
    } else {
        ClipError::NotRun(error)
    }
}

pub(super) fn probe(clip: &Path) -> Result<ClipFacts, ClipError> {
    let entries = "stream=width,height,sample_aspect_ratio,avg_frame_rate,nb_frames\
                   :stream_side_data=rotation:packet=flags";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", entries])
        .args(["-of", "default=noprint_wrappers=1"])
        .arg(protocol_safe(clip))
        .stdin(Stdio::null())
        .output()
        .map_err(not_run)?;
    let words = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(ClipError::NotAVideo(last_line(&words)));
    }
    let facts = parse(&String::from_utf8_lossy(&output.stdout));
    facts.unwrap_or_else(|| Err(ClipError::NotAVideo("it has no stream of pictures".into())))
}

/// A path that `ffmpeg` cannot take for an option or for the name of a protocol.
pub(super) fn protocol_safe(clip: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from("file:");
    argument.push(clip);
    argument
}

fn last_line(words: &str) -> String {
    let line = words
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it gave no reason");
    line.rsplit_once(": ")
        .map_or(line, |(_, reason)| reason)
        .to_owned()
}

/// `None`: there is no video stream.
fn parse(listing: &str) -> Option<Result<ClipFacts, ClipError>> {
    let (mut width, mut height, mut declared, mut rotated) = (0_u32, 0_u32, None::<u64>, false);
    let (mut pixel_aspect, mut rate_hz) = (1.0_f64, 25.0_f64);
    let (mut packets, mut pictures) = (0_u64, 0_u64);
    for (key, value) in listing.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "flags" => {
                packets += 1;
                // Packets marked so are decoded but not shown, nor given out by ffmpeg.
                pictures += u64::from(!value.contains('D'));
            }
            "width" => width = value.parse().ok()?,
            "height" => height = value.parse().ok()?,
            "nb_frames" => declared = value.parse().ok(),
            "rotation" => {
                rotated = value
                    .parse::<f64>()
                    .is_ok_and(|degrees| (degrees / 90.0).round() % 2.0 != 0.0)
            }
            "sample_aspect_ratio" => pixel_aspect = fraction(value, ':').unwrap_or(1.0),
            "avg_frame_rate" => rate_hz = fraction(value, '/').unwrap_or(25.0),
            _ => {}
        }
    }
    if width == 0 || height == 0 || pictures == 0 {
        return None;
    }
    if let Some(declared) = declared.filter(|declared| *declared > packets) {
        return Some(Err(ClipError::CutShort {
            declared,
            present: packets,
        }));
    }
    let interval_us = (1e6 / rate_hz) as u32;
    if rotated {
        (width, height) = (height, width);
        pixel_aspect = 1.0 / pixel_aspect;
    }
    let (filter, width, height) = if (pixel_aspect - 1.0).abs() > 1e-3 {
        let square = (f64::from(width) * pixel_aspect / 2.0).round() as u32 * 2;
        (format!("scale={square}:{}", height & !1), square, height & !1)
    } else {
        let (width, height) = (width & !1, height & !1);
        (format!("crop={width}:{height}:0:0"), width, height)
    };
    Some(Ok(ClipFacts {
        width,
        height,
        filter,
        interval_us,
        pictures,
    }))
}

fn fraction(text: &str, divider: char) -> Option<f64> {
    let (above, below) = text.split_once(divider)?;
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(listing: &str) -> ClipFacts {
        parse(listing).expect("a video").expect("a good one")
    }

    #[test]
    fn pictures_that_are_only_decoded_are_not_counted() {
        let clip = facts(
            "flags=K__\nflags=___\nflags=___\nflags=_D_\nwidth=1280\nheight=720\nsample_aspect_ratio=N/A\n\
             avg_frame_rate=25/1\nnb_frames=4\n",
        );
        assert_eq!(clip.pictures, 3);
        assert_eq!((clip.width, clip.height, clip.interval_us), (1280, 720, 40_000));
    }

    #[test]
    fn a_picture_filmed_upright_has_its_sides_exchanged() {
        let clip = facts("flags=K__\nwidth=1920\nheight=1080\navg_frame_rate=30/1\nrotation=-90\n");
        assert_eq!((clip.width, clip.height), (1080, 1920));
    }

    #[test]
    fn oblong_pixels_are_made_square_and_odd_sizes_even() {
        let clip =
            facts("flags=K__\nwidth=720\nheight=576\nsample_aspect_ratio=16:11\navg_frame_rate=25/1\n");
        assert_eq!(
            (clip.width, clip.height, clip.filter.as_str()),
            (1048, 576, "scale=1048:576")
        );
        let clip = facts("flags=K__\nwidth=641\nheight=361\nsample_aspect_ratio=1:1\navg_frame_rate=0/0\n");
        assert_eq!(
            (clip.width, clip.height, clip.filter.as_str()),
            (640, 360, "crop=640:360:0:0")
        );
    }

    #[test]
    fn a_clip_with_fewer_pictures_than_it_declares_is_refused() {
        let cut = parse("flags=K__\nflags=___\nwidth=64\nheight=48\navg_frame_rate=25/1\nnb_frames=20\n");
        assert!(matches!(
            cut,
            Some(Err(ClipError::CutShort {
                declared: 20,
                present: 2
            }))
        ));
        assert!(parse("").is_none());
    }
}
