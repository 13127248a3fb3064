//! One camera: is the table found, how far off is it, and where are the balls said to be?

use std::time::Instant;

use baize_accelerator::Detector;
use baize_frame::{Detections, ImageView};
use baize_simulated_table::{BallTruth, CueTruth, SimulatedTable, Truth};
use baize_table_calibration::{Outcome, Request, calibrate, nose_height_mm};
use baize_table_state::Cue as PublishedCue;
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
/// A published tip farther from a true one than this is not that cue's.
const SAME_TIP_MM: f64 = 150.0;
/// A cue's direction is that of so much of it behind the tip.
const BEHIND_TIP_MM: f64 = 500.0;
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
    /// Cues on whose tip the camera looks.
    pub cues: u32,
    /// The published cue, if it is one of them.
    pub cue: Option<Cue>,
    /// Whether a cue was published that is none of them.
    pub false_cue: bool,
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

/// A published cue against the true one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cue {
    /// How much its direction is turned against that of the true cue, which is raised at its butt: one camera does not see that.
    pub turned_deg: f64,
    /// The same against what an exact camera that takes cues for level would say.
    pub turned_from_seen_deg: f64,
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
            cues: 0,
            cue: None,
            false_cue: false,
        };
        if let (true, Some(calibration)) = (outcome.accepted, outcome.calibration) {
            self.find_balls_and_cue(&frame, calibration, &truth, &mut measured);
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

    fn find_balls_and_cue(
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
        let tips = truth.cues.iter().map(|cue| cue.tip_px);
        measured.cues = tips.filter(|&tip_px| is_in_picture(tip_px)).count() as u32;
        if let Some(cue) = out.state.cue {
            measured.cue = frame.cue_error(&cue, calibration.ball_radius_mm(), truth);
            measured.false_cue = measured.cue.is_none();
        }
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

fn is_in_picture([x, y]: [f64; 2]) -> bool {
    (0.0..f64::from(FORMAT.width)).contains(&x) && (0.0..f64::from(FORMAT.height)).contains(&y)
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

    /// `None` if the published cue is none of the true ones.
    fn cue_error(&self, published: &PublishedCue, height_mm: f64, truth: &Truth) -> Option<Cue> {
        let tip_mm = [published.tip.x_mm(), published.tip.y_mm()].map(f64::from);
        let level = |[x, y, z]: [f64; 3]| -> Option<[f64; 2]> {
            let camera = &truth.camera;
            let [from, ray] = [camera.position_mm(), camera.ray(camera.project([x, y, z])?)];
            let part = (height_mm - from[2]) / ray[2];
            Some(self.agreed([from[0] + part * ray[0], from[1] + part * ray[1]]))
        };
        let off_mm = |cue: &CueTruth| Some(norm2(sub2(tip_mm, level(cue.tip_mm)?)));
        let shown = truth.cues.iter().filter(|cue| is_in_picture(cue.tip_px));
        let (cue, _) = shown
            .filter_map(|cue| Some((cue, off_mm(cue)?)))
            .filter(|(_, off_mm)| *off_mm < SAME_TIP_MM)
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let [tip, butt] = [cue.tip_mm, cue.butt_mm];
        let length_mm = (0..3).map(|k| (butt[k] - tip[k]).powi(2)).sum::<f64>().sqrt();
        let behind = std::array::from_fn(|k| tip[k] + BEHIND_TIP_MM / length_mm * (butt[k] - tip[k]));
        let turned_from = |tip_mm: [f64; 2], behind_mm: [f64; 2]| {
            let [x, y] = sub2(tip_mm, behind_mm);
            let off = f64::from(published.direction.degrees()).to_radians() - y.atan2(x);
            off.sin().atan2(off.cos()).abs().to_degrees()
        };
        Some(Cue {
            turned_deg: turned_from(self.agreed([tip[0], tip[1]]), self.agreed([behind[0], behind[1]])),
            turned_from_seen_deg: turned_from(level(tip)?, level(behind)?),
        })
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
