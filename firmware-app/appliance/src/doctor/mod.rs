//! What `baize doctor` looks at: everything that the configuration asks of this machine, tried out.
//!
//! Each part says what it found. An error's own words tell what to do; advice is what they cannot know.

mod board;
mod broker;
mod camera;
mod detector;
mod machine;

use serde_json::{Value, json};

use crate::config::Config;

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing.
    pub subject: &'static str,
    /// What that means for the appliance.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, where `found` does not say it.
    pub advice: Option<String>,
}

/// What a finding means for the appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it is to be.
    Good,
    /// It is not there, or not as good as it could be, and the appliance serves all the same.
    DoesWithout,
    /// The configuration asks for it, and it is missing.
    Missing,
}

impl Finding {
    fn new(subject: &'static str, verdict: Verdict, found: impl ToString) -> Self {
        Self {
            subject,
            verdict,
            found: found.to_string(),
            advice: None,
        }
    }

    fn good(subject: &'static str, found: impl ToString) -> Self {
        Self::new(subject, Verdict::Good, found)
    }

    fn does_without(subject: &'static str, found: impl ToString) -> Self {
        Self::new(subject, Verdict::DoesWithout, found)
    }

    fn missing(subject: &'static str, found: impl ToString) -> Self {
        Self::new(subject, Verdict::Missing, found)
    }

    fn advise(self, advice: impl ToString) -> Self {
        Self {
            advice: Some(advice.to_string()),
            ..self
        }
    }

    /// As a JSON object.
    pub fn to_json(&self) -> Value {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::DoesWithout => "does_without",
            Verdict::Missing => "missing",
        };
        json!({
            "subject": self.subject,
            "verdict": verdict,
            "found": self.found,
            "advice": self.advice,
        })
    }
}

/// Looks at everything, one after the other, and hands each finding over as soon as there is one. Takes seconds.
pub fn examine(config: &Config, tell: &mut dyn FnMut(Finding)) {
    tell(camera::camera(config));
    detector::all(&config.detector, tell);
    tell(broker::broker(&config.broker));
    board::all(&config.board, tell);
    tell(machine::clock(config));
    tell(machine::calibrations(config));
    // Last: it locks the memory of this process, too.
    machine::permissions(&config.realtime, tell);
}
