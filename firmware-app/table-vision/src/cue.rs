//! The cue: where its tip is, where it points, what it does and which ball it addresses.

use baize_table_state::{BallId, Confidence, Cue, CueState, Direction, Position, Sigma};

use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::observation::CueLine;

/// A tip farther outside the noses plays nothing.
const FARTHEST_TIP_MM: f64 = 600.0;
/// A line shorter than this has no direction worth the name.
const SHORTEST_MM: f64 = 50.0;
/// A cue aims if its tip is at most this far behind the cue ball's centre,
const AIMING_DISTANCE_MM: f64 = 400.0;
/// and its line passes the centre at most this many radii away.
const AIMING_OFFSET_RADII: f64 = 1.5;
/// A tip that goes along its line faster than this strokes.
const STROKING_MM_S: f64 = 120.0;
/// The cue is said to have struck for this long.
const STRUCK_US: u64 = 200_000;
/// Directions are averaged over so many sightings while a cue aims: a second at 60 frames a second.
const AVERAGED: u32 = 60;
/// A direction this many sigma from the average begins another aim.
const ANOTHER_AIM: f64 = 5.0;
/// A share of the newest speed of the tip in the averaged one.
const SPEED_GAIN: f64 = 0.5;

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

/// A cue as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Last {
    exposure_us: u64,
    tip_mm: Vec2,
    speed_mm_s: f64,
}

/// A ball that a cue may address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Addressed {
    pub id: BallId,
    pub place_mm: Vec2,
}

/// Watches the cue from exposure to exposure.
#[derive(Debug)]
pub struct CueWatch {
    last: Option<Last>,
    aim: Option<Aim>,
    sightings: u32,
    struck_us: Option<u64>,
}

impl CueWatch {
    pub const fn new() -> Self {
        Self {
            last: None,
            aim: None,
            sightings: 0,
            struck_us: None,
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The aim being taken, if one is.
    pub fn aim(&self) -> Option<&Aim> {
        self.aim.as_ref()
    }

    /// The cue ball was struck at this instant.
    pub fn struck(&mut self, at_us: u64) {
        self.struck_us = Some(at_us);
        self.aim = None;
    }

    /// The best of the cues seen, and what it does. `ball` is the resting ball that may be struck.
    pub fn step(
        &mut self,
        stamp: FrameStamp,
        calibration: &Calibration,
        cues: &[CueLine],
        ball: Option<Addressed>,
    ) -> Option<Cue> {
        let best = cues
            .iter()
            .filter(|cue| is_cue(calibration, cue))
            .reduce(|best, other| if other.score > best.score { other } else { best });
        let Some(cue) = best else {
            self.last = None;
            self.aim = None;
            return None;
        };
        let line = sub2(cue.tip_mm, cue.butt_mm);
        let length_mm = norm2(line);
        let direction = scale2(line, 1.0 / length_mm);
        let angle = libm::atan2(direction[1], direction[0]);
        self.watch_tip(stamp, cue.tip_mm, direction);
        let addressed = ball.filter(|ball| addresses(calibration, cue.tip_mm, direction, ball.place_mm));
        match addressed {
            Some(ball) => self.average(
                ball.id,
                angle,
                core::f64::consts::SQRT_2 * cue.sigma_mm / length_mm,
            ),
            None => self.aim = None,
        }
        let just_struck = self
            .struck_us
            .is_some_and(|at_us| stamp.exposure_us.saturating_sub(at_us) < STRUCK_US);
        let speed_mm_s = self.last.map_or(0.0, |last| last.speed_mm_s);
        let state = if just_struck {
            CueState::STRUCK
        } else if self.aim.is_some() && speed_mm_s.abs() > STROKING_MM_S {
            CueState::STROKING
        } else if self.aim.is_some() {
            CueState::AIMING
        } else {
            CueState::PRESENT
        };
        let angle = self.aim.map_or(angle, |aim| aim.direction_rad);
        Some(Cue {
            tip: Position::from_mm(cue.tip_mm[0] as f32, cue.tip_mm[1] as f32),
            direction: Direction::from_radians(angle as f32),
            sigma: Sigma::from_mm(cue.sigma_mm as f32),
            confidence: Confidence::from_ratio(cue.score),
            state,
        })
    }

    fn watch_tip(&mut self, stamp: FrameStamp, tip_mm: Vec2, direction: Vec2) {
        let speed_mm_s = match self.last {
            Some(last) if stamp.exposure_us > last.exposure_us => {
                let elapsed_s = (stamp.exposure_us - last.exposure_us) as f64 / 1e6;
                let newest = dot2(sub2(tip_mm, last.tip_mm), direction) / elapsed_s;
                last.speed_mm_s + SPEED_GAIN * (newest - last.speed_mm_s)
            }
            _ => 0.0,
        };
        self.last = Some(Last {
            exposure_us: stamp.exposure_us,
            tip_mm,
            speed_mm_s,
        });
    }

    fn average(&mut self, ball: BallId, angle: f64, sigma_rad: f64) {
        let off = self.aim.map(|aim| turn(aim.direction_rad, angle));
        match (&mut self.aim, off) {
            (Some(aim), Some(off)) if aim.ball == ball && off.abs() < ANOTHER_AIM * sigma_rad => {
                self.sightings = (self.sightings + 1).min(AVERAGED);
                let count = f64::from(self.sightings);
                aim.direction_rad += off / count;
                aim.sigma_rad = sigma_rad / libm::sqrt(count);
            }
            _ => {
                self.sightings = 1;
                self.aim = Some(Aim {
                    ball,
                    direction_rad: angle,
                    sigma_rad,
                });
            }
        }
    }
}

fn is_cue(calibration: &Calibration, cue: &CueLine) -> bool {
    let length_mm = norm2(sub2(cue.tip_mm, cue.butt_mm));
    length_mm >= SHORTEST_MM && calibration.is_on_bed(cue.tip_mm, FARTHEST_TIP_MM)
}

fn addresses(calibration: &Calibration, tip_mm: Vec2, direction: Vec2, ball_mm: Vec2) -> bool {
    let way = sub2(ball_mm, tip_mm);
    let ahead = dot2(way, direction);
    let beside = (way[0] * direction[1] - way[1] * direction[0]).abs();
    (0.0..=AIMING_DISTANCE_MM).contains(&ahead)
        && beside <= AIMING_OFFSET_RADII * calibration.ball_radius_mm()
}

/// From one direction to another, the short way round.
fn turn(from_rad: f64, to_rad: f64) -> f64 {
    let off = to_rad - from_rad;
    libm::atan2(libm::sin(off), libm::cos(off))
}
