//! Ball centres to a fraction of a pixel, on pictures of balls that are drawn as the geometry says.

mod common;

use baize_frame::{BallDetection, BallKind, Detections, FrameFormat, ImageView, PixelFormat};
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

struct Shot {
    calibration: Calibration,
    pixels: PixelFormat,
    bytes: Vec<u8>,
}

impl Shot {
    /// What the stage makes of a detection whose box is off by `off_px` and larger by `stretch` than the ball's image.
    fn locate(&self, place: Vec2, off_px: [f32; 2], stretch: [f32; 2], with_picture: bool) -> Ball {
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
        let mut stage = TableStage::new();
        stage.set_calibration(Some(self.calibration));
        let mut out = StageOutput::new();
        let luminance = with_picture.then(|| image.luminance());
        stage.step(
            FrameStamp {
                frame_id: 1,
                exposure_us: 1,
            },
            &detections,
            luminance,
            &mut out,
        );
        out.state.balls[0]
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
    let mut picture = Picture::of_cloth(tilted_nine_foot(), 90.0);
    picture.draw(place, |_| 180.0);
    let shot = picture.take();
    let smeared = shot.locate(place, [1.0, 0.5], [1.8, 1.0], true);
    let by_box = shot.locate(place, [1.0, 0.5], [1.8, 1.0], false);
    assert_eq!(smeared, by_box);
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
