//! `baize track`: the table stage alone, on recorded observations.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};
use serde_json::Value;

use super::args::TrackArgs;
use crate::failure::Failure;
use crate::observations::Reader;
use crate::sources;
use crate::state_json;

/// Noise of a place that a recording may have.
const NOISE_RANGE_MM: std::ops::RangeInclusive<f64> = 0.05..=50.0;

/// Runs the command.
pub fn run(args: &TrackArgs) -> Result<(), Failure> {
    let mut config = sources::config(&args.config)?;
    if let Some(size) = &args.table {
        config.table.size.clone_from(size);
    }
    if let Some(game) = args.game {
        config.table.game = game;
    }
    if args.ball.is_some() {
        config.table.ball_diameter_mm = args.ball;
    }
    if !NOISE_RANGE_MM.contains(&args.noise) {
        return Err(Failure::new(format!(
            "--noise {} is not within 0.05 and 50 mm",
            args.noise
        )));
    }
    let table: TableSize = config.table.size.parse().map_err(Failure::from_error)?;
    let calibration = Calibration::seen_from_above(table, config.table.ball_mm());
    calibration.check().map_err(Failure::from_error)?;
    let mut stage = TableStage::new();
    stage.set_game(config.table.game.on_the_wire());
    stage.set_physics(config.physics);
    stage.set_calibration(Some(calibration));

    let from = open(&args.path).map_err(|error| Failure::at(args.path.display(), error))?;
    let mut reader = Reader::new(from, args.noise);
    let mut output = StageOutput::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut frames = 0;
    while let Some((exposure_us, seen)) = reader
        .next_frame()
        .map_err(|error| Failure::at(args.path.display(), error))?
    {
        frames += 1;
        let stamp = FrameStamp {
            frame_id: frames,
            exposure_us,
        };
        stage.judge(stamp, Some(&seen), &mut output);
        let written = if args.json {
            writeln!(out, "{}", Value::Object(state_json::output(&output)))
        } else {
            writeln!(out, "{}", state_json::in_words(&output))
        };
        if written.is_err() {
            // Whoever read has seen enough.
            return Ok(());
        }
    }
    if frames == 0 {
        return Err(Failure::new(format!(
            "{}: not one frame in it",
            args.path.display()
        )));
    }
    // A reader that went away has seen enough.
    let _ = out.flush();
    Ok(())
}

fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(File::open(path)?)))
}
