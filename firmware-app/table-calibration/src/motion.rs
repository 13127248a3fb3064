//! Whether the camera stood still between pictures that are to be merged: else the merged picture shows a blend of
//! tables, and a blend may look like one.

use crate::noses;
use crate::picture::Picture;
use crate::side::Side;
use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

/// The noses move by less than this between pictures of a camera that stands still.
const MAX_MOVE_MM: f64 = 4.0;
/// With fewer noses in sight, where the merged picture shows them all, the table is elsewhere.
const MIN_SIDES_FOUND: usize = 2;

/// Compares the first and the last picture by the places of the noses.
pub(crate) fn has_moved(pictures: &[ImageView], calibration: &Calibration, nose_height_mm: f64) -> bool {
    let [first, .., last] = pictures else {
        return false;
    };
    let (first, last) = (
        depths_mm(first, calibration, nose_height_mm),
        depths_mm(last, calibration, nose_height_mm),
    );
    let out_of_sight = |depths: &[Option<f64>; 4]| depths.iter().flatten().count() < MIN_SIDES_FOUND;
    let moved = first.iter().zip(&last).any(|pair| match pair {
        (Some(before), Some(after)) => (before - after).abs() > MAX_MOVE_MM,
        _ => false,
    });
    moved || out_of_sight(&first) || out_of_sight(&last)
}

/// How far inwards of its place the nose of each side is seen, in the median.
fn depths_mm(view: &ImageView, calibration: &Calibration, nose_height_mm: f64) -> [Option<f64>; 4] {
    let Some(picture) = Picture::merge(std::slice::from_ref(view)) else {
        return [None; 4];
    };
    let plane = |[x, y]: [f64; 2]| calibration.project([x, y, nose_height_mm]);
    let noses = noses::find(&picture, &plane, calibration.table);
    let sides = Side::all(calibration.table);
    std::array::from_fn(|k| {
        let points_px = &noses[k].as_ref()?.points_px;
        let mut depths: Vec<f64> = points_px
            .iter()
            .filter_map(|&pixel| Some(sides[k].depth_mm(calibration.pixel_to_plane(pixel, nose_height_mm)?)))
            .collect();
        depths.sort_by(f64::total_cmp);
        depths.get(depths.len() / 2).copied()
    })
}
