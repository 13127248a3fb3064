use super::linear::{Vec2, Vec3, add2, dot3, scale2, sub2};
use super::{CameraModel, linear::norm2};

/// The image of a ball: an ellipse, `centre + a cos(t) + b sin(t)`. Its centre is not the image of the ball's centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BallOutline {
    /// The middle of the ellipse.
    pub centre_px: Vec2,
    /// Two half axes, `a` and `b`: the long one (away from the optical axis) and the short one. The lens may leave
    /// them not quite at right angles.
    pub half_axes_px: [Vec2; 2],
}

impl BallOutline {
    /// The image of a ball of radius `radius_mm` centred at `centre_mm` in the camera frame; `None` where the camera
    /// cannot see all of it.
    ///
    /// Without the lens terms this is exact: the cone that touches a ball meets the picture in an ellipse. The lens
    /// moves the ends of its axes.
    pub(super) fn of_ball(camera: &CameraModel, centre_mm: Vec3, radius_mm: f64) -> Option<Self> {
        let [x, y, z] = centre_mm;
        let depth = z * z - radius_mm * radius_mm;
        if z <= radius_mm {
            return None;
        }
        let off_axis = norm2([x, y]);
        let radial = if off_axis > 0.0 {
            [x / off_axis, y / off_axis]
        } else {
            [1.0, 0.0]
        };
        let centre = [x * z / depth, y * z / depth];
        let long = radius_mm * libm::sqrt(dot3(centre_mm, centre_mm) - radius_mm * radius_mm) / depth;
        let short = radius_mm / libm::sqrt(depth);
        let end = |direction: Vec2, length: f64| -> Option<Vec2> {
            let [xd, yd] = camera.distort(add2(centre, scale2(direction, length)))?;
            Some([camera.fx * xd + camera.cx, camera.fy * yd + camera.cy])
        };
        let tangent = [-radial[1], radial[0]];
        let (outer, inner) = (end(radial, long)?, end(radial, -long)?);
        let (left, right) = (end(tangent, short)?, end(tangent, -short)?);
        Some(Self {
            centre_px: scale2(add2(add2(outer, inner), add2(left, right)), 0.25),
            half_axes_px: [scale2(sub2(outer, inner), 0.5), scale2(sub2(left, right), 0.5)],
        })
    }

    /// Width and height of the upright box around the ellipse.
    pub fn box_size_px(&self) -> Vec2 {
        let [a, b] = self.half_axes_px;
        [2.0 * norm2([a[0], b[0]]), 2.0 * norm2([a[1], b[1]])]
    }

    /// The point of the ellipse, grown by `factor`, in the direction whose parameter has this cosine and sine.
    pub fn point_px(&self, [cos, sin]: Vec2, factor: f64) -> Vec2 {
        let [a, b] = self.half_axes_px;
        add2(
            self.centre_px,
            scale2(add2(scale2(a, cos), scale2(b, sin)), factor),
        )
    }
}
