//! The table in a recording: a calibration made from its own first pictures.

use std::time::Duration;

use baize_accelerator::Detector;
use baize_camera::{Camera, CameraLost, Captured, Frame};
use baize_frame::{Detections, FrameFormat, ImageView};
use baize_table_calibration::{Outcome, Request, calibrate};

/// Pictures that are merged, and frames from one to the next: a second of most clips.
const PICTURES: usize = 9;
const STRIDE: u64 = 25;

/// A recording that yields nothing for so long has hung.
const FRAME_WAIT: Duration = Duration::from_secs(20);

/// The next frame of a recording; `None` at its end, or when its reader hangs.
pub fn next_frame(camera: &mut dyn Camera) -> Result<Option<Frame>, CameraLost> {
    loop {
        match camera.capture(FRAME_WAIT)? {
            Captured::Frame(frame) => return Ok(Some(frame)),
            Captured::Ended => return Ok(None),
            Captured::Dropped(cause) => log::warn!("a frame of the recording is missing: {cause:?}"),
            Captured::TimedOut => {
                log::error!("the recording's reader hangs");
                return Ok(None);
            }
        }
    }
}

/// Looks for the table in pictures spread over the recording's beginning. The balls that the detector sees in the first
/// one have to fit the table's size.
pub fn find_table(
    camera: &mut dyn Camera,
    detector: &mut dyn Detector,
    request: &Request<'_>,
) -> Result<Outcome, CameraLost> {
    let mut pictures: Vec<(FrameFormat, Vec<u8>)> = Vec::new();
    let mut number = 0;
    while pictures.len() < PICTURES {
        let Some(frame) = next_frame(camera)? else { break };
        if number % STRIDE == 0 {
            pictures.push((frame.format, frame.image().bytes().to_vec()));
        }
        number += 1;
    }
    let views: Vec<ImageView<'_>> = pictures
        .iter()
        .filter_map(|(format, bytes)| ImageView::new(bytes, *format).ok())
        .collect();
    let mut detections = Detections::new();
    if let Some(first) = views.first() {
        // A detector that fails on this picture says so on the next; the table can be found without balls.
        let _ = detector.detect(first, first.whole(), &mut detections);
    }
    let request = &Request {
        balls: &detections.balls,
        ..*request
    };
    let outcome = calibrate(&views, request);
    if !outcome.accepted && views.len() > 1 {
        let first = calibrate(&views[..1], request);
        if first.accepted {
            log::warn!(
                "pictures from the whole recording do not fit together ({}): the table is taken from the first one, \
                 and positions are right only as long as the camera stays there",
                outcome.reason
            );
            return Ok(first);
        }
    }
    Ok(outcome)
}
