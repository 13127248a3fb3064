//! How long the table stage takes for 22 balls on a 1080p YUYV picture, with refinement and without, and while a cue aims:
//! `cargo run --release -p baize-table-vision --example bench_stage`.

use std::time::Instant;

use baize_frame::{
    BallDetection, BallKind, CueDetection, Detections, FrameFormat, ImageView, Luminance, PixelFormat,
};
use baize_table_vision::geometry::{Calibration, CameraModel, Pose, TableSize};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};

const FRAMES: u64 = 5_000;
const WARM_UP: u64 = 500;

fn main() {
    let calibration = Calibration {
        id: 1,
        camera: CameraModel {
            k1: -0.1,
            k2: 0.01,
            p1: 0.0005,
            ..CameraModel::pinhole(1920, 1080, 900.0)
        },
        pose: Pose {
            rotation: [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]],
            translation_mm: [-1270.0, 635.0, 1900.0],
        },
        table: TableSize::FT9,
        ball_diameter_mm: 57.15,
        residual_mm: 0.5,
        place_sigma_mm: 0.5,
    };
    let places: Vec<[f64; 2]> = (0..22_u32)
        .map(|i| [150.0 + f64::from(i % 6) * 420.0, 150.0 + f64::from(i / 6) * 310.0])
        .collect();
    let bytes = draw(&calibration, &places);
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
    let image = ImageView::new(&bytes, format).expect("the picture has its size");
    report(
        "with refinement",
        &calibration,
        &places,
        Some(image.luminance()),
        false,
    );
    report("without", &calibration, &places, None, false);
    report("without, aiming", &calibration, &places, None, true);
}

/// Bright discs with a stripe on a darker cloth.
fn draw(calibration: &Calibration, places: &[[f64; 2]]) -> Vec<u8> {
    let mut bytes = vec![90; 1920 * 1080 * 2];
    for place in places {
        let outline = calibration.ball_outline(*place).expect("in the picture");
        let [cx, cy] = outline.centre_px;
        let radius = outline.box_size_px()[0] / 2.0;
        for y in 0..1080_usize {
            for x in 0..1920_usize {
                let off = [x as f64 + 0.5 - cx, y as f64 + 0.5 - cy];
                let cover = (radius - off[0].hypot(off[1]) + 0.5).clamp(0.0, 1.0);
                let ball = if off[1].abs() < radius / 3.0 { 120.0 } else { 200.0 };
                let level = &mut bytes[2 * (y * 1920 + x)];
                *level = (f64::from(*level) * (1.0 - cover) + cover * ball) as u8;
            }
        }
    }
    bytes
}

fn report(
    what: &str,
    calibration: &Calibration,
    places: &[[f64; 2]],
    luminance: Option<Luminance<'_>>,
    aiming: bool,
) {
    let mut stage = TableStage::new();
    stage.set_calibration(Some(*calibration));
    let mut out = StageOutput::new();
    let mut took_ns = Vec::new();
    for frame_id in 0..WARM_UP + FRAMES {
        let mut detections = Detections::new();
        for (i, [x, y]) in places.iter().enumerate() {
            // The first three balls roll to and fro, unless a cue aims; boxes wander by a pixel.
            let rolled = if i < 3 && !aiming {
                80.0 * (frame_id as f64 / 20.0).sin()
            } else {
                0.0
            };
            let outline = calibration
                .ball_outline([x + rolled, *y])
                .expect("in the picture");
            let wander = ((frame_id * 7 + i as u64 * 3) % 5) as f32 / 2.0 - 1.0;
            let ball = BallDetection {
                centre_px: outline.centre_px.map(|v| v as f32 + wander),
                size_px: outline.box_size_px().map(|v| v as f32),
                kind: BallKind::ALL[i.min(4)],
                kind_score: 0.9,
                score: 0.9,
            };
            detections.balls.push(ball).expect("few enough balls");
        }
        if aiming {
            let pixel = |place: [f64; 2]| {
                let [u, v] = calibration
                    .project([place[0], place[1], 28.6])
                    .expect("in front of the camera");
                [u as f32, v as f32]
            };
            let [x, y] = places[0];
            let cue = CueDetection {
                tip_px: pixel([x - 80.0, y - 20.0]),
                butt_px: pixel([x - 480.0, y - 120.0]),
                score: 0.9,
            };
            detections.cues.push(cue).expect("few enough cues");
        }
        let stamp = FrameStamp {
            frame_id,
            exposure_us: frame_id * 16_667,
        };
        let started = Instant::now();
        stage.step(stamp, &detections, luminance, &mut out);
        let took = started.elapsed().as_nanos();
        if frame_id >= WARM_UP {
            took_ns.push(took);
        }
    }
    took_ns.sort_unstable();
    let at = |part: f64| took_ns[((took_ns.len() - 1) as f64 * part) as usize] as f64 / 1e3;
    println!(
        "{what}: {} balls, {}, min {:.1} us, p50 {:.1} us, p90 {:.1} us, p99 {:.1} us, max {:.1} us",
        out.state.balls.len(),
        if out.prediction.is_some() {
            "shot predicted"
        } else {
            "no shot predicted"
        },
        at(0.0),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}
