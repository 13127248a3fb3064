//! The first idea of the camera, from four corners alone: which of the outline's sides are the long ones, which way
//! the table frame lies, and about what focal length the lens has.

use crate::linear::Homography;
use crate::warp::Warp;
use baize_table_vision::geometry::linear::{dot3, norm2, sub2};
use baize_table_vision::geometry::{Pose, TableSize};

/// Focal lengths tried, in widths of the picture: from a 125 degree lens to a long one high above a stage.
const FOCALS_PER_WIDTH: (f64, f64) = (0.26, 4.0);
const FOCAL_STEPS: u32 = 60;
/// How far the two axes of the table may come out of unequal scale, or off the right angle, for corners of this quality.
const SHAPE_SIGMA: f64 = 0.03;

/// What is believed of the focal length before a table is seen: `median_px`, and the spread of its logarithm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FocalPrior {
    pub median_px: f64,
    pub log_sigma: f64,
}

/// What the corners are corners of: a rectangle `margin_mm` outside of the noses, `height_mm` above the bed.
pub(crate) struct Rectangle {
    pub table: TableSize,
    pub margin_mm: f64,
    pub height_mm: f64,
    /// Whether its first corner is the one opposite to the agreed one.
    pub turned: bool,
}

impl Rectangle {
    fn corners_mm(&self) -> [[f64; 2]; 4] {
        let margin = self.margin_mm;
        let (right, up) = (self.table.length_mm + margin, self.table.width_mm + margin);
        [[-margin, -margin], [right, -margin], [right, up], [-margin, up]]
    }
}

/// A camera that explains the outline's corners.
pub(crate) struct FirstGuess {
    /// From the nose plane, in the table frame, to straightened pixels.
    pub to_straightened: Homography,
    pub focal_px: f64,
    pub pose: Pose,
    /// The unlikelihood of this guess; below ten or so for what is a table of these proportions.
    pub cost: f64,
}

/// Explains `corners` (straightened, counter-clockwise as seen) as those of `rectangle`.
pub(crate) fn guess(
    corners: &[[f64; 2]; 4],
    warp: &Warp,
    rectangle: &Rectangle,
    prior: FocalPrior,
    width_px: f64,
) -> Option<FirstGuess> {
    (0..4)
        .filter(|&turn| x_axis_points_as_agreed(corners, turn) != rectangle.turned)
        .filter_map(|turn| {
            let turned = [0, 1, 2, 3].map(|k| corners[(k + turn) % 4]);
            let map = Homography::from_corners(&rectangle.corners_mm(), &turned)?;
            let (focal_px, cost) = focal(&map, warp, prior, width_px);
            let pose = pose(&map, warp, focal_px, rectangle.height_mm);
            Some(FirstGuess {
                to_straightened: map,
                focal_px,
                pose,
                cost,
            })
        })
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// The table frame's rule: x to the right, or upwards where the long side stands upright in the picture.
fn x_axis_points_as_agreed(corners: &[[f64; 2]; 4], turn: usize) -> bool {
    let at = |k: usize| corners[(k + turn) % 4];
    let (near, far) = (sub2(at(1), at(0)), sub2(at(2), at(3)));
    let [x, y] = [near[0] + far[0], near[1] + far[1]];
    if x.abs() >= y.abs() { x > 0.0 } else { y < 0.0 }
}

/// The images of the table's two unit vectors in the camera frame, to a common scale, and of its origin.
fn columns(map: &Homography, warp: &Warp, focal_px: f64) -> [[f64; 3]; 3] {
    let [cx, cy] = warp.middle();
    [0, 1, 2].map(|k| {
        let [u, v, w] = [map.0[0][k], map.0[1][k], map.0[2][k]];
        [(u - cx * w) / focal_px, (v - cy * w) / focal_px, w]
    })
}

fn length(a: [f64; 3]) -> f64 {
    dot3(a, a).sqrt()
}

fn focal(map: &Homography, warp: &Warp, prior: FocalPrior, width_px: f64) -> (f64, f64) {
    let (low, high) = FOCALS_PER_WIDTH;
    (0..=FOCAL_STEPS)
        .map(|step| {
            let focal_px = width_px * low * (high / low).powf(f64::from(step) / f64::from(FOCAL_STEPS));
            let [x, y, _] = columns(map, warp, focal_px);
            let ratio = (length(x) / length(y)).ln();
            let cosine = dot3(x, y) / (length(x) * length(y));
            let belief = (focal_px / prior.median_px).ln() / prior.log_sigma;
            (
                focal_px,
                norm2([ratio, cosine]).powi(2) / SHAPE_SIGMA.powi(2) + belief * belief,
            )
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((prior.median_px, f64::INFINITY))
}

fn pose(map: &Homography, warp: &Warp, focal_px: f64, height_mm: f64) -> Pose {
    let [x, y, origin] = columns(map, warp, focal_px);
    let sign = if origin[2] < 0.0 { -1.0 } else { 1.0 };
    let scale = sign * 2.0 / (length(x) + length(y));
    let x = x.map(|value| value / length(x) * sign);
    let along = dot3(x, y);
    let y = [0, 1, 2].map(|i| y[i] - along * x[i]);
    let y = y.map(|value| value / length(y) * sign);
    let z = [
        x[1] * y[2] - x[2] * y[1],
        x[2] * y[0] - x[0] * y[2],
        x[0] * y[1] - x[1] * y[0],
    ];
    Pose {
        rotation: [0, 1, 2].map(|i| [x[i], y[i], z[i]]),
        // The rectangle lies above the bed; the frame's origin is below it.
        translation_mm: [0, 1, 2].map(|i| origin[i] * scale - height_mm * z[i]),
    }
}
