//! What `replay --draw` draws over every picture: the table, each ball with its id and the way it came, the cue, and the
//! predicted shot.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use baize_frame::ImageView;
use baize_table_state::{BallId, Cue, Position, ShotPrediction};
use baize_table_vision::StageOutput;
use baize_table_vision::geometry::Calibration;

use crate::canvas::Canvas;
use crate::failure::Failure;

/// The way of a ball is drawn for so long.
const TRAIL_US: u64 = 1_500_000;
/// So much of a cue is drawn behind its tip.
const CUE_MM: f64 = 400.0;
const RADIUS_PX: f32 = 11.0;
/// Neighbouring ids have colours that differ, so that a trail shows where an id went to another ball.
const COLOURS: [[u8; 3]; 7] = [
    [255, 255, 0],
    [0, 255, 255],
    [255, 128, 0],
    [0, 255, 0],
    [255, 160, 255],
    [120, 170, 255],
    [255, 255, 255],
];
const PREDICTED: [u8; 3] = [255, 0, 255];
const TABLE: [u8; 3] = [255, 0, 0];
const CUE: [u8; 3] = [0, 255, 0];

type Trail = VecDeque<(u64, [f32; 2])>;

/// Draws picture after picture.
pub struct Drawing {
    folder: PathBuf,
    calibration: Option<Calibration>,
    trails: BTreeMap<BallId, Trail>,
}

impl Drawing {
    /// Pictures go to `folder`.
    pub const fn to(folder: PathBuf, calibration: Option<Calibration>) -> Self {
        Self {
            folder,
            calibration,
            trails: BTreeMap::new(),
        }
    }

    /// Draws one.
    pub fn draw(&mut self, number: u64, image: &ImageView<'_>, output: &StageOutput) -> Result<(), Failure> {
        self.follow(output);
        let mut canvas = Canvas::of(image);
        self.table(&mut canvas);
        for (id, trail) in &self.trails {
            let (older, newer) = (trail.iter(), trail.iter().skip(1));
            for ((_, from), (_, to)) in older.zip(newer) {
                canvas.line(*from, *to, colour(*id));
            }
        }
        if let Some(shot) = &output.prediction {
            self.prediction(&mut canvas, shot);
        }
        if let Some(cue) = &output.state.cue {
            self.cue(&mut canvas, cue);
        }
        for (ball, [x, y]) in output.state.balls.iter().zip(&output.pixels) {
            canvas.ellipse([*x, *y], [RADIUS_PX; 2], colour(ball.id));
            if !ball.seen() {
                canvas.ellipse([*x, *y], [RADIUS_PX + 3.0; 2], PREDICTED);
            }
            let beside = [x + RADIUS_PX + 2.0, y - RADIUS_PX - 6.0];
            canvas.number(beside, u32::from(ball.id.get()), colour(ball.id));
        }
        canvas.write(&self.folder.join(format!("{number:06}.png")))
    }

    /// Adds where balls are now; balls that are gone have no trail.
    fn follow(&mut self, output: &StageOutput) {
        let now_us = output.state.exposure_us;
        self.trails.retain(|id, _| output.state.ball(*id).is_some());
        for (ball, pixel) in output.state.balls.iter().zip(&output.pixels) {
            let trail = self.trails.entry(ball.id).or_default();
            trail.push_back((now_us, *pixel));
            while trail
                .front()
                .is_some_and(|(at_us, _)| now_us.saturating_sub(*at_us) > TRAIL_US)
            {
                trail.pop_front();
            }
        }
    }

    fn table(&self, canvas: &mut Canvas) {
        let Some(calibration) = &self.calibration else {
            return;
        };
        let corners = calibration.table.corners_mm();
        for side in 0..4 {
            self.line(canvas, (corners[side], corners[(side + 1) % 4]), 0.0, TABLE);
        }
    }

    fn prediction(&self, canvas: &mut Canvas, shot: &ShotPrediction) {
        for leg in &shot.legs {
            self.line(
                canvas,
                (place(leg.from), place(leg.to)),
                self.ball_radius_mm(),
                PREDICTED,
            );
        }
    }

    fn cue(&self, canvas: &mut Canvas, cue: &Cue) {
        let tip = place(cue.tip);
        let angle = f64::from(cue.direction.degrees()).to_radians();
        let behind = [tip[0] - CUE_MM * angle.cos(), tip[1] - CUE_MM * angle.sin()];
        self.line(canvas, (tip, behind), self.ball_radius_mm(), CUE);
    }

    /// A line so high above the cloth; nothing where the picture does not show it.
    fn line(&self, canvas: &mut Canvas, (from, to): ([f64; 2], [f64; 2]), height_mm: f64, colour: [u8; 3]) {
        let project = |[x, y]: [f64; 2]| {
            let pixel = self.calibration.as_ref()?.project([x, y, height_mm])?;
            Some(pixel.map(|v| v as f32))
        };
        if let (Some(from), Some(to)) = (project(from), project(to)) {
            canvas.line(from, to, colour);
        }
    }

    fn ball_radius_mm(&self) -> f64 {
        self.calibration.as_ref().map_or(0.0, Calibration::ball_radius_mm)
    }
}

fn colour(id: BallId) -> [u8; 3] {
    COLOURS[usize::from(id.get()) % COLOURS.len()]
}

fn place(position: Position) -> [f64; 2] {
    [position.x_mm(), position.y_mm()].map(f64::from)
}
