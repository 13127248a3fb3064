//! Ball centres to a fraction of a pixel, on pictures of balls that are drawn as the geometry says.

mod common;

use baize_frame::{BallDetection, BallKind, Detections, FrameFormat, ImageView, Luminance, PixelFormat};
use baize_table_state::{Ball, Flags};
use baize_table_vision::geometry::Calibration;
use baize_table_vision::geometry::linear::{Vec2, det2, sub2};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};
use common::table::{Random, detection, distance_mm};
use common::tilted_nine_foot;

/// A grey picture of the cloth, on which balls are drawn with their edges at the right sub-pixel place.
struct Picture {
    calibration: Calibration,
    levels: Vec<f64>,
}

impl Picture {
    fn of_cloth(calibration: Calibration, level: f64) -> Self {
        let pixels = (calibration.camera.width_px * calibration.camera.height_px) as usize;
        Self {
            calibration,
            levels: vec![level; pixels],
        }
    }

    /// Covers the image of a ball at a place with `level`, which may depend on where on the ball (parts of the radius
    /// along the outline's axes).
    fn draw(&mut self, place: Vec2, level: impl Fn(Vec2) -> f64) {
        let outline = self.calibration.ball_outline(place).expect("in the picture");
        let [a, b] = outline.half_axes_px;
        let area = det2(&[a, b]);
        let [cx, cy] = outline.centre_px;
        let width = self.calibration.camera.width_px as i64;
        let height = self.calibration.camera.height_px as i64;
        for y in (cy as i64 - 60).max(0)..(cy as i64 + 60).min(height) {
            for x in (cx as i64 - 60).max(0)..(cx as i64 + 60).min(width) {
                let (mut cover, mut sum) = (0.0, 0.0);
                for i in 0..64 {
                    let point = [
                        x as f64 + (f64::from(i % 8) + 0.5) / 8.0,
                        y as f64 + (f64::from(i / 8) + 0.5) / 8.0,
                    ];
                    let off = sub2(point, outline.centre_px);
                    let on_ball = [det2(&[off, b]) / area, det2(&[a, off]) / area];
                    if on_ball[0].hypot(on_ball[1]) <= 1.0 {
                        cover += 1.0 / 64.0;
                        sum += level(on_ball) / 64.0;
                    }
                }
                let pixel = &mut self.levels[(y * width + x) as usize];
                *pixel = *pixel * (1.0 - cover) + sum;
            }
        }
    }

    /// A ball that rolls by `way_mm` along the table while the shutter is open.
    fn of_smear(calibration: Calibration, place: Vec2, way_mm: f64) -> Self {
        const INSTANTS: u32 = 20;
        let mut smeared = Self::of_cloth(calibration, 0.0);
        for instant in 0..INSTANTS {
            let along_mm = way_mm * ((f64::from(instant) + 0.5) / f64::from(INSTANTS) - 0.5);
            let mut picture = Self::of_cloth(calibration, 90.0);
            picture.draw([place[0] + along_mm, place[1]], |_| 180.0);
            for (level, now) in smeared.levels.iter_mut().zip(&picture.levels) {
                *level += now / f64::from(INSTANTS);
            }
        }
        smeared
    }

    /// Darkens the cloth softly around a place, as a lamp's shadow does.
    fn shade(&mut self, place: Vec2, radius_px: f64, depth: f64) {
        let [cx, cy] = self
            .calibration
            .project([place[0], place[1], 0.0])
            .expect("in the picture");
        let width = self.calibration.camera.width_px as usize;
        for (i, level) in self.levels.iter_mut().enumerate() {
            let off = [(i % width) as f64 + 0.5 - cx, (i / width) as f64 + 0.5 - cy];
            let part = off[0].hypot(off[1]) / radius_px;
            *level *= 1.0 - depth * (1.0 - part).clamp(0.0, 1.0);
        }
    }

    /// The picture as a camera delivers it, with noise.
    fn take(self) -> Shot {
        let mut random = Random(11);
        let bytes = self
            .levels
            .iter()
            .map(|level| (level + 8.0 * (random.even() - 0.5) + 0.5) as u8)
            .collect();
        Shot {
            calibration: self.calibration,
            pixels: PixelFormat::Grey,
            bytes,
        }
    }

    /// The same in colours of one brightness: what was level is redness, which two neighbours share.
    fn take_in_colour(self) -> Shot {
        let mut random = Random(12);
        let mut noise = || 8.0 * (random.even() - 0.5) + 0.5;
        let bytes = self
            .levels
            .chunks_exact(2)
            .flat_map(|pair| {
                let redness = (pair[0] + pair[1]) / 2.0;
                [90.0, 120.0, 90.0, redness].map(|value| (value + noise()) as u8)
            })
            .collect();
        Shot {
            calibration: self.calibration,
            pixels: PixelFormat::Yuyv,
            bytes,
        }
    }
}

/// Two pictures of the same as one in colours: how bright it is, and how green.
fn take_in_green(brightness: Picture, greenness: &Picture) -> Shot {
    let mut random = Random(13);
    let mut noise = || 6.0 * (random.even() - 0.5) + 0.5;
    let pairs = brightness
        .levels
        .chunks_exact(2)
        .zip(greenness.levels.chunks_exact(2));
    let bytes = pairs
        .flat_map(|(bright, green)| {
            let colour = 128.0 - (green[0] + green[1]) / 2.0;
            [bright[0], colour, bright[1], colour].map(|value| (value + noise()) as u8)
        })
        .collect();
    Shot {
        calibration: brightness.calibration,
        pixels: PixelFormat::Yuyv,
        bytes,
    }
}

struct Shot {
    calibration: Calibration,
    pixels: PixelFormat,
    bytes: Vec<u8>,
}

impl Shot {
    /// What the stage makes of a detection whose box is off by `off_px` and larger by `stretch` than the ball's image.
    fn locate(&self, place: Vec2, off_px: [f32; 2], stretch: [f32; 2], with_picture: bool) -> Ball {
        self.locate_all(place, off_px, stretch, with_picture)[0]
    }

    /// The same, where the box may show more than one ball.
    fn locate_all(&self, place: Vec2, off_px: [f32; 2], stretch: [f32; 2], with_picture: bool) -> Vec<Ball> {
        let camera = self.calibration.camera;
        let format = FrameFormat::packed(camera.width_px, camera.height_px, self.pixels);
        let image = ImageView::new(&self.bytes, format).expect("the picture has its size");
        let exact = detection(&self.calibration, place, BallKind::Solid);
        let off = BallDetection {
            centre_px: [exact.centre_px[0] + off_px[0], exact.centre_px[1] + off_px[1]],
            size_px: [exact.size_px[0] * stretch[0], exact.size_px[1] * stretch[1]],
            ..exact
        };
        let mut detections = Detections::new();
        detections.balls.push(off).expect("room");
        self.judged(&detections, with_picture.then(|| image.luminance()))
    }

    /// What the stage makes of boxes of these places, with these scores.
    fn located(&self, boxes: &[(Vec2, f32)]) -> Vec<Ball> {
        let camera = self.calibration.camera;
        let format = FrameFormat::packed(camera.width_px, camera.height_px, self.pixels);
        let image = ImageView::new(&self.bytes, format).expect("the picture has its size");
        let mut detections = Detections::new();
        for &(place, score) in boxes {
            let exact = detection(&self.calibration, place, BallKind::Solid);
            let scored = BallDetection { score, ..exact };
            detections.balls.push(scored).expect("room");
        }
        self.judged(&detections, Some(image.luminance()))
    }

    /// What the stage makes of a box that the detector doubts.
    fn doubted(&self, place: Vec2, stretch: f32) -> Vec<Ball> {
        let camera = self.calibration.camera;
        let format = FrameFormat::packed(camera.width_px, camera.height_px, self.pixels);
        let image = ImageView::new(&self.bytes, format).expect("the picture has its size");
        let exact = detection(&self.calibration, place, BallKind::Ball);
        let mut detections = Detections::new();
        let doubtful = BallDetection {
            size_px: exact.size_px.map(|extent| extent * stretch),
            score: 0.3,
            ..exact
        };
        detections.doubtful.push(doubtful).expect("room");
        self.judged(&detections, Some(image.luminance()))
    }

    fn judged(&self, detections: &Detections, luminance: Option<Luminance<'_>>) -> Vec<Ball> {
        let mut stage = TableStage::new();
        stage.set_calibration(Some(self.calibration));
        let mut out = StageOutput::new();
        let stamp = FrameStamp {
            frame_id: 1,
            exposure_us: 1,
        };
        stage.step(stamp, detections, luminance, &mut out);
        out.state.balls.to_vec()
    }
}

const OFFSETS_PX: [[f32; 2]; 5] = [[0.0, 0.0], [2.0, 1.0], [-1.5, 2.0], [-2.2, -1.1], [0.7, -2.4]];
const PLACES: [Vec2; 4] = [[60.0, 60.0], [1270.3, 635.7], [2470.0, 1210.0], [700.0, 1180.0]];

#[test]
fn a_box_off_by_two_pixels_is_corrected_to_half_a_millimetre_anywhere_on_the_bed() {
    for place in PLACES {
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
        picture.draw(place, |_| 180.0);
        let shot = picture.take();
        for off_px in OFFSETS_PX {
            let ball = shot.locate(place, off_px, [1.0, 1.0], true);
            let error = distance_mm(&ball, place);
            assert!(error < 0.5, "{error} mm at {place:?} from {off_px:?}");
            assert!(ball.sigma.mm() <= 0.8, "and it says so: {} mm", ball.sigma.mm());
        }
    }
}

#[test]
fn a_ball_that_shows_sharply_is_known_to_the_half_millimetre_that_light_leaves_and_no_worse() {
    let exactly_calibrated = Calibration {
        place_sigma_mm: 0.0,
        ..tilted_nine_foot()
    };
    let mut picture = Picture::of_cloth(exactly_calibrated, 90.0);
    picture.draw(PLACES[1], |_| 180.0);
    let ball = picture.take().locate(PLACES[1], [1.0, 0.5], [1.0, 1.0], true);
    assert_eq!(ball.sigma.tenth_mm(), 5, "{ball:?}");
}

#[test]
fn stripe_glare_shadow_and_a_touching_neighbour_do_not_pull_the_centre_away() {
    for place in PLACES {
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 80.0);
        picture.shade([place[0] + 22.0, place[1] + 15.0], 40.0, 0.5);
        let inwards = if place[0] < 1300.0 { 57.15 } else { -57.15 };
        picture.draw([place[0] + inwards, place[1]], |_| 150.0);
        picture.draw(place, |[x, y]| {
            let stripe = (0.6 * x + 0.8 * y).abs() < 0.5;
            let glare = (x + 0.3).hypot(y - 0.2) < 0.2;
            if glare {
                250.0
            } else if stripe {
                60.0
            } else {
                215.0
            }
        });
        let shot = picture.take();
        for off_px in OFFSETS_PX {
            let error = distance_mm(&shot.locate(place, off_px, [1.0, 1.0], true), place);
            assert!(error < 1.0, "{error} mm at {place:?} from {off_px:?}");
        }
    }
}

#[test]
fn a_red_ball_as_bright_as_its_green_cloth_is_found_by_its_colour() {
    for place in PLACES {
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
        picture.draw(place, |_| 170.0);
        let shot = picture.take_in_colour();
        for off_px in OFFSETS_PX {
            let ball = shot.locate(place, off_px, [1.0, 1.0], true);
            let error = distance_mm(&ball, place);
            assert!(error < 0.8, "{error} mm at {place:?} from {off_px:?}");
        }
    }
}

#[test]
fn a_green_ball_on_green_cloth_is_not_taken_for_its_shadow() {
    for place in PLACES {
        for towards in [[7.6, 2.4], [-6.2, 5.0], [1.6, -7.8]] {
            let shadow_place = [place[0] + towards[0], place[1] + towards[1]];
            let picture = |cloth: f64, ball: f64| {
                let mut picture = Picture::of_cloth(tilted_nine_foot(), cloth);
                picture.draw(shadow_place, |_| 0.6 * cloth);
                picture.draw(place, |_| ball);
                picture
            };
            let shot = take_in_green(picture(110.0, 90.0), &picture(44.0, 28.0));
            for off_px in OFFSETS_PX {
                let error = distance_mm(&shot.locate(place, off_px, [1.0, 1.0], true), place);
                assert!(
                    error < 1.5,
                    "{error} mm at {place:?}, shadow {towards:?}, from {off_px:?}"
                );
            }
        }
    }
}

#[test]
fn a_ball_that_hardly_shows_is_placed_beside_its_clear_neighbour_and_not_within_it() {
    let place = PLACES[1];
    for towards in [[57.2, 0.0], [-40.0, 41.0], [12.0, -56.0]] {
        let clear = [place[0] + towards[0], place[1] + towards[1]];
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 60.0);
        picture.draw(clear, |_| 210.0);
        picture.draw(place, |_| 40.0);
        let shot = picture.take();
        // Its box is drawn to the neighbour, whose edge is the clearest around.
        for part in [0.2, 0.25, 0.3] {
            let drawn = [0, 1].map(|i| place[i] + part * towards[i]);
            let balls = shot.located(&[(drawn, 0.9), (clear, 0.8)]);
            assert_eq!(balls.len(), 2, "{part} of {towards:?}: {balls:?}");
            for place in [place, clear] {
                let error = balls
                    .iter()
                    .map(|ball| distance_mm(ball, place))
                    .fold(f64::INFINITY, f64::min);
                // Boxes count: on photo-like pictures of balls that hardly show they are nearer than rims.
                assert!(error < 3.5, "{error} mm, {part} of {towards:?}: {balls:?}");
            }
        }
    }
}

/// By its rim alone it would be 0.7 mm off: most of it is as bright as the cloth, and a shadow's edge lies beside it.
#[test]
fn a_ball_whose_rim_hardly_shows_is_placed_by_its_box_too() {
    let place = PLACES[1];
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw([place[0] + 6.0, place[1] + 2.0], |_| 62.0);
    picture.draw(place, |[x, _]| if x < -0.5 { 62.0 } else { 86.0 });
    let shot = picture.take();
    let error = distance_mm(&shot.locate(place, [0.0, 0.0], [1.0, 1.0], true), place);
    assert!(error < 0.5, "{error} mm");
}

#[test]
fn a_ball_half_of_whose_rim_does_not_differ_from_the_cloth_is_placed_by_the_other_half() {
    let place = PLACES[1];
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw(place, |[x, _]| if x < 0.1 { 180.0 } else { 90.0 });
    let shot = picture.take();
    // The box is around what shows: half of a ball.
    for off_px in [[-5.0, 0.0], [-4.0, 1.0]] {
        let ball = shot.locate(place, off_px, [0.6, 1.0], true);
        let error = distance_mm(&ball, place);
        assert!(error < 2.0, "{error} mm from {off_px:?}");
    }
}

#[test]
fn a_box_off_by_a_third_of_the_balls_radius_is_corrected() {
    let place = PLACES[1];
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw(place, |_| 180.0);
    let shot = picture.take();
    let error = distance_mm(&shot.locate(place, [4.2, -3.8], [1.0, 1.0], true), place);
    assert!(error < 0.6, "{error} mm");
}

#[test]
fn a_ball_of_the_cloths_own_grey_keeps_its_box_and_admits_the_doubt() {
    let place = PLACES[1];
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw(place, |_| 90.0);
    let shot = picture.take();
    let ball = shot.locate(place, [1.0, 0.5], [1.0, 1.0], true);
    let by_box = shot.locate(place, [1.0, 0.5], [1.0, 1.0], false);
    assert!(distance_mm(&ball, place) <= distance_mm(&by_box, place) + 0.1);
    assert!(ball.sigma >= by_box.sigma);
}

#[test]
fn the_smeared_image_of_a_fast_ball_keeps_its_box() {
    let place = PLACES[1];
    for way_mm in [35.0, 60.0, 110.0] {
        let shot = Picture::of_smear(tilted_nine_foot(), place, way_mm).take();
        let stretch = [1.0 + way_mm as f32 / 57.15, 1.0];
        let smeared = shot.locate_all(place, [1.0, 0.5], stretch, true);
        let by_box = shot.locate_all(place, [1.0, 0.5], stretch, false);
        assert_eq!(smeared, by_box, "{way_mm} mm");
    }
}

#[test]
fn a_ball_in_a_box_far_too_large_for_it_is_placed_by_its_rim() {
    for place in PLACES {
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
        picture.draw(place, |_| 180.0);
        let shot = picture.take();
        for off_px in [[1.0, 0.5], [-8.0, 6.0], [9.0, 7.0]] {
            let balls = shot.locate_all(place, off_px, [1.7, 1.6], true);
            assert_eq!(balls.len(), 1, "{balls:?} from {off_px:?}");
            let error = distance_mm(&balls[0], place);
            assert!(error < 0.5, "{error} mm at {place:?} from {off_px:?}");
        }
    }
}

#[test]
fn two_balls_in_one_box_are_both_found() {
    // Touching, and with a finger between them, in every direction; alike and not.
    let neighbours = [
        [57.2, 0.0],
        [41.0, 40.0],
        [-42.0, 44.0],
        [3.0, -60.0],
        [62.0, 18.0],
    ];
    for (neighbour, levels) in neighbours
        .into_iter()
        .zip([[180.0, 180.0], [150.0, 230.0]].into_iter().cycle())
    {
        let first = PLACES[1];
        let second = [first[0] + neighbour[0], first[1] + neighbour[1]];
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
        picture.draw(first, |_| levels[0]);
        picture.draw(second, |_| levels[1]);
        let shot = picture.take();
        let between = [0, 1].map(|i| 0.5 * (first[i] + second[i]));
        let stretch = neighbour.map(|way_mm: f64| 1.0 + way_mm.abs() as f32 / 57.15);
        for off_px in [[0.0, 0.0], [2.0, -1.5], [-2.5, -2.0]] {
            let balls = shot.locate_all(between, off_px, stretch, true);
            assert_eq!(balls.len(), 2, "{neighbour:?} from {off_px:?}: {balls:?}");
            for place in [first, second] {
                let error = balls
                    .iter()
                    .map(|ball| distance_mm(ball, place))
                    .fold(f64::INFINITY, f64::min);
                assert!(
                    error < 1.0,
                    "{error} mm at {place:?}, {neighbour:?} from {off_px:?}"
                );
            }
        }
    }
}

#[test]
fn what_the_detector_doubts_is_a_ball_where_a_balls_rim_shows_on_the_bed() {
    for place in PLACES {
        let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
        picture.draw(place, |_| 150.0);
        let shot = picture.take();
        let balls = shot.doubted(place, 1.15);
        assert_eq!(balls.len(), 1, "at {place:?}");
        assert!(distance_mm(&balls[0], place) < 0.5);
        assert_eq!(shot.doubted(place, 1.6), [], "a box too large for a ball");
        assert_eq!(shot.doubted(place, 0.5), [], "a box too small");
    }
}

#[test]
fn what_the_detector_doubts_is_nothing_without_a_balls_rim_or_off_the_bed() {
    let place = PLACES[1];
    let empty = Picture::of_cloth(tilted_nine_foot(), 90.0).take();
    assert_eq!(empty.doubted(place, 1.0), [], "cloth");

    let mut smaller = Picture::of_cloth(tilted_nine_foot(), 90.0);
    smaller.draw(place, |[x, y]| if x.hypot(y) < 0.7 { 200.0 } else { 90.0 });
    assert_eq!(smaller.take().doubted(place, 1.0), [], "a spot of two thirds");

    let mut shaft = Picture::of_cloth(tilted_nine_foot(), 90.0);
    shaft.draw(place, |[x, _]| if x.abs() < 0.3 { 200.0 } else { 90.0 });
    assert_eq!(shaft.take().doubted(place, 1.0), [], "a bar");

    let outside = [-8.0, 600.0];
    let mut on_rail = Picture::of_cloth(tilted_nine_foot(), 90.0);
    on_rail.draw(outside, |_| 180.0);
    assert_eq!(on_rail.take().doubted(outside, 1.0), [], "a ball on the rail");
}

#[test]
fn of_two_balls_in_one_box_nobody_says_what_they_look_like() {
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw([1000.0, 600.0], |_| 180.0);
    picture.draw([1060.0, 600.0], |_| 180.0);
    let balls = picture
        .take()
        .locate_all([1030.0, 600.0], [0.0, 0.0], [2.05, 1.0], true);
    let kinds: Vec<_> = balls.iter().map(|ball| ball.identity.kind()).collect();
    assert_eq!(kinds, [baize_table_state::BallKind::BALL; 2], "{balls:?}");
}

#[test]
fn a_picture_of_another_size_comes_from_another_camera_and_is_uncalibrated() {
    let mut calibration = tilted_nine_foot();
    let mut picture = Picture::of_cloth(calibration, 90.0);
    picture.draw(PLACES[1], |_| 180.0);
    let shot = picture.take();
    let format = FrameFormat::packed(960, 1080, PixelFormat::Grey);
    let image = ImageView::new(&shot.bytes, format).expect("large enough");
    calibration.id = 9;
    let mut stage = TableStage::new();
    stage.set_calibration(Some(calibration));
    let mut detections = Detections::new();
    detections
        .balls
        .push(detection(&calibration, PLACES[1], BallKind::Solid))
        .expect("room");
    let mut out = StageOutput::new();
    let stamp = FrameStamp {
        frame_id: 1,
        exposure_us: 1,
    };
    stage.step(stamp, &detections, Some(image.luminance()), &mut out);
    assert!(out.state.flags.contains(Flags::UNCALIBRATED) && out.state.balls.is_empty());
}
