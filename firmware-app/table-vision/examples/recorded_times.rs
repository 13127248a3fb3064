//! What the table stage takes for each exposure of recordings of observations, all together:
//! `cargo run --release -p baize-table-vision --example recorded_times -- tests/motion/generated/shot-*9-120.jsonl`.

mod recordings;

use std::error::Error;
use std::time::Instant;

use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{StageOutput, TableStage};

fn main() -> Result<(), Box<dyn Error>> {
    let mut took_us = Vec::new();
    for path in std::env::args().skip(1) {
        let mut stage = TableStage::new();
        stage.set_calibration(Some(Calibration::seen_from_above(TableSize::FT9, 57.15)));
        let mut output = StageOutput::new();
        for (stamp, seen) in recordings::exposures(&path)? {
            let started = Instant::now();
            stage.judge(stamp, Some(&seen), &mut output);
            took_us.push(started.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    took_us.sort_unstable_by(f64::total_cmp);
    let last = took_us.len().checked_sub(1).ok_or("no exposure in any file")?;
    let at = |part: f64| took_us[(last as f64 * part) as usize];
    println!(
        "{} exposures: p50 {:.0}  p99 {:.0}  p99.9 {:.0}  max {:.0} us",
        took_us.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    Ok(())
}
