use baize_frame::{Detections, Luminance};
use baize_table_state::limits::MAX_BALLS;
use baize_table_state::{
    Ball, BallId, BallKind, CalibrationValidity, Colour, Confidence, EventKind, Flags, Game, Position,
    ShotPrediction, Sigma, TableEvent, TableState, Velocity,
};
use heapless::Vec;

use crate::cue::{Addressed, CueWatch};
use crate::events::Narrator;
use crate::geometry::Calibration;
use crate::limits::{MAX_EVENTS, MAX_TRACKS};
use crate::observation::{Observations, observe};
use crate::prediction::{Launch, Physics, Standing, predict};
use crate::refine::Refiner;
use crate::tracking::{Track, Tracker, is_hidden};

/// Which exposure, and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameStamp {
    /// Counts the camera's frames.
    pub frame_id: u64,
    /// Start of the exposure, monotonic.
    pub exposure_us: u64,
}

/// What the stage says of one exposure. Made once and written again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct StageOutput {
    /// The table.
    pub state: TableState,
    /// What happened since the exposure before.
    pub events: Vec<TableEvent, MAX_EVENTS>,
    /// Where the picture shows each ball of `state.balls`, in the same order: the middle of its outline.
    pub pixels: Vec<[f32; 2], MAX_BALLS>,
    /// What would happen if the shot being aimed were played now, or what is to happen after the strike.
    pub prediction: Option<ShotPrediction>,
}

impl StageOutput {
    /// The state before the first exposure.
    pub const fn new() -> Self {
        Self {
            state: TableState::uncalibrated(0, 0),
            events: Vec::new(),
            pixels: Vec::new(),
            prediction: None,
        }
    }

    /// Says that the table is not being seen, and why: the balls are where they were last seen, and nobody knows
    /// whether they rest.
    pub fn mark_unseen(&mut self, why: Flags) {
        self.state.flags.set(why, true);
        self.state.flags.set(Flags::ALL_AT_REST, false);
        self.events.clear();
    }
}

impl Default for StageOutput {
    fn default() -> Self {
        Self::new()
    }
}

/// The table stage: from the detections of one exposure after the other to states of the table.
#[derive(Debug)]
pub struct TableStage {
    calibration: Option<Calibration>,
    refiner: Refiner,
    tracker: Tracker,
    narrator: Narrator,
    cue: CueWatch,
    game: Game,
    physics: Physics,
}

impl TableStage {
    /// A stage that has seen nothing and has no calibration.
    pub fn new() -> Self {
        Self {
            calibration: None,
            refiner: Refiner::new(),
            tracker: Tracker::new(),
            narrator: Narrator::new(),
            cue: CueWatch::new(),
            game: Game::POOL,
            physics: Physics::default(),
        }
    }

    /// The calibration in use.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// From the next exposure on, positions are based on this calibration. Balls keep their ids if the table is still
    /// the same to within some centimetres.
    pub fn set_calibration(&mut self, calibration: Option<Calibration>) {
        if calibration.is_some() {
            self.tracker.loosen();
        } else {
            self.tracker.clear();
            self.narrator.clear();
            self.cue.clear();
        }
        self.calibration = calibration;
    }

    /// Takes in one exposure and says what is on the table. `luminance` is the picture that the detections are of;
    /// without it, ball centres are those of their boxes. A picture of another size than the calibration's comes from
    /// another camera: its states are uncalibrated.
    pub fn step(
        &mut self,
        stamp: FrameStamp,
        detections: &Detections,
        luminance: Option<Luminance<'_>>,
        out: &mut StageOutput,
    ) {
        let seen = self.observe(detections, luminance);
        self.judge(stamp, seen.as_ref(), out);
    }

    /// The first half of [`step`](Self::step): from pixels to millimetres. `None` without a calibration of this camera.
    pub fn observe(&self, detections: &Detections, luminance: Option<Luminance<'_>>) -> Option<Observations> {
        let fits = |calibration: &&Calibration| {
            luminance.is_none_or(|picture| calibration.fits(picture.width(), picture.height()))
        };
        let calibration = self.calibration.as_ref().filter(fits)?;
        Some(observe(
            self.tracker.game(),
            calibration,
            &self.refiner,
            detections,
            luminance,
        ))
    }

    /// The second half of [`step`](Self::step): what the observations of one exposure mean. Without any, or without a
    /// calibration, the state is uncalibrated.
    pub fn judge(&mut self, stamp: FrameStamp, seen: Option<&Observations>, out: &mut StageOutput) {
        out.state = TableState::uncalibrated(stamp.frame_id, stamp.exposure_us);
        out.events.clear();
        out.pixels.clear();
        out.prediction = None;
        let (Some(calibration), Some(seen)) = (&self.calibration, seen) else {
            return;
        };
        self.tracker.step(stamp, &seen.balls, calibration);
        let tracks = self.tracker.tracks();
        self.narrator.tell(
            stamp,
            calibration,
            tracks,
            self.tracker.incidents(),
            &mut out.events,
        );
        publish(calibration, tracks, out);
        let strike = out
            .events
            .iter()
            .find(|event| event.kind == EventKind::SHOT_BEGAN);
        if let Some((strike, ball)) = strike.and_then(|strike| Some((strike, struck(strike)?))) {
            self.cue
                .struck(strike.exposure_us, ball, calibration.ball_radius_mm());
        }
        let balls = addressable(self.game, tracks);
        (out.state.cue, out.state.cue_action) = self.cue.step(stamp, calibration, &seen.cues, &balls);
        out.prediction = self.predict(stamp, calibration);
    }

    /// What the shot will do that is being aimed, or that has just been played and has hit nothing yet.
    fn predict(&self, stamp: FrameStamp, calibration: &Calibration) -> Option<ShotPrediction> {
        let balls: Vec<Standing, MAX_TRACKS> = self
            .tracker
            .tracks()
            .iter()
            .filter(|track| track.is_published())
            .map(|track| Standing {
                id: track.id,
                place_mm: track.place_mm(),
                sigma_mm: track.sigma_mm(),
            })
            .collect();
        let index = |id: BallId| balls.iter().position(|ball| ball.id == id);
        if let Some(aim) = self.cue.aim() {
            let launch = Launch {
                direction_rad: aim.direction_rad,
                sigma_rad: aim.sigma_rad,
                speed_mm_s: self.physics.assumed_speed_mm_s,
                roll: 0.0,
            };
            return Some(predict(
                stamp,
                calibration,
                &self.physics,
                &balls,
                index(aim.ball)?,
                &launch,
            ));
        }
        let mut moving = self
            .tracker
            .tracks()
            .iter()
            .filter(|track| track.is_published() && track.is_moving());
        let track = moving
            .next()
            .filter(|track| is_cue_ball(track) && track.moving_hits >= 2)?;
        if moving.next().is_some() {
            return None;
        }
        let [x, y] = track.velocity_mm_s();
        let launch = Launch {
            direction_rad: libm::atan2(y, x),
            sigma_rad: track.velocity_sigma_mm_s() / track.speed_mm_s().max(1.0),
            speed_mm_s: track.speed_mm_s(),
            roll: 1.0,
        };
        Some(predict(
            stamp,
            calibration,
            &self.physics,
            &balls,
            index(track.id)?,
            &launch,
        ))
    }

    /// Which balls are on the table: how many of each kind are published.
    pub fn set_game(&mut self, game: Game) {
        self.game = game;
        self.tracker.set_game(game);
    }

    /// The physics of predicted shots.
    pub fn set_physics(&mut self, physics: Physics) {
        self.physics = physics;
    }

    /// Says again what the last exposure showed, without events: for when no frame comes. Without a calibration, that
    /// is nothing.
    pub fn repeat(&self, out: &mut StageOutput) {
        out.events.clear();
        if self.calibration.is_none() {
            out.state = TableState::uncalibrated(out.state.frame_id, out.state.exposure_us);
            out.pixels.clear();
        }
    }
}

impl Default for TableStage {
    fn default() -> Self {
        Self::new()
    }
}

/// The ball of a strike, where it lay.
fn struck(strike: &TableEvent) -> Option<Addressed> {
    let place = strike.position?;
    Some(Addressed {
        id: strike.ball?.id,
        place_mm: [place.x_mm(), place.y_mm()].map(f64::from),
    })
}

/// The resting balls that a cue may strike: the cue ball; in carom, where there are two, any that is not red; any where
/// none is known to be the cue ball.
fn addressable(game: Game, tracks: &[Track]) -> Vec<Addressed, MAX_TRACKS> {
    let known = tracks
        .iter()
        .any(|track| track.is_published() && is_cue_ball(track));
    let may_be_struck = |track: &&Track| {
        let identity = track.named.identity;
        is_cue_ball(track) || !known || (game == Game::CAROM && identity.colour() != Colour::RED)
    };
    tracks
        .iter()
        .filter(|track| track.is_published() && !track.is_moving())
        .filter(may_be_struck)
        .map(|track| Addressed {
            id: track.id,
            place_mm: track.place_mm(),
        })
        .collect()
}

fn is_cue_ball(track: &Track) -> bool {
    track.named.identity.kind() == BallKind::CUE
}

/// Writes balls and flags. If more are followed than a state can hold, the least certain are left out.
fn publish(calibration: &Calibration, tracks: &[Track], out: &mut StageOutput) {
    let exposure_us = out.state.exposure_us;
    let mut balls: Vec<(Ball, [f32; 2]), MAX_TRACKS> = tracks
        .iter()
        .filter(|track| track.is_published())
        .map(|track| (ball(calibration, track, exposure_us), pixel(calibration, track)))
        .collect();
    let omitted = balls.len() > MAX_BALLS;
    if omitted {
        balls.sort_unstable_by_key(|(ball, _)| (core::cmp::Reverse(ball.confidence), ball.id));
        balls.truncate(MAX_BALLS);
    }
    balls.sort_unstable_by_key(|(ball, _)| ball.id);

    let hidden = tracks
        .iter()
        .any(|track| track.is_published() && is_hidden(track, exposure_us));
    let state = &mut out.state;
    state.calibration_id = calibration.id;
    state.calibration_validity = CalibrationValidity::VALID;
    state.flags = Flags::NONE;
    state.flags.set(
        Flags::ALL_AT_REST,
        !tracks
            .iter()
            .any(|track| track.is_published() && track.is_moving()),
    );
    state.flags.set(Flags::EMPTY_TABLE, balls.is_empty());
    state.flags.set(Flags::OCCLUDED, hidden);
    state.flags.set(Flags::BALLS_OMITTED, omitted);
    state.balls = balls.iter().map(|(ball, _)| *ball).collect();
    out.pixels = balls.iter().map(|(_, pixel)| *pixel).collect();
}

fn ball(calibration: &Calibration, track: &Track, exposure_us: u64) -> Ball {
    let [x, y] = track.place_mm();
    let [vx, vy] = track.velocity_mm_s();
    let sigma_mm = track.published_sigma_mm();
    // What the calibration is off by, averaging does not remove.
    let total_mm = libm::sqrt(sigma_mm * sigma_mm + calibration.place_sigma_mm * calibration.place_sigma_mm);
    Ball {
        id: track.id,
        identity: track.named.identity,
        position: Position::from_mm(x as f32, y as f32),
        velocity: Velocity::from_mm_s(vx as f32, vy as f32),
        sigma: Sigma::nearest(total_mm as f32),
        confidence: Confidence::from_ratio(track.confidence(exposure_us)),
        moving: track.is_moving(),
        age_exposures: track.unseen.min(u32::from(u8::MAX)) as u8,
    }
}

/// Where the picture shows the ball; where it was not seen, where it would.
fn pixel(calibration: &Calibration, track: &Track) -> [f32; 2] {
    if track.unseen == 0 {
        return track.pixel;
    }
    calibration
        .ball_outline(track.place_mm())
        .map_or(track.pixel, |outline| outline.centre_px.map(|v| v as f32))
}
