//! The figures over many cameras.

use serde_json::{Value, json};

use super::measured::{Ball, Measured};

/// An accepted calibration may be off by this much anywhere on the bed.
pub const BED_ERROR_MAX_MM: f64 = 3.0;
/// Of two independent normal errors, 95 % lie within an ellipse of this many sigmas, squared.
const WITHIN_95: f64 = 5.991;

/// What many cameras amount to.
pub struct Report<'a> {
    cameras: &'a [Measured],
}

impl<'a> Report<'a> {
    /// Of these cameras.
    pub fn of(cameras: &'a [Measured]) -> Self {
        Self { cameras }
    }

    /// Part of the cameras that should give a calibration and do; 1 if none should.
    pub fn accepted(&self) -> f64 {
        let should = self.cameras.iter().filter(|camera| camera.should_be_accepted);
        let accepted = should.clone().filter(|camera| camera.accepted).count();
        accepted as f64 / should.count().max(1) as f64
    }

    /// The largest error over the bed of each accepted calibration, in rising order.
    pub fn bed_errors_mm(&self) -> Vec<f64> {
        let accepted = self.cameras.iter().filter(|camera| camera.accepted);
        sorted(accepted.filter_map(|camera| camera.bed_error_mm))
    }

    /// The balls' errors, in rising order.
    pub fn ball_errors_mm(&self) -> Vec<f64> {
        sorted(self.balls().map(|ball| ball.error_mm))
    }

    /// How much cues are turned against the true ones and against what an exact camera would say, each in rising order.
    pub fn cue_errors_deg(&self) -> [Vec<f64>; 2] {
        let cues = self.cameras.iter().filter_map(|camera| camera.cue);
        [
            sorted(cues.clone().map(|cue| cue.turned_deg)),
            sorted(cues.map(|cue| cue.turned_from_seen_deg)),
        ]
    }

    /// Part of the balls whose true place lies in the 95 % ellipse of the published one.
    pub fn coverage(&self) -> f64 {
        let within = self
            .balls()
            .filter(|ball| ball.sigmas_squared < WITHIN_95)
            .count();
        within as f64 / self.balls().count().max(1) as f64
    }

    /// The figures for programs.
    pub fn json(&self) -> Value {
        let (bed, balls) = (self.bed_errors_mm(), self.ball_errors_mm());
        let [cues, cues_seen] = self.cue_errors_deg();
        let times = sorted(self.cameras.iter().map(|camera| camera.solve_ms));
        json!({
            "cameras": self.cameras.len(),
            "with_person": self.cameras.iter().filter(|camera| camera.person).count(),
            "should_be_accepted": self.cameras.iter().filter(|camera| camera.should_be_accepted).count(),
            "accepted_of_those": self.accepted(),
            "accepted_worse_than_3_mm": bed.iter().filter(|error| **error > BED_ERROR_MAX_MM).count(),
            "bed_error_mm": quantiles(&bed),
            "balls_visible": self.accepted_balls(),
            "balls_found": balls.len(),
            "ball_error_mm": quantiles(&balls),
            "coverage_95": self.coverage(),
            "cues": self.cameras.iter().map(|camera| camera.cues).sum::<u32>(),
            "cues_found": cues.len(),
            "false_cues": self.cameras.iter().filter(|camera| camera.false_cue).count(),
            "cue_error_deg": quantiles(&cues),
            "cue_error_from_seen_deg": quantiles(&cues_seen),
            "solve_ms": quantiles(&times),
        })
    }

    /// The figures for people.
    pub fn print(&self) {
        let figures = self.json();
        println!(
            "{} cameras, a player in {}; {} show enough of the table",
            figures["cameras"], figures["with_person"], figures["should_be_accepted"]
        );
        println!(
            "calibrations accepted of these: {:.1} %; accepted with more than {BED_ERROR_MAX_MM} mm of error: {}",
            100.0 * self.accepted(),
            figures["accepted_worse_than_3_mm"]
        );
        println!(
            "balls found: {} of {} fully visible; true place within the 95 % ellipse: {:.1} %",
            figures["balls_found"],
            figures["balls_visible"],
            100.0 * self.coverage()
        );
        println!(
            "cues found: {} of {} whose tip is in the picture; published that are none: {}",
            figures["cues_found"], figures["cues"], figures["false_cues"]
        );
        println!("{:<44}{:>9}{:>9}{:>9}", "", "median", "95 %", "max");
        let row = |name: &str, value: &Value| {
            let at = |key: &str| value[key].as_f64().map_or("-".into(), |v| format!("{v:.2}"));
            println!("{name:<44}{:>9}{:>9}{:>9}", at("median"), at("p95"), at("max"));
        };
        row("largest error over the bed, mm", &figures["bed_error_mm"]);
        row("error of a ball's published place, mm", &figures["ball_error_mm"]);
        row("error of a cue's direction, degrees", &figures["cue_error_deg"]);
        row("the same, were cues level", &figures["cue_error_from_seen_deg"]);
        row("time of a calibration, ms", &figures["solve_ms"]);
    }

    fn balls(&self) -> impl Iterator<Item = &Ball> {
        self.cameras.iter().flat_map(|camera| &camera.found)
    }

    fn accepted_balls(&self) -> u32 {
        self.cameras.iter().map(|camera| camera.balls).sum()
    }
}

/// The value that this part of the values, in rising order, does not exceed.
pub fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * part).round() as usize).copied()
}

fn quantiles(sorted: &[f64]) -> Value {
    json!({
        "median": quantile(sorted, 0.5),
        "p95": quantile(sorted, 0.95),
        "max": quantile(sorted, 1.0),
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
