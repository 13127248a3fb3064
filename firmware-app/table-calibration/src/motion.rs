//! Whether the camera stood still between pictures that are to be merged: else the merged picture shows a blend of
//! tables, and a blend may look like one.

use crate::drift::{NoseDepths, drift_mm, nose_depths_mm};
use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

/// The noses move by less than this between pictures of a camera that stands still.
const MAX_MOVE_MM: f64 = 4.0;
/// With fewer noses in sight, where the merged picture shows them all, the table is elsewhere.
const MIN_SIDES_FOUND: usize = 2;
/// Sides that lie opposite: along the one pair a table may slide without a change in how deep that pair is seen.
const OPPOSITE: [[usize; 2]; 2] = [[0, 2], [1, 3]];

/// Compares the pictures by the places of the noses: the last one strictly with the first, those between, where somebody
/// may lean over a side, by what two sides say. A camera that shakes may be back where it was at the end.
pub(crate) fn has_moved(pictures: &[ImageView], calibration: &Calibration, sides_found: [bool; 4]) -> bool {
    let [first, between @ .., last] = pictures else {
        return false;
    };
    let depths = |picture| nose_depths_mm(picture, calibration);
    let (first, last) = (depths(first), depths(last));
    let shakes = between
        .iter()
        .any(|picture| drift_mm(&first, &depths(picture)).is_some_and(|mm| mm > MAX_MOVE_MM));
    let out_of_sight = |depths: &NoseDepths| {
        depths.iter().flatten().count() < MIN_SIDES_FOUND
            || OPPOSITE.iter().any(|pair| {
                pair.iter()
                    .all(|&side| sides_found[side] && depths[side].is_none())
            })
    };
    let moved = first.iter().zip(&last).any(|pair| match pair {
        (Some(before), Some(after)) => (before - after).abs() > MAX_MOVE_MM,
        _ => false,
    });
    moved || shakes || out_of_sight(&first) || out_of_sight(&last)
}
