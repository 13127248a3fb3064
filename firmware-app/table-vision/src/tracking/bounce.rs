//! A ball that turned back from a cushion, told from where it was seen before and after: when, and how fast it went on.

use super::collide::{CUSHION_RESTITUTION, Wall};
use super::least_squares::{Fit, LeastSquares};
use super::leaving::Speed;
use super::party::{Party, Watched};
use crate::geometry::linear::Vec2;

/// Sightings so long before and after an impact tell its time.
const BEFORE_US: f64 = 110_000.0;
const AFTER_US: f64 = 85_000.0;
/// Instants tried on each side of the guess, and how far the farthest is.
const TRIED: i32 = 24;
const REACH_US: f64 = 48_000.0;
/// How well a wall's place is known, and the speed that a cushion gives back: as a part of it, and in mm/s.
const WALL_SIGMA_MM: f64 = 1.2;
const KEPT_PART: f64 = 0.25;
const KEPT_SIGMA_MM_S: f64 = 15.0;
/// What spin does to the speed after an impact, mm/s².
const SPIN_MM_S2: f64 = 1000.0;
/// A push or a speed that nothing is known of, mm/s.
const ANY_MM_S: f64 = 1e4;
/// What a sighting may leave unexplained, squared in sigma.
const FITS: f64 = 8.0;

/// A ball that met a cushion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounce {
    pub at_us: f64,
    pub place_mm: Vec2,
    /// Just afterwards.
    pub speed: Speed,
}

/// When a ball met a wall near an instant, or, without one, the jaw of a pocket, which may bend its way in any direction.
/// `None` if too little was seen of it, or what was seen is not that.
pub fn bounce(party: &Party<'_>, wall: Option<Wall>, around_us: f64) -> Option<Bounce> {
    let axis = wall.map_or(0, |wall| wall.axis);
    let (near_us, ..) = best_near(&party.around(around_us, BEFORE_US, AFTER_US), wall, around_us)?;
    let party = party.around(near_us, BEFORE_US, AFTER_US);
    let (at_us, across, along) = best_near(&party, wall, near_us)?;
    let freedom = (2.0 * party.glimpses.len() as f64 - 6.0).max(1.0);
    let misfit = (across.misfit + along.misfit) / freedom;
    if misfit > FITS {
        return None;
    }
    let (mut place_mm, mut velocity_mm_s, mut variance) = ([0.0; 2], [0.0; 2], 0.0_f64);
    for (axis, fit) in [(axis, across), (1 - axis, along)] {
        let [place, velocity, change, _] = fit.unknowns;
        place_mm[axis] = place;
        velocity_mm_s[axis] = velocity + change;
        variance = variance.max(fit.variance(&[(1, 1.0), (2, 1.0)]));
    }
    Some(Bounce {
        at_us,
        place_mm,
        speed: Speed {
            velocity_mm_s,
            sigma_mm_s: libm::sqrt(variance * misfit.max(1.0)),
        },
    })
}

fn best_near(party: &Watched<'_>, wall: Option<Wall>, around_us: f64) -> Option<(f64, Fit<4>, Fit<4>)> {
    let axis = wall.map_or(0, |wall| wall.axis);
    let mut best: Option<(f64, Fit<4>, Fit<4>)> = None;
    for k in -TRIED..=TRIED {
        let at_us = around_us + REACH_US * f64::from(k) / f64::from(TRIED);
        if !party.was_seen(at_us).iter().all(|seen| *seen) {
            continue;
        }
        let Some(across) = bent(party, axis, at_us, wall.map(|wall| wall.place_mm)) else {
            continue;
        };
        let Some(along) = bent(party, 1 - axis, at_us, None) else {
            continue;
        };
        let misfit = across.misfit + along.misfit;
        if best.is_none_or(|(_, a, b)| misfit < a.misfit + b.misfit) {
            best = Some((at_us, across, along));
        }
    }
    best
}

/// Place, velocity before, its change and the acceleration after, along one side.
fn bent(party: &Watched<'_>, axis: usize, at_us: f64, wall_mm: Option<f64>) -> Option<Fit<4>> {
    let mut equations = LeastSquares::<4>::new();
    let weight = 1.0 / (party.party.sigma_mm * party.party.sigma_mm);
    for seen in &party.glimpses {
        let t = (seen.at_us - at_us) / 1e6;
        let after = t.max(0.0);
        let factors = [1.0, t, after, 0.5 * after * after];
        equations.weigh(factors, seen.place_mm[axis], weight);
    }
    equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
    equations.add(&[(2, 1.0)], 0.0, ANY_MM_S);
    equations.add(&[(3, 1.0)], 0.0, SPIN_MM_S2);
    let Some(wall_mm) = wall_mm else {
        return equations.solve();
    };
    equations.add(&[(0, 1.0)], wall_mm, WALL_SIGMA_MM);
    let speed = equations.solve()?.unknowns[1].abs();
    equations.add(
        &[(2, 1.0), (1, 1.0 + CUSHION_RESTITUTION)],
        0.0,
        KEPT_PART * speed + KEPT_SIGMA_MM_S,
    );
    equations.solve()
}
