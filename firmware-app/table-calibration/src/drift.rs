//! Whether the camera still is where a calibration has it, by the places of the cushions' noses.

use crate::median::median;
use crate::nose_height_mm;
use crate::noses;
use crate::picture::Picture;
use crate::side::Side;
use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

/// How far inwards of its place each nose is seen, mm, in the order of the sides y = 0, x = length, y = width, x = 0;
/// `None` where no clear step was found.
pub type NoseDepths = [Option<f64>; 4];

/// Looks for the noses around where `calibration` has them. A step in brightness is seen up to some mm beside the nose
/// itself, always on the same side of it: what counts is how depths change.
pub fn nose_depths_mm(view: &ImageView, calibration: &Calibration) -> NoseDepths {
    let height_mm = nose_height_mm(calibration.ball_diameter_mm);
    let Some(picture) = Picture::merge(std::slice::from_ref(view)) else {
        return [None; 4];
    };
    let plane = |[x, y]: [f64; 2]| calibration.project([x, y, height_mm]);
    let noses = noses::find(&picture, &plane, calibration.table);
    let sides = Side::all(calibration.table);
    std::array::from_fn(|k| {
        let points_px = &noses[k].as_ref()?.points_px;
        median(
            points_px
                .iter()
                .filter_map(|&pixel| Some(sides[k].depth_mm(calibration.pixel_to_plane(pixel, height_mm)?))),
        )
    })
}

/// By how much two sides at least have moved between two looks, mm; `None` where fewer than two show in both. A player
/// who leans over one side moves that side only, a camera that moves moves two or more.
pub fn drift_mm(before: &NoseDepths, now: &NoseDepths) -> Option<f64> {
    let mut moves: Vec<f64> = before
        .iter()
        .zip(now)
        .filter_map(|(before, now)| Some(((*now)? - (*before)?).abs()))
        .collect();
    moves.sort_by(|a, b| b.total_cmp(a));
    moves.get(1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_that_moves_alone_is_no_drift() {
        let before = [Some(1.0), Some(2.0), Some(0.0), None];
        assert_eq!(
            drift_mm(&before, &[Some(21.0), Some(2.5), Some(0.0), None]),
            Some(0.5)
        );
        assert_eq!(
            drift_mm(&before, &[Some(21.0), Some(2.0), Some(-20.0), None]),
            Some(20.0)
        );
        assert_eq!(drift_mm(&before, &[Some(1.0), None, None, Some(3.0)]), None);
    }
}
