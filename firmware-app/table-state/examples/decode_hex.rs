//! Prints binary messages of Baize: one payload in hex a line on standard input.
//!
//! ```text
//! mosquitto_sub -t 'baize/+/v1/state' -F %x | cargo run -p baize-table-state --example decode_hex
//! ```

use std::fmt::Debug;
use std::io::{self, BufRead};
use std::process::ExitCode;

use baize_table_state::{
    Ball, BallId, Calibration, DecodeError, Message, ShotPrediction, TableEvent, TableState, decode,
};

fn main() -> ExitCode {
    let mut all_decoded = true;
    for line in io::stdin().lock().lines() {
        let printed = line
            .map_err(|error| error.to_string())
            .and_then(|line| print_message(&from_hex(line.trim())?));
        if let Err(why) = printed {
            eprintln!("{why}");
            all_decoded = false;
        }
    }
    if all_decoded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => {
            Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => Err("a line is not an even number of hex digits".into()),
    }
}

/// A topic says which message it carries; hex text alone does not, so each is tried until the key fits.
fn print_message(payload: &[u8]) -> Result<(), String> {
    let readers = [
        print_as(payload, print_state),
        print_as::<TableEvent>(payload, print_debug),
        print_as::<Calibration>(payload, print_debug),
        print_as::<ShotPrediction>(payload, print_debug),
    ];
    let fitting = readers
        .into_iter()
        .find(|read| !matches!(read, Err(DecodeError::ForeignKey { .. })));
    fitting
        .unwrap_or_else(|| decode::<TableState>(payload).map(drop))
        .map_err(|error| error.to_string())
}

fn print_as<M: Message>(payload: &[u8], print: fn(&M)) -> Result<(), DecodeError> {
    let decoded = decode::<M>(payload)?;
    if let Some(minor) = decoded.newer_minor {
        println!("(sent by the newer minor version {minor}: what it added is not shown)");
    }
    print(&decoded.message);
    Ok(())
}

fn print_debug<M: Debug>(message: &M) {
    println!("{message:#?}");
}

fn print_state(state: &TableState) {
    let flags: Vec<_> = state.flags.names().collect();
    println!(
        "frame {} at {} us, calibration {} ({}), {} balls, flags [{}]",
        state.frame_id,
        state.exposure_us,
        state.calibration_id,
        state.calibration_validity,
        state.balls.len(),
        flags.join(", ")
    );
    state.balls.iter().for_each(print_ball);
    println!(
        "  cue {}, of ball {:?}, tip at {:?} mm/s",
        state.cue_action.state,
        state.cue_action.addresses.map(BallId::get),
        state.cue_action.tip_speed_mm_s
    );
    if let Some(cue) = &state.cue {
        println!(
            "  cue: tip {:.1}, {:.1} mm, pointing to {:.2} degrees",
            cue.tip.x_mm(),
            cue.tip.y_mm(),
            cue.direction.degrees()
        );
    }
}

fn print_ball(ball: &Ball) {
    println!(
        "  ball {:3}  {:<14} {:7.1}, {:7.1} mm  {:6}, {:6} mm/s  sigma {:.1} mm  {:3.0} %  {}{}",
        ball.id.get(),
        ball.identity.to_string(),
        ball.position.x_mm(),
        ball.position.y_mm(),
        ball.velocity.x_mm_s,
        ball.velocity.y_mm_s,
        ball.sigma.mm(),
        ball.confidence.ratio() * 100.0,
        if ball.moving { "moving" } else { "at rest" },
        if ball.seen() { "" } else { ", predicted" },
    );
}
