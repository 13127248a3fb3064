//! The camera keeper: opens the camera, and opens it again when it fails, beside the pipeline and with growing waits.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baize_camera::{Backoff, Camera, CameraConfig, SourceSpec, open};
use baize_realtime::clock;
use baize_realtime::park::{block_on, block_on_timeout};

use crate::pipeline::{FAILED, Failure, OPENED, SHARED};

/// How often the keeper looks whether it is to stop.
const TURN: Duration = Duration::from_millis(200);

/// Starts the keeper. `missing` says that there is no camera yet.
pub fn start(spec: SourceSpec, config: CameraConfig, missing: bool) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("baize-camera".into())
        .spawn(move || {
            let mut missing = missing;
            while !SHARED.is_stopping() {
                if missing {
                    let Some(camera) = open_again(&spec, &config) else {
                        return;
                    };
                    log::info!("camera open: {}", camera.describe());
                    block_on(OPENED.send(camera));
                    missing = false;
                }
                if let Some((camera, failure)) = block_on_timeout(FAILED.receive(), TURN) {
                    match failure {
                        Failure::Lost(lost) => log::warn!("camera lost: {lost}"),
                        Failure::Hung => log::warn!("the camera is silent; opening it again"),
                    }
                    // Closing the device takes as long as it takes, here.
                    drop(camera);
                    missing = true;
                }
            }
        })
}

/// Tries until it succeeds; `None` when the appliance stops.
fn open_again(spec: &SourceSpec, config: &CameraConfig) -> Option<Box<dyn Camera>> {
    let mut backoff = Backoff::new(clock::monotonic_ns() ^ u64::from(std::process::id()));
    let mut said = String::new();
    while !SHARED.is_stopping() {
        match open(spec, config) {
            Ok(camera) => return Some(camera),
            Err(error) => {
                let error = error.to_string();
                if error != said {
                    log::warn!("no camera: {error}; trying again");
                    said = error;
                }
            }
        }
        let again = Instant::now() + backoff.next_wait();
        while Instant::now() < again && !SHARED.is_stopping() {
            std::thread::sleep(TURN.min(again.saturating_duration_since(Instant::now())));
        }
    }
    None
}
