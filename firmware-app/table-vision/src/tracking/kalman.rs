/// Place and velocity along one side of the table, with their covariance: a ball that keeps its velocity but for white
/// acceleration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    pub position_mm: f64,
    pub velocity_mm_s: f64,
    /// Variance of the position, mm².
    pub position_variance: f64,
    /// Covariance of position and velocity, mm²/s.
    pub covariance: f64,
    /// Variance of the velocity, mm²/s².
    pub velocity_variance: f64,
}

impl Axis {
    /// Standing still at a place.
    pub fn at_rest(position_mm: f64, position_variance: f64) -> Self {
        Self {
            position_mm,
            velocity_mm_s: 0.0,
            position_variance,
            covariance: 0.0,
            velocity_variance: 0.0,
        }
    }

    /// Forward by `dt_s`. `acceleration_density` is the white acceleration's spectral density in mm²/s³: the variance
    /// that the velocity gains in a second, whatever the frame rate.
    pub fn predict(&mut self, dt_s: f64, acceleration_density: f64) {
        self.position_mm += self.velocity_mm_s * dt_s;
        self.position_variance += dt_s * (2.0 * self.covariance + dt_s * self.velocity_variance)
            + acceleration_density * dt_s * dt_s * dt_s / 3.0;
        self.covariance += dt_s * self.velocity_variance + acceleration_density * dt_s * dt_s / 2.0;
        self.velocity_variance += acceleration_density * dt_s;
    }

    /// Takes in a measured position.
    pub fn update(&mut self, measured_mm: f64, variance: f64) {
        let total = self.position_variance + variance;
        let (position_gain, velocity_gain) = (self.position_variance / total, self.covariance / total);
        let innovation = measured_mm - self.position_mm;
        self.position_mm += position_gain * innovation;
        self.velocity_mm_s += velocity_gain * innovation;
        self.velocity_variance = (self.velocity_variance - velocity_gain * self.covariance).max(0.0);
        self.covariance *= 1.0 - position_gain;
        self.position_variance *= 1.0 - position_gain;
    }
}
