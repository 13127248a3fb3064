//! Runs the table stage over recordings of observations and writes what it publishes, as bytes of the wire: what
//! `ci/same-bytes` compares between machines.
//! `cargo run -p baize-table-vision --example recorded_bytes -- tests/motion/committed/*.jsonl > bytes`.

use std::error::Error;
use std::io::{BufWriter, Write, stdout};

use baize_frame::BallKind;
use baize_table_state::{Colour, Message, ShotPrediction, encode};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{CueLine, FrameStamp, Observation, Observations, StageOutput, TableStage};
use serde_json::Value;

/// Noise of every place in the recordings, along each side.
const NOISE_MM: f64 = 1.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for path in std::env::args().skip(1) {
        track(&std::fs::read_to_string(&path)?, &mut out).map_err(|error| format!("{path}: {error}"))?;
    }
    out.flush()?;
    Ok(())
}

fn track(recording: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut stage = TableStage::new();
    stage.set_calibration(Some(Calibration::seen_from_above(TableSize::FT9, 57.15)));
    let mut output = StageOutput::new();
    for (line, frame_id) in recording.lines().zip(1..) {
        let frame: Value = serde_json::from_str(line)?;
        let stamp = FrameStamp {
            frame_id,
            exposure_us: frame["exposure_us"].as_u64().ok_or("no exposure_us")?,
        };
        let seen = observations(&frame).ok_or("a frame is not as `baize track` takes it")?;
        stage.judge(stamp, Some(&seen), &mut output);
        write(&output.state, out)?;
        output.events.iter().try_for_each(|event| write(event, out))?;
        output.prediction.iter().try_for_each(|shot| write(shot, out))?;
    }
    Ok(())
}

fn write<M: Message>(message: &M, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // No message is longer than a prediction.
    let mut buffer = [0; ShotPrediction::MAX_BYTES];
    out.write_all(encode(message, &mut buffer)?)?;
    Ok(())
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
