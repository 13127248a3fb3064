//! Recordings of observations, as `baize track` takes them, for both programs that run the stage over them.

use std::error::Error;

use baize_frame::BallKind;
use baize_table_state::Colour;
use baize_table_vision::{CueLine, FrameStamp, Observation, Observations};
use serde_json::Value;

/// Noise of every place in the recordings, along each side.
const NOISE_MM: f64 = 1.0;

/// The exposures of a recording.
pub fn exposures(path: &str) -> Result<Vec<(FrameStamp, Observations)>, Box<dyn Error>> {
    let recording = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let exposures = recording
        .lines()
        .zip(1..)
        .map(|(line, frame_id)| exposure(line, frame_id));
    exposures
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{path}: {error}").into())
}

fn exposure(line: &str, frame_id: u64) -> Result<(FrameStamp, Observations), Box<dyn Error>> {
    let frame: Value = serde_json::from_str(line)?;
    let stamp = FrameStamp {
        frame_id,
        exposure_us: frame["exposure_us"].as_u64().ok_or("no exposure_us")?,
    };
    let seen = observations(&frame).ok_or("a frame is not as `baize track` takes it")?;
    Ok((stamp, seen))
}

fn observations(frame: &Value) -> Option<Observations> {
    let balls = frame["observations"].as_array()?;
    let cue = &frame["cue"];
    let mut seen = Observations::default();
    for ball in balls {
        seen.balls.push(observation(ball)?).ok()?;
    }
    if !cue.is_null() {
        let line = CueLine {
            tip_mm: place(&cue["tip_mm"])?,
            butt_mm: place(&cue["butt_mm"])?,
            sigma_mm: NOISE_MM,
            across_mm: NOISE_MM,
            score: cue["score"].as_f64()? as f32,
        };
        seen.cues.push(line).ok()?;
    }
    Some(seen)
}

fn observation(ball: &Value) -> Option<Observation> {
    let score = ball["score"].as_f64()? as f32;
    Some(Observation {
        place_mm: [ball["x_mm"].as_f64()?, ball["y_mm"].as_f64()?],
        variance_mm2: [NOISE_MM * NOISE_MM; 2],
        pixel: [0.0; 2],
        kind: match ball["kind"].as_str()? {
            "cue" => BallKind::Cue,
            "eight" => BallKind::Eight,
            "solid" => BallKind::Solid,
            "stripe" => BallKind::Stripe,
            "ball" => BallKind::Ball,
            _ => return None,
        },
        number: ball["number"]
            .as_u64()
            .and_then(|number| u8::try_from(number).ok()),
        colour: Colour::UNKNOWN,
        kind_score: score,
        score,
    })
}

fn place(of: &Value) -> Option<[f64; 2]> {
    Some([of[0].as_f64()?, of[1].as_f64()?])
}
