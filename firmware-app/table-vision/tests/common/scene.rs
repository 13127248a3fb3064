//! A table that is observed in millimetres: what the stage makes of it behind the pixels.

use baize_frame::BallKind;
use baize_table_state::{BallId, Colour, CueAction, EventKind, Game, TableEvent};
use baize_table_vision::geometry::linear::{Vec2, norm2, sub2};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{CueLine, FrameStamp, Observation, Observations, StageOutput, TableStage};

pub const RADIUS_MM: f64 = 28.575;
pub const FRAME_US: u64 = 16_667;

/// A table seen in millimetres, sixty times a second.
pub struct Scene {
    pub stage: TableStage,
    pub out: StageOutput,
    pub stamp: FrameStamp,
    pub balls: Vec<(Vec2, BallKind, Colour)>,
    pub events: Vec<TableEvent>,
}

impl Scene {
    pub fn new(game: Game, balls: &[(Vec2, BallKind, Colour)]) -> Self {
        let mut stage = TableStage::new();
        stage.set_game(game);
        stage.set_calibration(Some(Calibration::seen_from_above(
            TableSize::FT9,
            2.0 * RADIUS_MM,
        )));
        Self {
            stage,
            out: StageOutput::new(),
            stamp: FrameStamp {
                frame_id: 0,
                exposure_us: 1_000_000,
            },
            balls: balls.to_vec(),
            events: Vec::new(),
        }
    }

    /// One exposure, with this cue.
    pub fn see(&mut self, cue: Option<CueLine>) -> CueAction {
        self.stamp.frame_id += 1;
        self.stamp.exposure_us += FRAME_US;
        let balls = self.balls.iter().map(|(place_mm, kind, colour)| Observation {
            place_mm: *place_mm,
            variance_mm2: [1.0; 2],
            pixel: [0.0; 2],
            kind: *kind,
            number: None,
            colour: *colour,
            kind_score: 0.9,
            score: 0.9,
        });
        let seen = Observations {
            balls: balls.collect(),
            cues: cue.into_iter().collect(),
        };
        self.stage.judge(self.stamp, Some(&seen), &mut self.out);
        self.events.extend(self.out.events.iter().copied());
        self.out.state.cue_action
    }

    /// The ball published within 20 mm.
    pub fn id_at(&self, place_mm: Vec2) -> Option<BallId> {
        let near = |x: f32, y: f32| norm2(sub2([f64::from(x), f64::from(y)], place_mm)) < 20.0;
        let balls = &self.out.state.balls;
        let ball = balls
            .iter()
            .find(|ball| near(ball.position.x_mm(), ball.position.y_mm()));
        ball.map(|ball| ball.id)
    }

    /// What was told of this kind.
    pub fn told(&self, kind: EventKind) -> Vec<TableEvent> {
        self.events
            .iter()
            .filter(|event| event.kind == kind)
            .copied()
            .collect()
    }
}
