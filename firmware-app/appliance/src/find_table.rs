//! The table in a recording: a calibration made from its own first pictures.

use baize_accelerator::Detector;
use baize_frame::{Detections, FrameFormat, ImageView};
use baize_table_calibration::{Outcome, Request, calibrate};

use crate::recording::{Recording, RecordingError};

/// Pictures that are merged, and frames from one to the next: a second of most clips.
const PICTURES: usize = 9;
const STRIDE: u64 = 25;

/// Looks for the table in pictures spread over the recording's beginning. Where it breaks off early, in those before. The
/// balls that the detector sees in the first one have to fit the table's size.
pub fn find_table(
    recording: &mut Recording,
    detector: &mut dyn Detector,
    request: &Request<'_>,
) -> Result<Outcome, RecordingError> {
    let mut pictures: Vec<(FrameFormat, Vec<u8>)> = Vec::new();
    let mut number = 0;
    while pictures.len() < PICTURES {
        let frame = match recording.next_frame() {
            Ok(Some(frame)) => frame,
            Err(error) if pictures.is_empty() => return Err(error),
            Ok(None) | Err(_) => break,
        };
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
