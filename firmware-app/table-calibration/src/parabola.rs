//! A line with a slight bend, through points of which some are wrong.

use crate::linear::solve;
use crate::median::median;

/// What a lens leaves of a straight line after a first correction.
pub(crate) struct Parabola {
    terms: [f64; 3],
    /// Standard deviation of the points, outliers set aside.
    pub spread: f64,
}

impl Parabola {
    /// Least squares, outliers weighed down over a few rounds.
    pub fn robust(points: &[(f64, f64)]) -> Self {
        let middle = median(points.iter().map(|point| point.1));
        let mut fit = Self {
            terms: [middle.unwrap_or(0.0), 0.0, 0.0],
            spread: f64::INFINITY,
        };
        for _ in 0..6 {
            let off = points.iter().map(|&(t, depth)| (depth - fit.at(t)).abs());
            fit.spread = 1.48 * median(off).unwrap_or(0.0) + 1e-3;
            let (mut normal, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
            for &(t, depth) in points {
                let off = (depth - fit.at(t)) / (2.0 * fit.spread);
                let weight = 1.0 / (1.0 + off * off).powi(2);
                let basis = Self::basis(t);
                for i in 0..3 {
                    right[i] += weight * basis[i] * depth;
                    (0..3).for_each(|j| normal[i][j] += weight * basis[i] * basis[j]);
                }
            }
            match solve(normal, right) {
                Some(terms) => fit.terms = terms,
                None => break,
            }
        }
        fit
    }

    fn basis(t: f64) -> [f64; 3] {
        let centred = 2.0 * t - 1.0;
        [1.0, centred, centred * centred]
    }

    pub fn at(&self, t: f64) -> f64 {
        Self::basis(t)
            .iter()
            .zip(&self.terms)
            .map(|(basis, term)| basis * term)
            .sum()
    }
}
