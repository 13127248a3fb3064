//! The cue: where its tip is, where it points, what it does, which ball it addresses and how fast it strikes.

use baize_table_state::{BallId, Confidence, Cue, CueAction, CueState, Direction, Position, Sigma};

use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::observation::CueLine;
use crate::stroke::{Speed, TipTrail};

/// A tip farther outside the noses plays nothing.
const FARTHEST_TIP_MM: f64 = 600.0;
/// A line shorter than this has no direction worth the name.
const SHORTEST_MM: f64 = 50.0;
/// A cue aims if its tip is at most this far behind the ball's centre,
const AIMING_DISTANCE_MM: f64 = 400.0;
/// and its line passes the centre at most this many radii away.
const AIMING_OFFSET_RADII: f64 = 1.5;
/// A tip that goes along its line faster than this strokes,
const STROKING_MM_S: f64 = 120.0;
/// if it does so by more than this many sigma.
const STROKING_SIGMA: f64 = 2.0;
/// The cue is said to strike for this long.
const STRIKING_US: u64 = 200_000;
/// An aim outlasts so long without a sight of the cue: a detector misses it now and then.
const KEPT_US: u64 = 250_000;
/// Directions are averaged over so many sightings while a cue aims: a second at 60 frames a second.
const AVERAGED: f64 = 60.0;
/// What all pictures of a cue share of an error no average removes: a shadow at one edge of its shaft, say.
const SHARED_SIGMA_RAD: f64 = 0.0015;
/// A direction this many sigma from the average begins another aim.
const ANOTHER_AIM: f64 = 5.0;

/// The aim that is being taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// The ball that the cue addresses.
    pub ball: BallId,
    /// Averaged direction.
    pub direction_rad: f64,
    /// Its standard deviation.
    pub sigma_rad: f64,
}

/// A ball that a cue may address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Addressed {
    pub id: BallId,
    pub place_mm: Vec2,
}

/// A ball that was struck.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Strike {
    at_us: u64,
    ball: BallId,
    tip_speed_mm_s: Option<f64>,
}

/// Watches the cue from exposure to exposure.
#[derive(Debug)]
pub struct CueWatch {
    tips: TipTrail,
    aim: Option<Aim>,
    strike: Option<Strike>,
}

impl CueWatch {
    pub const fn new() -> Self {
        Self {
            tips: TipTrail::new(),
            aim: None,
            strike: None,
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The aim being taken, if one is.
    pub fn aim(&self) -> Option<&Aim> {
        self.aim.as_ref()
    }

    /// This ball was struck where it lay, at this instant.
    pub fn struck(&mut self, at_us: u64, ball: Addressed, ball_radius_mm: f64) {
        self.strike = Some(Strike {
            at_us,
            ball: ball.id,
            tip_speed_mm_s: self.tips.speed_at_strike(at_us, ball.place_mm, ball_radius_mm),
        });
        self.aim = None;
    }

    /// The best of the cues seen, and what it does. `balls` are the resting balls that may be struck.
    pub fn step(
        &mut self,
        stamp: FrameStamp,
        calibration: &Calibration,
        cues: &[CueLine],
        balls: &[Addressed],
    ) -> (Option<Cue>, CueAction) {
        let last_us = self.tips.last_us();
        if last_us.is_some_and(|last_us| stamp.exposure_us < last_us) {
            // A recording that starts again.
            self.clear();
        }
        let cue = cues
            .iter()
            .filter(|cue| is_cue(calibration, cue))
            .reduce(|best, other| if other.score > best.score { other } else { best });
        let mut speed = None;
        match cue {
            Some(cue) => {
                let direction = direction_of(cue);
                self.tips.add(stamp.exposure_us, cue.tip_mm, cue.sigma_mm);
                speed = self.tips.speed(direction);
                self.take_aim(calibration, cue, direction, balls);
            }
            None => self.keep_aim(stamp, balls),
        }
        let action = self.action(stamp, speed, cue.is_some());
        (cue.map(|cue| self.published(cue)), action)
    }

    fn action(&self, stamp: FrameStamp, speed: Option<Speed>, is_seen: bool) -> CueAction {
        let strikes = |strike: &Strike| stamp.exposure_us.saturating_sub(strike.at_us) < STRIKING_US;
        if let Some(strike) = self.strike.filter(strikes) {
            return CueAction {
                state: CueState::STRIKING,
                addresses: Some(strike.ball),
                tip_speed_mm_s: strike.tip_speed_mm_s.map(whole),
            };
        }
        let Some(aim) = self.aim else {
            return CueAction::only(if is_seen {
                CueState::PRESENT
            } else {
                CueState::HIDDEN
            });
        };
        let strokes = |speed: Speed| speed.mm_s.abs() > STROKING_MM_S.max(STROKING_SIGMA * speed.sigma_mm_s);
        CueAction {
            state: if speed.is_some_and(strokes) {
                CueState::STROKING
            } else {
                CueState::AIMING
            },
            addresses: Some(aim.ball),
            tip_speed_mm_s: speed.map(|speed| whole(speed.mm_s)),
        }
    }

    fn published(&self, cue: &CueLine) -> Cue {
        let [x, y] = direction_of(cue);
        let angle = self.aim.map_or(libm::atan2(y, x), |aim| aim.direction_rad);
        Cue {
            tip: Position::from_mm(cue.tip_mm[0] as f32, cue.tip_mm[1] as f32),
            direction: Direction::from_radians(angle as f32),
            sigma: Sigma::from_mm(cue.sigma_mm as f32),
            confidence: Confidence::from_ratio(cue.score),
        }
    }

    fn take_aim(&mut self, calibration: &Calibration, cue: &CueLine, direction: Vec2, balls: &[Addressed]) {
        let Some(ball) = addressed(calibration, cue.tip_mm, direction, balls) else {
            self.aim = None;
            return;
        };
        let length_mm = norm2(sub2(cue.tip_mm, cue.butt_mm));
        let sigma_rad = core::f64::consts::SQRT_2 * cue.across_mm / length_mm;
        self.average(ball, libm::atan2(direction[1], direction[0]), sigma_rad);
    }

    /// While the cue is not seen: the same aim, as long as its ball lies there.
    fn keep_aim(&mut self, stamp: FrameStamp, balls: &[Addressed]) {
        let recent = self
            .tips
            .last_us()
            .is_some_and(|last_us| stamp.exposure_us - last_us <= KEPT_US);
        self.aim = self
            .aim
            .filter(|aim| recent && balls.iter().any(|ball| ball.id == aim.ball));
    }

    /// Sightings count by their variances.
    fn average(&mut self, ball: BallId, angle: f64, sigma_rad: f64) {
        if let Some(aim) = self.aim.as_mut().filter(|aim| aim.ball == ball) {
            let off = turn(aim.direction_rad, angle);
            let (known, new) = (aim.sigma_rad * aim.sigma_rad, sigma_rad * sigma_rad);
            if off.abs() < ANOTHER_AIM * libm::sqrt(known + new) {
                aim.direction_rad += off * known / (known + new);
                let least = SHARED_SIGMA_RAD.max(sigma_rad / libm::sqrt(AVERAGED));
                aim.sigma_rad = libm::sqrt(known * new / (known + new)).max(least);
                return;
            }
        }
        self.aim = Some(Aim {
            ball,
            direction_rad: angle,
            sigma_rad: sigma_rad.max(SHARED_SIGMA_RAD),
        });
    }
}

fn is_cue(calibration: &Calibration, cue: &CueLine) -> bool {
    let length_mm = norm2(sub2(cue.tip_mm, cue.butt_mm));
    length_mm >= SHORTEST_MM && calibration.is_on_bed(cue.tip_mm, FARTHEST_TIP_MM)
}

fn direction_of(cue: &CueLine) -> Vec2 {
    let line = sub2(cue.tip_mm, cue.butt_mm);
    scale2(line, 1.0 / norm2(line))
}

/// The first ball that the line meets within reach.
fn addressed(
    calibration: &Calibration,
    tip_mm: Vec2,
    direction: Vec2,
    balls: &[Addressed],
) -> Option<BallId> {
    let ahead_mm = |ball: &Addressed| {
        let way = sub2(ball.place_mm, tip_mm);
        let beside = (way[0] * direction[1] - way[1] * direction[0]).abs();
        let ahead = dot2(way, direction);
        ((0.0..=AIMING_DISTANCE_MM).contains(&ahead)
            && beside <= AIMING_OFFSET_RADII * calibration.ball_radius_mm())
        .then_some(ahead)
    };
    balls
        .iter()
        .filter_map(|ball| Some((ball.id, ahead_mm(ball)?)))
        .reduce(|first, other| if other.1 < first.1 { other } else { first })
        .map(|(id, _)| id)
}

/// From one direction to another, the short way round.
fn turn(from_rad: f64, to_rad: f64) -> f64 {
    let off = to_rad - from_rad;
    libm::atan2(libm::sin(off), libm::cos(off))
}

/// In whole mm/s, as far as they go.
fn whole(mm_s: f64) -> i16 {
    libm::round(mm_s) as i16
}
