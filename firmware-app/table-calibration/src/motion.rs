//! Whether the camera stood still between pictures that are to be merged: else the merged picture shows a blend of
//! tables, and a blend may look like one.

use crate::drift::{NoseDepths, nose_depths_mm};
use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

/// The noses move by less than this between pictures of a camera that stands still.
const MAX_MOVE_MM: f64 = 4.0;
/// With fewer noses in sight, where the merged picture shows them all, the table is elsewhere.
const MIN_SIDES_FOUND: usize = 2;
/// Sides that lie opposite: along the one pair a table may slide without a change in how deep that pair is seen.
const OPPOSITE: [[usize; 2]; 2] = [[0, 2], [1, 3]];

/// Whether the camera moved between these pictures.
pub(crate) fn has_moved(pictures: &[ImageView], calibration: &Calibration, sides_found: [bool; 4]) -> bool {
    let looks: Vec<NoseDepths> = pictures
        .iter()
        .map(|picture| nose_depths_mm(picture, calibration))
        .collect();
    looks.len() > 1 && differ(&looks, sides_found)
}

/// Compares the first and the last look strictly. A camera that shakes may be back where it was at the end: then two
/// noses wander at least. One nose may, in the looks between: somebody leans over it.
fn differ(looks: &[NoseDepths], sides_found: [bool; 4]) -> bool {
    let ends = [looks[0], looks[looks.len() - 1]];
    let wandering = |looks: &[NoseDepths]| (0..4).filter(|&side| wanders(looks, side)).count();
    let out_of_sight = |depths: &NoseDepths| {
        depths.iter().flatten().count() < MIN_SIDES_FOUND
            || OPPOSITE.iter().any(|pair| {
                pair.iter()
                    .all(|&side| sides_found[side] && depths[side].is_none())
            })
    };
    wandering(&ends) > 0 || wandering(looks) > 1 || ends.iter().any(out_of_sight)
}

/// Whether a nose is seen in places that are too far apart.
fn wanders(looks: &[NoseDepths], side: usize) -> bool {
    let seen = || looks.iter().filter_map(|depths| depths[side]);
    let range_mm = seen().fold(f64::NEG_INFINITY, f64::max) - seen().fold(f64::INFINITY, f64::min);
    range_mm > MAX_MOVE_MM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_shows_another_nose_in_every_picture_has_moved() {
        // Seen once, of a picture that slid by 12 to 36 pixels.
        let looks = [
            [Some(-0.8), None, Some(-1.6), Some(14.4)],
            [Some(-1.6), Some(19.8), Some(-0.7), Some(-2.9)],
            [Some(-2.7), None, Some(0.3), None],
            [Some(-0.5), None, Some(-2.1), Some(9.3)],
            [Some(-1.4), Some(0.1), Some(-0.9), Some(16.9)],
        ];
        assert!(differ(&looks, [true; 4]));
    }

    #[test]
    fn somebody_who_leans_over_one_nose_has_not_moved_the_camera() {
        let still = [Some(-0.8), Some(0.1), Some(-1.6), Some(1.2)];
        let leaning = [Some(-0.8), Some(0.1), Some(-1.6), Some(31.0)];
        assert!(!differ(&[still, leaning, still], [true; 4]));
    }
}
