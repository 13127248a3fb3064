//! How fast a ball went on after an impact, from its own sightings since.

use super::least_squares::LeastSquares;
use super::party::Party;
use super::slide::{SLIDING_MM_S2, carried_mm};
use super::trail::Sighting;
use crate::geometry::linear::{Vec2, norm2};

/// Sightings so long after an impact tell.
const AFTER_US: f64 = 110_000.0;
/// What friction does to the speed, in a direction that spin decides: at most sliding friction.
const FRICTION_PART: f64 = 0.5;
/// And what it may do else to a ball that has no spin.
const KNOWN_PART: f64 = 0.15;
/// A speed that nothing is known of, mm/s.
const ANY_MM_S: f64 = 1e4;

/// A velocity, and what its speed may be off by (a standard deviation).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    pub velocity_mm_s: Vec2,
    pub sigma_mm_s: f64,
}

impl Speed {
    /// Nothing that was seen tells it.
    pub const fn guessed(velocity_mm_s: Vec2) -> Self {
        Self {
            velocity_mm_s,
            sigma_mm_s: f64::INFINITY,
        }
    }
}

/// The velocity with which a ball went on at an instant; `None` if it was seen less than twice until its next impact.
pub fn leaving(party: &Party<'_>, at_us: f64) -> Option<Speed> {
    let after = || {
        party
            .sightings()
            .filter(|seen| (0.0..AFTER_US).contains(&(seen.exposure_us as f64 - at_us)))
    };
    if after().count() < 2 {
        return None;
    }
    let mut left = way(party, at_us, [0.0; 2], after())?;
    if party.spinless {
        // Its whole speed slides, until it rolls: known once the speed is.
        for _ in 0..2 {
            left = way(party, at_us, left.velocity_mm_s, after())?;
        }
    }
    Some(left)
}

/// The way from an instant on. `slides_mm_s` is the velocity with which the ball then slid, as far as it is known.
fn way<'a>(
    party: &Party<'_>,
    at_us: f64,
    slides_mm_s: Vec2,
    after: impl Iterator<Item = &'a Sighting> + Clone,
) -> Option<Speed> {
    let slides = norm2(slides_mm_s);
    let part = if party.spinless { KNOWN_PART } else { FRICTION_PART };
    let (mut velocity_mm_s, mut variances, mut misfit) = ([0.0; 2], [0.0; 2], 0.0);
    for side in 0..2 {
        // Place, velocity, acceleration.
        let mut equations = LeastSquares::<3>::new();
        for seen in after.clone() {
            let t = (seen.exposure_us as f64 - at_us) / 1e6;
            let lost_mm = carried_mm(slides, t) * slides_mm_s[side] / slides.max(1.0);
            equations.add(
                &[(0, 1.0), (1, t), (2, 0.5 * t * t)],
                seen.place_mm[side] + lost_mm,
                party.sigma_mm,
            );
        }
        equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(2, 1.0)], 0.0, part * SLIDING_MM_S2);
        let fit = equations.solve()?;
        velocity_mm_s[side] = fit.unknowns[1];
        variances[side] = fit.variance(&[(1, 1.0)]);
        misfit += fit.misfit;
    }
    let freedom = (2.0 * after.count() as f64 - 4.0).max(1.0);
    Some(Speed {
        velocity_mm_s,
        sigma_mm_s: libm::sqrt(variances[0].max(variances[1]) * (misfit / freedom).max(1.0)),
    })
}
