//! The camera from places on the noses: each must lie, seen through the lens, on its side of the bed, at the noses'
//! height. Levenberg-Marquardt over pose, focal length and the first radial term, robust
//! against outliers, and with what is believed beforehand where the picture does not tell.

use crate::first_guess::FocalPrior;
use crate::linear::solve;
use crate::side::Side;
use baize_table_vision::geometry::linear::mul33;
use baize_table_vision::geometry::{Calibration, Pose, TableSize};

/// Turn about three axes, shift along three, logarithm of the focal length, k1, logarithm of the width's correction.
const PARAMETERS: usize = 9;
/// One of each parameter is about as much as a solution moves in one step.
const UNITS: [f64; PARAMETERS] = [0.01, 0.01, 0.01, 10.0, 10.0, 10.0, 0.05, 0.02, 0.01];
const FOCAL: usize = 6;
const K1: usize = 7;
const WIDTH: usize = 8;
const STEPS: usize = 40;
/// Beyond this many sigmas, an observation's pull no longer grows (Huber). It does not fade either: else a whole side
/// might be given up for an outlier while the start is still poor.
const ROBUST_SIGMAS: f64 = 2.5;
/// Belief in k1 where the sides' straightness does not tell: from pincushion to a lens of 100 degrees.
const K1_SIGMA: f64 = 0.15;
/// What is given is not moved.
const FIXED: f64 = 1e-6;

/// The second radial term that goes with a first one, as in the division model: the sides alone tell only one, and with
/// this second one no lens folds its picture, however wide it is.
pub(crate) fn second_radial_term(k1: f64) -> f64 {
    2.0 * k1 * k1
}

/// A place seen on a nose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation {
    pub side: usize,
    pub at_px: [f64; 2],
    /// How well the place is known, on the table.
    pub sigma_mm: f64,
    /// What it counts. Neighbours on a nose err together: many places are hardly more evidence than some.
    pub weight: f64,
    /// No nose was found on this side; this is where the start has it.
    pub is_guess: bool,
}

/// What may move, and what is believed of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beliefs {
    pub focal: FocalPrior,
    /// A lens given from outside: neither its focal length nor its terms are touched.
    pub lens_is_given: bool,
    /// How far the logarithm of the table's width may be from what it is said to be.
    pub width_log_sigma: f64,
}

pub(crate) struct Solution {
    pub calibration: Calibration,
    /// Spread of the focal length's logarithm that the picture leaves, belief set aside.
    pub focal_log_sigma: f64,
}

/// Improves `start` until the observations fit. `None` where they say too little or too contradictory things.
pub(crate) fn refine(
    start: Calibration,
    nose_height_mm: f64,
    observations: &[Observation],
    beliefs: &Beliefs,
) -> Option<Solution> {
    let sigmas = [
        if beliefs.lens_is_given {
            FIXED
        } else {
            beliefs.focal.log_sigma
        },
        if beliefs.lens_is_given { FIXED } else { K1_SIGMA },
        beliefs.width_log_sigma.max(FIXED),
    ];
    let problem = Problem {
        start,
        nose_height_mm,
        observations,
        sigmas,
        means: if beliefs.lens_is_given {
            [0.0; 3]
        } else {
            [
                (beliefs.focal.median_px / start.camera.fx).ln(),
                -start.camera.k1,
                0.0,
            ]
        },
    };
    let mut now = [0.0; PARAMETERS];
    let mut cost = problem.cost(&now)?;
    let mut damping = 1e-3;
    for _ in 0..STEPS {
        let (normal, gradient) = problem.normal_equations(&now)?;
        let mut damped = normal;
        (0..PARAMETERS).for_each(|i| damped[i][i] *= 1.0 + damping);
        let step = solve(damped, gradient)?;
        let mut next = now;
        (0..PARAMETERS).for_each(|i| next[i] -= step[i]);
        match problem.cost(&next) {
            Some(lower) if lower < cost => {
                let done = cost - lower < 1e-9 * cost;
                (now, cost) = (next, lower);
                damping = (damping * 0.2).max(1e-9);
                if done {
                    break;
                }
            }
            _ if damping > 1e6 => break,
            _ => damping *= 6.0,
        }
    }
    Some(Solution {
        calibration: problem.calibration(&now),
        focal_log_sigma: problem.focal_log_sigma(&now),
    })
}

struct Problem<'a> {
    start: Calibration,
    nose_height_mm: f64,
    observations: &'a [Observation],
    /// Beliefs about the last three parameters, relative to the start.
    sigmas: [f64; 3],
    means: [f64; 3],
}

impl Problem<'_> {
    fn calibration(&self, parameters: &[f64; PARAMETERS]) -> Calibration {
        let moved: [f64; PARAMETERS] = std::array::from_fn(|i| parameters[i] * UNITS[i]);
        let turn = Pose::from_rotation_vector([moved[0], moved[1], moved[2]], [0.0; 3]).rotation;
        let mut calibration = self.start;
        // About the camera's own centre of view, not the far origin: keeps turn and shift apart.
        let middle = self.start.pose.to_camera([
            self.start.table.length_mm / 2.0,
            self.start.table.width_mm / 2.0,
            0.0,
        ]);
        let rotation = mul33(&turn, &self.start.pose.rotation);
        let start = self.start.pose.translation_mm;
        let arm = [0, 1, 2].map(|i| start[i] - middle[i]);
        let turned = [0, 1, 2].map(|i| (0..3).map(|j| turn[i][j] * arm[j]).sum::<f64>());
        calibration.pose = Pose {
            rotation,
            translation_mm: [0, 1, 2].map(|i| middle[i] + turned[i] + moved[3 + i]),
        };
        // A longer lens is farther away: keeps focal length and height apart.
        let zoom = moved[FOCAL].exp();
        let distance = middle[2];
        calibration.pose.translation_mm[2] += distance * (zoom - 1.0);
        calibration.camera.fx *= zoom;
        calibration.camera.fy *= zoom;
        let before = calibration.camera.k1;
        calibration.camera.k1 += moved[K1];
        calibration.camera.k2 += second_radial_term(calibration.camera.k1) - second_radial_term(before);
        calibration.table = TableSize::new(
            self.start.table.length_mm,
            self.start.table.width_mm * moved[WIDTH].exp(),
        );
        calibration
    }

    /// Observations in sigmas, then beliefs in sigmas. `None` where a point is not seen at all.
    fn residuals(&self, parameters: &[f64; PARAMETERS]) -> Option<Vec<f64>> {
        let calibration = self.calibration(parameters);
        let sides = Side::all(calibration.table);
        let mut residuals = Vec::with_capacity(self.observations.len() + 3);
        for seen in self.observations {
            let place = calibration.pixel_to_plane(seen.at_px, self.nose_height_mm)?;
            residuals.push(sides[seen.side].depth_mm(place) / seen.sigma_mm);
        }
        for (i, parameter) in [FOCAL, K1, WIDTH].into_iter().enumerate() {
            residuals.push((parameters[parameter] * UNITS[parameter] - self.means[i]) / self.sigmas[i]);
        }
        Some(residuals)
    }

    fn cost(&self, parameters: &[f64; PARAMETERS]) -> Option<f64> {
        let residuals = self.residuals(parameters)?;
        let (seen, believed) = residuals.split_at(self.observations.len());
        let robust: f64 = seen
            .iter()
            .zip(self.observations)
            .map(|(residual, observation)| {
                let inner = residual.abs().min(ROBUST_SIGMAS);
                observation.weight * inner * (2.0 * residual.abs() - inner)
            })
            .sum();
        let cost = robust + believed.iter().map(|r| r * r).sum::<f64>();
        cost.is_finite().then_some(cost)
    }

    fn normal_equations(
        &self,
        now: &[f64; PARAMETERS],
    ) -> Option<([[f64; PARAMETERS]; PARAMETERS], [f64; PARAMETERS])> {
        let residuals = self.residuals(now)?;
        let mut columns = Vec::with_capacity(PARAMETERS);
        for i in 0..PARAMETERS {
            let nudge = 1e-4;
            let mut nudged = *now;
            nudged[i] += nudge;
            let after = self.residuals(&nudged)?;
            columns.push(
                after
                    .iter()
                    .zip(&residuals)
                    .map(|(b, a)| (b - a) / nudge)
                    .collect::<Vec<f64>>(),
            );
        }
        let (mut normal, mut gradient) = ([[0.0; PARAMETERS]; PARAMETERS], [0.0; PARAMETERS]);
        for (k, residual) in residuals.iter().enumerate() {
            let weight = self.observations.get(k).map_or(1.0, |observation| {
                observation.weight * (ROBUST_SIGMAS / residual.abs()).min(1.0)
            });
            for i in 0..PARAMETERS {
                gradient[i] += weight * columns[i][k] * residual;
                for j in 0..PARAMETERS {
                    normal[i][j] += weight * columns[i][k] * columns[j][k];
                }
            }
        }
        Some((normal, gradient))
    }

    fn focal_log_sigma(&self, at: &[f64; PARAMETERS]) -> f64 {
        let without_belief = Problem {
            sigmas: [1e3, self.sigmas[1], self.sigmas[2]],
            ..*self
        };
        let mut unit = [0.0; PARAMETERS];
        unit[FOCAL] = 1.0;
        let variance = without_belief
            .normal_equations(at)
            .and_then(|(normal, _)| solve(normal, unit))
            .map_or(f64::INFINITY, |column| column[FOCAL]);
        if variance >= 0.0 {
            variance.sqrt() * UNITS[FOCAL]
        } else {
            f64::INFINITY
        }
    }
}
