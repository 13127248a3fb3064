//! Which detector serves, and the change from one to another while the pipeline runs: to the GPU once its engine is
//! built, to the CPU when the GPU is out of order.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use baize_accelerator::Detector;
use baize_accelerator::gpu::Gauge;
use baize_frame::FrameFormat;
use serde_json::{Value, json};

use crate::background::Job;
use crate::config;
use crate::engine::{self, NotOnGpu};
use crate::failure::Failure;
use crate::gpu_watch::{self, GpuWatch};
use crate::health::gpu_times;
use crate::pipeline::{self, DETECTORS, Flow, RETIRED, Retired, SHARED};
use crate::restarts;
use crate::sources;

/// How often a program that was missing is looked for again: somebody may install it.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// A detector that was made, with what tells of its GPU where it is on one.
type Made = (Box<dyn Detector>, Option<Gauge>);

/// The detectors of a running appliance.
pub struct Detectors {
    config: config::Detector,
    format: Option<FrameFormat>,
    making: Option<Job<Result<Made, Failure>>>,
    serving: String,
    reader: Option<&'static str>,
    gpu: Gpu,
    watch: Option<GpuWatch>,
    /// Somebody starts this process again when it ends in failure.
    is_supervised: bool,
}

/// How the GPU is.
enum Gpu {
    /// It serves.
    Serves,
    /// It does not, for this reason.
    DoesNot(String),
    /// Its engines are to be built.
    Unbuilt,
    /// That takes a program which is not there; why, and when it is looked for again.
    LacksProgram(String, Instant),
    /// Its engines are being built.
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
        let mut watch = None;
        let (detector, gpu) = match on_gpu {
            Ok(on_gpu) => {
                watch = Some(GpuWatch::start(on_gpu.gauge));
                (on_gpu.detector, Gpu::Serves)
            }
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
                log::info!("the CPU serves until the GPU's engines are built: {why}");
                (sources::cpu_detector(config)?, Gpu::Unbuilt)
            }
        };
        let detectors = Self {
            config: config.clone(),
            format: None,
            making: None,
            serving: describe(&*detector),
            reader: detector.info().reader,
            gpu,
            watch,
            is_supervised: false,
        };
        Ok((detector, detectors))
    }

    /// Which model on which engine serves.
    pub fn serving(&self) -> &str {
        &self.serving
    }

    /// Which engine reads numbers and colours.
    pub const fn reader(&self) -> Option<&'static str> {
        self.reader
    }

    /// The pipeline has started, and its camera sends pictures of this shape.
    pub fn started(&mut self, format: Option<FrameFormat>, is_supervised: bool) {
        self.format = format;
        self.is_supervised = is_supervised;
        if matches!(self.gpu, Gpu::Unbuilt) {
            self.build();
        }
    }

    fn build(&mut self) {
        match engine::trtexec(&self.config) {
            Ok(trtexec) => {
                self.gpu = Gpu::Building;
                self.make(move |config| {
                    let on_gpu = engine::built(config, trtexec, &|| SHARED.is_stopping())?;
                    Ok((on_gpu.detector, Some(on_gpu.gauge)))
                });
            }
            Err(why) => {
                if !matches!(self.gpu, Gpu::LacksProgram(..)) {
                    log::warn!("the GPU's engines are not built for now: {why}");
                }
                self.gpu = Gpu::LacksProgram(why, Instant::now() + LOOK_AGAIN);
            }
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
            self.watch = None;
            self.make(|config| Ok((sources::cpu_detector(config)?, None)));
        }
        if let Some(watch) = &mut self.watch {
            watch.turn();
        }
        if matches!(self.gpu, Gpu::LacksProgram(_, at) if at <= Instant::now()) {
            self.build();
        }
        let Some(made) = self.making.as_ref().and_then(Job::poll) else {
            return Ok(());
        };
        self.making = None;
        match made {
            Ok(Ok((detector, gauge))) => {
                self.serving = describe(&*detector);
                self.reader = detector.info().reader;
                self.watch = gauge.map(GpuWatch::start);
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
            Err(_) => {
                log::error!("no other detector: its thread ended without one");
                if matches!(self.gpu, Gpu::Building) {
                    self.gpu = Gpu::DoesNot("the thread that built its engines ended".into());
                }
            }
        }
        self.restart()
    }

    /// For health.
    pub fn report(&self) -> Value {
        let (state, why) = match &self.gpu {
            Gpu::Serves => ("serves", None),
            Gpu::DoesNot(why) | Gpu::LacksProgram(why, _) => ("not used", Some(why)),
            Gpu::Unbuilt | Gpu::Building => ("engine being built", None),
            Gpu::Lost(words) => ("out of order", Some(words)),
        };
        let restarts = restarts::within_the_hour(&self.restarts_file(), SystemTime::now()).len();
        let mut report = json!({
            "state": state, "why": why, "restarts_within_an_hour": restarts, "times": gpu_times(),
        });
        let told = self.watch.as_ref().and_then(GpuWatch::report);
        for key in gpu_watch::KEYS {
            report[key] = told.map_or(Value::Null, |told| told[key].clone());
        }
        report
    }

    fn make(&mut self, how: impl FnOnce(&config::Detector) -> Result<Made, Failure> + Send + 'static) {
        let (config, format) = (self.config.clone(), self.format);
        self.making = Some(Job::start("baize-detector", move || {
            let (mut detector, gauge) = how(&config)?;
            pipeline::make_ready(&mut *detector, format);
            Ok((detector, gauge))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_whose_thread_ends_leaves_no_engine_that_is_being_built() {
        let mut detectors = Detectors {
            config: config::Detector::default(),
            format: None,
            making: Some(Job::start("panics", || std::panic::resume_unwind(Box::new(())))),
            serving: String::new(),
            reader: None,
            gpu: Gpu::Building,
            watch: None,
            is_supervised: false,
        };
        while detectors.making.is_some() {
            detectors.turn().expect("no GPU was lost");
            std::thread::yield_now();
        }
        let report = detectors.report();
        assert_eq!(report["state"], "not used");
        assert_eq!(report["why"], "the thread that built its engines ended");
    }
}
