use super::kalman::Axis;
use crate::geometry::linear::Vec2;
use crate::observation::Observation;

/// How far an observation is from where a ball is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Innovation {
    /// In standard deviations, squared.
    pub squared: f64,
    /// The determinant of the covariance, mm⁴.
    pub volume: f64,
}

impl Innovation {
    /// `along` is a direction and a standard deviation along it that comes on top.
    pub fn of(axes: &[Axis; 2], along: Option<(Vec2, f64)>, seen: &Observation) -> Self {
        let off = [0, 1].map(|i| seen.place_mm[i] - axes[i].position_mm);
        let mut diagonal = [0, 1].map(|i| axes[i].position_variance + seen.variance_mm2[i]);
        let mut mixed = 0.0;
        if let Some((direction, sigma_mm)) = along {
            let variance = sigma_mm * sigma_mm;
            for i in 0..2 {
                diagonal[i] += variance * direction[i] * direction[i];
            }
            mixed = variance * direction[0] * direction[1];
        }
        let volume = diagonal[0] * diagonal[1] - mixed * mixed;
        let squared = (diagonal[1] * off[0] * off[0] - 2.0 * mixed * off[0] * off[1]
            + diagonal[0] * off[1] * off[1])
            / volume;
        Self { squared, volume }
    }

    /// -2 log-likelihood, but for a constant.
    pub fn cost(&self) -> f64 {
        self.squared + libm::log(self.volume.max(1.0))
    }

    /// The story that explains the observation better.
    pub fn likelier(self, other: Self) -> Self {
        if other.cost() < self.cost() { other } else { self }
    }
}
