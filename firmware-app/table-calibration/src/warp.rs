//! A stand-in for the lens until the camera is solved: one number that makes straight edges straight again.

/// The division model about the picture's middle: a point at distance r moves out to r / (1 + barrel r^2), with r in
/// half diagonals of the picture. Chosen because both directions are closed formulas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Warp {
    middle: [f64; 2],
    half_diagonal: f64,
    barrel: f64,
}

impl Warp {
    /// For a picture of this size; `barrel` is negative for a lens that pulls the corners in.
    pub fn new([width, height]: [f64; 2], barrel: f64) -> Self {
        Self {
            middle: [width / 2.0, height / 2.0],
            half_diagonal: width.hypot(height) / 2.0,
            barrel,
        }
    }

    /// The picture's middle, which stays where it is.
    pub fn middle(&self) -> [f64; 2] {
        self.middle
    }

    /// The same for the picture enlarged.
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            middle: self.middle.map(|value| value * factor),
            half_diagonal: self.half_diagonal * factor,
            ..*self
        }
    }

    /// OpenCV's first radial term for about the same lens.
    pub fn k1(&self, focal_px: f64) -> f64 {
        self.barrel * (focal_px / self.half_diagonal).powi(2)
    }

    /// Where a point of the picture would be without the barrel.
    pub fn straightened(&self, point: [f64; 2]) -> [f64; 2] {
        let radius = self.radius(point);
        self.stretched(point, 1.0 / (1.0 + self.barrel * radius * radius))
    }

    /// Where in the picture a straightened point is seen.
    pub fn seen(&self, point: [f64; 2]) -> [f64; 2] {
        let radius = self.radius(point);
        let root = (1.0 - 4.0 * self.barrel * radius * radius).max(0.0).sqrt();
        self.stretched(point, 2.0 / (1.0 + root))
    }

    /// A bound on the straightened coordinates' size.
    pub fn reach(&self) -> f64 {
        2.0 * self.half_diagonal / (1.0 + self.barrel) + 1.0
    }

    /// Whether a straightened point is seen in the picture or not far outside.
    pub fn is_near_picture(&self, point: [f64; 2]) -> bool {
        let seen = self.seen(point);
        (0..2).all(|i| (seen[i] - self.middle[i]).abs() < 1.4 * self.middle[i])
    }

    fn radius(&self, [x, y]: [f64; 2]) -> f64 {
        (x - self.middle[0]).hypot(y - self.middle[1]) / self.half_diagonal
    }

    fn stretched(&self, point: [f64; 2], by: f64) -> [f64; 2] {
        [0, 1].map(|i| self.middle[i] + (point[i] - self.middle[i]) * by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straightening_is_undone_by_seeing() {
        let warp = Warp::new([1280.0, 720.0], -0.2);
        for point in [[0.0, 0.0], [640.0, 360.0], [1200.0, 100.0]] {
            let back = warp.seen(warp.straightened(point));
            assert!((back[0] - point[0]).abs() < 1e-9 && (back[1] - point[1]).abs() < 1e-9);
        }
    }
}
