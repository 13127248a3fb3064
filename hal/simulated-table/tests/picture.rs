//! The picture agrees with the truth beside it.

use baize_frame::{FrameFormat, ImageError, PixelFormat};
use baize_simulated_table::{
    CameraPose, Discs, Layout, PlaceError, Placement, Play, Projector, Scene, Sensor, SimulatedTable,
    from_picture,
};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;

/// One white ball on black cloth in even light, seen by a perfect camera.
fn plain_scene() -> Scene {
    let mut scene = Scene {
        play: Play::Still,
        layout: Layout::Empty,
        person: false,
        ..Scene::standard()
    };
    scene.lights.ambient = 0.9;
    scene.lights.lamps.clear();
    scene.looks.cloth = [0.0; 3];
    scene.looks.spot_stickers = false;
    scene.ball_style.white = from_picture(230, 230, 230);
    scene.sensor = Sensor {
        exposure_us: 1000,
        gain: 1.0,
        white_balance: [1.0; 3],
        noise: 0.0,
        vignetting: 0.0,
        blur_px: 0.0,
    };
    scene
}

fn above(x_mm: f64, y_mm: f64, hfov_deg: f64) -> CameraPose {
    CameraPose {
        position_mm: [x_mm, y_mm, 1200.0],
        tilt_deg: 0.0,
        tilt_towards_deg: 0.0,
        roll_deg: 0.0,
        hfov_deg,
        distortion: [0.0; 5],
    }
}

fn grey(scene: Scene, placements: &[Placement]) -> (SimulatedTable, Vec<u8>) {
    let format = FrameFormat::packed(WIDTH, HEIGHT, PixelFormat::Grey);
    let mut table = SimulatedTable::new(scene, format).unwrap();
    table.place(placements).unwrap();
    let mut bytes = vec![0; format.size_bytes()];
    table.render(&mut bytes).unwrap();
    (table, bytes)
}

/// Brightness above 20, with pixel coordinates of the pixels' middles.
fn bright(bytes: &[u8]) -> impl Iterator<Item = (f64, f64, f64)> {
    bytes.iter().enumerate().filter(|&(_, &v)| v > 20).map(|(i, &v)| {
        let (x, y) = (i % WIDTH as usize, i / WIDTH as usize);
        (x as f64 + 0.5, y as f64 + 0.5, f64::from(v))
    })
}

#[test]
fn the_disc_of_a_ball_under_the_camera_is_centred_on_the_truth() {
    for (dx, dy) in [(0.0, 0.0), (0.37, 0.81), (1.9, -2.3), (-4.4, 3.1)] {
        let scene = Scene {
            camera: above(1270.0, 635.0, 40.0),
            ..plain_scene()
        };
        let (table, bytes) = grey(scene, &[Placement::at_rest(0, 1270.0 + dx, 635.0 + dy)]);
        let truth = table.truth().balls[0];
        let (mut sx, mut sy, mut sum) = (0.0, 0.0, 0.0);
        for (x, y, v) in bright(&bytes) {
            sx += x * v;
            sy += y * v;
            sum += v;
        }
        let [x, y] = truth.centre_px;
        assert!((sx / sum - x).abs() < 0.1, "centroid x {} truth {x}", sx / sum);
        assert!((sy / sum - y).abs() < 0.1, "centroid y {} truth {y}", sy / sum);
        assert!((truth.visible - 1.0).abs() < 0.02, "visible {}", truth.visible);
    }
}

#[test]
fn the_box_encloses_the_image_of_a_ball_in_the_corner_of_a_tilted_distorting_camera() {
    let camera = CameraPose {
        tilt_deg: 15.0,
        tilt_towards_deg: 200.0,
        roll_deg: 20.0,
        distortion: [-0.15, 0.03, 0.001, -0.001, 0.0],
        ..above(1270.0, 635.0, 80.0)
    };
    let (table, bytes) = grey(
        Scene {
            camera,
            ..plain_scene()
        },
        &[Placement::at_rest(0, 700.0, 300.0)],
    );
    let truth = table.truth().balls[0];
    let [left, top, right, bottom] = truth.box_px;
    let around = |x: f64, y: f64| x > left - 3.0 && x < right + 3.0 && y > top - 3.0 && y < bottom + 3.0;
    let (mut x0, mut y0, mut x1, mut y1) = (f64::MAX, f64::MAX, f64::MIN, f64::MIN);
    for (x, y, _) in bright(&bytes).filter(|&(x, y, v)| around(x, y) && v > 90.0) {
        (x0, y0, x1, y1) = (x0.min(x - 0.5), y0.min(y - 0.5), x1.max(x + 0.5), y1.max(y + 0.5));
    }
    for (seen, truth) in [(x0, left), (y0, top), (x1, right), (y1, bottom)] {
        assert!(
            (seen - truth).abs() < 1.0,
            "an edge is seen at {seen}, the truth says {truth}"
        );
    }
}

#[test]
fn a_ball_half_outside_the_picture_is_half_visible() {
    let (table, _) = grey(
        Scene {
            camera: above(1270.0, 635.0, 40.0),
            ..plain_scene()
        },
        &[],
    );
    let camera = table.truth().camera;
    // The point of the ball's plane that the left edge of the picture shows.
    let ray = camera.ray([0.0, 120.0]);
    let eye = camera.position_mm();
    let x = eye[0] + ray[0] * (28.575 - eye[2]) / ray[2];
    let (table, _) = grey(
        Scene {
            camera: above(1270.0, 635.0, 40.0),
            ..plain_scene()
        },
        &[Placement::at_rest(0, x, 635.0)],
    );
    let visible = table.truth().balls[0].visible;
    assert!((visible - 0.5).abs() < 0.05, "visible {visible}");
}

#[test]
fn a_fast_ball_is_blurred_around_its_position_at_mid_exposure() {
    let mut scene = Scene {
        camera: above(1270.0, 635.0, 40.0),
        ..plain_scene()
    };
    scene.sensor.exposure_us = 8000;
    let ball = Placement {
        id: 0,
        position_mm: [1255.0, 635.0],
        velocity_mm_s: [4000.0, 0.0],
    };
    let (table, bytes) = grey(scene, &[ball]);
    let truth = table.truth().balls[0];
    let (sum_x, count) = bright(&bytes).fold((0.0, 0.0), |(s, n), (x, _, _)| (s + x, n + 1.0));
    assert!((truth.position_mm[0] - 1271.0).abs() < 0.5);
    assert!((sum_x / count - truth.centre_px[0]).abs() < 0.3);
    let width = bright(&bytes).fold(0.0f64, |w, (x, _, _)| w.max(x))
        - bright(&bytes).fold(1e9f64, |w, (x, _, _)| w.min(x));
    assert!(
        width > 1.3 * (truth.box_px[2] - truth.box_px[0]),
        "blurred to {width} px"
    );
}

#[test]
fn every_pixel_format_shows_the_same_picture() {
    let render = |pixels: PixelFormat| {
        let format = FrameFormat {
            stride: pixels.min_stride(WIDTH) + 16,
            ..FrameFormat::packed(WIDTH, HEIGHT, pixels)
        };
        let mut table = SimulatedTable::new(Scene::standard(), format).unwrap();
        table.advance(3_000_000);
        let mut bytes = vec![0; format.size_bytes()];
        table.render(&mut bytes).unwrap();
        (bytes, format.stride as usize)
    };
    let ((rgb, rgb_stride), (grey, grey_stride)) = (render(PixelFormat::Rgb24), render(PixelFormat::Grey));
    let ((yuyv, yuyv_stride), (nv12, nv12_stride)) = (render(PixelFormat::Yuyv), render(PixelFormat::Nv12));
    for y in 0..HEIGHT as usize {
        for x in 0..WIDTH as usize {
            let colour = |x: usize, y: usize, c: usize| f64::from(rgb[y * rgb_stride + 3 * x + c]);
            let mean = |x: usize, y: usize, n: usize, m: usize| -> [f64; 3] {
                [0, 1, 2].map(|c| {
                    let sum: f64 = (0..n * m).map(|i| colour(x + i % n, y + i / n, c)).sum();
                    sum / (n * m) as f64
                })
            };
            let luma = |[r, g, b]: [f64; 3]| 16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0;
            let blue = |[r, g, b]: [f64; 3]| 128.0 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255.0;
            let red = |[r, g, b]: [f64; 3]| 128.0 + (112.0 * r - 93.786 * g - 18.214 * b) / 255.0;
            let near = |bytes: u8, expected: f64, what: &str| {
                assert!(
                    (f64::from(bytes) - expected).abs() < 1.6,
                    "{what} at {x},{y}: {bytes}, not {expected}"
                );
            };
            let here = mean(x, y, 1, 1);
            near(
                grey[y * grey_stride + x],
                0.299 * here[0] + 0.587 * here[1] + 0.114 * here[2],
                "grey",
            );
            near(yuyv[y * yuyv_stride + 2 * x], luma(here), "YUYV luma");
            near(nv12[y * nv12_stride + x], luma(here), "NV12 luma");
            if x % 2 == 0 {
                let pair = mean(x, y, 2, 1);
                near(yuyv[y * yuyv_stride + 2 * x + 1], blue(pair), "YUYV Cb");
                near(yuyv[y * yuyv_stride + 2 * x + 3], red(pair), "YUYV Cr");
                if y % 2 == 0 {
                    let four = mean(x, y, 2, 2);
                    let at = (HEIGHT as usize + y / 2) * nv12_stride + x;
                    near(nv12[at], blue(four), "NV12 Cb");
                    near(nv12[at + 1], red(four), "NV12 Cr");
                }
            }
        }
    }
}

#[test]
fn impossible_formats_short_buffers_and_impossible_placements_are_refused() {
    let odd = FrameFormat::packed(321, 240, PixelFormat::Yuyv);
    assert_eq!(
        SimulatedTable::new(plain_scene(), odd).err(),
        Some(ImageError::BadSize)
    );
    let format = FrameFormat::packed(WIDTH, HEIGHT, PixelFormat::Grey);
    let mut table = SimulatedTable::new(plain_scene(), format).unwrap();
    assert_eq!(table.render(&mut [0; 100]), Err(ImageError::TooFewBytes));
    let refused = |table: &mut SimulatedTable, placements: &[Placement]| table.place(placements).unwrap_err();
    assert_eq!(
        refused(&mut table, &[Placement::at_rest(16, 500.0, 500.0)]),
        PlaceError::NoSuchBall(16)
    );
    assert_eq!(
        refused(&mut table, &[Placement::at_rest(1, 10.0, 500.0)]),
        PlaceError::OffTheBed(1)
    );
    let touching = [
        Placement::at_rest(1, 500.0, 500.0),
        Placement::at_rest(2, 550.0, 500.0),
    ];
    assert_eq!(refused(&mut table, &touching), PlaceError::Overlap(1, 2));
    let shot = baize_simulated_table::Shot {
        speed_mm_s: 1.0,
        direction_rad: 0.0,
        top_spin: 0.0,
        side_spin: 0.0,
    };
    assert_eq!(table.shoot(0, &shot), Err(PlaceError::NotOnTable(0)));
}

/// Grey cloth under a projector beside the camera, which throws one disc at this place; and the same in the dark.
fn under_a_projector(place_mm: [f64; 2], placements: &[Placement]) -> (SimulatedTable, Vec<u8>, Vec<u8>) {
    let mut scene = Scene {
        camera: above(1270.0, 635.0, 40.0),
        ..plain_scene()
    };
    scene.looks.cloth = [0.2; 3];
    scene.looks.cloth_texture = 0.0;
    scene.lights.ambient = 0.4;
    let format = FrameFormat::packed(WIDTH, HEIGHT, PixelFormat::Grey);
    let mut table = SimulatedTable::new(scene, format).unwrap();
    table.place(placements).unwrap();
    let pose = CameraPose {
        position_mm: [1570.0, 535.0, 1500.0],
        ..above(0.0, 0.0, 60.0)
    };
    let projector = Projector::new(&pose, [1280, 800], 1.0);
    table.hang(projector);
    let mut dark = vec![0; format.size_bytes()];
    table.render(&mut dark).unwrap();
    let mut discs = Discs {
        radius_px: 15.0,
        ..Discs::default()
    };
    let pixel = projector.optics.project([place_mm[0], place_mm[1], 0.0]).unwrap();
    discs.points_px.push(pixel).unwrap();
    table.project(discs);
    let mut lit = vec![0; format.size_bytes()];
    table.render(&mut lit).unwrap();
    (table, dark, lit)
}

/// Where the picture became brighter: the middle of it.
fn gained(dark: &[u8], lit: &[u8]) -> [f64; 2] {
    let gain: Vec<u8> = lit
        .iter()
        .zip(dark)
        .map(|(lit, dark)| lit.saturating_sub(*dark))
        .collect();
    let sum: f64 = gain.iter().map(|gain| f64::from(*gain)).sum();
    assert!(sum > 100.0, "something became brighter");
    let moment = |place: fn(usize) -> usize| {
        let weighted = gain.iter().enumerate();
        weighted
            .map(|(at, gain)| (place(at) as f64 + 0.5) * f64::from(*gain))
            .sum::<f64>()
            / sum
    };
    [moment(|at| at % WIDTH as usize), moment(|at| at / WIDTH as usize)]
}

#[test]
fn a_projectors_disc_is_seen_where_its_light_falls_on_the_cloth() {
    for place in [[1270.0, 635.0], [1000.0, 500.0], [1450.0, 820.0]] {
        let (table, dark, lit) = under_a_projector(place, &[]);
        let [x, y] = gained(&dark, &lit);
        let [u, v] = table.truth().camera.project([place[0], place[1], 0.0]).unwrap();
        assert!(
            (x - u).hypot(y - v) < 0.15,
            "{place:?}: seen at ({x}, {y}), expected ({u}, {v})"
        );
    }
}

#[test]
fn a_ball_in_a_discs_way_is_lit_and_the_cloth_behind_it_is_not() {
    let place = [1270.0, 635.0];
    // The light comes from the right: this ball takes all of it.
    let ball = Placement::at_rest(0, place[0] + 10.0, place[1] - 3.0);
    let (table, dark, lit) = under_a_projector(place, &[ball]);
    let camera = table.truth().camera;
    let [x, y] = gained(&dark, &lit);
    let [u, v] = camera
        .project([ball.position_mm[0], ball.position_mm[1], 28.6])
        .unwrap();
    let radius_px = 28.6 * camera.focal_px[0] / 1170.0;
    assert!(
        (x - u).hypot(y - v) < radius_px,
        "({x}, {y}) is not on the ball at ({u}, {v})"
    );
    let beside = lit
        .iter()
        .zip(&dark)
        .enumerate()
        .filter(|(_, (lit, dark))| lit.abs_diff(**dark) > 8)
        .map(|(at, _)| {
            [
                (at % WIDTH as usize) as f64 + 0.5,
                (at / WIDTH as usize) as f64 + 0.5,
            ]
        })
        .filter(|pixel| (pixel[0] - u).hypot(pixel[1] - v) > radius_px + 1.0)
        .count();
    assert_eq!(beside, 0, "the cloth around the ball stays as it was");
}
