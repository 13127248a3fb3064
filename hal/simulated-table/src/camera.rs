//! A perspective camera with OpenCV's lens model.

use glam::{DMat3, DVec3};

/// Where the camera hangs and how it looks, whatever its resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraPose {
    /// Optical centre in the table frame.
    pub position_mm: [f64; 3],
    /// Angle between the optical axis and straight down.
    pub tilt_deg: f64,
    /// The side to which the optical axis leans, counter-clockwise from the table's x axis.
    pub tilt_towards_deg: f64,
    /// Turn of the picture about the optical axis; 0 keeps the table's x axis pointing right.
    pub roll_deg: f64,
    /// Horizontal field of view of the undistorted picture.
    pub hfov_deg: f64,
    /// k1, k2, p1, p2, k3 as in OpenCV.
    pub distortion: [f64; 5],
}

/// A camera of a given resolution: OpenCV's model in the project's continuous pixel coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Rotation from the table frame to the camera frame (x right, y down, z forward), row by row.
    pub rotation: [[f64; 3]; 3],
    /// Translation of the same: `p_camera = rotation * p_table + translation_mm`.
    pub translation_mm: [f64; 3],
    /// fx and fy.
    pub focal_px: [f64; 2],
    /// cx and cy.
    pub principal_px: [f64; 2],
    /// k1, k2, p1, p2, k3.
    pub distortion: [f64; 5],
}

impl Camera {
    /// The camera of this pose with square pixels and the principal point in the middle of the picture.
    pub fn new(pose: &CameraPose, width: u32, height: u32) -> Self {
        let downwards = DMat3::from_diagonal(DVec3::new(1.0, -1.0, -1.0));
        let roll = rotation_z(pose.roll_deg.to_radians());
        // In the camera frame of a camera that looks straight down, y is turned round.
        let towards = rotation_z(-pose.tilt_towards_deg.to_radians());
        // Turns the axis from straight down towards camera x.
        let (sin, cos) = (
            libm::sin(pose.tilt_deg.to_radians()),
            libm::cos(pose.tilt_deg.to_radians()),
        );
        let tilt = DMat3::from_cols(
            DVec3::new(cos, 0.0, sin),
            DVec3::new(0.0, 1.0, 0.0),
            DVec3::new(-sin, 0.0, cos),
        );
        let rotation = roll * towards * tilt * towards.transpose() * downwards;
        let translation = -(rotation * DVec3::from_array(pose.position_mm));
        let focal = f64::from(width) / 2.0 / libm::tan(pose.hfov_deg.to_radians() / 2.0);
        Self {
            rotation: rotation.transpose().to_cols_array_2d(),
            translation_mm: translation.to_array(),
            focal_px: [focal, focal],
            principal_px: [f64::from(width) / 2.0, f64::from(height) / 2.0],
            distortion: pose.distortion,
        }
    }

    /// The image of a point of the table frame; `None` when it is not in front of the camera.
    pub fn project(&self, point_mm: [f64; 3]) -> Option<[f64; 2]> {
        let p = self.rotation_matrix() * DVec3::from_array(point_mm) + DVec3::from_array(self.translation_mm);
        if p.z < 1.0 {
            return None;
        }
        let [x, y] = self.distort(p.x / p.z, p.y / p.z);
        Some([
            self.focal_px[0] * x + self.principal_px[0],
            self.focal_px[1] * y + self.principal_px[1],
        ])
    }

    /// The optical centre in the table frame.
    pub fn position_mm(&self) -> [f64; 3] {
        (-(self.rotation_matrix().transpose() * DVec3::from_array(self.translation_mm))).to_array()
    }

    /// The direction, not normalised, in which a pixel looks, in the table frame.
    pub fn ray(&self, pixel: [f64; 2]) -> [f64; 3] {
        let [x, y] = self.undistort(
            (pixel[0] - self.principal_px[0]) / self.focal_px[0],
            (pixel[1] - self.principal_px[1]) / self.focal_px[1],
        );
        (self.rotation_matrix().transpose() * DVec3::new(x, y, 1.0)).to_array()
    }

    pub(crate) fn rotation_matrix(&self) -> DMat3 {
        DMat3::from_cols_array_2d(&self.rotation).transpose()
    }

    fn distort(&self, x: f64, y: f64) -> [f64; 2] {
        let [k1, k2, p1, p2, k3] = self.distortion;
        let r2 = x * x + y * y;
        let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
        [
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
        ]
    }

    /// Newton's method on `distort`; lenses whose distortion does not fold the picture converge in a few steps.
    pub(crate) fn undistort(&self, xd: f64, yd: f64) -> [f64; 2] {
        let [k1, k2, p1, p2, k3] = self.distortion;
        let (mut x, mut y) = (xd, yd);
        for _ in 0..12 {
            let [fx, fy] = self.distort(x, y);
            let (ex, ey) = (fx - xd, fy - yd);
            if ex * ex + ey * ey < 1e-24 {
                break;
            }
            let r2 = x * x + y * y;
            let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
            let slope = k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3);
            let dxx = radial + 2.0 * x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x;
            let dxy = 2.0 * x * y * slope + 2.0 * p1 * x + 2.0 * p2 * y;
            let dyy = radial + 2.0 * y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x;
            let determinant = dxx * dyy - dxy * dxy;
            if determinant < 0.05 {
                break;
            }
            x -= (dyy * ex - dxy * ey) / determinant;
            y -= (dxx * ey - dxy * ex) / determinant;
        }
        [x, y]
    }
}

fn rotation_z(angle: f64) -> DMat3 {
    let (sin, cos) = (libm::sin(angle), libm::cos(angle));
    DMat3::from_cols(
        DVec3::new(cos, sin, 0.0),
        DVec3::new(-sin, cos, 0.0),
        DVec3::new(0.0, 0.0, 1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSE: CameraPose = CameraPose {
        position_mm: [1270.0, 635.0, 2600.0],
        tilt_deg: 0.0,
        tilt_towards_deg: 0.0,
        roll_deg: 0.0,
        hfov_deg: 75.0,
        distortion: [0.0; 5],
    };

    #[test]
    fn the_upright_picture_has_the_origin_bottom_left() {
        let camera = Camera::new(&POSE, 1920, 1080);
        let [x, y] = camera.project([0.0, 0.0, 0.0]).unwrap();
        assert!(x < 960.0 && y > 540.0);
        let [x, y] = camera.project([1270.0, 635.0, 0.0]).unwrap();
        assert!((x - 960.0).abs() < 1e-9 && (y - 540.0).abs() < 1e-9);
    }

    #[test]
    fn a_camera_that_leans_towards_x_looks_there() {
        let pose = CameraPose {
            tilt_deg: 20.0,
            tilt_towards_deg: 0.0,
            ..POSE
        };
        let ray = Camera::new(&pose, 1920, 1080).ray([960.0, 540.0]);
        assert!((ray[0] - 20f64.to_radians().sin()).abs() < 1e-12);
        let pose = CameraPose {
            tilt_deg: 20.0,
            tilt_towards_deg: 90.0,
            ..POSE
        };
        let ray = Camera::new(&pose, 1920, 1080).ray([960.0, 540.0]);
        assert!((ray[1] - 20f64.to_radians().sin()).abs() < 1e-12);
    }

    #[test]
    fn a_ray_through_the_image_of_a_point_meets_the_point() {
        let pose = CameraPose {
            tilt_deg: 17.0,
            tilt_towards_deg: 240.0,
            roll_deg: 12.0,
            distortion: [-0.18, 0.04, 0.001, -0.002, -0.003],
            ..POSE
        };
        let camera = Camera::new(&pose, 1280, 720);
        for point in [[0.0, 0.0, 28.6], [2540.0, 100.0, 0.0], [1200.0, 1270.0, 40.0]] {
            let ray = DVec3::from_array(camera.ray(camera.project(point).unwrap()));
            let eye = DVec3::from_array(camera.position_mm());
            let to_point = DVec3::from_array(point) - eye;
            assert!(to_point.normalize().cross(ray.normalize()).length() < 1e-9);
        }
    }
}
