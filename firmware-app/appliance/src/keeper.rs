//! The camera keeper: opens the camera, and opens it again when it fails, beside the pipeline and with growing waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baize_camera::{Backoff, Camera, CameraConfig, SourceSpec, open};
use baize_realtime::clock;
use baize_realtime::park::{block_on, block_on_timeout};
use baize_table_state::CameraStatus;

use crate::pipeline::{FAILED, Failure, OPENED, SHARED};

/// How often the keeper looks whether it is to stop.
const TURN: Duration = Duration::from_millis(200);

/// A camera that was online for so long works; when it fails later, the waits start over. One that opens and fails
/// again and again is opened ever more seldom.
const WORKS: Duration = Duration::from_secs(5);

/// The keeper's thread, and what it knows of the camera.
#[derive(Debug)]
pub struct Keeper {
    thread: JoinHandle<()>,
    what: Arc<Mutex<String>>,
}

impl Keeper {
    /// Starts the keeper of the camera that was opened; `None` says that there is no camera yet.
    pub fn start(
        spec: SourceSpec,
        config: CameraConfig,
        opened: Option<&dyn Camera>,
    ) -> std::io::Result<Self> {
        let missing = opened.is_none();
        if missing {
            SHARED.set_camera(CameraStatus::Lost);
        }
        let what = Arc::new(Mutex::new(
            opened.map_or_else(String::new, |camera| camera.describe().to_string()),
        ));
        let told = Arc::clone(&what);
        let thread = std::thread::Builder::new()
            .name("baize-camera".into())
            .spawn(move || keep(&spec, &config, &told, missing))?;
        Ok(Self { thread, what })
    }

    /// What the camera that was opened last is; `None` before the first.
    pub fn camera(&self) -> Option<String> {
        let what = self.what.lock().unwrap_or_else(PoisonError::into_inner);
        Some(what.clone()).filter(|what| !what.is_empty())
    }

    /// Waits for the thread, unless it hangs in a driver's call.
    pub fn end(self) {
        if self.thread.is_finished() {
            // A panic has aborted the process.
            let _ = self.thread.join();
        }
    }
}

fn keep(spec: &SourceSpec, config: &CameraConfig, what: &Mutex<String>, missing: bool) {
    let mut backoff = Backoff::new(clock::monotonic_ns() ^ u64::from(std::process::id()));
    let mut missing = missing;
    let mut online_since = None;
    while !SHARED.is_stopping() {
        if missing {
            let Some(camera) = open_again(spec, config, &mut backoff) else {
                return;
            };
            log::info!("camera open: {}", camera.describe());
            *what.lock().unwrap_or_else(PoisonError::into_inner) = camera.describe().to_string();
            block_on(OPENED.send(camera));
            missing = false;
        }
        if SHARED.camera() == CameraStatus::Online {
            if online_since.get_or_insert_with(Instant::now).elapsed() >= WORKS {
                backoff.reset();
            }
        } else {
            online_since = None;
        }
        if let Some((camera, failure)) = block_on_timeout(FAILED.receive(), TURN) {
            match failure {
                Failure::Lost(lost) => log::warn!("camera lost: {lost}"),
                Failure::Hung => log::warn!("the camera is silent; opening it again"),
            }
            // Closing the device takes as long as it takes, here.
            drop(camera);
            missing = true;
            online_since = None;
        }
    }
}

/// Tries until it succeeds, after a wait each time; `None` when the appliance stops.
fn open_again(spec: &SourceSpec, config: &CameraConfig, backoff: &mut Backoff) -> Option<Box<dyn Camera>> {
    let mut said = String::new();
    loop {
        let at = Instant::now() + backoff.next_wait();
        while Instant::now() < at && !SHARED.is_stopping() {
            std::thread::sleep(TURN.min(at.saturating_duration_since(Instant::now())));
        }
        if SHARED.is_stopping() {
            return None;
        }
        match open(spec, config) {
            Ok(camera) => return Some(camera),
            Err(error) => {
                // A camera that was silent, and now cannot be opened, is not there.
                SHARED.set_camera(CameraStatus::Lost);
                let error = error.to_string();
                if error != said {
                    log::warn!("no camera: {error}; trying again");
                    said = error;
                }
            }
        }
    }
}
