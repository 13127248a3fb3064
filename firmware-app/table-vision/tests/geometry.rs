//! Pixels and millimetres: there and back, against the optics written out.

mod common;

use baize_table_vision::geometry::linear::{norm2, sub2};
use baize_table_vision::geometry::{CalibrationError, CameraModel, ParseTableSizeError, Pose, TableSize};
use common::{above, ideal_nine_foot, tilted_nine_foot, wide_lens};

fn places_on(table: TableSize) -> impl Iterator<Item = [f64; 2]> {
    (0..=10).flat_map(move |i| {
        (0..=5).map(move |j| {
            [
                table.length_mm * f64::from(i) / 10.0,
                table.width_mm * f64::from(j) / 5.0,
            ]
        })
    })
}

#[test]
fn every_pixel_of_a_distorted_picture_comes_back_from_the_plane_it_was_sent_to() {
    let calibration = tilted_nine_foot();
    for u in (0..=1920).step_by(40) {
        for v in (0..=1080).step_by(40) {
            let pixel = [f64::from(u), f64::from(v)];
            let place = calibration
                .pixel_to_plane(pixel, 28.575)
                .expect("the camera looks down");
            let back = calibration
                .project([place[0], place[1], 28.575])
                .expect("it is in the picture");
            assert!(norm2(sub2(back, pixel)) < 1e-6, "{pixel:?} came back as {back:?}");
        }
    }
}

#[test]
fn distortion_is_undone_to_a_millionth_of_a_pixel() {
    let lens = wide_lens();
    for i in -20..=20 {
        for j in -12..=12 {
            let point = [f64::from(i) * 0.05, f64::from(j) * 0.05];
            let distorted = lens.distort(point).expect("within the lens");
            let back = lens.undistort(distorted).expect("within the lens");
            assert!(norm2(sub2(back, point)) < 1e-9, "{point:?} came back as {back:?}");
        }
    }
}

#[test]
fn points_where_the_lens_polynomial_folds_back_are_refused() {
    // 1 + 3 k1 r² = 0 at r = 1.29: a point farther out would be shown where a nearer one is.
    let lens = CameraModel {
        k1: -0.2,
        ..CameraModel::pinhole(1920, 1080, 1000.0)
    };
    assert!(lens.distort([1.28, 0.0]).is_some());
    assert!(lens.distort([1.30, 0.0]).is_none());
    assert!(lens.distort([5.0, 0.0]).is_none());
    assert!(
        lens.undistort([0.87, 0.0]).is_none(),
        "the lens shows nothing farther out than 0.861"
    );
}

#[test]
fn points_behind_the_camera_are_not_in_the_picture() {
    let lens = wide_lens();
    assert!(lens.project([0.0, 0.0, -1.0]).is_none());
    assert!(lens.project([0.0, 0.0, 0.0]).is_none());
}

#[test]
fn the_distortion_jacobian_is_the_slope_of_the_distortion() {
    let lens = wide_lens();
    let step = 1e-6;
    for point in [[0.0, 0.0], [0.3, -0.4], [-0.9, 0.5]] {
        let jacobian = lens.distortion_jacobian(point);
        for axis in 0..2 {
            let mut ahead = point;
            let mut behind = point;
            ahead[axis] += step;
            behind[axis] -= step;
            let slope =
                sub2(lens.distort(ahead).unwrap(), lens.distort(behind).unwrap()).map(|d| d / (2.0 * step));
            for row in 0..2 {
                assert!((jacobian[row][axis] - slope[row]).abs() < 1e-7);
            }
        }
    }
}

#[test]
fn a_ball_in_the_corner_is_displaced_21_mm_without_its_height_and_not_with_it() {
    let calibration = ideal_nine_foot();
    let corner = [30.0, 30.0];
    let outline = calibration
        .ball_outline(corner)
        .expect("the corner is in the picture");
    let as_if_flat = calibration
        .pixel_to_plane(outline.centre_px, 0.0)
        .expect("the camera looks down");
    let flat_error = norm2(sub2(as_if_flat, corner));
    assert!((20.0..30.0).contains(&flat_error), "flat: {flat_error} mm");
    let place = calibration
        .outline_centre_to_place(outline.centre_px)
        .expect("the camera looks down");
    let error = norm2(sub2(place, corner));
    assert!(error < 0.1, "{error} mm");
}

#[test]
fn a_ball_seen_through_a_distorting_tilted_camera_is_where_it_is() {
    let calibration = tilted_nine_foot();
    for place in places_on(calibration.table) {
        let outline = calibration
            .ball_outline(place)
            .expect("the table is in the picture");
        let found = calibration
            .outline_centre_to_place(outline.centre_px)
            .expect("the camera looks down");
        let error = norm2(sub2(found, place));
        assert!(error < 0.01, "at {place:?}: {error} mm");
    }
}

/// Where the edge of a ball is in the picture, from its surface alone: the points at which the viewing ray is tangent.
fn rim_of_ball(calibration: &baize_table_vision::geometry::Calibration, place: [f64; 2]) -> Vec<[f64; 2]> {
    let radius = calibration.ball_radius_mm();
    let centre = [place[0], place[1], radius];
    let eye = calibration.pose.camera_centre_mm();
    let to_eye: Vec<f64> = (0..3).map(|i| eye[i] - centre[i]).collect();
    let distance = to_eye.iter().map(|v| v * v).sum::<f64>().sqrt();
    let axis: Vec<f64> = to_eye.iter().map(|v| v / distance).collect();
    let helper = if axis[0].abs() < 0.9 {
        [1.0, 0.0, 0.0]
    } else {
        [0.0, 1.0, 0.0]
    };
    let cross = |a: &[f64], b: &[f64]| {
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    };
    let first = cross(&axis, &helper);
    let length = first.iter().map(|v| v * v).sum::<f64>().sqrt();
    let first = first.map(|v| v / length);
    let second = cross(&axis, &first);
    let along = radius * radius / distance;
    let across = radius * (1.0 - (radius / distance).powi(2)).sqrt();
    (0..360)
        .map(|degree| {
            let (sin, cos) = f64::from(degree).to_radians().sin_cos();
            let point: Vec<f64> = (0..3)
                .map(|i| centre[i] + along * axis[i] + across * (cos * first[i] + sin * second[i]))
                .collect();
            calibration
                .project([point[0], point[1], point[2]])
                .expect("in the picture")
        })
        .collect()
}

#[test]
fn the_outline_of_a_ball_is_its_rim_traced_through_the_lens() {
    let calibration = tilted_nine_foot();
    for place in [[40.0, 40.0], [1270.0, 635.0], [2500.0, 1230.0], [600.0, 1200.0]] {
        let outline = calibration.ball_outline(place).expect("in the picture");
        for point in rim_of_ball(&calibration, place) {
            let nearest = (0..3600)
                .map(|i| {
                    let (sin, cos) = (f64::from(i) / 10.0).to_radians().sin_cos();
                    norm2(sub2(outline.point_px([cos, sin], 1.0), point))
                })
                .fold(f64::INFINITY, f64::min);
            assert!(nearest < 0.05, "{nearest} px from the outline at {place:?}");
        }
    }
}

#[test]
fn the_centre_of_an_outline_is_not_the_image_of_the_centre() {
    let calibration = ideal_nine_foot();
    let corner = [30.0, 30.0];
    let outline = calibration.ball_outline(corner).expect("in the picture");
    let image_of_centre = calibration
        .project([30.0, 30.0, calibration.ball_radius_mm()])
        .expect("in the picture");
    let bias = norm2(sub2(outline.centre_px, image_of_centre));
    assert!(
        bias > 0.3,
        "{bias} px: without the correction the ball is this much too far out"
    );
    let [a, b] = outline.half_axes_px;
    assert!(norm2(a) / norm2(b) > 1.2, "an ellipse, not a circle");
}

#[test]
fn a_pixel_of_noise_spreads_over_the_table_as_the_covariance_says() {
    let calibration = tilted_nine_foot();
    let place = [2400.0, 100.0];
    let covariance = calibration
        .position_covariance(place, 1.0)
        .expect("in the picture");
    let radius = calibration.ball_radius_mm();
    let pixel = calibration
        .project([place[0], place[1], radius])
        .expect("in the picture");
    let mut sampled = [[0.0; 2]; 2];
    for degree in 0..360 {
        let (sin, cos) = f64::from(degree).to_radians().sin_cos();
        let moved = [pixel[0] + 0.1 * cos, pixel[1] + 0.1 * sin];
        let d = sub2(calibration.pixel_to_plane(moved, radius).unwrap(), place);
        for i in 0..2 {
            for j in 0..2 {
                // A circle of radius 0.1 px has a variance of 0.005 px² in each direction.
                sampled[i][j] += d[i] * d[j] / 360.0 / 0.005;
            }
        }
    }
    for i in 0..2 {
        for j in 0..2 {
            assert!(
                (sampled[i][j] - covariance[i][j]).abs() < 0.01 * covariance[0][0],
                "{sampled:?} {covariance:?}"
            );
        }
    }
}

#[test]
fn the_region_of_interest_holds_the_bed_and_lies_in_the_picture() {
    let calibration = tilted_nine_foot();
    let region = calibration
        .region_of_interest(0.0)
        .expect("the table is in the picture");
    let picture = [
        f64::from(calibration.camera.width_px),
        f64::from(calibration.camera.height_px),
    ];
    for [x, y] in places_on(calibration.table) {
        let pixel = calibration.project([x, y, 0.0]).expect("in front of the camera");
        let start = [region.x, region.y].map(f64::from);
        let end = [region.x + region.width, region.y + region.height].map(f64::from);
        for axis in 0..2 {
            let inside = (0.0..=picture[axis]).contains(&pixel[axis]);
            assert!(
                !inside || (start[axis] - 0.5..=end[axis] + 0.5).contains(&pixel[axis]),
                "{pixel:?} {region:?}"
            );
        }
    }
    let numbers = [region.x, region.y, region.width, region.height];
    assert!(numbers.iter().all(|number| number.is_multiple_of(2)));
    assert!(region.x + region.width <= 1920 && region.y + region.height <= 1080);
    let larger = calibration
        .region_of_interest(100.0)
        .expect("the table is in the picture");
    assert!(larger.x <= region.x && larger.width >= region.width);
}

#[test]
fn a_camera_that_looks_away_sees_no_table() {
    let away = above(
        TableSize::FT9,
        wide_lens(),
        1900.0,
        [std::f64::consts::PI, 0.0, 0.0],
    );
    assert_eq!(away.region_of_interest(0.0), None);
}

#[test]
fn table_sizes_are_read_as_the_wire_names_them() {
    for (name, size) in TableSize::STANDARDS {
        assert_eq!(name.parse(), Ok(size));
    }
    assert_eq!("1850x920.5".parse(), Ok(TableSize::new(1850.0, 920.5)));
    assert_eq!("5ft".parse::<TableSize>(), Err(ParseTableSizeError::Unknown));
    assert_eq!("axb".parse::<TableSize>(), Err(ParseTableSizeError::Unknown));
    assert_eq!(
        "920x1850".parse::<TableSize>(),
        Err(ParseTableSizeError::WidthExceedsLength)
    );
    assert_eq!(
        "infx1000".parse::<TableSize>(),
        Err(ParseTableSizeError::OutOfRange)
    );
    assert_eq!(
        "NaNx1000".parse::<TableSize>(),
        Err(ParseTableSizeError::OutOfRange)
    );
}

#[test]
fn a_pool_table_has_six_pockets_and_a_carom_table_none() {
    assert_eq!(TableSize::FT8.pockets().len(), 6);
    assert_eq!(TableSize::CAROM.pockets().len(), 0);
    let middle = TableSize::FT9.pockets()[4];
    assert!(!middle.in_corner && middle.centre_mm[0] == 1270.0 && middle.centre_mm[1] > 1270.0);
}

#[test]
fn a_way_past_a_pocket_knows_how_close_it_came() {
    let corner = TableSize::FT9.pockets()[0];
    assert!(corner.distance_from_way_mm([200.0, 200.0], [30.0, 30.0]) < 28.0);
    assert!(corner.distance_from_way_mm([100.0, 100.0], [-100.0, -100.0]) < -50.0);
    assert!(corner.distance_from_way_mm([500.0, 500.0], [500.0, 500.0]) > 600.0);
}

#[test]
fn a_calibration_that_is_none_is_refused_with_the_reason() {
    let good = tilted_nine_foot();
    assert_eq!(good.check(), Ok(()));
    let mut bad = good;
    bad.camera.fx = f64::NAN;
    assert_eq!(bad.check(), Err(CalibrationError::NotFinite));
    bad = good;
    bad.camera.k1 = -3.0;
    assert_eq!(bad.check(), Err(CalibrationError::Lens));
    bad = good;
    bad.pose.rotation[1] = bad.pose.rotation[1].map(|v| -v);
    assert_eq!(
        bad.check(),
        Err(CalibrationError::Rotation),
        "a mirror is no rotation"
    );
    bad = good;
    bad.ball_diameter_mm = 0.0;
    assert_eq!(bad.check(), Err(CalibrationError::BallDiameter));
    bad = above(TableSize::FT9, wide_lens(), -1900.0, [0.06, -0.04, 0.03]);
    assert_eq!(bad.check(), Err(CalibrationError::CameraBelowTable));
    bad = above(
        TableSize::FT9,
        wide_lens(),
        1900.0,
        [std::f64::consts::PI, 0.0, 0.0],
    );
    assert_eq!(bad.check(), Err(CalibrationError::TableNotInPicture));
    bad = good;
    bad.table.width_mm = 9000.0;
    assert_eq!(
        bad.check(),
        Err(CalibrationError::Table(ParseTableSizeError::OutOfRange))
    );
}

#[test]
fn a_rotation_vector_turns_about_its_axis() {
    let quarter = Pose::from_rotation_vector([0.0, 0.0, std::f64::consts::FRAC_PI_2], [0.0; 3]);
    let [x, y, z] = quarter.to_camera([1.0, 0.0, 0.0]);
    assert!(x.abs() < 1e-12 && (y - 1.0).abs() < 1e-12 && z.abs() < 1e-12);
    assert!(quarter.is_rigid(1e-12));
    assert!(Pose::from_rotation_vector([1e-12, 0.0, 0.0], [0.0; 3]).is_rigid(1e-12));
}
