//! One camera: is the table found, how far off is it, and where are the balls said to be?

use std::time::Instant;

use baize_accelerator::Detector;
use baize_frame::{Detections, ImageView};
use baize_simulated_table::{BallTruth, SimulatedTable, Truth};
use baize_table_calibration::{Outcome, Request, calibrate, nose_height_mm};
use baize_table_vision::geometry::linear::{norm2, sub2};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};
use serde::{Deserialize, Serialize};

use super::camera::{FORMAT, RandomCamera};

/// Pictures of a table that are merged for a calibration: fewer than the appliance takes, to measure many cameras.
const PICTURES: usize = 3;
const BETWEEN_PICTURES_US: u64 = 1_000_000;
/// Part of the picture around the bed that is searched, as in the appliance.
const REGION_MARGIN_MM: f64 = 250.0;
/// A published ball farther from the nearest true one than this part of a diameter is not that ball.
const SAME_BALL: f64 = 0.5;
/// A ball that shows less than this part of its image is not asked for.
const VISIBLE: f64 = 0.95;
/// A side whose nose shows over less than this part of its length need not be found; the calibration says so too.
const NOSE_SHOWN: f64 = 0.4;
/// Pixels that change by less than this when the player leaves were not hidden by him.
const HIDDEN_LEVELS: f64 = 10.0;
/// Places along a side where it is looked whether a player hides it.
const PLACES: u32 = 60;

/// What came out for one camera.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Which camera.
    pub seed: u64,
    /// The bed.
    pub table_mm: [f64; 2],
    /// Whether a player is there.
    pub person: bool,
    /// Whether the table has diamonds.
    pub diamonds: bool,
    /// Whether enough of every nose shows for the table to be found.
    pub should_be_accepted: bool,
    /// Whether it was.
    pub accepted: bool,
    /// Why, or why not.
    pub reason: String,
    /// What the calibration took.
    pub solve_ms: f64,
    /// As published.
    pub residual_mm: Option<f64>,
    /// The largest error of a ball's place over the bed, if the picture showed its centre exactly. Of refused
    /// calibrations too, where there is one.
    pub bed_error_mm: Option<f64>,
    /// Fully visible balls at rest on the bed.
    pub balls: u32,
    /// Those of them that were published.
    pub found: Vec<Ball>,
}

/// A published ball against the true one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Ball {
    /// Distance from the truth.
    pub error_mm: f64,
    /// The distance that the published sigma gives, squared and in sigmas: below 5.99 for 95 % of balls.
    pub sigmas_squared: f64,
    /// The published sigma.
    pub sigma_mm: f64,
    /// Where it lies.
    pub place_mm: [f64; 2],
}

/// Measures camera after camera with one detector.
pub struct Measurer {
    detector: Box<dyn Detector>,
    detections: Detections,
    /// One after the other; balls are looked for in the last.
    pictures: Vec<Vec<u8>>,
}

impl Measurer {
    /// With this detector.
    pub fn new(detector: Box<dyn Detector>) -> Self {
        Self {
            detector,
            detections: Detections::new(),
            pictures: vec![vec![0; FORMAT.size_bytes()]; PICTURES],
        }
    }

    /// Looks once through this camera.
    ///
    /// # Panics
    /// When the detector's engine fails.
    pub fn measure(&mut self, camera: &RandomCamera) -> Measured {
        let mut simulated = camera.simulated();
        for bytes in &mut self.pictures {
            simulated.advance(BETWEEN_PICTURES_US);
            simulated.render(bytes).expect("the buffer has the format's size");
        }
        let truth = simulated.truth().clone();
        let should_be_accepted = !camera.scene.person || self.every_nose_shows(camera, &simulated);
        let images: Vec<ImageView> = self.pictures.iter().map(|bytes| view(bytes)).collect();
        let request = Request::new(camera.table(), 2.0 * camera.scene.ball_set.size().0);
        let began = Instant::now();
        let outcome = calibrate(&images, &request);
        let solve_ms = began.elapsed().as_secs_f64() * 1e3;
        let frame = Frame::of(&truth, camera.table(), &outcome);
        let mut measured = Measured {
            seed: camera.seed,
            table_mm: [camera.table().length_mm, camera.table().width_mm],
            person: camera.scene.person,
            diamonds: camera.scene.looks.diamonds != baize_simulated_table::Diamonds::None,
            should_be_accepted,
            accepted: outcome.accepted,
            reason: outcome.reason.to_string(),
            solve_ms,
            residual_mm: outcome.residual_mm,
            bed_error_mm: outcome
                .calibration
                .map(|calibration| frame.bed_error_mm(&calibration, &truth)),
            balls: 0,
            found: Vec::new(),
        };
        if let (true, Some(calibration)) = (outcome.accepted, outcome.calibration) {
            self.find_balls(&frame, calibration, &truth, &mut measured);
        }
        measured
    }

    fn every_nose_shows(&self, camera: &RandomCamera, simulated: &SimulatedTable) -> bool {
        let mut alone = camera.scene.clone();
        alone.person = false;
        let mut alone = SimulatedTable::new(alone, FORMAT).expect("the format is that of a picture");
        let mut bytes = vec![0; FORMAT.size_bytes()];
        alone
            .render(&mut bytes)
            .expect("the buffer has the format's size");
        let [with, without] = [&self.pictures[PICTURES - 1], &bytes].map(|bytes| view(bytes).luminance());
        let height = nose_height_mm(2.0 * camera.scene.ball_set.size().0);
        let corners = camera.table().corners_mm();
        (0..4).all(|side| {
            let (from, to) = (corners[side], corners[(side + 1) % 4]);
            let shown = (0..PLACES).filter(|place| {
                let part = (f64::from(*place) + 0.5) / f64::from(PLACES);
                let [x, y] = [0, 1].map(|i| from[i] + part * (to[i] - from[i]));
                let pixel = simulated.truth().camera.project([x, y, height]);
                let levels = pixel.map(|pixel| {
                    let at = pixel.map(|v| v as f32);
                    (with.between(at), without.between(at))
                });
                matches!(levels, Some((Some(a), Some(b))) if f64::from((a - b).abs()) < HIDDEN_LEVELS)
            });
            shown.count() as f64 > NOSE_SHOWN * f64::from(PLACES)
        })
    }

    fn find_balls(
        &mut self,
        frame: &Frame,
        calibration: Calibration,
        truth: &Truth,
        measured: &mut Measured,
    ) {
        let calibration = Calibration { id: 1, ..calibration };
        let image = view(&self.pictures[PICTURES - 1]);
        let region = calibration
            .region_of_interest(REGION_MARGIN_MM)
            .unwrap_or_else(|| image.whole());
        self.detector
            .detect(&image, region, &mut self.detections)
            .expect("the engine works");
        let mut stage = TableStage::new();
        stage.set_calibration(Some(calibration));
        let mut out = StageOutput::new();
        let stamp = FrameStamp {
            frame_id: 1,
            exposure_us: 1,
        };
        stage.step(stamp, &self.detections, Some(image.luminance()), &mut out);
        let visible: Vec<&BallTruth> = truth
            .balls
            .iter()
            .filter(|ball| !ball.pocketed && ball.visible > VISIBLE)
            .collect();
        measured.balls = visible.len() as u32;
        for ball in visible {
            let place_mm = frame.agreed([ball.position_mm[0], ball.position_mm[1]]);
            let nearest = out
                .state
                .balls
                .iter()
                .map(|seen| {
                    let at = [seen.position.x_mm(), seen.position.y_mm()].map(f64::from);
                    (norm2(sub2(at, place_mm)), f64::from(seen.sigma.mm()))
                })
                .min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((error_mm, sigma_mm)) = nearest
                && error_mm < SAME_BALL * 2.0 * ball.radius_mm
            {
                measured.found.push(Ball {
                    error_mm,
                    sigmas_squared: (error_mm / sigma_mm).powi(2),
                    sigma_mm,
                    place_mm,
                });
            }
        }
    }
}

fn view(bytes: &[u8]) -> ImageView<'_> {
    ImageView::new(bytes, FORMAT).expect("the buffer has the format's size")
}

/// The table frame that the picture's orientation asks for, against that of the scene: the same, or turned by half.
struct Frame {
    table: TableSize,
    turned: bool,
}

impl Frame {
    fn of(truth: &Truth, table: TableSize, outcome: &Outcome) -> Self {
        let turned = outcome.corners_px.is_some_and(|corners| {
            let off = |k: usize| norm2(sub2(corners[0], truth.nose_corners_px[k]));
            off(0) > off(2)
        });
        Self { table, turned }
    }

    fn agreed(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        if self.turned {
            [self.table.length_mm - x, self.table.width_mm - y]
        } else {
            [x, y]
        }
    }

    fn bed_error_mm(&self, calibration: &Calibration, truth: &Truth) -> f64 {
        const STEPS: u32 = 12;
        let r = calibration.ball_radius_mm();
        let part = |i: u32, side_mm: f64| r + (side_mm - 2.0 * r) * f64::from(i) / f64::from(STEPS);
        (0..=STEPS)
            .flat_map(|i| (0..=STEPS).map(move |j| (i, j)))
            .map(|(i, j)| {
                let place = [part(i, self.table.length_mm), part(j, self.table.width_mm)];
                let seen = truth
                    .camera
                    .project([place[0], place[1], r])
                    .and_then(|pixel| calibration.pixel_to_plane(pixel, r));
                seen.map_or(f64::INFINITY, |seen| norm2(sub2(seen, self.agreed(place))))
            })
            .fold(0.0, f64::max)
    }
}
