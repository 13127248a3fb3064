//! Which detector serves, and the change from one to another while the pipeline runs: to the GPU once its engine is
//! built, to the CPU when the GPU is out of order.

use std::path::PathBuf;
use std::time::SystemTime;

use baize_accelerator::Detector;
use baize_frame::FrameFormat;
use serde_json::{Value, json};

use crate::background::Job;
use crate::config;
use crate::engine::{self, NotOnGpu};
use crate::failure::Failure;
use crate::pipeline::{self, DETECTORS, Flow, RETIRED, Retired, SHARED};
use crate::restarts;
use crate::sources;

/// The detectors of a running appliance.
pub struct Detectors {
    config: config::Detector,
    format: Option<FrameFormat>,
    making: Option<Job<Result<Box<dyn Detector>, Failure>>>,
    serving: String,
    gpu: Gpu,
    /// Somebody starts this process again when it ends in failure.
    is_supervised: bool,
}

/// How the GPU is.
enum Gpu {
    /// It serves.
    Serves,
    /// It does not, for this reason.
    DoesNot(String),
    /// Its engine is being built.
    Building,
    /// It went out of order, with these words.
    Lost(String),
}

impl Detectors {
    /// The detector to start with: the one on the GPU where it can serve at once.
    ///
    /// # Errors
    /// [`Failure`] where the configuration demands what this machine has not.
    pub fn start(config: &config::Detector) -> Result<(Box<dyn Detector>, Self), Failure> {
        let wants_gpu = matches!(config.backend.as_str(), "auto" | "tensorrt");
        let on_gpu = if wants_gpu {
            engine::stored(config)
        } else {
            Err(NotOnGpu::Never(format!("detector.backend is {}", config.backend)))
        };
        let (detector, gpu) = match on_gpu {
            Ok(detector) => (sources::with_reader(detector, config)?, Gpu::Serves),
            Err(NotOnGpu::Never(why)) if config.backend == "tensorrt" => {
                return Err(Failure::new(format!(
                    "{why}; detector.backend = \"tensorrt\" asks for the GPU, \"auto\" takes what is there"
                )));
            }
            Err(NotOnGpu::Never(why)) => {
                if wants_gpu {
                    log::info!("the detector runs on the CPU: {why}");
                }
                (sources::cpu_detector(config)?, Gpu::DoesNot(why))
            }
            Err(NotOnGpu::Unbuilt(why)) => {
                log::info!("the CPU serves until the GPU's engine is built: {why}");
                (sources::cpu_detector(config)?, Gpu::Building)
            }
        };
        let detectors = Self {
            config: config.clone(),
            format: None,
            making: None,
            serving: describe(&*detector),
            gpu,
            is_supervised: false,
        };
        Ok((detector, detectors))
    }

    /// Which model on which engine serves.
    pub fn serving(&self) -> &str {
        &self.serving
    }

    /// The pipeline has started, and its camera sends pictures of this shape.
    pub fn started(&mut self, format: Option<FrameFormat>, is_supervised: bool) {
        self.format = format;
        self.is_supervised = is_supervised;
        if matches!(self.gpu, Gpu::Building) {
            self.make(|config| {
                let detector = engine::built(config, &|| SHARED.is_stopping())?;
                sources::with_reader(detector, config)
            });
        }
    }

    /// Looks after the detectors.
    ///
    /// # Errors
    /// [`Failure`]: why the process has to be started anew.
    pub fn turn(&mut self) -> Result<(), Failure> {
        engine::log_messages();
        if let Ok((detector, Retired::Lost)) = RETIRED.try_receive() {
            let words = detector.trouble().map(ToString::to_string).unwrap_or_default();
            log::error!("the GPU is out of order, the CPU takes over: {words}");
            self.gpu = Gpu::Lost(words);
            self.make(sources::cpu_detector);
        }
        let Some(made) = self.making.as_ref().and_then(Job::poll) else {
            return Ok(());
        };
        self.making = None;
        match made {
            Ok(Ok(detector)) => {
                self.serving = describe(&*detector);
                log::info!("the detector is {} from now on", self.serving);
                let _ = Flow::LatestWins.hand_over(&DETECTORS, detector);
                if matches!(self.gpu, Gpu::Building) {
                    self.gpu = Gpu::Serves;
                }
            }
            Ok(Err(_)) if SHARED.is_stopping() => {}
            Ok(Err(failure)) => {
                log::error!("no other detector: {failure}");
                if matches!(self.gpu, Gpu::Building) {
                    self.gpu = Gpu::DoesNot(failure.to_string());
                }
            }
            Err(_) => log::error!("no other detector: its thread could not be started"),
        }
        self.restart()
    }

    /// For health.
    pub fn report(&self) -> Value {
        let (state, why) = match &self.gpu {
            Gpu::Serves => ("serves", None),
            Gpu::DoesNot(why) => ("not used", Some(why)),
            Gpu::Building => ("engine being built", None),
            Gpu::Lost(words) => ("out of order", Some(words)),
        };
        let restarts = restarts::within_the_hour(&self.restarts_file(), SystemTime::now()).len();
        json!({"state": state, "why": why, "restarts_within_an_hour": restarts})
    }

    fn make(
        &mut self,
        how: impl FnOnce(&config::Detector) -> Result<Box<dyn Detector>, Failure> + Send + 'static,
    ) {
        let (config, format) = (self.config.clone(), self.format);
        self.making = Some(Job::start("baize-detector", move || {
            let mut detector = how(&config)?;
            pipeline::make_ready(&mut *detector, format);
            Ok(detector)
        }));
    }

    /// Only a new process gets a lost GPU back. Not every one does, so there are few.
    fn restart(&self) -> Result<(), Failure> {
        let Gpu::Lost(words) = &self.gpu else {
            return Ok(());
        };
        if !self.is_supervised {
            log::error!("the CPU serves until the program is started anew");
            return Ok(());
        }
        match restarts::note_if_few(&self.restarts_file(), SystemTime::now()) {
            Ok(true) => Err(Failure::new(format!(
                "the GPU is out of order until the program is started anew: {words}"
            ))),
            Ok(false) => {
                log::error!(
                    "the GPU needed too many restarts within an hour: the CPU serves until somebody helps"
                );
                Ok(())
            }
            Err(error) => {
                log::error!("no restart for the GPU's sake, as it cannot be noted: {error}");
                Ok(())
            }
        }
    }

    fn restarts_file(&self) -> PathBuf {
        self.config.engines.join("gpu-restarts")
    }
}

fn describe(detector: &dyn Detector) -> String {
    let info = detector.info();
    format!("{} on {}", info.model, info.backend)
}
