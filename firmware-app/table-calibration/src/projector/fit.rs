//! The homography that explains pairs of a place on the cloth and a pixel of the projector, by least squares on the cloth.

use crate::linear::{Homography, solve};
use crate::median::median;

use super::distance;

/// From a projector's pixels to the cloth and back.
pub(super) struct Mapping {
    to_table: Homography,
    from_table: Homography,
}

/// A place on the cloth, mm, and the pixel that lights it.
type Pair = ([f64; 2], [f64; 2]);

/// Steps of least squares, each with weights by the last one's residuals.
const STEPS: usize = 8;
/// Residuals below this count in full, mm.
const FULL_WEIGHT_MM: f64 = 1.0;
/// Pairs that are off by more than this, and by more than so many usual residuals, are something else.
const STRAY_MM: f64 = 4.0;
const STRAY_FACTOR: f64 = 4.0;
/// Numbers of the size of one make equations that are well conditioned.
const MM: f64 = 1000.0;
const PX: f64 = 1000.0;

impl Mapping {
    /// `None` for fewer than four pairs, or pairs on a line.
    pub fn fit(pairs: &[Pair]) -> Option<Self> {
        let mut weights = vec![1.0; pairs.len()];
        let mut mapping = Self::weighted(pairs, &weights)?;
        for _ in 0..STEPS {
            for (weight, pair) in weights.iter_mut().zip(pairs) {
                // The denominator makes algebraic errors those on the cloth.
                let off_mm = mapping.off_mm(pair);
                let denominator = mapping.denominator(pair.1);
                *weight = (FULL_WEIGHT_MM / off_mm.max(FULL_WEIGHT_MM)) / (denominator * denominator);
            }
            mapping = Self::weighted(pairs, &weights)?;
        }
        Some(mapping)
    }

    /// The mapping with this way from the cloth to pixels, row by row.
    pub fn from_table(rows: &[f32; 9]) -> Option<Self> {
        let row = |i: usize| [0, 1, 2].map(|j| f64::from(rows[3 * i + j]));
        let from_table = Homography([row(0), row(1), row(2)]);
        Some(Self {
            to_table: inverse(&from_table)?,
            from_table,
        })
    }

    fn weighted(pairs: &[Pair], weights: &[f64]) -> Option<Self> {
        if pairs.len() < 4 {
            return None;
        }
        let (mut normal, mut right) = ([[0.0; 8]; 8], [0.0; 8]);
        for ((place, pixel), weight) in pairs.iter().zip(weights) {
            let [x, y] = pixel.map(|v| v / PX);
            let [u, v] = place.map(|v| v / MM);
            for (row, goal) in [
                ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u),
                ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v),
            ] {
                for i in 0..8 {
                    right[i] += weight * row[i] * goal;
                    (0..8).for_each(|j| normal[i][j] += weight * row[i] * row[j]);
                }
            }
        }
        let h = solve(normal, right)?;
        let to_table = Homography([
            [h[0] * MM / PX, h[1] * MM / PX, h[2] * MM],
            [h[3] * MM / PX, h[4] * MM / PX, h[5] * MM],
            [h[6] / PX, h[7] / PX, 1.0],
        ]);
        Some(Self {
            from_table: inverse(&to_table)?,
            to_table,
        })
    }

    fn denominator(&self, [x, y]: [f64; 2]) -> f64 {
        let [a, b, c] = self.to_table.0[2];
        a * x + b * y + c
    }

    /// The place that a pixel lights, mm.
    pub fn to_table(&self, pixel: [f64; 2]) -> [f64; 2] {
        self.to_table.apply(pixel)
    }

    /// From the cloth to pixels, row by row.
    pub fn rows_to_pixels(&self) -> [f32; 9] {
        let rows = &self.from_table.0;
        std::array::from_fn(|k| rows[k / 3][k % 3] as f32)
    }

    /// How far from its place the mapping has a pair's pixel.
    pub fn off_mm(&self, (place, pixel): &Pair) -> f64 {
        distance(self.to_table(*pixel), *place)
    }
}

/// The pairs without those that something hides in part or that lie on something else than the cloth.
pub(super) fn without_strays(mut pairs: Vec<Pair>, mapping: &Mapping) -> Vec<Pair> {
    let usual = median(pairs.iter().map(|pair| mapping.off_mm(pair))).unwrap_or(0.0);
    let most = STRAY_MM.max(STRAY_FACTOR * usual);
    pairs.retain(|pair| mapping.off_mm(pair) <= most);
    pairs
}

fn inverse(map: &Homography) -> Option<Homography> {
    let column = |k: usize| solve(map.0, std::array::from_fn(|i| f64::from(u8::from(i == k))));
    let (a, b, c) = (column(0)?, column(1)?, column(2)?);
    let scale = c[2];
    let rows = [0, 1, 2].map(|i| [a[i] / scale, b[i] / scale, c[i] / scale]);
    rows.iter()
        .flatten()
        .all(|value| value.is_finite())
        .then_some(Homography(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [f32; 9] = [0.7, 0.02, 60.0, -0.01, -0.69, 990.0, 2e-6, -3e-6, 1.0];

    fn pairs() -> Vec<Pair> {
        let truth = Mapping::from_table(&TRUTH).unwrap();
        (0..60)
            .map(|k| {
                let place = [
                    f64::from(k % 10) * 250.0 + 100.0,
                    f64::from(k / 10) * 220.0 + 80.0,
                ];
                (place, truth.from_table.apply(place))
            })
            .collect()
    }

    #[test]
    fn exact_pairs_give_the_exact_mapping_both_ways() {
        let mapping = Mapping::fit(&pairs()).unwrap();
        assert!(pairs().iter().all(|pair| mapping.off_mm(pair) < 1e-4));
        let again = Mapping::from_table(&mapping.rows_to_pixels()).unwrap();
        assert!(pairs().iter().all(|pair| again.off_mm(pair) < 0.01));
    }

    #[test]
    fn a_few_pairs_that_are_far_off_hardly_move_the_others() {
        let mut pairs = pairs();
        for k in [3, 17, 41] {
            pairs[k].0[0] += 25.0;
        }
        let mapping = Mapping::fit(&pairs).unwrap();
        let kept = without_strays(pairs, &mapping);
        assert_eq!(kept.len(), 57);
        assert!(kept.iter().all(|pair| mapping.off_mm(pair) < 0.7));
    }

    #[test]
    fn three_pairs_or_pairs_on_a_line_give_none() {
        assert!(Mapping::fit(&pairs()[..3]).is_none());
        assert!(Mapping::fit(&pairs()[..9]).is_none());
    }
}
