//! The calibration in use, on the appliance's side: read from its folder, made anew when somebody or something asks,
//! doubted when the camera has moved, handed to the pipeline and to the publisher.

use std::sync::Arc;
use std::time::{Duration, Instant};

use baize_board::led::LedPattern;
use baize_board::press::Press;
use baize_table_calibration::Request;
use baize_table_state::{Topic, encode};
use baize_table_vision::geometry::TableSize;
use serde_json::{Value, json};

use crate::calibration_file::StoredCalibration;
use crate::calibration_store::CalibrationStore;
use crate::camera_watch::CameraWatch;
use crate::config::{self, Config, Game};
use crate::pipeline::{CALIBRATION, Flow, SHARED};
use crate::publish::{Command, Inlets};
use crate::recalibration::{Accepted, Recalibration, Standing, Verdict, What, Wish, answer};

/// How long an automatic calibration that was refused waits before the next attempt, at first and at most: a hall that
/// is dark all night is not to be looked for every ten seconds.
const CALIBRATE_AGAIN: Duration = Duration::from_secs(10);
const CALIBRATE_AGAIN_MAX: Duration = Duration::from_secs(60);

/// How long the LED shows that a calibration was refused.
const SHOW_REFUSAL: Duration = Duration::from_secs(3);

/// Part of the picture around the bed that the detector looks at too: rails, and a cue's butt behind them.
const REGION_MARGIN_MM: f64 = 250.0;

/// See the module.
pub struct Calibrator {
    table: config::Table,
    size: TableSize,
    picture_px: Option<[u32; 2]>,
    is_automatic: bool,
    store: CalibrationStore,
    recalibration: Recalibration,
    watch: CameraWatch,
    inlets: Arc<Inlets>,
    current: Option<StoredCalibration>,
    last_id: u32,
    /// It was made from one picture.
    is_makeshift: bool,
    is_doubted: bool,
    due: Option<Instant>,
    wait: Duration,
    refused_at: Option<Instant>,
}

impl Calibrator {
    /// Reads the folder of calibrations and hands the newest one on, where it goes with this table and pictures of this
    /// size.
    pub fn start(
        config: &Config,
        request: Request<'static>,
        picture_px: Option<[u32; 2]>,
        inlets: Arc<Inlets>,
    ) -> Self {
        let store = CalibrationStore::at(&config.calibration.folder);
        let kept = store.read();
        for error in &kept.damaged {
            log::error!("{error}; the newest of the others is used");
        }
        let current = kept.newest().cloned();
        let misfit = current
            .as_ref()
            .and_then(|stored| stored.misfit(&config.table, request.table, picture_px));
        if let Some(misfit) = misfit {
            let folder = config.calibration.folder.display();
            log::warn!("the calibration in {folder} is not used: {misfit}");
        }
        let current = current.filter(|_| misfit.is_none());
        let is_automatic = config.calibration.automatic;
        let mut calibrator = Self {
            table: config.table.clone(),
            size: request.table,
            picture_px,
            is_automatic,
            recalibration: Recalibration::new(config, request),
            watch: CameraWatch::new(),
            inlets,
            last_id: kept.last_id(),
            is_makeshift: false,
            is_doubted: false,
            due: (current.is_none() && is_automatic).then(Instant::now),
            wait: CALIBRATE_AGAIN,
            refused_at: None,
            current: None,
            store,
        };
        if current.is_some() {
            calibrator.use_from_now_on(current);
        }
        calibrator
    }

    /// Does what a subscriber asks, or hears what the projector's controller says.
    pub fn command(&mut self, command: &Command) {
        match command {
            Command::Recalibrate(payload) => match Wish::parse(payload) {
                Ok(wish) => self.begin(wish),
                Err(mut verdict) => {
                    verdict.calibration_id = self.id();
                    self.answer(&verdict);
                }
            },
            Command::Shown(payload) => match answer(payload) {
                Some(answer) => self.recalibration.heard(&answer),
                None => log::warn!("what came on {} is no answer", Topic::PatternShown.suffix()),
            },
        }
    }

    /// Does what a press means.
    pub fn pressed(&mut self, press: Press) {
        self.begin(Wish::of(match press {
            Press::Short => What::Table,
            Press::Long => What::Projector,
            Press::VeryLong => What::Installation,
        }));
    }

    /// Makes a turn.
    pub fn turn(&mut self) {
        self.watch
            .turn(self.current.as_ref(), self.recalibration.is_busy());
        self.doubt();
        let due = self.due.is_some_and(|at| Instant::now() >= at);
        if due && !self.recalibration.is_busy() && crate::health::frame_age_ms().is_some() {
            self.due = None;
            self.begin(Wish::of(What::Table));
        }
        let (standing, recalibration) = self.parts();
        let ended = recalibration.turn(&standing);
        let outgoing = self.recalibration.outgoing();
        self.inlets.update(|standing| standing.messages.extend(outgoing));
        if let Some((verdict, accepted)) = ended {
            self.ended(&verdict, accepted);
        }
    }

    /// What the LED shows of it.
    pub fn indication(&self) -> LedPattern {
        let was_refused = self.refused_at.is_some_and(|at| at.elapsed() < SHOW_REFUSAL);
        if self.recalibration.is_busy() {
            LedPattern::SlowBlink
        } else if self.current.is_none() || self.is_doubted || was_refused {
            LedPattern::FastBlink
        } else {
            LedPattern::On
        }
    }

    /// For health.
    pub fn report(&self) -> Value {
        let stored = self.current.as_ref();
        json!({
            "id": self.id(),
            "residual_mm": stored.map(|stored| stored.calibration.residual_mm),
            "doubted": self.is_doubted,
            "stage": self.recalibration.stage(),
            "watch": self.watch.report(),
        })
    }

    /// The id of the calibration in use; 0: there is none.
    fn id(&self) -> u32 {
        self.current.as_ref().map_or(0, |stored| stored.calibration.id)
    }

    /// What the state machine has to know, and the state machine.
    fn parts(&mut self) -> (Standing<'_>, &mut Recalibration) {
        let standing = Standing {
            current: self.current.as_ref(),
            is_doubted: self.is_doubted,
            next_id: self.last_id + 1,
        };
        (standing, &mut self.recalibration)
    }

    fn begin(&mut self, wish: Wish) {
        if wish.what == What::Installation && !self.recalibration.is_busy() {
            self.go_back(&wish);
            return;
        }
        let (standing, recalibration) = self.parts();
        if let Err(verdict) = recalibration.begin(wish, &standing) {
            self.answer(&verdict);
        }
    }

    fn go_back(&mut self, wish: &Wish) {
        let installation = self.store.installation();
        let misfit = installation.as_ref().ok().and_then(|installation| {
            installation
                .as_ref()?
                .misfit(&self.table, self.size, self.picture_px)
        });
        let (accepted, reason) = match (installation, misfit) {
            (Ok(_), Some(misfit)) => (
                false,
                format!("the installation's calibration is not used: {misfit}"),
            ),
            (Ok(installation), None) => {
                let reason = match &installation {
                    Some(_) => "the installation's calibration is in use again",
                    None => "no calibration was kept at the installation: there is none now",
                };
                let stored = installation.map(|stored| stored.accepted_as(self.last_id + 1));
                self.keep(stored.as_ref());
                self.is_makeshift = false;
                self.due = None;
                self.use_from_now_on(stored);
                (true, reason.into())
            }
            (Err(error), _) => (false, error.to_string()),
        };
        let verdict = Verdict {
            id: wish.id.clone(),
            what: wish.what.name().into(),
            accepted,
            reason,
            residual_mm: self.current.as_ref().map(|stored| stored.calibration.residual_mm),
            calibration_id: self.id(),
        };
        self.answer(&verdict);
    }

    fn ended(&mut self, verdict: &Verdict, accepted: Option<Accepted>) {
        self.answer(verdict);
        if let Some(accepted) = accepted {
            self.is_makeshift = accepted.is_doubted;
            if !accepted.is_doubted {
                self.keep(Some(&accepted.stored));
            }
            self.wait = CALIBRATE_AGAIN;
            self.use_from_now_on(Some(accepted.stored));
        }
        if (self.current.is_none() || self.is_doubted) && self.is_automatic {
            self.due = Some(Instant::now() + self.wait);
            self.wait = (self.wait * 2).min(CALIBRATE_AGAIN_MAX);
        }
    }

    fn keep(&self, stored: Option<&StoredCalibration>) {
        if let Err(error) = self.store.keep(stored) {
            log::error!("what is in use now will not survive a restart: {error}");
        }
    }

    fn answer(&mut self, verdict: &Verdict) {
        let word = if verdict.accepted { "accepted" } else { "refused" };
        log::info!("calibration {word}: {}", verdict.reason);
        self.refused_at = (!verdict.accepted).then(Instant::now);
        match serde_json::to_string(verdict) {
            Ok(text) => self
                .inlets
                .update(|standing| standing.messages.push((Topic::RecalibrateResult, text))),
            Err(error) => log::error!("no answer to a calibration: {error}"),
        }
    }

    /// States say so as soon as something speaks against the calibration, and no longer than that.
    fn doubt(&mut self) {
        let is_doubted = self.is_makeshift || self.watch.speaks_against();
        if is_doubted == self.is_doubted {
            return;
        }
        self.is_doubted = is_doubted;
        SHARED.set_calibration_doubted(is_doubted);
        if !is_doubted {
            log::info!("nothing speaks against the calibration any more");
            self.due = None;
        } else if self.watch.speaks_against() {
            log::warn!("the camera has moved, or the table is out of sight: positions may be off");
            self.wait = CALIBRATE_AGAIN;
            self.due = self.is_automatic.then(Instant::now);
        }
    }

    fn use_from_now_on(&mut self, stored: Option<StoredCalibration>) {
        let calibration = stored.as_ref().map(|stored| stored.calibration);
        SHARED.set_region_of_interest(
            calibration.and_then(|calibration| calibration.region_of_interest(REGION_MARGIN_MM)),
        );
        self.watch = CameraWatch::new();
        // Doubt comes before a calibration that deserves it, trust after one that does: no state claims too much.
        if self.is_makeshift {
            self.doubt();
        }
        // Were an older one still waiting, this one replaces it.
        let _ = Flow::LatestWins.hand_over(&CALIBRATION, calibration);
        let message = stored
            .as_ref()
            .and_then(|stored| on_the_wire(stored, self.table.game));
        self.inlets.update(|standing| standing.calibration = message);
        match &stored {
            Some(stored) => log::info!(
                "calibration {} in use, residual {:.2} mm",
                stored.calibration.id,
                stored.calibration.residual_mm
            ),
            None => log::info!("no calibration in use: positions cannot be given"),
        }
        self.last_id = self
            .last_id
            .max(calibration.map_or(0, |calibration| calibration.id));
        self.current = stored;
        self.doubt();
    }
}

/// The calibration's message.
fn on_the_wire(stored: &StoredCalibration, game: Game) -> Option<Vec<u8>> {
    let mut buffer = [0; <baize_table_state::Calibration as baize_table_state::Message>::MAX_BYTES];
    match encode(&stored.for_the_wire(game), &mut buffer) {
        Ok(bytes) => Some(bytes.to_vec()),
        Err(error) => {
            log::error!("the calibration cannot be published: {error}");
            None
        }
    }
}
