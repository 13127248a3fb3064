//! Recalibrating while the pipeline runs: collects a few pictures, solves beside it, accepts or refuses.
//!
//! The pipeline goes on with the last good calibration; a worse one never replaces it.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use baize_frame::{BallDetection, FrameFormat, ImageView};
use baize_table_calibration::{Hints, Outcome, Request, calibrate, focal_from_field_of_view};
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
        outcome: Receiver<Outcome>,
    },
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
    pub fn begin(&mut self, wish: Wish, current: Option<&StoredCalibration>) -> Result<(), Verdict> {
        if self.is_busy() {
            let mut verdict = refused(wish.id, wish.what, "a calibration is under way");
            verdict.calibration_id = current.map_or(0, |stored| stored.calibration.id);
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
    pub fn turn(
        &mut self,
        current: Option<&StoredCalibration>,
    ) -> Option<(Verdict, Option<StoredCalibration>)> {
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
                    self.stage = self.solve(wish, pictures);
                } else if last.unwrap_or(since).elapsed() > SILENCE_MAX {
                    let reason = "no pictures come from the camera";
                    return Some((self.finish(refused(wish.id, wish.what, reason), current), None));
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
            Stage::Solving { wish, outcome } => match outcome.try_recv() {
                Ok(outcome) => {
                    let (verdict, stored) = self.judge(wish, &outcome, current);
                    Some((self.finish(verdict, current), stored))
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => {
                    self.stage = Stage::Solving { wish, outcome };
                    None
                }
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    let verdict = refused(
                        wish.id,
                        wish.what,
                        "the solver failed; please report this picture",
                    );
                    Some((self.finish(verdict, current), None))
                }
            },
        }
    }

    fn solve(&self, wish: Wish, pictures: Vec<Picture>) -> Stage {
        let (sender, outcome) = channel();
        let request = self.request;
        let (corners_px, fov_deg) = (self.corners_px, self.horizontal_fov_deg);
        let solver = move || {
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
            // The supervisor may have ended meanwhile.
            let _ = sender.send(calibrate(&views, &request));
        };
        // Without a thread the sender is dropped, which `turn` reports.
        let _ = std::thread::Builder::new()
            .name("baize-calibrate".into())
            .spawn(solver);
        Stage::Solving { wish, outcome }
    }

    fn judge(
        &self,
        wish: Wish,
        outcome: &Outcome,
        current: Option<&StoredCalibration>,
    ) -> (Verdict, Option<StoredCalibration>) {
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
        if let Some(current) = current
            && calibration.residual_mm > current.calibration.residual_mm + WORSE_BY_MM
        {
            verdict.reason = format!(
                "worse than the current one: {:.2} mm instead of {:.2} mm",
                calibration.residual_mm, current.calibration.residual_mm
            );
            return (verdict, None);
        }
        calibration.id = current.map_or(0, |current| current.calibration.id) + 1;
        verdict.accepted = true;
        verdict.calibration_id = calibration.id;
        let p95_mm = outcome.residual_p95_mm.unwrap_or(calibration.residual_mm);
        (verdict, Some(StoredCalibration::new(calibration, method, p95_mm)))
    }

    fn finish(&mut self, mut verdict: Verdict, current: Option<&StoredCalibration>) -> Verdict {
        SHARED.set_recalibrating(false);
        if !verdict.accepted {
            verdict.calibration_id = current.map_or(0, |stored| stored.calibration.id);
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
