//! Calibration on simulated tables, against the exact truth.

mod common;

use baize_frame::{BallDetection, FrameFormat, ImageView, PixelFormat};
use baize_simulated_table::{Scene, SimulatedTable, Truth};
use baize_table_calibration::{Outcome, Reason, Request, calibrate};
use baize_table_vision::geometry::linear::{norm2, sub2};
use baize_table_vision::geometry::{CameraModel, TableSize};
use common::detected;

const FORMAT: FrameFormat = FrameFormat::packed(1280, 720, PixelFormat::Nv12);

struct Seen {
    truth: Truth,
    table: TableSize,
    ball_radius_mm: f64,
    bytes: Vec<u8>,
}

fn look(scene: Scene) -> Seen {
    let mut bytes = vec![0; FORMAT.size_bytes()];
    let table = TableSize::new(scene.table.length_mm, scene.table.width_mm);
    let ball_radius_mm = scene.ball_set.size().0;
    let mut simulated = SimulatedTable::new(scene, FORMAT).unwrap();
    simulated.render(&mut bytes).unwrap();
    Seen {
        truth: simulated.truth().clone(),
        table,
        ball_radius_mm,
        bytes,
    }
}

impl Seen {
    fn calibrated(&self) -> Outcome {
        let view = ImageView::new(&self.bytes, FORMAT).unwrap();
        calibrate(&[view], &self.request())
    }

    fn request(&self) -> Request<'static> {
        Request::new(self.table, 2.0 * self.ball_radius_mm)
    }

    /// Whether every side shows: the corners of the cushions' backs are in the picture.
    fn shows_whole_table(&self) -> bool {
        let inside = |[x, y]: [f64; 2]| x > 4.0 && y > 4.0 && x < 1276.0 && y < 716.0;
        let (length, width) = (self.table.length_mm, self.table.width_mm);
        let backs = [
            [-70.0, -70.0],
            [length + 70.0, -70.0],
            [length + 70.0, width + 70.0],
            [-70.0, width + 70.0],
        ];
        backs
            .iter()
            .all(|&[x, y]| self.truth.camera.project([x, y, 40.0]).is_some_and(inside))
    }

    /// The largest error of the corners in pixels. The scene's own table frame may lie the other way round than the
    /// agreed rule has it.
    fn corner_error_px(&self, outcome: &Outcome) -> f64 {
        let corners = outcome.corners_px.unwrap();
        let turned = self.is_half_turned(outcome);
        (0..4)
            .map(|k| {
                norm2(sub2(
                    corners[k],
                    self.truth.nose_corners_px[(k + if turned { 2 } else { 0 }) % 4],
                ))
            })
            .fold(0.0, f64::max)
    }

    fn is_half_turned(&self, outcome: &Outcome) -> bool {
        let corners = outcome.corners_px.unwrap();
        norm2(sub2(corners[0], self.truth.nose_corners_px[0]))
            > norm2(sub2(corners[0], self.truth.nose_corners_px[2]))
    }

    /// The largest error of a ball's place, over a grid that reaches into the corners.
    fn ball_error_mm(&self, outcome: &Outcome) -> f64 {
        let calibration = outcome.calibration.unwrap();
        let turned = self.is_half_turned(outcome);
        let mut worst: f64 = 0.0;
        for i in 0..=10 {
            for j in 0..=6 {
                let r = self.ball_radius_mm;
                let x = r + (self.table.length_mm - 2.0 * r) * f64::from(i) / 10.0;
                let y = r + (self.table.width_mm - 2.0 * r) * f64::from(j) / 6.0;
                let pixel = self.truth.camera.project([x, y, r]).unwrap();
                let place = calibration.pixel_to_plane(pixel, r).unwrap();
                let place = if turned {
                    [self.table.length_mm - place[0], self.table.width_mm - place[1]]
                } else {
                    place
                };
                worst = worst.max(norm2(sub2(place, [x, y])));
            }
        }
        worst
    }
}

fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

#[test]
fn the_table_of_the_demonstrations_is_calibrated_to_two_millimetres_with_all_its_diamonds() {
    let seen = look(Scene::standard());
    let outcome = seen.calibrated();
    assert!(outcome.accepted, "{}", outcome.reason);
    let (corner_px, ball_mm) = (seen.corner_error_px(&outcome), seen.ball_error_mm(&outcome));
    let residual_mm = outcome.residual_mm.unwrap();
    println!(
        "corners off by {corner_px:.2} px, balls by {ball_mm:.2} mm at most; residual {residual_mm:.2} mm"
    );
    assert_eq!(outcome.calibration.unwrap().table, seen.table);
    assert!(!seen.is_half_turned(&outcome), "the origin belongs bottom left");
    assert_eq!(outcome.diamonds_found, 18);
    assert!(ball_mm < 2.0, "{ball_mm}");
    let sigma_mm = outcome.place_sigma_mm.unwrap();
    assert!(
        3.0 * sigma_mm > ball_mm && sigma_mm < 1.2,
        "and it says so: {sigma_mm}"
    );
}

#[test]
fn random_scenes_are_mostly_accepted_and_never_far_off() {
    const SCENES: usize = 12;
    let scenes = (0..)
        .map(|seed| (seed, look(Scene::random(seed))))
        .filter(|(_, seen)| seen.shows_whole_table());
    let (mut corner_px, mut ball_mm, mut in_sigmas) = (Vec::new(), Vec::new(), Vec::new());
    for (seed, seen) in scenes.take(SCENES) {
        let outcome = seen.calibrated();
        if !outcome.accepted {
            println!("scene {seed} refused: {}", outcome.reason);
            continue;
        }
        corner_px.push(seen.corner_error_px(&outcome));
        ball_mm.push(seen.ball_error_mm(&outcome));
        let off_mm = ball_mm[ball_mm.len() - 1];
        in_sigmas.push(off_mm / outcome.place_sigma_mm.unwrap());
        println!(
            "scene {seed}: residual {:.2} mm, balls off by {off_mm:.2} mm at most",
            outcome.residual_mm.unwrap()
        );
        assert!(off_mm < 6.0, "scene {seed} was accepted {off_mm} mm off");
    }
    println!(
        "{} of {SCENES} accepted; corners: median {:.2} px, 95 % {:.2} px; worst ball: median {:.2} mm, 95 % {:.2} mm",
        ball_mm.len(),
        percentile(&mut corner_px, 0.5),
        percentile(&mut corner_px, 0.95),
        percentile(&mut ball_mm, 0.5),
        percentile(&mut ball_mm, 0.95),
    );
    assert!(ball_mm.len() * 10 >= SCENES * 8);
    // The worst place of a bed is off by some two sigmas: much less, and the sigmas say too little of the calibration.
    let in_sigmas = percentile(&mut in_sigmas, 0.5);
    assert!((1.6..4.0).contains(&in_sigmas), "{in_sigmas}");
}

#[test]
fn a_rail_of_the_cloths_own_colour_is_not_taken_for_the_cushion() {
    let mut scene = Scene::standard();
    scene.looks.cloth = baize_simulated_table::from_picture(200, 150, 80);
    scene.looks.rail = baize_simulated_table::from_picture(196, 146, 82);
    scene.looks.corners = baize_simulated_table::Corners::Wood;
    let seen = look(scene);
    let outcome = seen.calibrated();
    assert!(outcome.accepted, "{}", outcome.reason);
    let off_mm = seen.ball_error_mm(&outcome);
    assert!(off_mm < 3.0, "{off_mm}");
}

#[test]
fn grey_cloth_that_differs_little_from_rail_and_floor_is_found() {
    let mut scene = Scene::standard();
    scene.looks.cloth = baize_simulated_table::from_picture(128, 120, 126);
    scene.looks.rail = baize_simulated_table::from_picture(150, 138, 122);
    scene.looks.floor = baize_simulated_table::from_picture(140, 146, 150);
    let seen = look(scene);
    let outcome = seen.calibrated();
    assert!(outcome.accepted, "{}", outcome.reason);
    let off_mm = seen.ball_error_mm(&outcome);
    assert!(off_mm < 3.0, "{off_mm}");
}

#[test]
fn a_table_that_stands_upright_beside_much_floor_is_found() {
    let mut scene = Scene::standard();
    scene.camera.roll_deg = 90.0;
    scene.camera.position_mm[2] = 4000.0;
    let seen = look(scene);
    let outcome = seen.calibrated();
    assert!(outcome.accepted, "{}", outcome.reason);
}

#[test]
fn corners_by_hand_and_a_lens_from_a_file_lead_to_the_same_table() {
    let seen = look(Scene::standard());
    let view = ImageView::new(&seen.bytes, FORMAT).unwrap();
    let off = [[5.0, -4.0], [-6.0, 3.0], [4.0, 5.0], [-3.0, -6.0]];
    let marked = [2, 1, 0, 3].map(|k| [0, 1].map(|i| seen.truth.nose_corners_px[k][i] + off[k][i]));
    let truth = &seen.truth.camera;
    let [k1, k2, p1, p2, k3] = truth.distortion;
    let lens = CameraModel {
        k1,
        k2,
        p1,
        p2,
        k3,
        ..CameraModel::pinhole(FORMAT.width, FORMAT.height, truth.focal_px[0])
    };
    for lens in [None, Some(lens)] {
        let mut request = seen.request();
        request.hints.corners_px = Some(marked);
        request.hints.lens = lens;
        let outcome = calibrate(&[view], &request);
        assert!(outcome.accepted, "{}", outcome.reason);
        assert_eq!(outcome.sides_found, [true; 4]);
        let off_mm = seen.ball_error_mm(&outcome);
        println!(
            "with lens {}: balls off by {off_mm:.2} mm at most",
            lens.is_some()
        );
        assert!(off_mm < 4.0, "{off_mm}");
        assert!(lens.is_none() || outcome.focal_known);
    }
}

#[test]
fn balls_of_the_wrong_size_contradict_the_table() {
    let seen = look(Scene::standard());
    let view = ImageView::new(&seen.bytes, FORMAT).unwrap();
    let balls: Vec<BallDetection> = seen
        .truth
        .balls
        .iter()
        .filter(|ball| !ball.pocketed)
        .map(detected)
        .collect();
    assert!(balls.len() > 10);
    for (table, expected) in [(TableSize::FT9, true), (TableSize::FT7, false)] {
        let mut request = Request::new(table, 57.15);
        request.balls = &balls;
        let outcome = calibrate(&[view], &request);
        assert_eq!(outcome.accepted, expected, "{}", outcome.reason);
        assert_eq!(
            expected,
            !matches!(outcome.reason, Reason::BallsContradict { .. })
        );
    }
}

#[test]
fn a_table_of_another_shape_is_refused_with_the_shape_seen() {
    let seen = look(Scene::standard());
    let view = ImageView::new(&seen.bytes, FORMAT).unwrap();
    let outcome = calibrate(&[view], &Request::new(TableSize::new(2540.0, 1150.0), 57.15));
    let Reason::AnotherShape { seen } = outcome.reason else {
        panic!("{}", outcome.reason)
    };
    assert!((1.9..2.1).contains(&seen), "{seen}");
}

#[test]
fn a_lens_for_another_picture_size_is_refused() {
    let seen = look(Scene::standard());
    let view = ImageView::new(&seen.bytes, FORMAT).unwrap();
    let mut request = seen.request();
    request.hints.lens = Some(CameraModel::pinhole(1920, 1080, 1400.0));
    assert_eq!(calibrate(&[view], &request).reason, Reason::BadLens);
}

#[test]
fn pictures_taken_while_play_goes_on_are_merged() {
    let mut simulated = SimulatedTable::new(Scene::standard(), FORMAT).unwrap();
    let pictures: Vec<Vec<u8>> = (0..5)
        .map(|_| {
            let mut bytes = vec![0; FORMAT.size_bytes()];
            simulated.advance(1_500_000);
            simulated.render(&mut bytes).unwrap();
            bytes
        })
        .collect();
    let views: Vec<ImageView> = pictures
        .iter()
        .map(|bytes| ImageView::new(bytes, FORMAT).unwrap())
        .collect();
    let seen = look(Scene::standard());
    let outcome = calibrate(&views, &seen.request());
    assert!(outcome.accepted, "{}", outcome.reason);
    assert!(seen.ball_error_mm(&outcome) < 4.0);
}

/// The table as a camera sees it that was moved along its long side, mm.
fn from_beside(mm: f64) -> Vec<u8> {
    let mut scene = Scene::standard();
    scene.camera.position_mm[0] += mm;
    look(scene).bytes
}

#[test]
fn pictures_between_which_the_camera_moved_are_refused() {
    let knocked = [0.0, 0.0, 0.0, 15.0];
    let shaken = [0.0, 15.0, 15.0, 0.0];
    let sliding = [0.0, 26.0, 52.0, 78.0];
    for places_mm in [knocked, shaken, sliding] {
        let pictures = places_mm.map(from_beside);
        let views = pictures
            .each_ref()
            .map(|bytes| ImageView::new(bytes, FORMAT).unwrap());
        let outcome = calibrate(&views, &look(Scene::standard()).request());
        assert!(!outcome.accepted, "{places_mm:?}");
        assert_eq!(outcome.reason, Reason::CameraMoved, "{places_mm:?}");
    }
}

#[test]
fn the_same_pictures_give_the_same_calibration() {
    let seen = look(Scene::random(4));
    let (first, second) = (seen.calibrated(), seen.calibrated());
    assert_eq!(first.calibration, second.calibration);
}
