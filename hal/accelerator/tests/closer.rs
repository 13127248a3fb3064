//! A second look at small balls, with a detector that sees what it is told to.

use baize_accelerator::{DetectError, DetectTimings, Detector, DetectorInfo, closer};
use baize_frame::{
    BallDetection, BallKind, CueDetection, Detections, FrameFormat, ImageView, KindShares, PixelFormat,
    Reading, Region,
};
use std::sync::{Arc, Mutex};

const FORMAT: FrameFormat = FrameFormat::packed(1920, 1080, PixelFormat::Grey);
const INPUT_PX: [u32; 2] = [640, 384];

/// Sees round balls of one size where they are; of those cut by its region's edge, what is left of them. Below ten pixels in its
/// input it takes two neighbours for one.
struct Sharp {
    info: DetectorInfo,
    balls: Vec<[f32; 2]>,
    size_px: f32,
    looks: Arc<Mutex<Vec<Region>>>,
    fails_at_look: usize,
}

impl Detector for Sharp {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn prepare(&mut self, _format: FrameFormat) {}

    fn detect(
        &mut self,
        _image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        out.clear();
        let mut looks = self.looks.lock().expect("no test fails in here");
        looks.push(region);
        if looks.len() == self.fails_at_look {
            return Err(DetectError::Inference);
        }
        let scale = (INPUT_PX[0] as f32 / region.width as f32).min(INPUT_PX[1] as f32 / region.height as f32);
        let is_small = self.size_px * scale < 10.0;
        let half = self.size_px / 2.0;
        let (left, top) = (region.x as f32, region.y as f32);
        let (right, bottom) = (left + region.width as f32, top + region.height as f32);
        for (i, ball) in self.balls.iter().enumerate() {
            let (x0, x1) = ((ball[0] - half).max(left), (ball[0] + half).min(right));
            let (y0, y1) = ((ball[1] - half).max(top), (ball[1] + half).min(bottom));
            let is_taken_for_its_neighbour = is_small && i % 2 == 1;
            if x1 - x0 > 2.0 && y1 - y0 > 2.0 && !is_taken_for_its_neighbour {
                out.balls
                    .push(BallDetection {
                        centre_px: [0.5 * (x0 + x1), 0.5 * (y0 + y1)],
                        size_px: [x1 - x0, y1 - y0],
                        kind: BallKind::Ball,
                        kind_shares: KindShares::of(BallKind::Ball, 1.0),
                        score: 0.9 - 0.01 * i as f32,
                        reading: Reading::NOTHING,
                    })
                    .expect("room");
            }
        }
        let cue = CueDetection {
            tip_px: [left + 5.0, 100.0],
            butt_px: [right, 100.0],
            score: 0.8,
        };
        out.cues.push(cue).expect("room");
        Ok(DetectTimings {
            inference_us: 1000,
            ..DetectTimings::default()
        })
    }
}

/// What is found of balls of this size, in which regions it was looked for them, and what that took.
fn find(
    balls: &[[f32; 2]],
    size_px: f32,
    fails_at_look: usize,
) -> (Result<DetectTimings, DetectError>, Detections, Vec<Region>) {
    let looks = Arc::new(Mutex::new(Vec::new()));
    let mut detector = closer(Box::new(Sharp {
        info: DetectorInfo {
            backend: "sharp",
            model: "sharp".into(),
            input_px: INPUT_PX,
            box_margin: 1.0,
            reader: None,
        },
        balls: balls.to_vec(),
        size_px,
        looks: Arc::clone(&looks),
        fails_at_look,
    }));
    let bytes = vec![0; FORMAT.size_bytes()];
    let image = ImageView::new(&bytes, FORMAT).expect("a picture");
    let mut found = Detections::new();
    let took = detector.detect(&image, image.whole(), &mut found);
    let looks = looks.lock().expect("no test fails in there").clone();
    (took, found, looks)
}

/// Pairs all over the picture, some of them where tiles are cut.
fn pairs(apart_px: f32) -> Vec<[f32; 2]> {
    let columns = [30.0, 480.0, 640.0, 958.0, 1280.0, 1850.0];
    let rows = [40.0, 355.0, 540.0, 721.0];
    columns
        .iter()
        .flat_map(|&x| rows.iter().map(move |&y| [x, y]))
        .flat_map(|[x, y]| [[x, y], [x + apart_px, y]])
        .collect()
}

#[test]
fn large_balls_are_looked_at_once() {
    let (took, found, looks) = find(&[[500.0, 500.0], [540.0, 500.0]], 40.0, 0);
    assert_eq!((found.balls.len(), looks.len()), (2, 1));
    assert_eq!(took.expect("it works").inference_us, 1000);
}

#[test]
fn small_balls_are_looked_at_again_and_each_is_found_once_and_whole() {
    for size_px in [12.0, 15.0, 24.0] {
        let balls = pairs(1.2 * size_px);
        let (took, found, looks) = find(&balls, size_px, 0);
        assert!(looks.len() > 4, "{size_px} px: {looks:?}");
        assert_eq!(took.expect("it works").inference_us as usize, 1000 * looks.len());
        assert_eq!(found.balls.len(), balls.len(), "{size_px} px");
        for ball in &balls {
            let exact = |seen: &&BallDetection| seen.centre_px == *ball && seen.size_px == [size_px; 2];
            assert_eq!(
                found.balls.iter().filter(exact).count(),
                1,
                "{size_px} px at {ball:?}"
            );
        }
        let scores: Vec<f32> = found.balls.iter().map(|ball| ball.score).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "best first: {scores:?}");
    }
}

#[test]
fn tiles_cover_the_picture_and_begin_at_even_pixels() {
    let (_, _, looks) = find(&pairs(20.0), 15.0, 0);
    let tiles = &looks[1..];
    for (x, y) in (0..1920)
        .step_by(7)
        .flat_map(|x| (0..1080).step_by(7).map(move |y| (x, y)))
    {
        let holds = |tile: &Region| {
            (tile.x..tile.x + tile.width).contains(&x) && (tile.y..tile.y + tile.height).contains(&y)
        };
        assert!(tiles.iter().any(holds), "nothing shows ({x}, {y})");
    }
    for tile in tiles {
        assert!(
            [tile.x, tile.y, tile.width, tile.height]
                .iter()
                .all(|v| v % 2 == 0),
            "{tile:?}"
        );
        assert!(
            tile.x + tile.width <= 1920 && tile.y + tile.height <= 1080,
            "{tile:?}"
        );
    }
}

#[test]
fn the_cue_is_that_of_the_whole_picture() {
    let (_, found, _) = find(&pairs(20.0), 15.0, 0);
    assert_eq!(found.cues.len(), 1);
    assert_eq!(
        (found.cues[0].tip_px, found.cues[0].butt_px),
        ([5.0, 100.0], [1920.0, 100.0])
    );
}

#[test]
fn a_look_that_fails_leaves_nothing_found() {
    let (took, found, _) = find(&pairs(20.0), 15.0, 3);
    assert_eq!(took, Err(DetectError::Inference));
    assert_eq!(found, Detections::new());
}
