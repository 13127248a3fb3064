//! The line of a cue to a fraction of a pixel, on pictures of shafts that are drawn as the geometry says.

mod common;

use baize_frame::{CueDetection, Detections, FrameFormat, ImageView, PixelFormat};
use baize_table_vision::geometry::Calibration;
use baize_table_vision::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};
use baize_table_vision::{CueLine, TableStage, straightened};
use common::table::Random;
use common::{ideal_nine_foot, tilted_nine_foot};

const CLOTH: f64 = 70.0;
const WOOD: f64 = 170.0;
const SHADOW: f64 = 45.0;
/// Radii of a cue at its tip and a metre and a half behind it.
const RADII_MM: [f64; 2] = [6.5, 14.5];
const LENGTH_MM: f64 = 1470.0;

/// A cue over the bed, at the height of the balls' centres.
#[derive(Clone, Copy)]
struct Stick {
    tip_mm: Vec2,
    butt_mm: Vec2,
}

impl Stick {
    fn new(tip_mm: Vec2, direction_deg: f64) -> Self {
        let (sin, cos) = direction_deg.to_radians().sin_cos();
        Self {
            tip_mm,
            butt_mm: sub2(tip_mm, scale2([cos, sin], LENGTH_MM)),
        }
    }

    /// How far along it a place is, and how far beside it.
    fn along_and_beside(&self, place: Vec2) -> Vec2 {
        let way = sub2(self.butt_mm, self.tip_mm);
        let unit = scale2(way, 1.0 / norm2(way));
        let from_tip = sub2(place, self.tip_mm);
        [
            dot2(from_tip, unit),
            from_tip[1] * unit[0] - from_tip[0] * unit[1],
        ]
    }

    fn radius_mm(along: f64) -> f64 {
        RADII_MM[0] + along / LENGTH_MM * (RADII_MM[1] - RADII_MM[0])
    }

    /// The same, turned about its tip and moved sideways, as a network may have it.
    fn off(&self, turned_deg: f64, beside_mm: f64) -> Self {
        let way = sub2(self.butt_mm, self.tip_mm);
        let (sin, cos) = turned_deg.to_radians().sin_cos();
        let turned = [cos * way[0] - sin * way[1], sin * way[0] + cos * way[1]];
        let aside = scale2([-way[1], way[0]], beside_mm / LENGTH_MM);
        Self {
            tip_mm: add2(self.tip_mm, aside),
            butt_mm: add2(add2(self.tip_mm, turned), aside),
        }
    }

    fn detection(&self, calibration: &Calibration) -> CueDetection {
        let pixel = |[x, y]: Vec2| {
            let pixel = calibration.project([x, y, calibration.ball_radius_mm()]);
            pixel.expect("in front of the camera").map(|v| v as f32)
        };
        CueDetection {
            tip_px: pixel(self.tip_mm),
            butt_px: pixel(self.butt_mm),
            score: 0.9,
        }
    }
}

/// A grey picture. `level` tells the light of a place at the height of the balls' centres; near the stick a pixel is the mean of nine.
fn picture(calibration: &Calibration, stick: &Stick, level: impl Fn(Vec2) -> f64) -> Vec<u8> {
    let mut random = Random(3);
    let (width, height) = (calibration.camera.width_px, calibration.camera.height_px);
    let place = |pixel| {
        let place = calibration.pixel_to_plane(pixel, calibration.ball_radius_mm());
        place.expect("above the table")
    };
    let mut bytes = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let at = [x, y].map(f64::from);
            let middle = place(add2(at, [0.5, 0.5]));
            let is_near = stick.along_and_beside(middle)[1].abs() < 80.0;
            let nine = (0..9).map(|i| [i % 3, i / 3].map(|k| (f64::from(k) + 0.5) / 3.0));
            let light = match is_near {
                true => nine.map(|part| level(place(add2(at, part)))).sum::<f64>() / 9.0,
                false => level(middle),
            };
            bytes.push((light + 8.0 * (random.even() - 0.5) + 0.5) as u8);
        }
    }
    bytes
}

fn view<'a>(calibration: &Calibration, bytes: &'a [u8]) -> ImageView<'a> {
    let camera = &calibration.camera;
    let pixels = (camera.width_px * camera.height_px) as usize;
    let format = match bytes.len() == pixels {
        true => PixelFormat::Grey,
        false => PixelFormat::Yuyv,
    };
    let format = FrameFormat::packed(camera.width_px, camera.height_px, format);
    ImageView::new(bytes, format).expect("the size fits")
}

/// The same in colours of one brightness: what was level is redness, which two neighbours share.
fn in_colour(grey: &[u8]) -> Vec<u8> {
    let pairs = grey.chunks_exact(2);
    pairs
        .flat_map(|pair| [90, 120, 90, pair[0].midpoint(pair[1])])
        .collect()
}

/// What a stage makes of a detected cue.
fn observed(calibration: &Calibration, bytes: &[u8], detected: &Stick) -> CueLine {
    let mut stage = TableStage::new();
    stage.set_calibration(Some(*calibration));
    let mut detections = Detections::new();
    detections
        .cues
        .push(detected.detection(calibration))
        .expect("room");
    let luminance = view(calibration, bytes).luminance();
    let seen = stage.observe(&detections, Some(luminance)).expect("calibrated");
    seen.cues[0]
}

fn wood(stick: &Stick, place: Vec2) -> Option<f64> {
    let [along, beside] = stick.along_and_beside(place);
    let is_on = (0.0..=LENGTH_MM).contains(&along) && beside.abs() <= Stick::radius_mm(along);
    is_on.then_some(WOOD)
}

/// A cue on bare cloth.
fn picture_of(calibration: &Calibration, stick: &Stick) -> Vec<u8> {
    picture(calibration, stick, |place| wood(stick, place).unwrap_or(CLOTH))
}

/// Asserts that a line is turned by less than this against the true one, and its ends lie less than this beside that.
#[track_caller]
fn assert_on(seen: &CueLine, truth: &Stick, turned_deg: f64, beside_mm: f64) {
    let beside = [seen.tip_mm, seen.butt_mm].map(|end| truth.along_and_beside(end)[1]);
    let turned = (beside[1] - beside[0]).atan2(norm2(sub2(seen.butt_mm, seen.tip_mm)));
    let (turned, beside) = (turned.to_degrees().abs(), beside[0].abs().max(beside[1].abs()));
    assert!(
        turned < turned_deg && beside < beside_mm,
        "{turned} deg and {beside} mm off {:?}",
        truth.butt_mm
    );
}

#[test]
fn a_cue_is_placed_on_its_shaft_though_its_detected_line_is_turned_and_beside_it() {
    let calibration = tilted_nine_foot();
    for direction_deg in [0.0, 37.0, 111.0] {
        let truth = Stick::new([1400.0, 700.0], direction_deg);
        let bytes = picture_of(&calibration, &truth);
        for (turned_deg, beside_mm) in [(0.8, 0.0), (-0.6, 5.0), (0.0, -12.0)] {
            let seen = observed(&calibration, &bytes, &truth.off(turned_deg, beside_mm));
            assert_on(&seen, &truth, 0.03, 0.7);
            assert!(seen.across_mm < 0.5 * seen.sigma_mm, "{seen:?}");
        }
    }
}

#[test]
fn a_cue_that_leaves_the_picture_is_placed_on_what_shows_of_it() {
    let calibration = tilted_nine_foot();
    let truth = Stick::new([-60.0, 640.0], 3.0);
    let bytes = picture_of(&calibration, &truth);
    let detected = truth.off(1.0, 2.0);
    let [x, _] = detected.detection(&calibration).butt_px;
    assert!(x < 0.0, "the butt is outside the picture: {x}");
    let seen = observed(&calibration, &bytes, &detected);
    assert_on(&seen, &truth, 0.1, 0.7);
}

/// As detectors do where a forearm lies beside the cue, here by four degrees: a hand's breadth at the far end.
#[test]
fn a_cue_whose_detected_line_is_drawn_far_aside_is_found_from_its_tip_on() {
    let calibration = tilted_nine_foot();
    let truth = Stick::new([1500.0, 700.0], 20.0);
    let bytes = picture_of(&calibration, &truth);
    let seen = observed(&calibration, &bytes, &truth.off(4.0, 2.0));
    assert_on(&seen, &truth, 0.1, 2.5);
}

#[test]
fn a_shaft_as_bright_as_its_cloth_is_found_by_its_colour() {
    let calibration = tilted_nine_foot();
    let truth = Stick::new([1400.0, 700.0], 37.0);
    let grey = picture_of(&calibration, &truth);
    let seen = observed(&calibration, &in_colour(&grey), &truth.off(0.7, -3.0));
    assert_on(&seen, &truth, 0.06, 1.5);
}

#[test]
fn a_shaft_is_told_from_its_shadow_and_from_what_hides_a_third_of_it() {
    let calibration = tilted_nine_foot();
    let truth = Stick::new([1500.0, 600.0], 20.0);
    let bytes = picture(&calibration, &truth, |place| {
        let [along, beside] = truth.along_and_beside(place);
        let hand = (300.0..800.0).contains(&along) && beside.abs() < 60.0;
        let shadow = (0.0..LENGTH_MM).contains(&along) && (beside - 25.0).abs() < Stick::radius_mm(along);
        match wood(&truth, place) {
            _ if hand => 110.0,
            Some(level) => level,
            None if shadow => SHADOW,
            None => CLOTH,
        }
    });
    let seen = observed(&calibration, &bytes, &truth.off(0.5, 3.0));
    assert_on(&seen, &truth, 0.06, 1.5);
}

#[test]
fn a_cue_that_shows_no_shaft_stays_where_it_was_detected() {
    let calibration = tilted_nine_foot();
    let stick = Stick::new([1400.0, 700.0], 37.0);
    let bytes = picture(&calibration, &stick, |_| CLOTH);
    let seen = observed(&calibration, &bytes, &stick);
    assert_on(&seen, &stick, 0.01, 0.1);
    assert_eq!(seen.across_mm, seen.sigma_mm);
}

/// The edge of a rail has one side only.
#[test]
fn one_edge_alone_is_no_shaft() {
    let calibration = tilted_nine_foot();
    let stick = Stick::new([1400.0, 700.0], 37.0);
    let bytes = picture(&calibration, &stick, |place| {
        match stick.along_and_beside(place)[1] {
            beside if beside > 10.0 => WOOD,
            _ => CLOTH,
        }
    });
    let seen = observed(&calibration, &bytes, &stick);
    assert_eq!(seen.across_mm, seen.sigma_mm);
}

#[test]
fn without_a_calibration_a_cue_is_straightened_in_the_picture() {
    let calibration = ideal_nine_foot();
    let truth = Stick::new([1400.0, 700.0], 160.0);
    let bytes = picture_of(&calibration, &truth);
    let luminance = view(&calibration, &bytes).luminance();
    let ball_px = calibration
        .ball_outline(truth.tip_mm)
        .expect("in the picture")
        .box_size_px()[0] as f32;
    let seen = straightened(luminance, truth.off(0.7, -4.0).detection(&calibration), ball_px);
    let expected = truth.detection(&calibration);
    let angle = |cue: &CueDetection| {
        let [x, y] = [0, 1].map(|k| f64::from(cue.tip_px[k] - cue.butt_px[k]));
        y.atan2(x).to_degrees()
    };
    let turned = angle(&seen) - angle(&expected);
    let way = [0, 1].map(|k| expected.butt_px[k] - expected.tip_px[k]);
    let off = [0, 1].map(|k| seen.tip_px[k] - expected.tip_px[k]);
    let beside_px = (off[0] * way[1] - off[1] * way[0]) / way[0].hypot(way[1]);
    assert!(
        turned.abs() < 0.03 && beside_px.abs() < 0.3,
        "{turned} deg, {beside_px} px"
    );
}

#[test]
fn lines_that_no_detector_gives_are_returned_as_they_are() {
    let calibration = ideal_nine_foot();
    // Stripes: an edge wherever one is looked for.
    let bytes: Vec<u8> = (0..calibration.camera.width_px * calibration.camera.height_px)
        .map(|i| if i / 4 % 2 == 0 { 60 } else { 180 })
        .collect();
    let luminance = view(&calibration, &bytes).luminance();
    for (tip_px, butt_px, ball_px) in [
        ([5.0, 5.0], [5.0, 5.0], 20.0),
        ([f32::NAN, 5.0], [50.0, 5.0], 20.0),
        ([5.0, 5.0], [f32::INFINITY, 5.0], 20.0),
        ([-1e30, 5.0], [1e30, 5.0], 20.0),
        ([5.0, 5.0], [500.0, 500.0], f32::NAN),
        ([5.0, 5.0], [500.0, 500.0], 0.0),
        ([5.0, 5.0], [500.0, 500.0], 1e30),
    ] {
        let cue = CueDetection {
            tip_px,
            butt_px,
            score: 0.5,
        };
        let same = straightened(luminance, cue, ball_px);
        assert_eq!(format!("{same:?}"), format!("{cue:?}"));
    }
}
