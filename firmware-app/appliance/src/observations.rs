//! Recordings of observations in millimetres, a JSON line a frame: what `baize replay --record` writes and
//! `baize track` reads.

use std::fmt;
use std::io::{self, BufRead, Read as _, Write};

use baize_frame::BallKind;
use baize_table_state::Colour;
use baize_table_vision::{CueLine, Observation, Observations};
use serde::{Deserialize, Serialize};

/// Places farther from the origin than this are no table's.
const FARTHEST_MM: f64 = 20_000.0;
/// A frame takes some kilobytes, whoever wrote it; what is longer is something else.
const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// A cue's ends are found less well than balls' middles, but a line is long.
const CUE_SIGMA_FACTOR: f64 = 1.0;

/// One frame of a recording. Keys that are not known are not looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    exposure_us: u64,
    observations: Vec<Ball>,
    #[serde(default)]
    cue: Option<Cue>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ball {
    x_mm: f64,
    y_mm: f64,
    kind: Kind,
    #[serde(default)]
    number: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    colour: Option<String>,
    score: f64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Cue,
    Eight,
    Solid,
    Stripe,
    Ball,
}

#[derive(Debug, Serialize, Deserialize)]
struct Cue {
    tip_mm: [f64; 2],
    butt_mm: [f64; 2],
    score: f64,
}

/// What is wrong with a recording, and where.
#[derive(Debug)]
pub enum RecordingError {
    /// It cannot be read.
    Read(io::Error),
    /// A line says something that no frame can.
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Line { number, reason } => write!(f, "line {number}: {reason}"),
        }
    }
}

impl std::error::Error for RecordingError {}

/// Reads the frames of a recording one after the other; empty lines are skipped.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    line: Vec<u8>,
    number: u64,
    last_exposure_us: Option<u64>,
    noise_mm: f64,
}

impl<R: BufRead> Reader<R> {
    /// `noise_mm` is the standard deviation of the places along each side.
    pub fn new(from: R, noise_mm: f64) -> Self {
        Self {
            from,
            line: Vec::new(),
            number: 0,
            last_exposure_us: None,
            noise_mm,
        }
    }

    /// The next frame: when it was exposed, and what it shows.
    pub fn next_frame(&mut self) -> Result<Option<(u64, Observations)>, RecordingError> {
        while self.next_line().map_err(RecordingError::Read)? {
            let line = std::mem::take(&mut self.line);
            let frame = self.frame_of(&line).map_err(|reason| RecordingError::Line {
                number: self.number,
                reason,
            })?;
            self.line = line;
            if frame.is_some() {
                return Ok(frame);
            }
        }
        Ok(None)
    }

    /// Reads a line, or as much of it as shows that it is none. False after the last one.
    fn next_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.number += 1;
        let mut bounded = self.from.by_ref().take(LINE_BYTES_MAX + 1);
        Ok(bounded.read_until(b'\n', &mut self.line)? > 0)
    }

    fn frame_of(&mut self, line: &[u8]) -> Result<Option<(u64, Observations)>, String> {
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err("too long for a frame".into());
        }
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
        match text.trim() {
            "" => Ok(None),
            text => self.frame(text).map(Some),
        }
    }

    fn frame(&mut self, text: &str) -> Result<(u64, Observations), String> {
        let line: Line = serde_json::from_str(text).map_err(|error| without_place(&error))?;
        if self.last_exposure_us.is_some_and(|last| line.exposure_us <= last) {
            return Err(format!(
                "exposure_us {} is not later than the frame before",
                line.exposure_us
            ));
        }
        self.last_exposure_us = Some(line.exposure_us);
        let mut observations = Observations::default();
        for ball in &line.observations {
            let ball = self.ball(ball)?;
            observations.balls.push(ball).map_err(|_| {
                format!(
                    "more than {} observations",
                    baize_frame::limits::MAX_BALL_DETECTIONS
                )
            })?;
        }
        if let Some(cue) = &line.cue {
            let _ = observations.cues.push(CueLine {
                tip_mm: place(cue.tip_mm, "cue.tip_mm")?,
                butt_mm: place(cue.butt_mm, "cue.butt_mm")?,
                sigma_mm: CUE_SIGMA_FACTOR * self.noise_mm,
                across_mm: CUE_SIGMA_FACTOR * self.noise_mm,
                score: score(cue.score, "cue.score")?,
            });
        }
        Ok((line.exposure_us, observations))
    }

    fn ball(&self, ball: &Ball) -> Result<Observation, String> {
        let score = score(ball.score, "score")?;
        if let Some(number) = ball.number.filter(|number| !(1..=15).contains(number)) {
            return Err(format!("number {number} is not within 1 and 15"));
        }
        let colour = match &ball.colour {
            None => Colour::UNKNOWN,
            Some(name) => colour_named(name).ok_or_else(|| format!("no ball has the colour `{name}`"))?,
        };
        Ok(Observation {
            place_mm: place([ball.x_mm, ball.y_mm], "x_mm, y_mm")?,
            variance_mm2: [self.noise_mm * self.noise_mm; 2],
            pixel: [0.0; 2],
            kind: ball.kind.into(),
            number: ball.number,
            colour,
            kind_score: score,
            score,
        })
    }
}

/// Writes one frame.
pub fn write(to: &mut impl Write, exposure_us: u64, seen: &Observations) -> io::Result<()> {
    let line = Line {
        exposure_us,
        observations: seen.balls.iter().map(Ball::from).collect(),
        cue: best(&seen.cues).map(|cue| Cue {
            tip_mm: cue.tip_mm.map(hundredths),
            butt_mm: cue.butt_mm.map(hundredths),
            score: hundredths(f64::from(cue.score)),
        }),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

fn best(cues: &[CueLine]) -> Option<&CueLine> {
    cues.iter().max_by(|a, b| a.score.total_cmp(&b.score))
}

impl From<&Observation> for Ball {
    fn from(seen: &Observation) -> Self {
        let [x_mm, y_mm] = seen.place_mm.map(hundredths);
        Self {
            x_mm,
            y_mm,
            kind: seen.kind.into(),
            number: seen.number,
            colour: seen
                .colour
                .name()
                .filter(|_| seen.colour != Colour::UNKNOWN)
                .map(Into::into),
            score: hundredths(f64::from(seen.kind_score)),
        }
    }
}

impl From<Kind> for BallKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Cue => Self::Cue,
            Kind::Eight => Self::Eight,
            Kind::Solid => Self::Solid,
            Kind::Stripe => Self::Stripe,
            Kind::Ball => Self::Ball,
        }
    }
}

impl From<BallKind> for Kind {
    fn from(kind: BallKind) -> Self {
        match kind {
            BallKind::Cue => Self::Cue,
            BallKind::Eight => Self::Eight,
            BallKind::Solid => Self::Solid,
            BallKind::Stripe => Self::Stripe,
            BallKind::Ball => Self::Ball,
        }
    }
}

fn colour_named(name: &str) -> Option<Colour> {
    Colour::NAMES
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(code, _)| Colour::from_code(*code))
}

fn place(place: [f64; 2], what: &str) -> Result<[f64; 2], String> {
    if place.iter().all(|v| v.is_finite() && v.abs() <= FARTHEST_MM) {
        Ok(place)
    } else {
        Err(format!("{what} is not a place near a table"))
    }
}

fn score(score: f64, what: &str) -> Result<f32, String> {
    if (0.0..=1.0).contains(&score) {
        Ok(score as f32)
    } else {
        Err(format!("{what} {score} is not within 0 and 1"))
    }
}

/// What serde says, without its own count of lines: it sees one line only.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
