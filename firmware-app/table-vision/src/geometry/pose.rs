use super::linear::{IDENTITY3, Mat3, Vec3, add3, dot3, mul3, mul33, sub3, transpose3};

/// Below this angle, in radians, a rotation is its own linear part to the last bit.
const SMALL_ANGLE: f64 = 1e-9;

/// Where the camera is: `p_camera = rotation * p_table + translation`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Pose {
    /// Rows of the rotation from the table frame into the camera frame.
    pub rotation: Mat3,
    /// The table frame's origin, in the camera frame.
    pub translation_mm: Vec3,
}

impl Pose {
    /// The pose with this rotation vector (axis times angle in radians, as OpenCV's `rvec`) and translation.
    pub fn from_rotation_vector(vector: Vec3, translation_mm: Vec3) -> Self {
        let angle = libm::sqrt(dot3(vector, vector));
        let [x, y, z] = vector;
        let cross = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]];
        let cross_squared = mul33(&cross, &cross);
        let (first, second) = if angle < SMALL_ANGLE {
            (1.0, 0.5)
        } else {
            (
                libm::sin(angle) / angle,
                (1.0 - libm::cos(angle)) / (angle * angle),
            )
        };
        let mut rotation = IDENTITY3;
        for i in 0..3 {
            for j in 0..3 {
                rotation[i][j] += first * cross[i][j] + second * cross_squared[i][j];
            }
        }
        Self {
            rotation,
            translation_mm,
        }
    }

    /// A point of the table frame in the camera frame.
    pub fn to_camera(&self, point_mm: Vec3) -> Vec3 {
        add3(mul3(&self.rotation, point_mm), self.translation_mm)
    }

    /// A direction of the camera frame in the table frame.
    pub fn direction_to_table(&self, direction: Vec3) -> Vec3 {
        mul3(&transpose3(&self.rotation), direction)
    }

    /// Where the camera's centre is, in the table frame.
    pub fn camera_centre_mm(&self) -> Vec3 {
        self.direction_to_table(sub3([0.0; 3], self.translation_mm))
    }

    /// Whether the rotation is one: rows of length one at right angles, right-handed, to within `tolerance`.
    pub fn is_rigid(&self, tolerance: f64) -> bool {
        let [a, b, c] = self.rotation;
        let product = mul33(&self.rotation, &transpose3(&self.rotation));
        let right_handed = dot3(
            a,
            [
                b[1] * c[2] - b[2] * c[1],
                b[2] * c[0] - b[0] * c[2],
                b[0] * c[1] - b[1] * c[0],
            ],
        ) > 0.0;
        right_handed
            && product
                .iter()
                .flatten()
                .zip(IDENTITY3.iter().flatten())
                .all(|(got, wanted)| (got - wanted).abs() <= tolerance)
    }
}
