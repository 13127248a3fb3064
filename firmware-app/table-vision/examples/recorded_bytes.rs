//! Runs the table stage over recordings of observations and writes what it publishes, as bytes of the wire: what
//! `ci/same-bytes` compares between machines.
//! `cargo run -p baize-table-vision --example recorded_bytes -- tests/motion/committed/*.jsonl > bytes`.

mod recordings;

use std::error::Error;
use std::io::{BufWriter, Write, stdout};

use baize_table_state::{Message, ShotPrediction, encode};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{StageOutput, TableStage};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for path in std::env::args().skip(1) {
        track(&path, &mut out)?;
    }
    out.flush()?;
    Ok(())
}

fn track(path: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut stage = TableStage::new();
    stage.set_calibration(Some(Calibration::seen_from_above(TableSize::FT9, 57.15)));
    let mut output = StageOutput::new();
    for (stamp, seen) in recordings::exposures(path)? {
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
