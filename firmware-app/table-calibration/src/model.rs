//! What a solution may change: the camera's pose, the lens, the table's width, and what is not known of the rails.

use baize_table_vision::geometry::linear::mul33;
use baize_table_vision::geometry::{Calibration, Pose, TableSize};

/// Turn about three axes, shift along three, the lens's seven terms, the table's width, the rails' seven terms.
pub(crate) const PARAMETERS: usize = 21;
pub(crate) const FOCAL: usize = 6;
pub(crate) const K1: usize = 7;
pub(crate) const K2: usize = 8;
pub(crate) const AXIS: [usize; 2] = [9, 10];
pub(crate) const TANGENTIAL: [usize; 2] = [11, 12];
pub(crate) const WIDTH: usize = 13;
/// How far beyond the nose the diamonds are.
pub(crate) const SET_BACK: usize = 14;
/// How much higher than the nose.
pub(crate) const RISE: usize = 15;
/// How far inwards each nose really is, beyond what all are.
pub(crate) const NOSES: [usize; 4] = [16, 17, 18, 19];
pub(crate) const ALL_NOSES: usize = 20;
/// One of each is about as much as a solution moves in one step.
const UNITS: [f64; PARAMETERS] = [
    0.01, 0.01, 0.01, 10.0, 10.0, 10.0, 0.05, 0.02, 0.02, 5.0, 5.0, 0.001, 0.001, 0.01, 2.0, 2.0, 0.5, 0.5,
    0.5, 0.5, 0.5,
];

/// Where the World Pool-Billiard Association has the diamonds' middles: 3 11/16 inches from the nose.
const USUAL_SET_BACK_MM: f64 = 93.7;

/// Rails end some mm above the noses.
const USUAL_RISE_MM: f64 = 5.0;

/// Parameters, each in its unit.
pub(crate) type Parameters = [f64; PARAMETERS];

/// What is not known of the rails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rails {
    pub set_back_mm: f64,
    pub rise_mm: f64,
    pub noses_inwards_mm: [f64; 4],
}

impl Rails {
    pub const USUAL: Self = Self {
        set_back_mm: USUAL_SET_BACK_MM,
        rise_mm: USUAL_RISE_MM,
        noses_inwards_mm: [0.0; 4],
    };
}

/// The second radial term that usually goes with a first one, as in the division model: with it no lens folds its
/// picture, however wide it is.
pub(crate) fn second_radial_term(k1: f64) -> f64 {
    2.0 * k1 * k1
}

/// Whether a parameter moves places on the planes, and not only what is expected of them.
pub(crate) fn moves_places(parameter: usize) -> bool {
    parameter < WIDTH || parameter == RISE
}

/// In the parameters' own sizes.
pub(crate) fn sizes(parameters: &Parameters) -> Parameters {
    std::array::from_fn(|i| parameters[i] * UNITS[i])
}

/// What these parameters make of a start.
pub(crate) fn moved(start: &Calibration, parameters: &Parameters) -> (Calibration, Rails) {
    let by = sizes(parameters);
    let turn = Pose::from_rotation_vector([by[0], by[1], by[2]], [0.0; 3]).rotation;
    let mut calibration = *start;
    // About the middle of the bed, not the far origin: keeps turn and shift apart.
    let middle = start
        .pose
        .to_camera([start.table.length_mm / 2.0, start.table.width_mm / 2.0, 0.0]);
    let arm = [0, 1, 2].map(|i| start.pose.translation_mm[i] - middle[i]);
    let turned = [0, 1, 2].map(|i| (0..3).map(|j| turn[i][j] * arm[j]).sum::<f64>());
    calibration.pose = Pose {
        rotation: mul33(&turn, &start.pose.rotation),
        translation_mm: [0, 1, 2].map(|i| middle[i] + turned[i] + by[3 + i]),
    };
    // A longer lens is farther away: keeps focal length and height apart.
    let zoom = by[FOCAL].exp();
    calibration.pose.translation_mm[2] += middle[2] * (zoom - 1.0);
    let camera = &mut calibration.camera;
    camera.fx *= zoom;
    camera.fy *= zoom;
    camera.k1 += by[K1];
    camera.k2 += by[K2] + second_radial_term(camera.k1) - second_radial_term(start.camera.k1);
    camera.cx += by[AXIS[0]];
    camera.cy += by[AXIS[1]];
    camera.p1 += by[TANGENTIAL[0]];
    camera.p2 += by[TANGENTIAL[1]];
    calibration.table = TableSize::new(start.table.length_mm, start.table.width_mm * by[WIDTH].exp());
    let rails = Rails {
        set_back_mm: Rails::USUAL.set_back_mm + by[SET_BACK],
        rise_mm: Rails::USUAL.rise_mm + by[RISE],
        noses_inwards_mm: NOSES.map(|i| by[ALL_NOSES] + by[i]),
    };
    (calibration, rails)
}
