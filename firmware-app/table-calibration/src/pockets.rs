//! The pockets: holes that are darker than the cushions beside them. They tell a table from another even rectangle.

use crate::median::median;
use crate::picture::Picture;
use crate::side::Side;
use crate::steps::NosePlane;
use baize_table_vision::geometry::{Pocket, TableSize};

/// The part of a hole that is looked at, and the distance of its samples.
const HOLE_RADIUS_MM: i32 = 24;
const SAMPLE_MM: usize = 6;
/// Where on the cushions beside a pocket their brightness is taken: from its middle along the side, and beyond the nose.
const BESIDE_MM: [f64; 3] = [150.0, 190.0, 230.0];
const BEYOND_MM: f64 = 22.0;
/// A hole is darker than the cushions by this part of their brightness.
const MIN_DARKER: f64 = 0.3;
/// Cushions darker than this, in grey levels, let no hole be seen.
const MIN_LIGHT: f64 = 45.0;

/// What shows of the pockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pockets {
    /// Pockets that show as holes.
    pub found: u8,
    /// Places where a hole would show if there was one.
    pub looked_at: u8,
}

/// Looks where the table named has its pockets; `plane` has the noses.
pub(crate) fn find(picture: &Picture, plane: &impl NosePlane, table: TableSize) -> Pockets {
    let sides = Side::all(table);
    let mut pockets = Pockets::default();
    for pocket in table.pockets() {
        let (Some(hole), Some(cushion)) = (
            hole_light(picture, plane, &pocket),
            cushion_light(picture, plane, &sides, &pocket),
        ) else {
            continue;
        };
        if cushion > MIN_LIGHT {
            pockets.looked_at += 1;
            pockets.found += u8::from(cushion - hole > MIN_DARKER * cushion);
        }
    }
    pockets
}

fn hole_light(picture: &Picture, plane: &impl NosePlane, pocket: &Pocket) -> Option<f64> {
    let steps = || {
        (-HOLE_RADIUS_MM..=HOLE_RADIUS_MM)
            .step_by(SAMPLE_MM)
            .map(f64::from)
    };
    let around = steps().flat_map(|x| steps().map(move |y| [x, y]));
    let [x, y] = pocket.centre_mm;
    let light = around
        .filter(|off| off[0].hypot(off[1]) <= f64::from(HOLE_RADIUS_MM))
        .map(|off| picture.luma_at(plane.pixel([x + off[0], y + off[1]])?));
    median(light.collect::<Option<Vec<f64>>>()?)
}

fn cushion_light(
    picture: &Picture,
    plane: &impl NosePlane,
    sides: &[Side; 4],
    pocket: &Pocket,
) -> Option<f64> {
    let beside = sides.iter().filter(|side| {
        // The sides that the pocket lies on: it is just beyond them.
        let depth_mm = side.depth_mm(pocket.centre_mm);
        depth_mm < 0.0
    });
    let places = beside.flat_map(|side| {
        let along_mm = side.along_mm(pocket.centre_mm);
        BESIDE_MM
            .into_iter()
            .flat_map(move |off_mm| [along_mm - off_mm, along_mm + off_mm])
            .filter(|along_mm| side.is_on_it(*along_mm))
            .map(|along_mm| side.point_at_mm(along_mm, -BEYOND_MM))
    });
    median(places.filter_map(|place| picture.luma_at(plane.pixel(place)?)))
}
