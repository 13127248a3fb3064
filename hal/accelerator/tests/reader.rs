//! Whole readers on a tiny network whose function is known (`fixtures/generate_reader.py`), and the one that is shipped.

mod common;

use std::path::Path;

use baize_accelerator::{Backend, CpuOptions, FaceReader, LoadError, ModelFiles, ReaderManifest, reading};
use baize_frame::{
    BallColour, BallDetection, BallKind, Detections, FrameFormat, ImageView, KindShares, PixelFormat, Reading,
};
use common::{Disc, fixture, picture, spots_on_rten};

const RTEN: CpuOptions = CpuOptions {
    backend: Backend::Rten,
    threads: std::num::NonZeroUsize::MIN,
    onnxruntime: None,
};
const FORMAT: FrameFormat = FrameFormat::packed(640, 384, PixelFormat::Rgb24);

fn open(folder: &Path) -> Result<FaceReader, LoadError> {
    let model = ModelFiles::<ReaderManifest>::from_dir(folder)?;
    FaceReader::open(&model, &RTEN).map(|(reader, _)| reader)
}

fn ball(centre_px: [f32; 2], size_px: f32) -> BallDetection {
    BallDetection {
        centre_px,
        size_px: [size_px; 2],
        kind: BallKind::Ball,
        kind_shares: KindShares::UNKNOWN,
        score: 0.9,
        reading: Reading::NOTHING,
    }
}

fn disc(centre_px: [f32; 2], rgb: [u8; 3]) -> Disc {
    Disc {
        centre_px,
        radius_px: 10.0,
        rgb,
    }
}

/// What the tiny network reads in a black picture with these discs.
fn read(discs: &[Disc], balls: &mut [BallDetection]) {
    let bytes = picture(FORMAT, discs);
    let image = ImageView::new(&bytes, FORMAT).expect("a picture");
    let mut reader = open(&fixture("mean-colours")).expect("the fixture is good");
    reader.read(&image, balls, &mut []).expect("a reading");
}

#[test]
fn each_ball_gets_the_number_and_the_colour_of_its_own_pixels() {
    let places = [[100.0, 100.0], [200.5, 150.25], [300.0, 50.0], [400.0, 300.0]];
    let discs = [
        disc(places[0], [255, 0, 0]),
        disc(places[1], [255; 3]),
        disc(places[2], [0, 0, 255]),
    ];
    let mut balls = places.map(|place| ball(place, 20.0));
    read(&discs, &mut balls);
    let faces = balls.map(|ball| (ball.reading.number, ball.reading.colour));
    assert_eq!(faces[0], (Some(3), Some(BallColour::Red)));
    assert_eq!(faces[1], (Some(0), Some(BallColour::White)));
    assert_eq!(faces[2].0, Some(10));
    assert_eq!(faces[3], (None, None), "there is only cloth");
}

#[test]
fn a_kind_that_the_face_tells_plainly_replaces_what_the_detector_said() {
    let place = [100.0, 100.0];
    let mut balls = [ball(place, 20.0)];
    balls[0].kind = BallKind::Eight;
    balls[0].kind_shares = KindShares::of(BallKind::Eight, 0.9);
    read(&[disc(place, [0, 0, 255])], &mut balls);
    assert_eq!(balls[0].kind, BallKind::Stripe);
    assert!(balls[0].kind_score() > 0.9);
}

#[test]
fn of_a_plain_red_ball_which_may_be_of_any_set_the_detector_tells_the_kind() {
    let place = [100.0, 100.0];
    let how_solid = |kind_shares| {
        let mut balls = [BallDetection {
            kind_shares,
            ..ball(place, 20.0)
        }];
        read(&[disc(place, [255, 0, 0])], &mut balls);
        balls[0].kind_shares.share(BallKind::Solid)
    };
    assert!((how_solid(KindShares::UNKNOWN) - 0.5).abs() < 0.05);
    assert!(how_solid(KindShares::of(BallKind::Solid, 0.999)) > 0.8);
    assert!(how_solid(KindShares::of(BallKind::Ball, 0.999)) < 0.2);
}

#[test]
fn a_plain_red_ball_beside_a_stripe_is_a_solid() {
    let places = [[100.0, 100.0], [200.0, 100.0]];
    let mut balls = places.map(|place| ball(place, 20.0));
    read(
        &[disc(places[0], [255, 0, 0]), disc(places[1], [0, 0, 255])],
        &mut balls,
    );
    assert_eq!(balls.map(|ball| ball.kind), [BallKind::Solid, BallKind::Stripe]);
}

#[test]
fn more_balls_than_a_batch_are_all_read() {
    let places: Vec<[f32; 2]> = (0..37)
        .map(|i| [40.0 + 60.0 * (i % 10) as f32, 40.0 + 60.0 * (i / 10) as f32])
        .collect();
    let discs: Vec<Disc> = places.iter().map(|&place| disc(place, [255, 0, 0])).collect();
    let mut balls: Vec<BallDetection> = places.iter().map(|&place| ball(place, 20.0)).collect();
    read(&discs, &mut balls);
    assert!(
        balls
            .iter()
            .all(|ball| ball.reading.colour == Some(BallColour::Red))
    );
    assert!(
        balls.iter().all(|ball| ball.reading.number.is_none()),
        "no pool set has 37 threes"
    );
}

#[test]
fn boxes_that_no_detector_should_give_are_survived_and_tell_nothing() {
    let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0, 0.0, 1e30, 1e9];
    let mut balls: Vec<BallDetection> = strange
        .iter()
        .flat_map(|&a| {
            [
                ball([a, 100.0], 20.0),
                ball([100.0, a], 20.0),
                ball([100.0; 2], a),
            ]
        })
        .collect();
    read(&[], &mut balls);
    assert!(balls.iter().all(|ball| ball.reading == Reading::NOTHING));
}

#[test]
fn a_detector_with_a_reader_reads_what_it_finds_and_says_how_long_that_took() {
    let reader = open(&fixture("mean-colours")).expect("the fixture is good");
    let mut detector = reading(spots_on_rten(), reader);
    let bytes = picture(FORMAT, &[disc([320.0, 200.0], [255, 255, 255])]);
    let image = ImageView::new(&bytes, FORMAT).expect("a picture");
    let mut found = Detections::new();
    let timings = detector
        .detect(&image, image.whole(), &mut found)
        .expect("a detection");
    assert_eq!(found.balls.len(), 1, "{found:?}");
    assert_eq!(found.balls[0].reading.number, Some(0));
    assert!(timings.cut_us > 0 && timings.read_us > 0, "{timings:?}");
}

#[test]
fn a_reader_with_another_batch_than_its_manifest_says_is_refused_with_the_difference() {
    let Err(error) = open(&fixture("wrong-batch")) else {
        panic!("it was taken")
    };
    assert!(
        error
            .to_string()
            .contains("input `crops` is f32 [8, 3, 40, 40], expected f32 [16, 3, 40, 40]"),
        "{error}"
    );
}

#[test]
fn a_detector_is_no_reader_and_a_reader_no_detector() {
    assert!(matches!(open(&fixture("spots")), Err(LoadError::Manifest { .. })));
    assert!(matches!(
        ModelFiles::<baize_accelerator::Manifest>::from_dir(&fixture("mean-colours")),
        Err(LoadError::Manifest { .. })
    ));
}

#[test]
fn a_wrong_value_of_a_reader_s_manifest_is_named() {
    let good = include_str!("fixtures/mean-colours/baize-mean-colours.json");
    let onnx = include_bytes!("fixtures/mean-colours/baize-mean-colours.onnx");
    let cases = [
        ("\"count\": 16", "\"count\": 8", "`input.count` is 8"),
        ("\"side\": 40", "\"side\": 4000", "`input.side` is 4000"),
        ("\"margin\": 1.25", "\"margin\": 9.0", "`input.margin` is 9"),
        ("\"white\"", "\"ivory\"", "`classes` is 0, 1"),
        ("\"colour\": 0.9", "\"colour\": 1.0", "`thresholds.colour` is 1"),
        ("\"format\": 1", "\"format\": 2", "its format is 2"),
    ];
    for (right, wrong, expected) in cases {
        let manifest: &'static str = good.replacen(right, wrong, 1).leak();
        let error = ModelFiles::<ReaderManifest>::embedded(onnx, manifest)
            .expect_err(wrong)
            .to_string();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}

#[test]
fn the_shipped_reader_fits_its_manifest() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/reader");
    open(&shipped).expect("the model is in the repository");
}
