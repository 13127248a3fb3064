//! The projector: its controller shows the dark, a pattern and another one; the first gives the mapping, the second
//! says how good it is.

use std::time::{Duration, Instant};

use baize_realtime::clock::monotonic_us;
use baize_table_calibration::projector::{Pattern, ProjectorFit, ProjectorReason, Views, solve_projector};
use baize_table_state::Topic;
use serde_json::{Value, json};

use super::collector::{Collector, Picture, Silent, views};
use super::standing::{Accepted, Standing};
use super::verdict::{Progress, Stage};
use super::{End, Turn};
use crate::background::Job;
use crate::calibration_file::{StoredCalibration, StoredProjector};

/// Pictures of each pattern: their median has less noise.
const PICTURES_WANTED: usize = 3;

/// Pictures come as fast as the supervisor turns.
const PICTURE_INTERVAL: Duration = Duration::ZERO;

/// What the controller has to answer in.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// From the controller's word until the light has changed: projectors delay their picture by up to a tenth of a second.
const SETTLE: Duration = Duration::from_millis(250);

/// Sides that a projector's picture can have.
const SIDE_PX: std::ops::RangeInclusive<u64> = 320..=16_384;

/// What a controller says at too great length is not passed on.
const ERROR_CHARACTERS_MAX: usize = 200;

/// What is shown, in turn.
const STEPS: [Step; 3] = [Step::Dark, Step::First, Step::Second];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Dark,
    First,
    Second,
}

/// What the controller says on `v1/pattern/shown`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The request that it answers.
    pub id: u64,
    /// Width and height of the projector's picture, pixels: needed with the answer to the first request.
    pub size_px: Option<[u16; 2]>,
    /// Why the pattern is not shown.
    pub error: Option<String>,
}

/// Reads an answer; `None` for anything else. Never panics, whatever it holds.
pub fn answer(payload: &[u8]) -> Option<Answer> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let side = |index: usize| -> Option<u16> {
        let side = value.get("size_px")?.get(index)?.as_u64()?;
        SIDE_PX.contains(&side).then(|| u16::try_from(side).ok())?
    };
    let error = value.get("error").filter(|error| !error.is_null());
    Some(Answer {
        id: value.get("id")?.as_u64()?,
        size_px: side(0).zip(side(1)).map(|(width, height)| [width, height]),
        error: error.map(|error| {
            let text = error.as_str().map_or_else(|| error.to_string(), Into::into);
            text.chars().take(ERROR_CHARACTERS_MAX).collect()
        }),
    })
}

enum Doing {
    /// The next pattern is to be asked for.
    Next,
    /// It was, with this id.
    Asking {
        id: u64,
        until: Instant,
    },
    /// It is shown.
    Collecting(Collector),
    Solving(Job<Result<ProjectorFit, ProjectorReason>>),
    Failed(String),
}

/// A calibration of the projector under way.
pub struct ProjectorRun {
    current: StoredCalibration,
    size_px: Option<[u16; 2]>,
    taken: Vec<Vec<Picture>>,
    doing: Doing,
}

impl ProjectorRun {
    /// Begins, with the calibration of the table that is in use.
    pub fn new(current: StoredCalibration) -> Self {
        Self {
            current,
            size_px: None,
            taken: Vec::new(),
            doing: Doing::Next,
        }
    }

    /// Takes the controller's answer; one to an older request is none.
    pub fn heard(&mut self, answer: &Answer) {
        let Doing::Asking { id, .. } = self.doing else {
            return;
        };
        if answer.id != id {
            return;
        }
        self.size_px = self.size_px.or(answer.size_px);
        self.doing = match (&answer.error, self.size_px) {
            (Some(error), _) => Doing::Failed(format!("the projector controller says: {error}")),
            (None, None) => Doing::Failed(
                "the projector controller did not say how large the projector's picture is, or it is none: size_px, 320 to 16384 each way".into(),
            ),
            (None, Some(_)) => Doing::Collecting(Collector::new(PICTURES_WANTED, PICTURE_INTERVAL, SETTLE)),
        };
    }

    /// Makes a turn.
    pub fn turn(&mut self, standing: &Standing<'_>, outgoing: &mut Vec<(Topic, String)>) -> Turn {
        match &mut self.doing {
            Doing::Next => match STEPS.get(self.taken.len()) {
                Some(step) => self.ask(*step, outgoing),
                None => self.solve(),
            },
            Doing::Asking { until, .. } => {
                if Instant::now() >= *until {
                    return Turn::Ended(End::refused(
                        "the projector controller did not answer within 5 s on v1/pattern/shown",
                    ));
                }
            }
            Doing::Collecting(collector) => match collector.turn() {
                Err(Silent) => return Turn::Ended(End::refused("no pictures come from the camera")),
                Ok(None) => {}
                Ok(Some(pictures)) => {
                    self.taken.push(pictures);
                    self.doing = Doing::Next;
                }
            },
            Doing::Solving(job) => match job.poll() {
                None => {}
                Some(Ok(Ok(fit))) => return Turn::Ended(self.judge(&fit, standing)),
                Some(Ok(Err(reason))) => {
                    return Turn::Ended(End {
                        residual_mm: reason.residual_mm(),
                        ..End::refused(reason.to_string())
                    });
                }
                Some(Err(_)) => {
                    return Turn::Ended(End::refused("the solver failed; please report this"));
                }
            },
            Doing::Failed(reason) => return Turn::Ended(End::refused(std::mem::take(reason))),
        }
        Turn::Goes(self.progress())
    }

    /// Tells the controller that its projector is its own again.
    pub fn release(&self, outgoing: &mut Vec<(Topic, String)>) {
        let request = json!({"id": monotonic_us(), "kind": "end"});
        outgoing.push((Topic::PatternRequest, request.to_string()));
    }

    fn progress(&self) -> Progress {
        let (stage, under_way) = match &self.doing {
            Doing::Next | Doing::Asking { .. } | Doing::Failed(_) => (Stage::Asking, 0),
            Doing::Collecting(collector) => (Stage::Collecting, collector.done()),
            Doing::Solving(_) => (Stage::Solving, 0),
        };
        let done = if stage == Stage::Solving {
            STEPS.len()
        } else {
            self.taken.len()
        };
        Progress {
            stage,
            done: done * PICTURES_WANTED + under_way,
            of: STEPS.len() * PICTURES_WANTED,
        }
    }

    fn ask(&mut self, step: Step, outgoing: &mut Vec<(Topic, String)>) {
        // Of this boot and process and no other: an answer that comes late answers nothing of today.
        let id = monotonic_us();
        let pattern = self.size_px.and_then(|size_px| match step {
            Step::Dark => None,
            Step::First => Some(Pattern::first(size_px)),
            Step::Second => Some(Pattern::second(size_px)),
        });
        outgoing.push((Topic::PatternRequest, request(id, pattern.as_ref())));
        self.doing = Doing::Asking {
            id,
            until: Instant::now() + ANSWER_WITHIN,
        };
    }

    fn solve(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        let calibration = self.current.calibration;
        let size_px = self.size_px.unwrap_or_default();
        self.doing = Doing::Solving(Job::start("baize-projector", move || {
            let [dark, first, second] = taken.as_slice() else {
                return Err(ProjectorReason::NoPictures);
            };
            let balls: Vec<_> = taken
                .iter()
                .flatten()
                .flat_map(|picture| &picture.balls)
                .copied()
                .collect();
            let views = Views {
                dark: &views(dark),
                first: &views(first),
                second: &views(second),
                balls: &balls,
            };
            solve_projector(&views, &calibration, size_px)
        }));
    }

    fn judge(&self, fit: &ProjectorFit, standing: &Standing<'_>) -> End {
        let mut end = End {
            residual_mm: Some(fit.residual_mm),
            ..End::refused(format!(
                "accepted: {} discs of the second pattern lie where they should",
                fit.points
            ))
        };
        let old_mm = self
            .current
            .projector
            .as_ref()
            .filter(|old| old.size_px == fit.size_px)
            .and_then(|old| fit.residual_of(&old.homography));
        if let Some(old_mm) = old_mm.filter(|old_mm| *old_mm < fit.residual_mm) {
            end.reason = format!(
                "worse than the current one: {:.2} mm instead of {old_mm:.2} mm on the same pattern",
                fit.residual_mm
            );
            return end;
        }
        let mut stored = self.current.accepted_as(standing.next_id);
        stored.projector = Some(StoredProjector {
            size_px: fit.size_px,
            homography: fit.homography,
            residual_mm: fit.residual_mm,
        });
        end.accepted = Some(Box::new(Accepted {
            stored,
            is_doubted: false,
        }));
        end
    }
}

/// What the controller is asked; without a pattern, the dark.
fn request(id: u64, pattern: Option<&Pattern>) -> String {
    let deadline_ms = ANSWER_WITHIN.as_millis() as u64;
    match pattern {
        None => json!({"id": id, "kind": "dark", "deadline_ms": deadline_ms}),
        Some(pattern) => json!({
            "id": id,
            "kind": "discs",
            "size_px": pattern.size_px,
            "radius_px": pattern.radius_px,
            "points_px": pattern.points_px,
            "brightness": 1.0,
            "deadline_ms": deadline_ms,
        }),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_or_without_a_size_and_noise_is_none() {
        let shown = answer(br#"{"id": 7, "size_px": [1920, 1080], "more": []}"#).expect("it is one");
        assert_eq!(
            (shown.id, shown.size_px, shown.error),
            (7, Some([1920, 1080]), None)
        );
        let failed = answer(br#"{"id": 7, "error": "no lamp"}"#).expect("it is one");
        assert_eq!(failed.error.as_deref(), Some("no lamp"));
        for size in ["[1920]", "[0, 1080]", "[1e9, 1080]", "\"wide\""] {
            let text = format!(r#"{{"id": 7, "size_px": {size}}}"#);
            assert_eq!(
                answer(text.as_bytes()).and_then(|answer| answer.size_px),
                None,
                "{size}"
            );
        }
        for noise in [&b""[..], b"[]", b"\xff", br#"{"id": -1}"#, br#"{"id": "7"}"#] {
            assert_eq!(answer(noise), None);
        }
    }

    #[test]
    fn a_request_tells_everything_that_a_controller_needs() {
        let pattern = Pattern::first([1280, 800]);
        let request: Value = serde_json::from_str(&request(5, Some(&pattern))).expect("it is JSON");
        assert_eq!(request["kind"], "discs");
        assert_eq!(request["size_px"], json!([1280, 800]));
        assert_eq!(
            request["points_px"].as_array().map(Vec::len),
            Some(pattern.points_px.len())
        );
    }
}
