//! Whether the camera stood still between pictures that are to be merged: else the merged picture shows a blend of
//! tables, and a blend may look like one.

use crate::drift::{NoseDepths, nose_depths_mm};
use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

/// The noses move by less than this between pictures of a camera that stands still.
const MAX_MOVE_MM: f64 = 4.0;
/// With fewer noses in sight, where the merged picture shows them all, the table is elsewhere.
const MIN_SIDES_FOUND: usize = 2;

/// Compares the first and the last picture by the places of the noses.
pub(crate) fn has_moved(pictures: &[ImageView], calibration: &Calibration) -> bool {
    let [first, .., last] = pictures else {
        return false;
    };
    let (first, last) = (
        nose_depths_mm(first, calibration),
        nose_depths_mm(last, calibration),
    );
    let out_of_sight = |depths: &NoseDepths| depths.iter().flatten().count() < MIN_SIDES_FOUND;
    let moved = first.iter().zip(&last).any(|pair| match pair {
        (Some(before), Some(after)) => (before - after).abs() > MAX_MOVE_MM,
        _ => false,
    });
    moved || out_of_sight(&first) || out_of_sight(&last)
}
