//! Where in a blurred transition from cushion to bed the nose is.
//!
//! A cushion's top darkens towards its nose, which is rounded; then the bed begins with a step that may be darker or
//! brighter. The steepest place, easy to find in each profile, lies somewhere on that way: up to half the rounding off.
//! The mean profile of a side, blur and all, tells where the way ends. Rounding and blur are the same for all sides, so
//! the sides where they show clearly help the others.

use crate::linear::solve;

/// Widths of the rounding tried.
const ROUNDINGS_MM: [f64; 6] = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0];
/// What rubber and cloth usually make of a nose.
const USUAL_ROUNDING_MM: f64 = 5.0;
const ROUNDING_SIGMA_MM: f64 = 4.0;
/// Standard deviations of blur tried, the sampling's included.
const BLURS_PX: [f64; 5] = [0.5, 0.7, 1.0, 1.4, 2.0];
/// How far outwards of the steepest place the nose may be. Inwards, the steepest place is at worst in the middle of the
/// rounding, give or take a pixel.
const OUTWARDS_MM: f64 = 1.0;
const INWARDS_PX: f64 = 1.0;
/// How much of the cushion is looked at.
const CUSHION_MM: f64 = 16.0;
/// How much of the bed: the far edge of a shadow must stay out of it.
const BED_PX: f64 = 3.0;
/// Neighbouring samples of a profile err together: they are worth this many.
const INDEPENDENT_SAMPLES: f64 = 8.0;
/// What the bed may darken away from the nose, as a share of brightness: a lamp's falling off, chance.
const MAX_BED_FALL: f64 = 0.03;
/// What every profile is off by, as a share of brightness: no model is better than this.
const FLOOR: f64 = 0.004;
/// Outer level and slope, rounding, bed's level and slope.
const TERMS: usize = 5;

/// What a profile must cover around the steepest place.
pub(crate) const PROFILE_MM: (f64, f64) = (-24.0, 24.0);

/// The mean brightness across one side's nose, from the steepest place inwards, relative to the cushion's.
pub(crate) struct Profile {
    pub first_mm: f64,
    pub spacing_mm: f64,
    pub mm_per_px: f64,
    pub values: Vec<f64>,
}

/// How far inwards of the steepest place the nose is, on each side: the mean over all roundings, blurs and offsets, each
/// by its likelihood, so that a little noise does not throw the answer from one explanation to another.
pub(crate) fn nose_offsets_mm(profiles: &[Option<&Profile>; 4]) -> [f64; 4] {
    let mut models = Vec::new();
    for rounding_mm in ROUNDINGS_MM {
        for blur_px in BLURS_PX {
            let sides = profiles.map(|profile| profile?.explained(rounding_mm, blur_px));
            let unusual = (rounding_mm - USUAL_ROUNDING_MM) / ROUNDING_SIGMA_MM;
            let evidence: f64 = sides.iter().flatten().map(|side| side.log_evidence).sum();
            models.push((evidence - 0.5 * unusual * unusual, sides));
        }
    }
    let most = models
        .iter()
        .map(|(evidence, _)| *evidence)
        .fold(f64::NEG_INFINITY, f64::max);
    [0, 1, 2, 3].map(|k| {
        let (mut sum, mut total) = (0.0, 0.0);
        for (evidence, sides) in &models {
            if let Some(side) = &sides[k] {
                let weight = (evidence - most).exp();
                sum += weight * side.offset_mm;
                total += weight;
            }
        }
        if total > 0.0 { sum / total } else { 0.0 }
    })
}

/// How well one rounding and blur explain a profile.
struct Explanation {
    log_evidence: f64,
    /// The mean offset by likelihood.
    offset_mm: f64,
}

impl Profile {
    fn explained(&self, rounding_mm: f64, blur_px: f64) -> Option<Explanation> {
        let reach_mm = OUTWARDS_MM + 0.5 * rounding_mm + INWARDS_PX * self.mm_per_px;
        let steps = (reach_mm / (0.2 * self.mm_per_px)).ceil() as usize;
        let (mut sum, mut total) = (0.0, 0.0);
        for i in 0..=steps {
            let offset_mm = -OUTWARDS_MM + reach_mm * i as f64 / steps as f64;
            if let Some(misfit) = self.misfit(offset_mm, rounding_mm, blur_px) {
                let likelihood = (misfit / (FLOOR * FLOOR)).powf(-0.5 * INDEPENDENT_SAMPLES);
                sum += likelihood * offset_mm;
                total += likelihood;
            }
        }
        (total > 0.0).then(|| Explanation {
            log_evidence: (total / (steps + 1) as f64).ln(),
            offset_mm: sum / total,
        })
    }

    fn misfit(&self, offset_mm: f64, rounding_mm: f64, blur_px: f64) -> Option<f64> {
        let blur_mm = blur_px * self.mm_per_px;
        let bed_mm = BED_PX * self.mm_per_px;
        let samples: Vec<([f64; TERMS], f64)> = self
            .values
            .iter()
            .enumerate()
            .map(|(i, &value)| (self.first_mm + i as f64 * self.spacing_mm - offset_mm, value))
            .filter(|(depth, value)| (-CUSHION_MM..=bed_mm).contains(depth) && value.is_finite())
            .map(|(depth, value)| (terms(depth, rounding_mm, blur_mm), value))
            .collect();
        let (mut normal, mut right) = ([[0.0; TERMS]; TERMS], [0.0; TERMS]);
        for (terms, value) in &samples {
            for i in 0..TERMS {
                right[i] += terms[i] * value;
                (0..TERMS).for_each(|j| normal[i][j] += terms[i] * terms[j]);
            }
        }
        // Hardly felt, but a rounding of no width has no term of its own.
        (0..TERMS).for_each(|i| normal[i][i] += 1e-6);
        let levels = solve(normal, right)?;
        let square: f64 = samples
            .iter()
            .map(|(terms, value)| {
                let model: f64 = terms.iter().zip(&levels).map(|(term, level)| term * level).sum();
                (value - model).powi(2)
            })
            .sum();
        // A cushion does not brighten towards its nose, and the bed is darkest beside it.
        let bed_change = levels[4] * bed_mm / CUSHION_MM;
        (levels[2] <= 0.0 && bed_change > -MAX_BED_FALL)
            .then_some(square / samples.len() as f64 + FLOOR * FLOOR)
    }
}

/// The blurred parts of the model at a depth from the nose, inwards.
fn terms(depth_mm: f64, rounding_mm: f64, blur_mm: f64) -> [f64; TERMS] {
    // Share of the blur that lies on the bed, and the mean depth there.
    let bed = share_above(depth_mm / blur_mm);
    let below = blurred_ramp(depth_mm, blur_mm);
    let rounding = if rounding_mm > 0.0 {
        // A ramp from the rounding's beginning to the nose, nothing on the bed.
        (blurred_ramp(depth_mm + rounding_mm, blur_mm) - below) / rounding_mm - bed
    } else {
        0.0
    };
    let outer = (depth_mm - below) / CUSHION_MM;
    [1.0 - bed, outer, rounding, bed, below / CUSHION_MM]
}

/// The normal distribution's integral up to `z`, to 1e-4: the logistic approximation is enough beside FLOOR.
fn share_above(z: f64) -> f64 {
    1.0 / (1.0 + (-(1.5976 * z + 0.070_56 * z.powi(3))).exp())
}

/// A ramp that is zero for negative depths and the depth for positive ones, blurred.
fn blurred_ramp(depth_mm: f64, blur_mm: f64) -> f64 {
    let z = depth_mm / blur_mm;
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    depth_mm * share_above(z) + blur_mm * density
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of this cushion and bed, whose nose is `nose_mm` inwards of its zero.
    fn profile(nose_mm: f64, rounding_mm: f64, bed: f64) -> Option<Profile> {
        let (first_mm, spacing_mm, mm_per_px) = (-24.0, 1.0, 2.0);
        let values = (0..49)
            .map(|i| {
                let [outer, _, rounding, inner, _] =
                    terms(first_mm + f64::from(i) * spacing_mm - nose_mm, rounding_mm, 1.6);
                outer - 0.4 * rounding + bed * inner
            })
            .collect();
        Some(Profile {
            first_mm,
            spacing_mm,
            mm_per_px,
            values,
        })
    }

    fn offsets(profiles: [Option<Profile>; 4]) -> [f64; 4] {
        nose_offsets_mm(&profiles.each_ref().map(Option::as_ref))
    }

    #[test]
    fn the_nose_is_found_at_the_end_of_its_rounding_whatever_the_bed_is_like() {
        let truth = [4.0, 3.0, 0.5, 5.0];
        let beds = [0.9, 0.6, 0.2, 0.75];
        let offsets = offsets([0, 1, 2, 3].map(|k| profile(truth[k], 8.0, beds[k])));
        for k in 0..4 {
            assert!((offsets[k] - truth[k]).abs() < 0.8, "{offsets:?}");
        }
    }

    #[test]
    fn a_sharp_edge_is_left_where_it_is_steepest() {
        let offsets = offsets([
            profile(0.0, 0.0, 0.5),
            profile(0.0, 0.0, 0.7),
            None,
            profile(0.0, 0.0, 0.3),
        ]);
        assert!(offsets.iter().all(|offset| offset.abs() < 1.0), "{offsets:?}");
    }
}
