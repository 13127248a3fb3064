//! The calibration file: what is written is read, and nothing else is.

use baize::calibration_file::{Fit, Method, StoredCalibration};
use baize_table_vision::geometry::{Calibration, CameraModel, Pose, TableSize};

/// A camera three metres above the middle of a 9-ft table, looking straight down, its picture's top at y = width.
fn stored() -> StoredCalibration {
    let calibration = Calibration {
        id: 4,
        camera: CameraModel::pinhole(1920, 1080, 1500.0),
        pose: Pose {
            rotation: [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]],
            translation_mm: [-1270.0, 635.0, 3000.0],
        },
        table: TableSize::FT9,
        ball_diameter_mm: 57.15,
        residual_mm: 0.7,
        place_sigma_mm: 0.7,
    };
    StoredCalibration::new(calibration, Method::Automatic, fit(), [None; 4])
}

fn fit() -> Fit {
    Fit {
        places: 130,
        residual_max_mm: 2.5,
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = std::env::temp_dir().join(format!("baize-calibration-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("calibration.json");
    stored().write(&file).expect("it can be written");
    stored().write(&file).expect("and written again");
    let read = StoredCalibration::read(&file).expect("it can be read");
    assert_eq!(read.calibration, stored().calibration);
    assert_eq!(
        std::fs::read_dir(&folder).expect("a folder").count(),
        1,
        "nothing is left beside it"
    );
    std::fs::remove_dir_all(&folder).expect("it was ours");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let text = serde_json::to_string(&stored()).expect("it is JSON");
    for end in 0..text.len() {
        assert!(StoredCalibration::parse(&text[..end]).is_err(), "cut at {end}");
    }
    StoredCalibration::parse(&text).expect("whole, it is valid");
}

#[test]
fn numbers_that_describe_no_camera_are_refused() {
    let good = serde_json::to_value(stored()).expect("it is JSON");
    for (path, value) in [
        ("/calibration/camera/fx", serde_json::json!(0.0)),
        ("/calibration/table/length_mm", serde_json::json!(1e9)),
        ("/calibration/pose/rotation/0/0", serde_json::json!(5.0)),
        ("/calibration/ball_diameter_mm", serde_json::json!(-1.0)),
        ("/format", serde_json::json!(1)),
        (
            "/projector",
            serde_json::json!({"size_px": [1, 1], "homography": [null]}),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).expect("the path exists") = value;
        assert!(StoredCalibration::parse(&bad.to_string()).is_err(), "{path}");
    }
}

#[test]
fn subscribers_get_six_pockets_and_the_origin_at_the_bottom_left() {
    let message = stored().for_the_wire(baize::config::Game::Pool);
    assert_eq!(message.pockets.len(), 6);
    assert_eq!(message.origin, baize_table_state::OriginCorner::BOTTOM_LEFT);
    assert_eq!((message.length_tenth_mm, message.residual_um), (25_400, 700));
    assert_eq!((message.points, message.residual_max_um), (130, 2500));
    assert!(
        stored()
            .for_the_wire(baize::config::Game::Carom)
            .pockets
            .is_empty()
    );
}
