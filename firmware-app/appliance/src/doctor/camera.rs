//! The camera, or what stands for it: it is opened and a picture taken.

use std::time::{Duration, Instant};

use baize_camera::{Camera, Captured, OpenError, Pace, SourceSpec, list_cameras, open};

use super::Finding;
use crate::config::Config;
use crate::sources;

const SUBJECT: &str = "camera";

/// Slow cameras take a second or two to start.
const FIRST_PICTURE_MAX: Duration = Duration::from_secs(5);

pub fn camera(config: &Config) -> Finding {
    let spec: SourceSpec = match config.camera.source.parse() {
        Ok(spec) => spec,
        Err(error) => return Finding::missing(SUBJECT, error),
    };
    let wishes = sources::camera_config(&config.camera, Pace::RealTime, true);
    match open(&spec, &wishes) {
        Ok(mut camera) => match first_picture(camera.as_mut()) {
            Ok(()) => Finding::good(SUBJECT, camera.describe()),
            Err(reason) => Finding::missing(SUBJECT, format!("{}: {reason}", camera.describe())),
        },
        Err(error @ OpenError::V4l2(_)) => Finding {
            advice: cameras_there(),
            ..Finding::missing(SUBJECT, error)
        },
        Err(error) => Finding::missing(SUBJECT, error),
    }
}

fn first_picture(camera: &mut dyn Camera) -> Result<(), String> {
    let until = Instant::now() + FIRST_PICTURE_MAX;
    while Instant::now() < until {
        match camera.capture(Duration::from_millis(200)) {
            Ok(Captured::Frame(_)) => return Ok(()),
            Ok(Captured::Ended) => return Err("it has no picture".into()),
            // The first pictures of a camera are often damaged.
            Ok(Captured::Dropped(_) | Captured::TimedOut) => {}
            Err(lost) => return Err(lost.to_string()),
        }
    }
    let complaint = camera.complaint().map(|complaint| format!(" ({complaint})"));
    Err(format!(
        "no good picture within {} s{}",
        FIRST_PICTURE_MAX.as_secs(),
        complaint.unwrap_or_default()
    ))
}

fn cameras_there() -> Option<String> {
    let there: Vec<String> = list_cameras()
        .iter()
        .map(|camera| {
            let path = camera.stable.as_ref().unwrap_or(&camera.node);
            format!("{} at v4l2:{}", camera.card, path.display())
        })
        .collect();
    let list = there.join(", ");
    (!there.is_empty()).then(|| format!("the cameras here are {list}; one that `baize run` uses is in use"))
}
