//! Cameras over tables, for all tests of the crate.
#![allow(dead_code, reason = "each test program uses a part")]

pub mod scene;
pub mod table;

use baize_table_vision::geometry::linear::{Vec3, mul33};
use baize_table_vision::geometry::{Calibration, CameraModel, Pose, TableSize};

/// A wide lens with every distortion term, 1920 x 1080.
pub fn wide_lens() -> CameraModel {
    CameraModel {
        width_px: 1920,
        height_px: 1080,
        fx: 905.0,
        fy: 910.0,
        cx: 968.0,
        cy: 533.0,
        k1: -0.11,
        k2: 0.016,
        p1: 0.0006,
        p2: -0.0004,
        k3: -0.001,
    }
}

/// A camera above the middle of the bed that looks straight down, then is turned by a rotation vector.
pub fn above(table: TableSize, camera: CameraModel, height_mm: f64, turned: Vec3) -> Calibration {
    let down = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]];
    let turn = Pose::from_rotation_vector(turned, [0.0; 3]).rotation;
    let centred = Pose {
        rotation: mul33(&turn, &down),
        translation_mm: [0.0; 3],
    };
    let [x, y, z] = centred.to_camera([table.length_mm / 2.0, table.width_mm / 2.0, height_mm]);
    Calibration {
        id: 7,
        camera,
        pose: Pose {
            translation_mm: [-x, -y, -z],
            ..centred
        },
        table,
        ball_diameter_mm: 57.15,
        residual_mm: 0.4,
        place_sigma_mm: 0.4,
    }
}

/// A nine-foot table under a wide lens, a little tilted, as a real mounting is.
pub fn tilted_nine_foot() -> Calibration {
    above(TableSize::FT9, wide_lens(), 1900.0, [0.06, -0.04, 0.03])
}

/// A nine-foot table exactly below a 90 degree lens without distortion.
pub fn ideal_nine_foot() -> Calibration {
    above(
        TableSize::FT9,
        CameraModel::pinhole(1920, 1080, 960.0),
        1500.0,
        [0.0; 3],
    )
}
