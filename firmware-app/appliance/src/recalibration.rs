//! Recalibrating while the pipeline runs: collects a few pictures, solves beside it, accepts or refuses.
//!
//! The pipeline goes on with the last good calibration; a worse one never replaces it.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use baize_frame::{BallDetection, FrameFormat, ImageView};
use baize_table_calibration::{Hints, Outcome, Reason, Request, calibrate, focal_from_field_of_view};
use serde::Serialize;

use crate::calibration_file::{Method, StoredCalibration};
use crate::config::Config;
use crate::pipeline::{PICTURES, SHARED};

/// Pictures that are merged: balls and hands that move vanish.
const PICTURES_WANTED: usize = 5;

/// Time between them, so that something can have moved.
const PICTURE_INTERVAL: Duration = Duration::from_millis(200);

/// Without a picture for so long there is no camera to calibrate.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A new calibration may be so much worse than the current one, mm: two of the same camera differ by that.
const WORSE_BY_MM: f64 = 0.5;

/// A request's id comes back in the answer, which must not outgrow a packet.
const ID_BYTES_MAX: usize = 128;

/// The answer to a request, as published on `cmd/recalibrate/result`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The request's own id, if it had one.
    pub id: Option<serde_json::Value>,
    /// What was to be calibrated.
    pub what: String,
    /// Whether the new calibration is in use.
    pub accepted: bool,
    /// Why, or why not.
    pub reason: String,
    /// Root mean square residual of what was found, mm.
    pub residual_mm: Option<f64>,
    /// The calibration in use from now on; 0: none.
    pub calibration_id: u32,
}

/// The calibration in use, as far as a new one has to know it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// Its id; 0: there is none.
    pub id: u32,
    /// What a new one is measured against; `None`: any accepted one is better.
    pub residual_mm: Option<f64>,
}

/// A calibration to be used from now on.
#[derive(Debug)]
pub struct Accepted {
    /// The calibration.
    pub stored: StoredCalibration,
    /// It comes from one picture, because several together gave none: a camera that moves, say. Better than nothing,
    /// to be replaced soon.
    pub is_doubted: bool,
}

/// A request for recalibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    id: Option<serde_json::Value>,
    what: String,
}

impl Wish {
    /// A calibration of the table, asked for by the appliance itself or by its button.
    pub fn table() -> Self {
        Self {
            id: None,
            what: "table".into(),
        }
    }

    /// Reads the payload of `cmd/recalibrate`: JSON with an id and what to calibrate.
    pub fn parse(payload: &[u8]) -> Result<Self, Verdict> {
        let value: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
        let given = value.get("id");
        let id = given.filter(|id| id.to_string().len() <= ID_BYTES_MAX).cloned();
        let what = value
            .get("what")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        match what {
            _ if given.is_some() && id.is_none() => {
                Err(refused(None, String::new(), "the id is longer than 128 bytes"))
            }
            "table" => Ok(Self {
                id,
                what: what.into(),
            }),
            "projector" => Err(refused(id, what.into(), "the projector cannot be calibrated yet")),
            _ => Err(refused(id, String::new(), r#"write {"id": …, "what": "table"}"#)),
        }
    }
}

fn refused(id: Option<serde_json::Value>, what: String, reason: &str) -> Verdict {
    Verdict {
        id,
        what,
        accepted: false,
        reason: reason.into(),
        residual_mm: None,
        calibration_id: 0,
    }
}

/// A copy of a picture, and the balls in it.
struct Picture {
    format: FrameFormat,
    bytes: Vec<u8>,
    balls: Vec<BallDetection>,
}

enum Stage {
    Idle,
    Collecting {
        wish: Wish,
        since: Instant,
        last: Option<Instant>,
        pictures: Vec<Picture>,
    },
    Solving {
        wish: Wish,
        solved: Receiver<Solved>,
    },
}

struct Solved {
    outcome: Outcome,
    /// Why all pictures together gave none, where the outcome is that of the newest alone.
    together: Option<Reason>,
}

/// The state machine, turned by the supervisor.
pub struct Recalibration {
    stage: Stage,
    request: Request<'static>,
    corners_px: Option<[[f64; 2]; 4]>,
    horizontal_fov_deg: Option<f64>,
}

impl Recalibration {
    /// For the table of this configuration.
    pub fn new(config: &Config, request: Request<'static>) -> Self {
        let fov = config.calibration.horizontal_fov_deg;
        Self {
            stage: Stage::Idle,
            request,
            corners_px: config.calibration.corners_px.as_slice().try_into().ok(),
            horizontal_fov_deg: (fov > 0.0).then_some(fov),
        }
    }

    /// Whether one is under way.
    pub const fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// Begins one. Refused while another is under way.
    pub fn begin(&mut self, wish: Wish, standing: Standing) -> Result<(), Verdict> {
        if self.is_busy() {
            let mut verdict = refused(wish.id, wish.what, "a calibration is under way");
            verdict.calibration_id = standing.id;
            return Err(verdict);
        }
        SHARED.set_recalibrating(true);
        // A picture asked for by an earlier calibration may still lie there.
        let _ = PICTURES.try_receive();
        self.stage = Stage::Collecting {
            wish,
            since: Instant::now(),
            last: None,
            pictures: Vec::new(),
        };
        Ok(())
    }

    /// Makes a turn. Returns the verdict when there is one, and the calibration to be used from now on if it was
    /// accepted.
    pub fn turn(&mut self, standing: Standing) -> Option<(Verdict, Option<Accepted>)> {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => None,
            Stage::Collecting {
                wish,
                since,
                mut last,
                mut pictures,
            } => {
                if let Ok(photo) = PICTURES.try_receive() {
                    // Copied here, off the pipeline, so that the slot goes back at once.
                    pictures.push(Picture {
                        format: photo.frame.format,
                        bytes: photo.frame.image().bytes().to_vec(),
                        balls: photo.detections.balls.to_vec(),
                    });
                    last = Some(Instant::now());
                }
                if pictures.len() >= PICTURES_WANTED {
                    self.stage = self.solve(wish, pictures, standing);
                } else if last.unwrap_or(since).elapsed() > SILENCE_MAX {
                    let reason = "no pictures come from the camera";
                    return Some((self.finish(refused(wish.id, wish.what, reason), standing), None));
                } else {
                    if last.is_none_or(|at| at.elapsed() >= PICTURE_INTERVAL) {
                        SHARED.want_picture();
                    }
                    self.stage = Stage::Collecting {
                        wish,
                        since,
                        last,
                        pictures,
                    };
                }
                None
            }
            Stage::Solving { wish, solved } => match solved.try_recv() {
                Ok(solved) => {
                    let (verdict, accepted) = self.judge(wish, &solved, standing);
                    Some((self.finish(verdict, standing), accepted))
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => {
                    self.stage = Stage::Solving { wish, solved };
                    None
                }
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    let verdict = refused(
                        wish.id,
                        wish.what,
                        "the solver failed; please report this picture",
                    );
                    Some((self.finish(verdict, standing), None))
                }
            },
        }
    }

    fn solve(&self, wish: Wish, pictures: Vec<Picture>, standing: Standing) -> Stage {
        let (sender, solved) = channel();
        let request = self.request;
        let (corners_px, fov_deg) = (self.corners_px, self.horizontal_fov_deg);
        let solve = move |pictures: &[Picture]| {
            let views: Vec<ImageView<'_>> = pictures
                .iter()
                .filter_map(|picture| ImageView::new(&picture.bytes, picture.format).ok())
                .collect();
            let request = Request {
                hints: Hints {
                    corners_px,
                    focal_px: fov_deg
                        .zip(views.first())
                        .map(|(fov_deg, view)| focal_from_field_of_view(view.format().width, fov_deg)),
                    lens: None,
                },
                balls: pictures.first().map_or(&[], |picture| &picture.balls),
                ..request
            };
            calibrate(&views, &request)
        };
        let solver = move || {
            let mut solved = Solved {
                outcome: solve(&pictures),
                together: None,
            };
            if !solved.outcome.accepted && standing.id == 0 {
                let alone = solve(&pictures[pictures.len() - 1..]);
                if alone.accepted {
                    solved = Solved {
                        outcome: alone,
                        together: Some(solved.outcome.reason),
                    };
                }
            }
            // The supervisor may have ended meanwhile.
            let _ = sender.send(solved);
        };
        // Without a thread the sender is dropped, which `turn` reports.
        let _ = std::thread::Builder::new()
            .name("baize-calibrate".into())
            .spawn(solver);
        Stage::Solving { wish, solved }
    }

    fn judge(&self, wish: Wish, solved: &Solved, standing: Standing) -> (Verdict, Option<Accepted>) {
        let outcome = &solved.outcome;
        let mut verdict = Verdict {
            residual_mm: outcome.residual_mm,
            ..refused(wish.id, wish.what, &outcome.reason.to_string())
        };
        let Some(mut calibration) = outcome.calibration.filter(|_| outcome.accepted) else {
            return (verdict, None);
        };
        let method = if self.corners_px.is_some() {
            Method::Configured
        } else {
            Method::Automatic
        };
        if let Some(current_mm) = standing.residual_mm
            && calibration.residual_mm > current_mm + WORSE_BY_MM
        {
            verdict.reason = format!(
                "worse than the current one: {:.2} mm instead of {current_mm:.2} mm",
                calibration.residual_mm
            );
            return (verdict, None);
        }
        if let Some(together) = solved.together {
            verdict.reason = format!(
                "from the newest picture alone, positions may be off; {PICTURES_WANTED} pictures together gave none: {together}"
            );
        }
        calibration.id = standing.id + 1;
        verdict.accepted = true;
        verdict.calibration_id = calibration.id;
        let p95_mm = outcome.residual_p95_mm.unwrap_or(calibration.residual_mm);
        let accepted = Accepted {
            stored: StoredCalibration::new(calibration, method, p95_mm),
            is_doubted: solved.together.is_some(),
        };
        (verdict, Some(accepted))
    }

    fn finish(&mut self, mut verdict: Verdict, standing: Standing) -> Verdict {
        SHARED.set_recalibrating(false);
        if !verdict.accepted {
            verdict.calibration_id = standing.id;
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_makes_no_sense_is_refused_with_what_to_write() {
        for payload in [&b""[..], b"{}", b"\xff\x00", b"[1]", br#"{"what": 5}"#] {
            let verdict = Wish::parse(payload).expect_err("it makes no sense");
            assert!(
                !verdict.accepted && verdict.reason.contains("table"),
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn what_a_request_says_too_much_does_not_come_back() {
        let long = "x".repeat(100_000);
        for payload in [
            format!(r#"{{"id": "{long}", "what": "table"}}"#),
            format!(r#"{{"id": 1, "what": "{long}"}}"#),
        ] {
            let verdict = Wish::parse(payload.as_bytes()).expect_err("too long");
            let answer = serde_json::to_string(&verdict).expect("it is plain");
            assert!(answer.len() < 500, "{} bytes", answer.len());
        }
    }

    #[test]
    fn a_request_keeps_its_id_in_the_answer() {
        let verdict =
            Wish::parse(br#"{"id": "a7", "what": "projector"}"#).expect_err("there is no projector");
        assert_eq!(verdict.id, Some(serde_json::json!("a7")));
        assert_eq!(
            Wish::parse(br#"{"id": 3, "what": "table"}"#).expect("valid").id,
            Some(serde_json::json!(3))
        );
    }
}
