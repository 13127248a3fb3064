//! The table in a terminal: what a subscriber knows, drawn with characters.

use std::fmt::Write as _;
use std::time::Duration;

use baize_table_state::{Ball, BallKind, Calibration, CueState, Flags, TableState};

use crate::state_json;

/// Cells of the drawing of the bed; a cell of a terminal is twice as high as wide, a table twice as long as wide.
const COLUMNS: usize = 76;
const ROWS: usize = 19;

/// Speeds below this are told as rest in words; the flags are what programs should look at.
const STANDING_MM_S: f32 = 1.0;

/// Everything a view shows.
#[derive(Debug, Default, Clone)]
pub struct Scene {
    /// The table's name.
    pub table: String,
    /// `online`, `stopped`, `offline`.
    pub status: Option<&'static str>,
    /// The camera's status.
    pub camera: Option<&'static str>,
    /// The newest state.
    pub state: Option<TableState>,
    /// The calibration in use.
    pub calibration: Option<Calibration>,
    /// The newest events, newest last.
    pub events: Vec<String>,
    /// States a second, lately.
    pub rate_hz: f64,
    /// How long ago the newest state came.
    pub age: Duration,
}

/// One line that names the balls.
pub fn line(scene: &Scene) -> String {
    let table = if scene.table.is_empty() {
        "any table"
    } else {
        &scene.table
    };
    let mut line = format!("{table}: {}", scene.status.unwrap_or("nothing heard yet"));
    if let Some(camera) = scene.camera {
        let _ = write!(line, ", camera {camera}");
    }
    let Some(state) = &scene.state else { return line };
    let _ = write!(line, ", {:.0} states/s", scene.rate_hz);
    let remarks = state_json::remarks(state);
    if !remarks.is_empty() {
        let _ = write!(line, ", {}", remarks.join(", "));
    }
    let _ = write!(line, ", {} balls", state.balls.len());
    let names: Vec<String> = state.balls.iter().map(in_words).collect();
    if !names.is_empty() {
        let _ = write!(line, ": {}", names.join(", "));
    }
    if let Some(cue) = cue_in_words(state) {
        let _ = write!(line, "; {cue}");
    }
    line
}

/// What the cue does; nothing of one that is not seen and does nothing.
fn cue_in_words(state: &TableState) -> Option<String> {
    let action = &state.cue_action;
    if state.cue.is_none() && [CueState::HIDDEN, CueState::UNKNOWN].contains(&action.state) {
        return None;
    }
    let mut words = format!("cue {}", action.state);
    if let Some(ball) = action.addresses {
        let _ = write!(words, " #{}", ball.get());
    }
    if let Some(cue) = &state.cue {
        let _ = write!(words, " at {:.1} degrees", cue.direction.degrees());
    }
    if let Some(speed_mm_s) = action
        .tip_speed_mm_s
        .filter(|_| action.state == CueState::STRIKING)
    {
        let _ = write!(words, " with {:.1} m/s", f64::from(speed_mm_s) / 1000.0);
    }
    Some(words)
}

fn in_words(ball: &Ball) -> String {
    let name = match ball.identity.number() {
        Some(number) => format!("{number}"),
        None => state_json::kind(ball.identity.kind()).to_string(),
    };
    let mut words = format!(
        "{name}#{} ({:.0}, {:.0})",
        ball.id.get(),
        ball.position.x_mm(),
        ball.position.y_mm()
    );
    let speed_mm_s = speed_mm_s(ball);
    if ball.moving && speed_mm_s > STANDING_MM_S {
        let _ = write!(words, " {:.1} m/s", speed_mm_s / 1000.0);
    }
    if !ball.seen() {
        words.push_str(" hidden");
    }
    words
}

fn speed_mm_s(ball: &Ball) -> f32 {
    f32::from(ball.velocity.x_mm_s).hypot(f32::from(ball.velocity.y_mm_s))
}

/// The whole screen, to be printed over the last one.
pub fn screen(scene: &Scene) -> String {
    let mut text = String::from("\x1b[H");
    let mut row = |words: &str| {
        let _ = write!(text, "{words}\x1b[K\r\n");
    };
    row(&headline(scene));
    for line in bed(scene) {
        row(&line);
    }
    row(&flags(scene));
    for event in scene.events.iter().rev().take(4) {
        row(&format!("  {event}"));
    }
    text.push_str("\x1b[J");
    text
}

fn headline(scene: &Scene) -> String {
    let status = match scene.status {
        Some("online") => "\x1b[32monline\x1b[0m".to_string(),
        Some(other) => format!("\x1b[31m{other}\x1b[0m"),
        None => "nothing heard yet".to_string(),
    };
    let camera = scene.camera.unwrap_or("unknown");
    format!(
        "\x1b[1m{}\x1b[0m  {status}  camera {camera}  {:.0} states/s  newest {} ms old",
        scene.table,
        scene.rate_hz,
        scene.age.as_millis()
    )
}

fn flags(scene: &Scene) -> String {
    let Some(state) = &scene.state else {
        return String::new();
    };
    let moving = state.balls.iter().filter(|ball| ball.moving).count();
    let mut words = format!("{} balls, {moving} moving", state.balls.len());
    for remark in state_json::remarks(state) {
        let _ = write!(words, "  [{remark}]");
    }
    if let Some(cue) = cue_in_words(state) {
        let _ = write!(words, "  {cue}");
    }
    words
}

fn bed(scene: &Scene) -> Vec<String> {
    let mut cells = vec![vec![String::from(" "); COLUMNS]; ROWS];
    let (length_mm, width_mm) = scene
        .calibration
        .as_ref()
        .map_or((2540.0, 1270.0), |calibration| {
            (
                calibration.length_tenth_mm as f32 / 10.0,
                calibration.width_tenth_mm as f32 / 10.0,
            )
        });
    let cell = |x_mm: f32, y_mm: f32| {
        let column = (x_mm / length_mm * COLUMNS as f32) as isize;
        let row = ((1.0 - y_mm / width_mm) * ROWS as f32) as isize;
        (
            column.clamp(0, COLUMNS as isize - 1) as usize,
            row.clamp(0, ROWS as isize - 1) as usize,
        )
    };
    if let Some(state) = &scene.state {
        if let Some(cue) = &state.cue {
            let angle = cue.direction.degrees().to_radians();
            for step in 0..40 {
                let back_mm = step as f32 * 20.0;
                let x_mm = cue.tip.x_mm() - back_mm * angle.cos();
                let y_mm = cue.tip.y_mm() - back_mm * angle.sin();
                if (0.0..length_mm).contains(&x_mm) && (0.0..width_mm).contains(&y_mm) {
                    let (column, row) = cell(x_mm, y_mm);
                    cells[row][column] = "\x1b[33m·\x1b[0m".into();
                }
            }
        }
        for ball in &state.balls {
            let (column, row) = cell(ball.position.x_mm(), ball.position.y_mm());
            cells[row][column] = symbol(ball);
        }
        if state.flags.contains(Flags::UNCALIBRATED) {
            let words = "not calibrated: no positions yet";
            for (column, letter) in words.chars().enumerate() {
                cells[ROWS / 2][(COLUMNS - words.len()) / 2 + column] = letter.to_string();
            }
        }
    }
    let edge = |left: &str, middle: &str, right: &str| {
        let half = "─".repeat(COLUMNS / 2 - 1);
        format!("{left}{half}{middle}{middle}{half}{right}")
    };
    let mut lines = vec![edge("◜", "◠", "◝")];
    lines.extend(cells.into_iter().map(|row| format!("│{}│", row.concat())));
    lines.push(edge("◟", "◡", "◞"));
    lines
}

/// A ball in one cell: its number in hexadecimal, or a dot, in the colour of its kind; faint while hidden.
fn symbol(ball: &Ball) -> String {
    let letter = match ball.identity.number() {
        Some(number) => char::from_digit(u32::from(number), 16).unwrap_or('●'),
        None => '●',
    };
    let colour = match ball.identity.kind() {
        BallKind::CUE => "97",
        BallKind::EIGHT => "95",
        BallKind::SOLID => "93",
        BallKind::STRIPE => "96",
        _ => "91",
    };
    let faint = if ball.seen() { "" } else { ";2" };
    format!("\x1b[1;{colour}{faint}m{letter}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_table_state::{BallId, CalibrationValidity, Confidence, Identity, Position, Sigma, Velocity};

    fn scene(balls: &[Ball]) -> Scene {
        let state = TableState {
            calibration_id: 1,
            calibration_validity: CalibrationValidity::VALID,
            flags: Flags::ALL_AT_REST,
            balls: balls.iter().copied().collect(),
            ..TableState::uncalibrated(7, 1_000)
        };
        Scene {
            table: "pub-1".into(),
            status: Some("online"),
            state: Some(state),
            ..Scene::default()
        }
    }

    fn ball(x_mm: f32, y_mm: f32) -> Ball {
        Ball {
            id: BallId::new(3).expect("a small id"),
            identity: Identity::numbered(11).expect("a pool ball"),
            position: Position::from_mm(x_mm, y_mm),
            velocity: Velocity::from_mm_s(0.0, 0.0),
            sigma: Sigma::from_mm(0.5),
            confidence: Confidence::from_ratio(0.9),
            moving: false,
            age_exposures: 0,
        }
    }

    #[test]
    fn the_plain_line_names_every_ball_and_where_it_is() {
        let line = line(&scene(&[ball(100.0, 1200.0)]));
        assert!(
            line.contains("pub-1: online") && line.contains("11#3 (100, 1200)"),
            "{line}"
        );
        assert!(line.contains("all_at_rest"), "{line}");
    }

    #[test]
    fn a_ball_near_the_origin_is_drawn_at_the_bottom_left() {
        let rows = bed(&scene(&[ball(10.0, 10.0)]));
        let row = &rows[ROWS];
        assert!(row.starts_with("│\x1b[1;96mb"), "{row}");
    }

    #[test]
    fn a_ball_far_outside_is_drawn_at_the_edge_and_nothing_panics() {
        bed(&scene(&[ball(-500.0, 5000.0)]));
        screen(&Scene::default());
    }
}
