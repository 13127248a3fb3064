//! The table: a few pictures, merged and solved; accepted when it is no worse than what is in use.

use std::time::Duration;

use baize_table_calibration::{
    Hints, NoseDepths, Outcome, Reason, Request, calibrate, focal_from_field_of_view, nose_depths_mm,
};

use super::collector::{Collector, Picture, Silent, views};
use super::standing::{Accepted, Standing};
use super::verdict::{Progress, Stage};
use super::{End, Turn};
use crate::background::Job;
use crate::calibration_file::{Fit, Method, StoredCalibration};
use crate::config;

/// Pictures that are merged: balls and hands that move vanish.
const PICTURES_WANTED: usize = 5;
/// Seen from straight above, a table does not tell it, and a projector's light falls lower than the noses.
const GUESSED_FOCAL: &str = "the focal length is a guess: before a projector is calibrated, tell calibration.horizontal_fov_deg or camera.lens";

/// Time between them, so that something can have moved.
const PICTURE_INTERVAL: Duration = Duration::from_millis(200);

/// A new calibration may be so much worse than the current one, mm: two of the same camera differ by that.
const WORSE_BY_MM: f64 = 0.5;

/// What is known of the table and the lens before any picture.
#[derive(Clone, Copy)]
pub struct TableSolver {
    request: Request<'static>,
    corners_px: Option<[[f64; 2]; 4]>,
    horizontal_fov_deg: Option<f64>,
}

struct Solved {
    outcome: Outcome,
    nose_depths_mm: NoseDepths,
    /// Why all pictures together gave none, where the outcome is that of the newest alone.
    together: Option<Reason>,
}

impl TableSolver {
    /// With the hints of this configuration.
    pub fn new(config: &config::Calibration, request: Request<'static>) -> Self {
        let fov = config.horizontal_fov_deg;
        Self {
            request,
            corners_px: config.corners_px.as_slice().try_into().ok(),
            horizontal_fov_deg: (fov > 0.0).then_some(fov),
        }
    }

    fn outcome(&self, pictures: &[Picture]) -> Outcome {
        let views = views(pictures);
        let request = Request {
            hints: Hints {
                corners_px: self.corners_px,
                focal_px: self
                    .horizontal_fov_deg
                    .zip(views.first())
                    .map(|(fov_deg, view)| focal_from_field_of_view(view.format().width, fov_deg)),
                ..self.request.hints
            },
            balls: pictures.first().map_or(&[], |picture| &picture.balls),
            ..self.request
        };
        calibrate(&views, &request)
    }

    /// From all pictures, or, where any calibration is better than none, from the newest alone.
    fn solve(&self, pictures: &[Picture], take_anything: bool) -> Solved {
        let newest = &pictures[pictures.len() - 1..];
        let mut outcome = self.outcome(pictures);
        let mut together = None;
        if !outcome.accepted && take_anything {
            let alone = self.outcome(newest);
            if alone.accepted {
                together = Some(outcome.reason);
                outcome = alone;
            }
        }
        let depths = outcome.calibration.zip(newest[0].view());
        Solved {
            nose_depths_mm: depths.map_or([None; 4], |(calibration, view)| {
                nose_depths_mm(&view, &calibration)
            }),
            outcome,
            together,
        }
    }

    fn judge(&self, solved: &Solved, standing: &Standing<'_>) -> End {
        let outcome = &solved.outcome;
        let mut end = End {
            residual_mm: outcome.residual_mm,
            ..End::refused(outcome.reason.to_string())
        };
        let Some(mut calibration) = outcome.calibration.filter(|_| outcome.accepted) else {
            return end;
        };
        if let Some(current_mm) = standing.residual_mm()
            && calibration.residual_mm > current_mm + WORSE_BY_MM
        {
            end.reason = format!(
                "worse than the current one: {:.2} mm instead of {current_mm:.2} mm",
                calibration.residual_mm
            );
            return end;
        }
        if !outcome.focal_known {
            end.reason = format!("{}; {GUESSED_FOCAL}", end.reason);
        }
        if let Some(together) = solved.together {
            end.reason = format!(
                "from the newest picture alone, positions may be off; {PICTURES_WANTED} pictures together gave none: {together}"
            );
        }
        let method = if self.corners_px.is_some() {
            Method::Configured
        } else {
            Method::Automatic
        };
        calibration.id = standing.next_id;
        let fit = Fit::of(&outcome.places);
        let mut stored = StoredCalibration::new(calibration, method, fit, solved.nose_depths_mm);
        // The projector did not move with the camera: its mapping is from the table's own millimetres.
        stored.projector = standing.current.and_then(|current| current.projector.clone());
        end.accepted = Some(Box::new(Accepted {
            stored,
            is_doubted: solved.together.is_some(),
        }));
        end
    }
}

/// A calibration of the table under way.
pub struct TableRun {
    solver: TableSolver,
    doing: Doing,
}

enum Doing {
    Collecting(Collector),
    Solving(Job<Solved>),
}

impl TableRun {
    /// Begins.
    pub fn new(solver: TableSolver) -> Self {
        Self {
            solver,
            doing: Doing::Collecting(Collector::new(PICTURES_WANTED, PICTURE_INTERVAL, Duration::ZERO)),
        }
    }

    /// Makes a turn.
    pub fn turn(&mut self, standing: &Standing<'_>) -> Turn {
        let goes = |stage, done| {
            Turn::Goes(Progress {
                stage,
                done,
                of: PICTURES_WANTED,
            })
        };
        match &mut self.doing {
            Doing::Collecting(collector) => match collector.turn() {
                Err(Silent) => Turn::Ended(End::refused("no pictures come from the camera")),
                Ok(None) => goes(Stage::Collecting, collector.done()),
                Ok(Some(pictures)) => {
                    let (solver, take_anything) = (self.solver, standing.current.is_none());
                    self.doing = Doing::Solving(Job::start("baize-calibrate", move || {
                        solver.solve(&pictures, take_anything)
                    }));
                    goes(Stage::Solving, PICTURES_WANTED)
                }
            },
            Doing::Solving(job) => match job.poll() {
                None => goes(Stage::Solving, PICTURES_WANTED),
                Some(Ok(solved)) => Turn::Ended(self.solver.judge(&solved, standing)),
                Some(Err(_)) => Turn::Ended(End::refused("the solver failed; please report this picture")),
            },
        }
    }
}
