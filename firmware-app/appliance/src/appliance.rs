//! The appliance as a whole: starts camera, pipeline and publisher, and supervises them until told to stop.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use baize_board::identity;
use baize_board::led::LedPattern;
use baize_board::notify::ServiceManager;
use baize_board::temperature::Thermals;
use baize_camera::{OpenError, Pace, SimulatedError, SourceSpec, open};
use baize_frame::FrameFormat;
use baize_realtime::clock::BootId;
use baize_realtime::memory;
use baize_table_state::{CameraStatus, TableName};
use baize_table_vision::TableStage;

use crate::calibrator::Calibrator;
use crate::config::Config;
use crate::detectors::Detectors;
use crate::failure::Failure;
use crate::health::{self, Identity};
use crate::keeper::Keeper;
use crate::limits::COMMANDS;
use crate::metrics::METRICS;
use crate::panel::Panel;
use crate::pipeline::{self, Flow, Pipeline, Plans, Refused, SHARED, ThreadPlan};
use crate::publish::{self, Command, Inlets, Publisher};
use crate::sources;

/// The supervisor's turn.
const TURN: Duration = Duration::from_millis(50);

/// Health is published so often.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// So many times within its interval the watchdog is fed at most: each time wakes the service manager.
const FEEDS: u32 = 4;

/// Latencies in health are those of at most so many seconds.
const LATENCY_WINDOW_S: u64 = 60;

/// Runs the appliance, with a button and an LED, until `stop` says so, looked at every turn.
pub fn run(config: &Config, panel: Panel, mut stop: impl FnMut() -> bool) -> Result<(), Failure> {
    let mut supervisor = Supervisor::start(config, panel)?;
    let mut outcome = Ok(());
    while outcome.is_ok() && !stop() {
        outcome = supervisor.turn();
        std::thread::sleep(TURN);
    }
    supervisor.stop();
    outcome
}

struct Supervisor {
    pipeline: Pipeline,
    publisher: Publisher,
    keeper: Keeper,
    inlets: Arc<Inlets>,
    commands: mpsc::Receiver<Command>,
    calibrator: Calibrator,
    detectors: Detectors,
    identity: Identity,
    health_sequence: u64,
    health_at: Instant,
    panel: Panel,
    service: Option<ServiceManager>,
    thermals: Thermals,
    fed_turns: [u64; 4],
    fed_at: Instant,
    warned_of_refusals: bool,
    detector_failed: bool,
}

impl Supervisor {
    fn start(config: &Config, panel: Panel) -> Result<Self, Failure> {
        let spec: SourceSpec = config.camera.source.parse().map_err(Failure::from_error)?;
        let request = sources::request(config)?;
        let table = table_name(config, Path::new("/"))?;
        let options = publish::options(table.as_str(), &config.broker).map_err(Failure::from_error)?;
        let (detector, mut detectors) = Detectors::start(&config.detector)?;
        let camera_config = sources::camera_config(&config.camera, Pace::RealTime, true);
        let camera = match open(&spec, &camera_config) {
            Ok(camera) => Some(camera),
            Err(error) if may_come_later(&error) => {
                log::warn!("no camera yet: {error}");
                None
            }
            Err(error) => return Err(Failure::from_error(error)),
        };
        let format = camera.as_ref().map(|camera| camera.format());
        let picture_px = format.map(picture_px);

        let interval_us = camera.as_ref().and_then(|camera| camera.frame_interval_us());
        let interval_us = interval_us.unwrap_or(1_000_000 / config.camera.fps.max(1));
        let identity = Identity {
            boot_id: BootId::read().map_or_else(|_| "unknown".into(), |id| id.to_string()),
            camera: camera
                .as_ref()
                .map_or_else(|| config.camera.source.clone(), |camera| camera.describe().into()),
        };
        log::info!("table {table}: {} with {}", identity.camera, detectors.serving());

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
        inlets.update(|standing| standing.camera = Some(SHARED.camera()));
        let calibrator = Calibrator::start(config, request, picture_px, Arc::clone(&inlets));
        let (sender, commands) = mpsc::sync_channel(COMMANDS);
        let publisher =
            Publisher::start(table, options, Arc::clone(&inlets), sender).map_err(Failure::from_error)?;

        let service = ServiceManager::from_environment().unwrap_or_else(|error| {
            log::warn!("{error}");
            None
        });
        detectors.started(format, service.is_some());

        let supervisor = Self {
            detectors,
            calibrator,
            pipeline,
            publisher,
            keeper,
            inlets,
            commands,
            identity,
            health_sequence: 0,
            health_at: Instant::now(),
            panel,
            service,
            thermals: Thermals::of_this_machine(),
            fed_turns: [0; 4],
            fed_at: Instant::now(),
            warned_of_refusals: false,
            detector_failed: false,
        };
        supervisor.tell_service_manager(ServiceManager::ready);
        Ok(supervisor)
    }

    /// An error is why the process has to be started anew.
    fn turn(&mut self) -> Result<(), Failure> {
        self.detectors.turn()?;
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
                &self.detectors,
                &self.calibrator.report(),
            );
            self.inlets.update(|standing| standing.health = Some(report));
        }
        self.feed_watchdog();
        Ok(())
    }

    /// Fed only when every stage has made a turn since: a stuck one stops the feeding, a lost camera does not.
    fn feed_watchdog(&mut self) {
        let Some(interval) = self.service.as_ref().and_then(ServiceManager::watchdog_interval) else {
            return;
        };
        let turns = SHARED.turns();
        let all_turned = turns.iter().zip(&self.fed_turns).all(|(now, fed)| now > fed);
        if all_turned && self.fed_at.elapsed() >= interval / FEEDS {
            self.fed_turns = turns;
            self.fed_at = Instant::now();
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
        while let Ok(command) = self.commands.try_recv() {
            self.calibrator.command(&command);
        }
        if let Some(press) = self.panel.press() {
            self.calibrator.pressed(press);
        }
        self.calibrator.turn();
        // A calibration is worth nothing where nothing is seen.
        let is_blind = SHARED.camera() != CameraStatus::Online || SHARED.detector_fails();
        self.panel.show(if is_blind {
            LedPattern::FastBlink
        } else {
            self.calibrator.indication()
        });
    }

    fn tell_service_manager(
        &self,
        what: impl FnOnce(&ServiceManager) -> Result<(), baize_board::notify::NotifyError>,
    ) {
        if let Some(Err(error)) = self.service.as_ref().map(what) {
            log::warn!("{error}");
        }
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

/// The table's name in topics: as configured, or made from the machine whose file system stands under `root`.
pub fn table_name(config: &Config, root: &Path) -> Result<TableName, Failure> {
    let name = if config.table.name.is_empty() {
        let identity = identity::Identity::read_under(root).map_err(|error| {
            Failure::new(format!("{error}; or give the table a name: table.name, --table"))
        })?;
        identity.default_table_name()
    } else {
        config.table.name.clone()
    };
    name.parse()
        .map_err(|error| Failure::at(format!("table name `{name}`"), error))
}

fn picture_px(format: FrameFormat) -> [u32; 2] {
    [format.width, format.height]
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
