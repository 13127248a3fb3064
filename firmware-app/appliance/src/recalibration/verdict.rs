//! What is told of a calibration: how far it has come, and how it ended.

use serde::Serialize;
use serde_json::json;

use super::wish::Wish;

/// The answer to a request, as published on `cmd/recalibrate/result`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The request's own id, if it had one.
    pub id: Option<serde_json::Value>,
    /// What was to be calibrated: `table`, `projector` or `installation`; empty where that was not understood.
    pub what: String,
    /// Whether it was done.
    pub accepted: bool,
    /// Why, or why not.
    pub reason: String,
    /// Root mean square residual of what was found, mm.
    pub residual_mm: Option<f64>,
    /// The calibration in use from now on; 0: none.
    pub calibration_id: u32,
}

/// The refusal of a wish.
pub fn refused(wish: &Wish, reason: &str, calibration_id: u32) -> Verdict {
    Verdict {
        id: wish.id.clone(),
        what: wish.what.name().into(),
        accepted: false,
        reason: reason.into(),
        residual_mm: None,
        calibration_id,
    }
}

/// What a calibration is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// None is under way.
    Idle,
    /// Pictures are taken.
    Collecting,
    /// A pattern was asked of the projector's controller.
    Asking,
    /// It computes.
    Solving,
}

/// How far a calibration has come, as published on `cmd/recalibrate/progress` with the wish's id and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Pictures taken.
    pub done: usize,
    /// Pictures wanted in all.
    pub of: usize,
}

impl Progress {
    /// The message.
    pub fn message(&self, wish: &Wish) -> String {
        json!({
            "id": wish.id,
            "what": wish.what.name(),
            "stage": self.stage,
            "done": self.done,
            "of": self.of,
        })
        .to_string()
    }
}
