use super::linear::{Mat2, Vec2, det2, inverse2, mul2, sub2};

/// How often Newton's method is applied in [`CameraModel::undistort`]. It doubles the correct digits each time: from
/// the pinhole guess, five reach 1e-12 for every lens the calibration accepts; the rest is reserve.
const UNDISTORT_ITERATIONS: usize = 8;

/// The largest error of an undistorted point that is still the inverse of distorting it, in normalised coordinates:
/// a millionth of a pixel.
const UNDISTORT_TOLERANCE: f64 = 1e-9;

/// A pinhole with OpenCV's lens terms. Pixels are continuous, (0, 0) being the picture's top left corner (OpenCV's own
/// principal point, counted from the middle of the first pixel, is 0.5 less).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct CameraModel {
    /// Pixels in a line of the pictures that this describes.
    pub width_px: u32,
    /// Lines of the pictures that this describes.
    pub height_px: u32,
    /// Focal length along a line, in pixels.
    pub fx: f64,
    /// Focal length down the lines, in pixels.
    pub fy: f64,
    /// Principal point, column.
    pub cx: f64,
    /// Principal point, line.
    pub cy: f64,
    /// Radial distortion, second power of the radius.
    pub k1: f64,
    /// Radial distortion, fourth power.
    pub k2: f64,
    /// Tangential distortion, first term.
    pub p1: f64,
    /// Tangential distortion, second term.
    pub p2: f64,
    /// Radial distortion, sixth power.
    pub k3: f64,
}

impl CameraModel {
    /// A lens without distortion whose optical axis meets the middle of the picture.
    pub fn pinhole(width_px: u32, height_px: u32, focal_px: f64) -> Self {
        Self {
            width_px,
            height_px,
            fx: focal_px,
            fy: focal_px,
            cx: f64::from(width_px) / 2.0,
            cy: f64::from(height_px) / 2.0,
            k1: 0.0,
            k2: 0.0,
            p1: 0.0,
            p2: 0.0,
            k3: 0.0,
        }
    }

    /// What the lens does to a point in normalised coordinates (x/z, y/z). `None` so far out that the polynomial has
    /// turned back and would show the point where another one is.
    pub fn distort(&self, point: Vec2) -> Option<Vec2> {
        let [x, y] = point;
        let s = x * x + y * y;
        self.grows_up_to(s).then(|| self.distort_anywhere(point))
    }

    /// The inverse of [`distort`](Self::distort), with a fixed amount of work. `None` where no point of the unfolded
    /// part of the lens is shown.
    pub fn undistort(&self, distorted: Vec2) -> Option<Vec2> {
        let mut point = distorted;
        for _ in 0..UNDISTORT_ITERATIONS {
            let error = sub2(self.distort_anywhere(point), distorted);
            point = sub2(point, mul2(&inverse2(&self.distortion_jacobian(point))?, error));
        }
        let [ex, ey] = sub2(self.distort(point)?, distorted);
        (ex.abs() < UNDISTORT_TOLERANCE && ey.abs() < UNDISTORT_TOLERANCE).then_some(point)
    }

    /// The pixel that shows a point of the camera frame; `None` for points beside or behind the camera. The pixel may
    /// lie outside the picture.
    pub fn project(&self, [x, y, z]: [f64; 3]) -> Option<Vec2> {
        if z <= 0.0 {
            return None;
        }
        let [xd, yd] = self.distort([x / z, y / z])?;
        Some([self.fx * xd + self.cx, self.fy * yd + self.cy])
    }

    /// The direction in the camera frame, as (x/z, y/z), of what a pixel shows.
    pub fn pixel_to_normalised(&self, [u, v]: Vec2) -> Option<Vec2> {
        self.undistort([(u - self.cx) / self.fx, (v - self.cy) / self.fy])
    }

    /// How the distorted point moves with the undistorted one: rows of d(xd, yd) / d(x, y).
    pub fn distortion_jacobian(&self, [x, y]: Vec2) -> Mat2 {
        let s = x * x + y * y;
        let radial = 1.0 + s * (self.k1 + s * (self.k2 + s * self.k3));
        let slope = 2.0 * (self.k1 + s * (2.0 * self.k2 + s * 3.0 * self.k3));
        let cross = slope * x * y + 2.0 * self.p1 * x + 2.0 * self.p2 * y;
        [
            [
                radial + slope * x * x + 2.0 * self.p1 * y + 6.0 * self.p2 * x,
                cross,
            ],
            [
                cross,
                radial + slope * y * y + 6.0 * self.p1 * y + 2.0 * self.p2 * x,
            ],
        ]
    }

    /// Whether the lens terms describe a lens over the whole picture: every pixel of the picture's rim shows
    /// something, and not the mirror image of it.
    pub fn covers_picture(&self) -> bool {
        let (width, height) = (f64::from(self.width_px), f64::from(self.height_px));
        (0..=8).map(|i| f64::from(i) / 8.0).all(|part| {
            [
                [part * width, 0.0],
                [part * width, height],
                [0.0, part * height],
                [width, part * height],
            ]
            .into_iter()
            .all(|pixel| {
                self.pixel_to_normalised(pixel)
                    .is_some_and(|point| det2(&self.distortion_jacobian(point)) > 0.0)
            })
        })
    }

    fn distort_anywhere(&self, [x, y]: Vec2) -> Vec2 {
        let s = x * x + y * y;
        let radial = 1.0 + s * (self.k1 + s * (self.k2 + s * self.k3));
        [
            x * radial + 2.0 * self.p1 * x * y + self.p2 * (s + 2.0 * x * x),
            y * radial + self.p1 * (s + 2.0 * y * y) + 2.0 * self.p2 * x * y,
        ]
    }

    /// Whether the radius in the picture grows with the true radius all the way out to its square `s`: the slope
    /// 1 + 3 k1 s + 5 k2 s² + 7 k3 s³ is positive at `s` and at its own turning points before.
    fn grows_up_to(&self, s: f64) -> bool {
        let slope = |s: f64| 1.0 + s * (3.0 * self.k1 + s * (5.0 * self.k2 + s * 7.0 * self.k3));
        let (a, b, c) = (21.0 * self.k3, 10.0 * self.k2, 3.0 * self.k1);
        let turning_points = if a == 0.0 {
            [-c / b, f64::NAN]
        } else {
            let root = libm::sqrt(b * b - 4.0 * a * c);
            [(-b - root) / (2.0 * a), (-b + root) / (2.0 * a)]
        };
        slope(s) > 0.0
            && !turning_points
                .into_iter()
                .any(|t| t > 0.0 && t < s && slope(t) <= 0.0)
    }
}
