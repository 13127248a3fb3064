//! Recalibrating while the pipeline runs: a state machine that the supervisor turns.
//!
//! Idle; then, for the table, collecting pictures and solving; for the projector, asking its controller for a pattern,
//! collecting, the same for the next pattern, and solving; then accepted, or refused with the reason. Every change of
//! stage is a message, and so is the result.
//!
//! The pipeline goes on with the last good calibration; a worse one never replaces it. Pictures come from the pipeline
//! one at a time and are copied here, so that nothing there allocates or waits.

mod collector;
mod projector;
mod standing;
mod table;
mod verdict;
mod wish;

use baize_table_calibration::Request;
use baize_table_state::Topic;

use crate::config::Config;
use crate::pipeline::SHARED;

use projector::ProjectorRun;
use table::{TableRun, TableSolver};
use verdict::refused;

pub use collector::Picture;
pub use projector::{Answer, answer};
pub use standing::{Accepted, Standing};
pub use verdict::{Progress, Stage, Verdict};
pub use wish::{What, Wish};

/// How a turn of a run went.
enum Turn {
    /// It goes on, and has come so far.
    Goes(Progress),
    /// It is over.
    Ended(End),
}

/// How a run ended.
struct End {
    reason: String,
    residual_mm: Option<f64>,
    /// `None`: refused.
    accepted: Option<Box<Accepted>>,
}

impl End {
    fn refused(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            residual_mm: None,
            accepted: None,
        }
    }
}

enum Run {
    Table(TableRun),
    Projector(ProjectorRun),
}

/// The state machine.
pub struct Recalibration {
    solver: TableSolver,
    run: Option<(Wish, Run)>,
    told: Option<Progress>,
    outgoing: Vec<(Topic, String)>,
}

impl Recalibration {
    /// For the table of this configuration.
    pub fn new(config: &Config, request: Request<'static>) -> Self {
        Self {
            solver: TableSolver::new(&config.calibration, request),
            run: None,
            told: None,
            outgoing: Vec::new(),
        }
    }

    /// Whether one is under way.
    pub const fn is_busy(&self) -> bool {
        self.run.is_some()
    }

    /// What it is doing.
    pub fn stage(&self) -> Stage {
        match (&self.run, self.told) {
            (Some(_), Some(progress)) => progress.stage,
            (Some(_), None) => Stage::Collecting,
            (None, _) => Stage::Idle,
        }
    }

    /// Begins one. Refused while another is under way, for a projector above a table that is not calibrated, and for the
    /// calibration of the installation, which needs no measuring.
    pub fn begin(&mut self, wish: Wish, standing: &Standing<'_>) -> Result<(), Verdict> {
        if self.is_busy() {
            return Err(refused(&wish, "a calibration is under way", standing.id()));
        }
        let run = match wish.what {
            What::Table => Run::Table(TableRun::new(self.solver)),
            What::Projector => match standing.current.filter(|_| !standing.is_doubted) {
                Some(current) => Run::Projector(ProjectorRun::new(current.clone())),
                None => {
                    let reason = "the table's own calibration must be good first: recalibrate the table";
                    return Err(refused(&wish, reason, standing.id()));
                }
            },
            What::Installation => {
                return Err(refused(
                    &wish,
                    "the installation's calibration needs no measuring",
                    standing.id(),
                ));
            }
        };
        SHARED.set_recalibrating(true);
        self.told = None;
        self.run = Some((wish, run));
        Ok(())
    }

    /// Takes what the projector's controller said.
    pub fn heard(&mut self, answer: &Answer) {
        if let Some((_, Run::Projector(run))) = &mut self.run {
            run.heard(answer);
        }
    }

    /// Makes a turn. Returns the verdict when there is one, and the calibration to be used from now on if it was
    /// accepted.
    pub fn turn(&mut self, standing: &Standing<'_>) -> Option<(Verdict, Option<Accepted>)> {
        let (wish, run) = self.run.as_mut()?;
        let turn = match run {
            Run::Table(run) => run.turn(standing),
            Run::Projector(run) => run.turn(standing, &mut self.outgoing),
        };
        match turn {
            Turn::Goes(progress) => {
                if self.told != Some(progress) {
                    self.told = Some(progress);
                    let message = progress.message(wish);
                    self.outgoing.push((Topic::RecalibrateProgress, message));
                }
                None
            }
            Turn::Ended(end) => {
                if let Run::Projector(run) = run {
                    run.release(&mut self.outgoing);
                }
                let verdict = Verdict {
                    id: wish.id.clone(),
                    what: wish.what.name().into(),
                    accepted: end.accepted.is_some(),
                    reason: end.reason,
                    residual_mm: end.residual_mm,
                    calibration_id: end
                        .accepted
                        .as_ref()
                        .map_or(standing.id(), |accepted| accepted.id()),
                };
                self.run = None;
                SHARED.set_recalibrating(false);
                Some((verdict, end.accepted.map(|accepted| *accepted)))
            }
        }
    }

    /// What is to be published, in its order.
    pub fn outgoing(&mut self) -> Vec<(Topic, String)> {
        std::mem::take(&mut self.outgoing)
    }
}
