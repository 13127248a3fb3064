//! The appliance as a whole: starts camera, pipeline and publisher, and supervises them until told to stop.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use baize_board::identity;
use baize_board::led::LedPattern;
use baize_board::notify::ServiceManager;
use baize_board::press::Press;
use baize_board::temperature::Thermals;
use baize_camera::{OpenError, Pace, SimulatedError, SourceSpec, open};
use baize_frame::FrameFormat;
use baize_realtime::clock::BootId;
use baize_realtime::memory;
use baize_table_state::{TableName, encode};
use baize_table_vision::TableStage;
use baize_table_vision::geometry::TableSize;

use crate::calibration_file::{CalibrationFileError, StoredCalibration};
use crate::config::{Config, Game};
use crate::failure::Failure;
use crate::health::{self, Identity};
use crate::keeper::Keeper;
use crate::limits::COMMANDS;
use crate::metrics::METRICS;
use crate::panel::Panel;
use crate::pipeline::{self, CALIBRATION, Flow, Pipeline, Plans, Refused, SHARED, ThreadPlan};
use crate::publish::{self, Command, Inlets, Publisher};
use crate::recalibration::{Recalibration, Standing, Verdict, Wish};
use crate::sources;

/// The supervisor's turn.
const TURN: Duration = Duration::from_millis(50);

/// Health is published so often.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// Latencies in health are those of at most so many seconds.
const LATENCY_WINDOW_S: u64 = 60;

/// How long an automatic calibration that was refused waits before the next attempt.
const CALIBRATE_AGAIN: Duration = Duration::from_secs(10);

/// Part of the picture around the bed that the detector looks at too: rails, and a cue's butt behind them.
const REGION_MARGIN_MM: f64 = 250.0;

/// Runs the appliance until `stop` says so, looked at every turn.
pub fn run(config: &Config, mut stop: impl FnMut() -> bool) -> Result<(), Failure> {
    let mut supervisor = Supervisor::start(config)?;
    while !stop() {
        supervisor.turn();
        std::thread::sleep(TURN);
    }
    supervisor.stop();
    Ok(())
}

struct Supervisor {
    config: Config,
    pipeline: Pipeline,
    publisher: Publisher,
    keeper: Keeper,
    inlets: Arc<Inlets>,
    commands: mpsc::Receiver<Command>,
    recalibration: Recalibration,
    current: Option<StoredCalibration>,
    is_doubted: bool,
    calibrate_at: Option<Instant>,
    identity: Identity,
    health_sequence: u64,
    health_at: Instant,
    panel: Panel,
    service: Option<ServiceManager>,
    thermals: Thermals,
    fed_turns: [u64; 4],
    warned_of_refusals: bool,
    detector_failed: bool,
}

impl Supervisor {
    fn start(config: &Config) -> Result<Self, Failure> {
        let spec: SourceSpec = config.camera.source.parse().map_err(Failure::from_error)?;
        let table_size: TableSize = config.table.size.parse().map_err(Failure::from_error)?;
        let table = table_name(config)?;
        let options = publish::options(table.as_str(), &config.broker).map_err(Failure::from_error)?;
        let detector = sources::detector(&config.detector)?;
        let camera_config = sources::camera_config(&config.camera, Pace::RealTime, true);
        let camera = match open(&spec, &camera_config) {
            Ok(camera) => Some(camera),
            Err(error) if may_come_later(&error) => {
                log::warn!("no camera yet: {error}");
                None
            }
            Err(error) => return Err(Failure::from_error(error)),
        };
        let picture_px = camera.as_ref().map(|camera| picture_px(camera.format()));
        let current = stored_calibration(config, table_size, picture_px);

        let info = detector.info().clone();
        let interval_us = camera.as_ref().and_then(|camera| camera.frame_interval_us());
        let interval_us = interval_us.unwrap_or(1_000_000 / config.camera.fps.max(1));
        let identity = Identity {
            boot_id: BootId::read().map_or_else(|_| "unknown".into(), |id| id.to_string()),
            camera: camera
                .as_ref()
                .map_or_else(|| config.camera.source.clone(), |camera| camera.describe().into()),
            detector: format!("{} on {}", info.model, info.backend),
        };
        log::info!("table {table}: {} with {}", identity.camera, identity.detector);

        if config.realtime.lock_memory
            && let Err(error) = memory::lock_all()
        {
            pipeline::refused(Refused::Memory, error.to_string());
        }
        let keeper = Keeper::start(spec, camera_config, camera.as_deref()).map_err(Failure::from_error)?;
        let mut stage = TableStage::new();
        stage.set_game(config.table.game.on_the_wire());
        stage.set_physics(config.physics);
        let pipeline = Pipeline::start(
            camera,
            detector,
            stage,
            interval_us,
            Flow::LatestWins,
            plans(config),
        )
        .map_err(Failure::from_error)?;
        let inlets = Arc::new(Inlets::default());
        // Before the publisher starts: its first connection may come at once, and is to hear everything.
        inlets.update(|standing| {
            standing.camera = Some(SHARED.camera());
            standing.calibration = current
                .as_ref()
                .and_then(|stored| on_the_wire(stored, config.table.game));
        });
        let (sender, commands) = mpsc::sync_channel(COMMANDS);
        let publisher =
            Publisher::start(table, options, Arc::clone(&inlets), sender).map_err(Failure::from_error)?;

        let calibrate = current.is_none() && config.calibration.at_start;
        let mut supervisor = Self {
            recalibration: Recalibration::new(config, sources::request(&config.table)?),
            config: config.clone(),
            pipeline,
            publisher,
            keeper,
            inlets,
            commands,
            current: None,
            is_doubted: false,
            calibrate_at: calibrate.then(Instant::now),
            identity,
            health_sequence: 0,
            health_at: Instant::now(),
            panel: Panel::open(&config.board),
            service: ServiceManager::from_environment().unwrap_or_else(|error| {
                log::warn!("{error}");
                None
            }),
            thermals: Thermals::of_this_machine(),
            fed_turns: [0; 4],
            warned_of_refusals: false,
            detector_failed: false,
        };
        if let Some(stored) = current {
            supervisor.use_calibration(stored);
        }
        supervisor.tell_service_manager(ServiceManager::ready);
        Ok(supervisor)
    }

    fn turn(&mut self) {
        self.warn_of_refusals();
        self.watch_detector();
        let camera = SHARED.camera();
        self.inlets.update(|standing| standing.camera = Some(camera));
        self.calibrate();
        if Instant::now() >= self.health_at {
            self.health_at = Instant::now() + HEALTH_INTERVAL;
            self.health_sequence += 1;
            if self.health_sequence.is_multiple_of(LATENCY_WINDOW_S) {
                METRICS.forget_latencies();
            }
            SHARED.set_throttled(!self.thermals.throttles().is_empty());
            if let Some(camera) = self.keeper.camera() {
                self.identity.camera = camera;
            }
            let report = health::report(
                &self.identity,
                self.health_sequence,
                &self.thermals.temperatures(),
            );
            self.inlets.update(|standing| standing.health = Some(report));
        }
        // Fed only when every stage has made a turn since: a stuck one stops the feeding, a lost camera does not.
        let turns = SHARED.turns();
        if turns.iter().zip(&self.fed_turns).all(|(now, fed)| now > fed) {
            self.fed_turns = turns;
            self.tell_service_manager(ServiceManager::alive);
        }
    }

    /// One warning for everything the machine refused, once every stage has asked for what it wants.
    fn warn_of_refusals(&mut self) {
        if self.warned_of_refusals || SHARED.turns().contains(&0) {
            return;
        }
        self.warned_of_refusals = true;
        let refusals = pipeline::refusals();
        if !refusals.is_empty() {
            log::warn!(
                "this machine does not let the pipeline run in real time, it goes on without: {}",
                refusals.join("; ")
            );
        }
    }

    fn watch_detector(&mut self) {
        let fails = SHARED.detector_fails();
        if fails && !self.detector_failed {
            log::error!("the detector fails on every picture: nothing is seen until it works again");
        } else if !fails && self.detector_failed {
            log::info!("the detector works again");
        }
        self.detector_failed = fails;
    }

    fn calibrate(&mut self) {
        while let Ok(Command::Recalibrate(payload)) = self.commands.try_recv() {
            let begun =
                Wish::parse(&payload).and_then(|wish| self.recalibration.begin(wish, self.standing()));
            if let Err(mut verdict) = begun {
                verdict.calibration_id = self.standing().id;
                self.answer(&verdict);
            }
        }
        match self.panel.press() {
            Some(Press::Short) => self.begin_calibration(),
            Some(Press::Long | Press::VeryLong) => log::warn!("long presses have no meaning yet"),
            None => {}
        }
        self.panel.show(if self.recalibration.is_busy() {
            LedPattern::SlowBlink
        } else if self.current.is_some() {
            LedPattern::On
        } else {
            LedPattern::FastBlink
        });
        let due = self.calibrate_at.is_some_and(|at| Instant::now() >= at);
        if due && !self.recalibration.is_busy() && crate::health::frame_age_ms().is_some() {
            self.calibrate_at = None;
            self.begin_calibration();
        }
        let Some((verdict, accepted)) = self.recalibration.turn(self.standing()) else {
            return;
        };
        self.answer(&verdict);
        if let Some(accepted) = accepted {
            self.is_doubted = accepted.is_doubted;
            SHARED.set_calibration_doubted(accepted.is_doubted);
            if !accepted.is_doubted
                && let Err(error) = accepted.stored.write(&self.config.calibration.file)
            {
                log::error!("the new calibration is in use but will not survive a restart: {error}");
            }
            self.use_calibration(accepted.stored);
        }
        if (self.current.is_none() || self.is_doubted) && self.config.calibration.at_start {
            self.calibrate_at = Some(Instant::now() + CALIBRATE_AGAIN);
        }
    }

    fn begin_calibration(&mut self) {
        if let Err(verdict) = self.recalibration.begin(Wish::table(), self.standing()) {
            self.answer(&verdict);
        }
    }

    fn standing(&self) -> Standing {
        self.current
            .as_ref()
            .map_or_else(Standing::default, |stored| Standing {
                id: stored.calibration.id,
                residual_mm: (!self.is_doubted).then_some(stored.calibration.residual_mm),
            })
    }

    fn tell_service_manager(
        &self,
        what: impl FnOnce(&ServiceManager) -> Result<(), baize_board::notify::NotifyError>,
    ) {
        if let Some(Err(error)) = self.service.as_ref().map(what) {
            log::warn!("{error}");
        }
    }

    fn answer(&self, verdict: &Verdict) {
        let word = if verdict.accepted { "accepted" } else { "refused" };
        log::info!("calibration {word}: {}", verdict.reason);
        match serde_json::to_string(verdict) {
            Ok(text) => self.inlets.update(|standing| standing.results.push(text)),
            Err(error) => log::error!("no answer to a calibration: {error}"),
        }
    }

    fn use_calibration(&mut self, stored: StoredCalibration) {
        if let Some(region) = stored.calibration.region_of_interest(REGION_MARGIN_MM) {
            SHARED.set_region_of_interest(region);
        }
        // Were an older one still waiting, this one replaces it.
        let _ = Flow::LatestWins.hand_over(&CALIBRATION, stored.calibration);
        let message = on_the_wire(&stored, self.config.table.game);
        self.inlets.update(|standing| standing.calibration = message);
        self.current = Some(stored);
    }

    fn stop(self) {
        self.tell_service_manager(ServiceManager::stopping);
        // The publisher first: its last word is to follow the last state, not the other way round.
        self.publisher.stop();
        SHARED.stop();
        self.pipeline.join();
        // Not longer than for the pipeline.
        self.keeper.end();
    }
}

/// A device may come later; a file that is not there will not.
const fn may_come_later(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::V4l2(_) | OpenError::Simulated(SimulatedError::Unplugged)
    )
}

fn table_name(config: &Config) -> Result<TableName, Failure> {
    let name = if config.table.name.is_empty() {
        let identity = identity::Identity::read().map_err(|error| {
            Failure::new(format!("{error}; or give the table a name: table.name, --table"))
        })?;
        identity.default_table_name()
    } else {
        config.table.name.clone()
    };
    name.parse()
        .map_err(|error| Failure::at(format!("table name `{name}`"), error))
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

fn picture_px(format: FrameFormat) -> [u32; 2] {
    [format.width, format.height]
}

/// The calibration on disk; `None` where there is none yet. One that is damaged, or of another table or camera, is said
/// and left alone.
fn stored_calibration(
    config: &Config,
    size: TableSize,
    picture_px: Option<[u32; 2]>,
) -> Option<StoredCalibration> {
    let file = &config.calibration.file;
    let stored = match StoredCalibration::read(file) {
        Ok(stored) => stored,
        Err(CalibrationFileError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            return None;
        }
        Err(error) => {
            log::error!("{error}");
            return None;
        }
    };
    if let Some(misfit) = stored.misfit(&config.table, size, picture_px) {
        log::warn!("calibration {} is not used: {misfit}", file.display());
        return None;
    }
    Some(stored)
}

fn plans(config: &Config) -> Plans {
    let realtime = &config.realtime;
    let plan = |core: i32, below: i32| {
        if !realtime.enabled {
            return ThreadPlan::default();
        }
        ThreadPlan {
            core: usize::try_from(core).ok(),
            priority: u8::try_from(realtime.priority - below).ok(),
        }
    };
    Plans {
        capture: plan(realtime.capture_core, 0),
        detect: plan(realtime.detect_core, 2),
        table: plan(realtime.table_core, 1),
        encode: plan(realtime.table_core, 2),
    }
}
