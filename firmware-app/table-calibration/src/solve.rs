//! The camera from places on the noses and from diamonds: each must lie, seen through the lens, where the table has it.
//! Levenberg-Marquardt over all that may move, robust against outliers, and with what is believed beforehand where the
//! picture does not tell.

use crate::first_guess::FocalPrior;
use crate::linear::solve;
use crate::model::{
    ALL_NOSES, AXIS, FOCAL, K1, K2, NOSES, PARAMETERS, Parameters, RISE, Rails, SET_BACK, TANGENTIAL, WIDTH,
    moved, moves_places, second_radial_term, sizes,
};
use crate::outcome::Place;
use crate::side::Side;
use baize_table_vision::geometry::Calibration;

const STEPS: usize = 40;
/// Beyond this many sigmas, an observation's pull no longer grows (Huber). It does not fade either: else a whole side
/// might be given up for an outlier while the start is still poor.
const ROBUST_SIGMAS: f64 = 2.5;
/// Belief in k1 where nothing tells: from pincushion to a lens of 100 degrees.
const K1_SIGMA: f64 = 0.15;
/// How far second radial terms are from that of the division model.
const K2_SIGMA: f64 = 0.06;
/// How far lenses' axes are from the middle of the picture, in its widths.
const AXIS_SIGMA_PER_WIDTH: f64 = 0.008;
/// Tangential terms of usual lenses.
const TANGENTIAL_SIGMA: f64 = 0.001;
/// How differently makers place diamonds, and how high rails are: a tight belief would be taken for the camera's height.
const SET_BACK_SIGMA_MM: f64 = 12.0;
const RISE_SIGMA_MM: f64 = 10.0;
/// How far a nose as a whole is from straight and from where the table has it, beside what is not known of where it is
/// seen: how it was built and worn, and, in pixels, how well the edge of something rounded and lit from above is seen.
const NOSE_SHARED_SIGMA_MM: f64 = 0.4;
const NOSE_SHARED_SIGMA_PX: f64 = 0.1;
/// How far off solutions are, as a part of what measurements and beliefs leave open: 389 simulated tables were off by 0.55 of it
/// (root mean square), alike with and without diamonds, a player, and a large residual. Beliefs are for lenses and rails of
/// all kinds, and a table has only some of their faults.
const OFF_OF_OPEN: f64 = 0.55;
/// What is given is not moved.
const FIXED: f64 = 1e-6;

/// What a place seen must fulfil.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Constraint {
    /// To lie on the nose of a side.
    OnNose { side: usize },
    /// To lie, on the rail of a side, this far along.
    Along { side: usize, mm: f64 },
    /// To lie, on the rail of a side, as far beyond the nose as all diamonds do.
    SetBack { side: usize },
}

/// A place seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation {
    pub constraint: Constraint,
    pub at_px: [f64; 2],
    /// How well the place is known, on the table.
    pub sigma_mm: f64,
    /// What it counts. Neighbours on a nose err together: many places are hardly more evidence than some.
    pub weight: f64,
    /// No nose was found on this side; this is where the start has it.
    pub is_guess: bool,
}

impl Observation {
    fn height_mm(&self, nose_height_mm: f64, rails: &Rails) -> f64 {
        match self.constraint {
            Constraint::OnNose { .. } => nose_height_mm,
            Constraint::Along { .. } | Constraint::SetBack { .. } => nose_height_mm + rails.rise_mm,
        }
    }

    /// How far a place is from fulfilling it.
    fn off_mm(&self, place: [f64; 2], sides: &[Side; 4], rails: &Rails) -> f64 {
        match self.constraint {
            Constraint::OnNose { side } => sides[side].depth_mm(place) - rails.noses_inwards_mm[side],
            Constraint::Along { side, mm } => sides[side].along_mm(place) - mm,
            Constraint::SetBack { side } => sides[side].depth_mm(place) + rails.set_back_mm,
        }
    }
}

impl Observation {
    /// How far it is from where a solution has it; a nose is where the table has it, and what its places share counts.
    pub fn against(&self, solution: &Solution, nose_height_mm: f64) -> Option<Place> {
        let calibration = &solution.calibration;
        let rails = Rails {
            noses_inwards_mm: [0.0; 4],
            ..solution.rails
        };
        let height_mm = self.height_mm(nose_height_mm, &rails);
        let place = calibration.pixel_to_plane(self.at_px, height_mm)?;
        let sides = Side::all(calibration.table);
        let off_mm = self.off_mm(place, &sides, &rails);
        let [x, y] = match self.constraint {
            Constraint::OnNose { side } | Constraint::SetBack { side } => {
                sides[side].moved(place, 0.0, -off_mm)
            }
            Constraint::Along { side, .. } => sides[side].moved(place, -off_mm, 0.0),
        };
        Some(Place {
            at_px: self.at_px,
            expected_px: calibration.project([x, y, height_mm])?,
            off_mm,
        })
    }
}

/// What may move, and what is believed of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beliefs {
    pub focal: FocalPrior,
    /// A lens given from outside is not touched.
    pub lens_is_given: bool,
    /// Whether anything measured tells more of the lens than four corners do: else only the usual terms may move.
    pub lens_is_seen: bool,
    /// How far the logarithm of the table's width may be from what it is said to be.
    pub width_log_sigma: f64,
    /// How well it is known where in what is seen of each nose the nose itself is, and what of it all share.
    pub nose_sigmas_mm: [f64; 4],
    pub shared_nose_sigma_mm: f64,
}

pub(crate) struct Solution {
    pub calibration: Calibration,
    pub rails: Rails,
    /// Spread of the focal length's logarithm that the picture leaves, belief set aside.
    pub focal_log_sigma: f64,
    /// Spread of the logarithm of the table's width that picture and belief leave.
    pub width_log_sigma: f64,
    /// Standard deviation of a ball's place along each axis that the solution leaves, over the bed and where it is worst.
    pub place_sigma_mm: f64,
    pub worst_sigma_mm: f64,
}

/// Improves `start` until the observations fit. `None` where they say too little or too contradictory things.
pub(crate) fn refine(
    start: Calibration,
    nose_height_mm: f64,
    observations: &[Observation],
    beliefs: &Beliefs,
) -> Option<Solution> {
    let problem = Problem {
        start,
        nose_height_mm,
        observations,
        beliefs: beliefs.of_parameters(&start),
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
                let done = cost - lower < 1e-6 * cost;
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
    let (calibration, rails) = moved(&start, &now);
    let (place_sigma_mm, worst_sigma_mm) = problem.place_sigmas_mm(&now)?;
    Some(Solution {
        calibration,
        rails,
        focal_log_sigma: problem.focal_log_sigma(&now),
        width_log_sigma: problem.log_sigma(WIDTH, &now),
        place_sigma_mm,
        worst_sigma_mm,
    })
}

/// Mean and standard deviation of a parameter, in its own size.
#[derive(Debug, Clone, Copy)]
struct Belief {
    parameter: usize,
    mean: f64,
    sigma: f64,
}

impl Beliefs {
    fn of_parameters(&self, start: &Calibration) -> Vec<Belief> {
        let belief = |parameter, mean, sigma| Belief {
            parameter,
            mean,
            sigma,
        };
        let lens = |parameter, mean, sigma| {
            if self.lens_is_given {
                belief(parameter, 0.0, FIXED)
            } else {
                belief(parameter, mean, sigma)
            }
        };
        let finer = |parameter, mean, sigma| {
            if self.lens_is_seen {
                lens(parameter, mean, sigma)
            } else {
                belief(parameter, 0.0, FIXED)
            }
        };
        let camera = start.camera;
        let (width_px, height_px) = (f64::from(camera.width_px), f64::from(camera.height_px));
        let axis_sigma = AXIS_SIGMA_PER_WIDTH * width_px.max(height_px);
        let mut beliefs = vec![
            lens(
                FOCAL,
                (self.focal.median_px / camera.fx).ln(),
                self.focal.log_sigma,
            ),
            lens(K1, -camera.k1, K1_SIGMA),
            finer(K2, second_radial_term(camera.k1) - camera.k2, K2_SIGMA),
            finer(AXIS[0], width_px / 2.0 - camera.cx, axis_sigma),
            finer(AXIS[1], height_px / 2.0 - camera.cy, axis_sigma),
            finer(TANGENTIAL[0], -camera.p1, TANGENTIAL_SIGMA),
            finer(TANGENTIAL[1], -camera.p2, TANGENTIAL_SIGMA),
            belief(WIDTH, 0.0, self.width_log_sigma.max(FIXED)),
            belief(SET_BACK, 0.0, SET_BACK_SIGMA_MM),
            belief(RISE, 0.0, RISE_SIGMA_MM),
        ];
        let mm_per_px = start.pose.camera_centre_mm()[2] / camera.fx;
        let shared_mm = NOSE_SHARED_SIGMA_MM + NOSE_SHARED_SIGMA_PX * mm_per_px;
        let noses = NOSES.iter().zip(self.nose_sigmas_mm);
        beliefs.extend(noses.map(|(&parameter, seen_mm)| {
            let own_mm2 = seen_mm.powi(2) - self.shared_nose_sigma_mm.powi(2);
            belief(parameter, 0.0, shared_mm.hypot(own_mm2.max(0.0).sqrt()))
        }));
        beliefs.push(belief(ALL_NOSES, 0.0, self.shared_nose_sigma_mm.max(FIXED)));
        beliefs
    }
}

struct Problem<'a> {
    start: Calibration,
    nose_height_mm: f64,
    observations: &'a [Observation],
    beliefs: Vec<Belief>,
}

impl Problem<'_> {
    /// The places that the observations have on their planes. `None` where one is not seen at all.
    fn places(&self, parameters: &Parameters) -> Option<Vec<[f64; 2]>> {
        let (calibration, rails) = moved(&self.start, parameters);
        self.observations
            .iter()
            .map(|seen| calibration.pixel_to_plane(seen.at_px, seen.height_mm(self.nose_height_mm, &rails)))
            .collect()
    }

    /// Observations in sigmas, then beliefs in sigmas.
    fn residuals(&self, parameters: &Parameters, places: &[[f64; 2]]) -> Vec<f64> {
        let (calibration, rails) = moved(&self.start, parameters);
        let sides = Side::all(calibration.table);
        let sizes = sizes(parameters);
        let seen = self.observations.iter().zip(places);
        seen.map(|(seen, place)| seen.off_mm(*place, &sides, &rails) / seen.sigma_mm)
            .chain(
                self.beliefs
                    .iter()
                    .map(|belief| (sizes[belief.parameter] - belief.mean) / belief.sigma),
            )
            .collect()
    }

    fn cost(&self, parameters: &Parameters) -> Option<f64> {
        let residuals = self.residuals(parameters, &self.places(parameters)?);
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

    fn normal_equations(&self, now: &Parameters) -> Option<([[f64; PARAMETERS]; PARAMETERS], Parameters)> {
        const NUDGE: f64 = 1e-4;
        let places = self.places(now)?;
        let residuals = self.residuals(now, &places);
        let mut columns = Vec::with_capacity(PARAMETERS);
        for i in 0..PARAMETERS {
            let mut nudged = *now;
            nudged[i] += NUDGE;
            let after = if moves_places(i) {
                self.residuals(&nudged, &self.places(&nudged)?)
            } else {
                self.residuals(&nudged, &places)
            };
            let slope = |(b, a): (&f64, &f64)| (b - a) / NUDGE;
            columns.push(after.iter().zip(&residuals).map(slope).collect::<Vec<f64>>());
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

    fn focal_log_sigma(&self, at: &Parameters) -> f64 {
        let mut beliefs = self.beliefs.clone();
        beliefs.retain(|belief| belief.parameter != FOCAL);
        Problem { beliefs, ..*self }.log_sigma(FOCAL, at)
    }

    /// Spread of a parameter that is a logarithm.
    fn log_sigma(&self, parameter: usize, at: &Parameters) -> f64 {
        let mut unit = [0.0; PARAMETERS];
        unit[parameter] = 1.0;
        let variance = self
            .normal_equations(at)
            .and_then(|(normal, _)| solve(normal, unit))
            .map_or(f64::INFINITY, |column| sizes(&column)[parameter]);
        let unit_size = sizes(&unit)[parameter];
        if variance >= 0.0 {
            (variance * unit_size).sqrt()
        } else {
            f64::INFINITY
        }
    }

    /// What the spread of the parameters makes of the places of balls: the root of the bed's mean square, and the largest
    /// up to its edges.
    fn place_sigmas_mm(&self, at: &Parameters) -> Option<(f64, f64)> {
        const NUDGE: f64 = 1e-3;
        /// The bed is divided into so many fields each way; their middles make the mean.
        const FIELDS: u32 = 5;
        let (normal, _) = self.normal_equations(at)?;
        let (calibration, _) = moved(&self.start, at);
        let radius = calibration.ball_radius_mm();
        let mut nudged_calibrations = Vec::with_capacity(WIDTH);
        for i in 0..WIDTH {
            let mut nudged = *at;
            nudged[i] += NUDGE;
            nudged_calibrations.push(moved(&self.start, &nudged).0);
        }
        let variance_mm2 = |[x, y]: [f64; 2]| {
            let place = [x * self.start.table.length_mm, y * self.start.table.width_mm];
            let pixel = calibration.project([place[0], place[1], radius])?;
            let mut slopes = [[0.0; PARAMETERS]; 2];
            for (k, nudged) in nudged_calibrations.iter().enumerate() {
                let shifted = nudged.pixel_to_plane(pixel, radius)?;
                (0..2).for_each(|axis| slopes[axis][k] = (shifted[axis] - place[axis]) / NUDGE);
            }
            let mut variance = 0.0;
            for slope in slopes {
                let spread = solve(normal, slope)?;
                variance += slope.iter().zip(&spread).map(|(a, b)| a * b).sum::<f64>() / 2.0;
            }
            Some(variance)
        };
        let (mut sum, mut largest) = (0.0, 0.0f64);
        for i in 0..FIELDS {
            for j in 0..FIELDS {
                let middle = [i, j].map(|k| (f64::from(k) + 0.5) / f64::from(FIELDS));
                let outwards = [i, j].map(|k| f64::from(k) / f64::from(FIELDS - 1));
                sum += variance_mm2(middle)?;
                largest = largest.max(variance_mm2(outwards)?);
            }
        }
        let factor = OFF_OF_OPEN * self.misfit(at)?;
        Some((
            factor * (sum / f64::from(FIELDS * FIELDS)).sqrt(),
            factor * largest.sqrt(),
        ))
    }

    /// How many times farther off than expected the observations are; one, where they are nearer.
    fn misfit(&self, at: &Parameters) -> Option<f64> {
        let residuals = self.residuals(at, &self.places(at)?);
        let (mut square, mut weights) = (0.0, 0.0);
        for (residual, observation) in residuals.iter().zip(self.observations) {
            square += observation.weight * residual * residual;
            weights += observation.weight;
        }
        Some((square / weights).sqrt().max(1.0))
    }
}
