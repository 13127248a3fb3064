//! Where in a blurred transition from cushion to bed the nose is.
//!
//! A cushion's top darkens towards its nose, which is rounded. Beyond it one sees the cushion's dark underside, or the bed
//! in its shadow, over some mm; then the bed in the light. The steepest place, easy to find in each profile, lies somewhere
//! on that way: up to the whole rounding off, now on one side of the nose and now on the other. The mean profile of a
//! side, blur and all, tells where the nose is. Rounding and blur are the same for all sides, so the sides where they show
//! clearly help the others.

use crate::linear::solve;

/// Widths of the rounding tried.
const ROUNDINGS_MM: [f64; 8] = [0.0, 2.0, 4.0, 6.0, 7.5, 9.0, 10.5, 12.0];
/// What rubber and cloth usually make of a nose.
const USUAL_ROUNDING_MM: f64 = 6.0;
const ROUNDING_SIGMA_MM: f64 = 5.0;
/// Standard deviations of blur tried, the sampling's included.
const BLURS_PX: [f64; 7] = [0.5, 0.7, 0.95, 1.2, 1.5, 1.8, 2.2];
/// How much darker than its top a cushion is at its nose, as a share of brightness: what is tried, and how much more it may
/// differ between the sides of one table than its profile's errors explain.
const DARKENINGS: [f64; 6] = [0.0, 0.05, 0.10, 0.15, 0.20, 0.27];
const DARKENING_SIGMA: f64 = 0.03;
/// Widths of the dark strip beyond the nose that are tried, as it is seen; or it reaches out of what is looked at.
const STRIPS_MM: [f64; 7] = [1.5, 3.0, 4.5, 6.0, 8.0, 11.0, f64::INFINITY];
/// How far outwards of the steepest place the nose may be; inwards, the steepest place is at worst at the beginning of the
/// rounding, give or take a pixel.
const OUTWARDS_MM: f64 = 2.0;
const INWARDS_PX: f64 = 1.0;
/// What is looked at, from the steepest place.
const LOOKED_AT_MM: (f64, f64) = (-16.0, 11.0);
/// Steps in which places are tried, in pixels and in mm, whatever is more.
const STEP_PX: f64 = 0.25;
const STEP_MM: f64 = 0.5;
/// Neighbouring samples of a profile err together: they are worth this many.
const INDEPENDENT_SAMPLES: f64 = 12.0;
/// What the strip may be brighter than the bed beyond it, as a share of brightness: chance.
const MAX_BED_FALL: f64 = 0.03;
/// What every profile is off by, as a share of brightness: no model is better than this.
const FLOOR: f64 = 0.0012;
/// A profile that is off by so much from each model is of another shape, a strip of two shadows, say. With 0.06 a side of a real
/// table counted as such, whose nose the models place well.
const UNEXPLAINED: f64 = 0.1;
/// Cushion's level and slope, rounding, strip's level and slope, bed's level.
const TERMS: usize = 6;

/// What a profile must cover around the steepest place.
pub(crate) const PROFILE_MM: (f64, f64) = (-24.0, 24.0);

/// The mean brightness across one side's nose, from the steepest place inwards, relative to the cushion's.
pub(crate) struct Profile {
    pub first_mm: f64,
    pub spacing_mm: f64,
    pub mm_per_px: f64,
    pub values: Vec<f64>,
}

/// How far inwards of the steepest place a nose is, and how well that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NoseOffset {
    pub mm: f64,
    pub sigma_mm: f64,
    /// What of it all sides share: they are rounded and blurred alike.
    pub shared_sigma_mm: f64,
}

impl NoseOffset {
    /// Before a profile was looked at.
    pub const UNKNOWN: Self = Self {
        mm: 0.0,
        sigma_mm: 3.0,
        shared_sigma_mm: 0.0,
    };
}

/// The offset on each side: the mean over all roundings, blurs, strips and offsets, each by its likelihood, so that a
/// little noise does not throw the answer from one explanation to another; and the spread of what is likely. A side that
/// none explains well is left where it is steepest.
pub(crate) fn nose_offsets(profiles: &[Option<&Profile>; 4]) -> [NoseOffset; 4] {
    let mut models: Vec<Model> = Vec::new();
    for blur_px in BLURS_PX {
        let sides = profiles.map(|profile| Some(Blurred::new(profile?, blur_px)));
        for rounding_mm in ROUNDINGS_MM {
            let unusual = (rounding_mm - USUAL_ROUNDING_MM) / ROUNDING_SIGMA_MM;
            let explained = sides
                .each_ref()
                .map(|side| Some(side.as_ref()?.explained(rounding_mm)));
            for darkening in 0..DARKENINGS.len() {
                let sides = explained
                    .each_ref()
                    .map(|side| Some(side.as_ref()?[darkening].or_unexplained()));
                let evidence: f64 = sides.iter().flatten().map(|side| side.weight.ln()).sum();
                models.push((evidence - 0.5 * unusual * unusual, sides));
            }
        }
    }
    let most = models
        .iter()
        .map(|(evidence, _)| *evidence)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut offsets = [0, 1, 2, 3].map(|k| {
        let mut all = Explanation::default();
        for (evidence, sides) in &models {
            if let Some(side) = &sides[k] {
                let weight = (evidence - most).exp() / side.weight;
                all.weight += weight * side.weight;
                all.sum_mm += weight * side.sum_mm;
                all.square_mm2 += weight * side.square_mm2;
            }
        }
        if all.weight > 0.0 {
            let mm = all.sum_mm / all.weight;
            let variance = (all.square_mm2 / all.weight - mm * mm).max(0.0);
            NoseOffset {
                mm,
                sigma_mm: variance.sqrt(),
                shared_sigma_mm: 0.0,
            }
        } else {
            NoseOffset::UNKNOWN
        }
    });
    let shared_sigma_mm = shared_sigma_mm(&models, most, &offsets);
    for offset in offsets
        .iter_mut()
        .filter(|offset| **offset != NoseOffset::UNKNOWN)
    {
        offset.shared_sigma_mm = shared_sigma_mm.min(offset.sigma_mm);
    }
    offsets
}

/// The root of the mean covariance of two sides' offsets.
fn shared_sigma_mm(models: &[Model], most: f64, offsets: &[NoseOffset; 4]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (evidence, sides) in models {
        let off = |k: usize| sides[k].map(|side| side.sum_mm / side.weight - offsets[k].mm);
        let weight = (evidence - most).exp();
        for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            if let (Some(one), Some(other)) = (off(one), off(other)) {
                sum += weight * one * other;
                weights += weight;
            }
        }
    }
    if weights > 0.0 {
        (sum / weights).max(0.0).sqrt()
    } else {
        0.0
    }
}

/// The logarithm of how likely one rounding, blur and darkening is, and what it says of each side.
type Model = (f64, [Option<Explanation>; 4]);

/// Offsets that one rounding, blur and darkening allow, by their likelihood.
#[derive(Default, Clone, Copy)]
struct Explanation {
    weight: f64,
    sum_mm: f64,
    square_mm2: f64,
}

impl Explanation {
    /// Beside what this allows: that the profile is of none of the shapes tried.
    fn or_unexplained(&self) -> Self {
        let NoseOffset { mm, sigma_mm, .. } = NoseOffset::UNKNOWN;
        let weight = likelihood(UNEXPLAINED * UNEXPLAINED) * 2.0 * sigma_mm;
        Self {
            weight: self.weight + weight,
            sum_mm: self.sum_mm + weight * mm,
            square_mm2: self.square_mm2 + weight * (mm * mm + sigma_mm * sigma_mm),
        }
    }
}

/// Of a profile from which a model is so far off, in mean square.
fn likelihood(misfit: f64) -> f64 {
    (misfit / (FLOOR * FLOOR) + 1.0).powf(-0.5 * INDEPENDENT_SAMPLES)
}

/// A profile, with how much it has of every blurred step and ramp: what is made of these is then quickly compared.
struct Blurred {
    mm_per_px: f64,
    step_mm: f64,
    /// How many samples there are, and the sum of their squares.
    samples: f64,
    square: f64,
    /// Products with itself, with the profile last: the constant, depth, then at each place a step and a ramp.
    products: Vec<Vec<f64>>,
}

/// The first place tried.
const FIRST_MM: f64 = -OUTWARDS_MM - 12.0;
/// The constant, depth, step and ramp at the nose, ramp at the rounding's beginning, step and ramp at the strip's end.
const PARTS: usize = 7;

impl Blurred {
    fn new(profile: &Profile, blur_px: f64) -> Self {
        let blur_mm = blur_px * profile.mm_per_px;
        let step_mm = (STEP_PX * profile.mm_per_px).max(STEP_MM);
        let samples: Vec<(f64, f64)> = profile
            .values
            .iter()
            .enumerate()
            .map(|(i, &value)| (profile.first_mm + i as f64 * profile.spacing_mm, value))
            .filter(|(depth, value)| (LOOKED_AT_MM.0..=LOOKED_AT_MM.1).contains(depth) && value.is_finite())
            .collect();
        let mut parts: Vec<Vec<f64>> = vec![
            vec![1.0; samples.len()],
            samples.iter().map(|(depth, _)| *depth).collect(),
        ];
        let places = ((LOOKED_AT_MM.1 - FIRST_MM) / step_mm) as usize + 1;
        for i in 0..places {
            let place_mm = FIRST_MM + i as f64 * step_mm;
            let (steps, ramps) = samples
                .iter()
                .map(|(depth, _)| blurred(depth - place_mm, blur_mm))
                .unzip();
            parts.push(steps);
            parts.push(ramps);
        }
        parts.push(samples.iter().map(|(_, value)| *value).collect());
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut products: Vec<Vec<f64>> = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            products.push(parts[..=i].iter().map(|other| product(part, other)).collect());
        }
        Self {
            mm_per_px: profile.mm_per_px,
            step_mm,
            samples: samples.len() as f64,
            square: samples.iter().map(|(_, value)| value * value).sum(),
            products,
        }
    }

    /// For each darkening.
    fn explained(&self, rounding_mm: f64) -> [Explanation; DARKENINGS.len()] {
        let in_steps = |mm: f64| (mm / self.step_mm).round() as usize;
        let outermost = in_steps(-OUTWARDS_MM - FIRST_MM);
        let reach = in_steps(OUTWARDS_MM + rounding_mm + INWARDS_PX * self.mm_per_px);
        let mut all = [Explanation::default(); DARKENINGS.len()];
        for nose in outermost..=outermost + reach {
            let offset_mm = FIRST_MM + nose as f64 * self.step_mm;
            for strip_mm in STRIPS_MM {
                let strip = strip_mm.is_finite().then(|| in_steps(strip_mm).max(1));
                let Some(fit) = self.fit(nose, in_steps(rounding_mm), strip) else {
                    continue;
                };
                for (all, darkening) in all.iter_mut().zip(DARKENINGS) {
                    // Offsets are as likely as they are many, whatever their steps.
                    let weight = likelihood(fit.misfit(darkening)) * self.step_mm;
                    all.weight += weight;
                    all.sum_mm += weight * offset_mm;
                    all.square_mm2 += weight * offset_mm * offset_mm;
                }
            }
        }
        all
    }

    /// The nearest profile that has its nose at a place, a rounding so many steps before and a strip so many behind; `None`
    /// where that is no cushion.
    fn fit(&self, nose: usize, rounding: usize, strip: Option<usize>) -> Option<Fit> {
        let places = (self.products.len() - 3) / 2;
        let end = strip.map(|strip| nose + strip).filter(|end| *end < places);
        if nose >= places {
            return None;
        }
        let step_at = |place: usize| 2 + 2 * place;
        let ramp_at = |place: usize| 3 + 2 * place;
        let beginning = nose.checked_sub(rounding)?;
        let parts: [Option<usize>; PARTS] = [
            Some(0),
            Some(1),
            Some(step_at(nose)),
            Some(ramp_at(nose)),
            Some(ramp_at(beginning)),
            end.map(step_at),
            end.map(ramp_at),
        ];
        let [nose_mm, rounding_mm] = [
            FIRST_MM + nose as f64 * self.step_mm,
            rounding as f64 * self.step_mm,
        ];
        let strip_mm = end.map_or(LOOKED_AT_MM.1, |end| (end - nose) as f64 * self.step_mm);
        // Each term of the model, made of the parts.
        let terms: [[f64; PARTS]; TERMS] = [
            [1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0],
            [-nose_mm, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, -rounding_mm, -1.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0, -strip_mm, -1.0],
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        ];
        let profile = self.products.len() - 1;
        let product = |a: Option<usize>, b: Option<usize>| match (a, b) {
            (Some(a), Some(b)) => self.products[a.max(b)][a.min(b)],
            _ => 0.0,
        };
        let (mut normal, mut right) = ([[0.0; TERMS]; TERMS], [0.0; TERMS]);
        for (i, term) in terms.iter().enumerate() {
            right[i] = (0..PARTS)
                .map(|k| term[k] * product(parts[k], Some(profile)))
                .sum();
            let with_parts: [f64; PARTS] = std::array::from_fn(|l| {
                let used = (0..PARTS).filter(|&k| term[k] != 0.0);
                used.map(|k| term[k] * product(parts[k], parts[l])).sum()
            });
            for j in 0..=i {
                normal[i][j] = (0..PARTS).map(|l| terms[j][l] * with_parts[l]).sum();
                normal[j][i] = normal[i][j];
            }
            // Hardly felt, but a rounding of no width and a bed out of sight have no terms of their own.
            normal[i][i] += 1e-6;
        }
        let levels = solve(normal, right)?;
        let explained: f64 = levels
            .iter()
            .zip(&right)
            .map(|(level, right)| level * right)
            .sum();
        let [_, _, slope, strip, strip_slope, bed] = levels;
        // The bed is darkest beside the cushion.
        let is_cushion = strip_slope * strip_mm > -MAX_BED_FALL
            && (end.is_none() || bed - (strip + strip_slope * strip_mm) > -MAX_BED_FALL);
        let mut unit = [0.0; TERMS];
        unit[2] = 1.0;
        let variance = solve(normal, unit)?[2] * self.samples;
        is_cushion.then_some(Fit {
            square: ((self.square - explained) / self.samples).max(0.0),
            darkening: -slope * rounding_mm,
            variance: variance * rounding_mm * rounding_mm,
        })
    }
}

/// How well a shape explains a profile.
struct Fit {
    /// Mean square of what is left.
    square: f64,
    /// How much darker than its top the cushion is at its nose, and how little that matters: the variance that it has per
    /// mean square.
    darkening: f64,
    variance: f64,
}

impl Fit {
    /// What is left where the darkening must be about so much.
    fn misfit(&self, darkening: f64) -> f64 {
        let off = self.darkening - darkening;
        let alike = DARKENING_SIGMA * DARKENING_SIGMA / (FLOOR * FLOOR) * INDEPENDENT_SAMPLES;
        self.square + off * off / (self.variance + alike)
    }
}

/// A step and a ramp that begin here, blurred, at this depth.
fn blurred(depth_mm: f64, blur_mm: f64) -> (f64, f64) {
    let z = depth_mm / blur_mm;
    let share = share_above(z);
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    (share, depth_mm * share + blur_mm * density)
}

/// The normal distribution's integral up to `z`, to 1e-4: the logistic approximation is enough beside FLOOR.
fn share_above(z: f64) -> f64 {
    1.0 / (1.0 + (-(1.5976 * z + 0.070_56 * z.powi(3))).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of this cushion and bed, whose nose is `nose_mm` inwards of its zero. Its blur is one of those tried.
    fn profile(nose_mm: f64, rounding_mm: f64, (strip_mm, strip): (f64, f64), bed: f64) -> Option<Profile> {
        let (first_mm, spacing_mm, mm_per_px, blur_mm) = (-24.0, 1.0, 2.0, 1.9);
        let values = (0..49)
            .map(|i| {
                let depth_mm = first_mm + f64::from(i) * spacing_mm - nose_mm;
                let (beyond_nose, from_nose) = blurred(depth_mm, blur_mm);
                let (_, from_rounding) = blurred(depth_mm + rounding_mm, blur_mm);
                let (beyond_strip, _) = blurred(depth_mm - strip_mm, blur_mm);
                let darker = match rounding_mm {
                    0.0 => 0.0,
                    width_mm => 0.2 * ((from_rounding - from_nose) / width_mm - beyond_nose),
                };
                1.0 - beyond_nose - darker + strip * (beyond_nose - beyond_strip) + bed * beyond_strip
            })
            .collect();
        Some(Profile {
            first_mm,
            spacing_mm,
            mm_per_px,
            values,
        })
    }

    fn offsets(profiles: [Option<Profile>; 4]) -> [NoseOffset; 4] {
        nose_offsets(&profiles.each_ref().map(Option::as_ref))
    }

    #[test]
    fn the_nose_is_found_at_the_end_of_its_rounding_whatever_the_bed_is_like() {
        let truth = [4.0, 3.0, 0.5, 5.0];
        let beds = [0.9, 0.6, 0.2, 0.75];
        let offsets = offsets([0, 1, 2, 3].map(|k| profile(truth[k], 7.5, (40.0, beds[k]), beds[k])));
        for k in 0..4 {
            assert!((offsets[k].mm - truth[k]).abs() < 0.8, "{offsets:?}");
        }
    }

    #[test]
    fn a_dark_strip_of_any_width_beside_the_nose_does_not_move_it() {
        let strips = [(2.0, 0.4), (5.0, 0.5), (9.0, 0.3), (40.0, 0.5)];
        let offsets = offsets(strips.map(|strip| profile(1.0, 8.0, strip, 0.9)));
        for k in 0..4 {
            assert!((offsets[k].mm - 1.0).abs() < 0.8, "{offsets:?}");
        }
    }

    #[test]
    fn a_sharp_edge_is_left_where_it_is_steepest() {
        let offsets = offsets([
            profile(0.0, 0.0, (40.0, 0.5), 0.5),
            profile(0.0, 0.0, (40.0, 0.7), 0.7),
            None,
            profile(0.0, 0.0, (40.0, 0.3), 0.3),
        ]);
        assert_eq!(offsets[2], NoseOffset::UNKNOWN);
        assert!(
            [0, 1, 3]
                .iter()
                .all(|&k| offsets[k].mm.abs() < 1.0 && offsets[k].sigma_mm < 1.5),
            "{offsets:?}"
        );
    }
}
