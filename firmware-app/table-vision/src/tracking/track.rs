use baize_table_state::{BallId, BallName, Identity};

use super::ending::{Ending, Way};
use super::kalman::Axis;
use super::rest::{Calm, Settling};
use crate::FrameStamp;
use crate::geometry::TableSize;
use crate::geometry::linear::{Vec2, norm2, sub2};
use crate::identity::{KindEvidence, Named};
use crate::observation::{LEAST_VARIANCE_MM2, Observation};

/// What the velocity of a free ball gains in variance a second, mm²/s³. A sliding ball loses 2 m/s each second, so its
/// velocity is off by 66 mm/s after a frame of 33 ms; this allows 100 mm/s there, and 50 at 120 frames a second.
const ACCELERATION_DENSITY: f64 = 3e5;
/// What the place of a resting ball gains in variance a second, mm²/s: how fast its average forgets. With 1 mm of noise
/// the gain settles near 0.02 at 60 frames a second: published places change by hundredths of a millimetre.
const REST_DRIFT_DENSITY: f64 = 0.024;
/// The same while the ball is not seen, mm²/s: whoever hides a ball may touch it. After a second, 10 mm.
const UNSEEN_DRIFT_DENSITY: f64 = 100.0;
/// A track's innovation beyond this (squared, in sigma, two degrees of freedom: once in ten million) is a hit.
const HIT_INNOVATION: f64 = 30.0;
/// The least standard deviation of the velocity after a hit, as a part of the speed: its way between the frames is bent.
const HIT_VELOCITY_DOUBT: f64 = 0.3;
/// The speed that a cushion gives back, of the speed into it.
const CUSHION_RESTITUTION: f64 = 0.75;
/// A share of the newest exposure in a ball's steadiness: some twenty exposures are remembered.
const STEADINESS_GAIN: f64 = 0.05;
/// The part of an observation's variance that averaging does not remove: light and boxes that err the same way again.
const SYSTEMATIC_SHARE: f64 = 0.25;
/// A share of the newest score in the averaged one.
const SCORE_GAIN: f32 = 0.2;

/// Whether a ball moves, and what tells when that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    Resting(Calm),
    Moving(Settling),
}

/// What the newest exposure changed about a ball; each is said once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// It is believed in from now on, and was not on the table before.
    pub appeared: bool,
    /// It is taken for another ball than this one from now on.
    pub renamed_from: Option<Identity>,
    /// It is followed no more.
    pub ended: Option<Ending>,
}

/// A ball that is followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    pub id: BallId,
    /// Believed in, and published.
    pub confirmed: bool,
    pub axes: [Axis; 2],
    pub motion: Motion,
    pub evidence: KindEvidence,
    pub named: Named,
    /// Averaged score of the detections.
    pub score: f32,
    pub pixel: [f32; 2],
    /// The larger variance of the newest observation along the two sides.
    pub single_variance_mm2: f64,
    /// The part of the observations' variance that shows from exposure to exposure while the ball rests.
    pub steadiness: f64,
    pub first_seen_us: u64,
    pub last_seen_us: u64,
    /// Exposures in which the ball was seen.
    pub hits: u32,
    /// Exposures since the ball was last seen.
    pub unseen: u32,
    pub way: Way,
    /// The exposure that first showed the ball moving, for as long as it moves.
    pub moving_since: Option<FrameStamp>,
    /// Exposures in which the moving ball was seen.
    pub moving_hits: u32,
    pub news: News,
}

impl Track {
    pub fn begin(id: BallId, seen: &Observation, confirmed: bool, stamp: FrameStamp) -> Self {
        Self {
            id,
            confirmed,
            axes: [0, 1].map(|i| Axis::at_rest(seen.place_mm[i], seen.variance_mm2[i])),
            motion: Motion::Resting(Calm::since(stamp.exposure_us)),
            evidence: KindEvidence::first(seen.kind, seen.kind_score),
            named: Named::NOTHING,
            score: seen.score,
            pixel: seen.pixel,
            single_variance_mm2: seen.variance_mm2[0].max(seen.variance_mm2[1]),
            steadiness: 1.0,
            first_seen_us: stamp.exposure_us,
            last_seen_us: stamp.exposure_us,
            hits: 1,
            unseen: 0,
            way: Way::OnBed,
            moving_since: None,
            moving_hits: 0,
            news: News::default(),
        }
    }

    pub fn place_mm(&self) -> Vec2 {
        self.axes.map(|axis| axis.position_mm)
    }

    pub fn velocity_mm_s(&self) -> Vec2 {
        self.axes.map(|axis| axis.velocity_mm_s)
    }

    pub fn speed_mm_s(&self) -> f64 {
        norm2(self.velocity_mm_s())
    }

    /// Id and identity.
    pub fn name(&self) -> BallName {
        BallName {
            id: self.id,
            identity: self.named.identity,
        }
    }

    /// Whether states tell of it.
    pub fn is_published(&self) -> bool {
        self.confirmed && self.news.ended.is_none()
    }

    /// Probability that the ball is there and is what it is taken for; the longer it is not seen, the less.
    pub fn confidence(&self, exposure_us: u64) -> f32 {
        let unseen_s = seconds_between(self.last_seen_us, exposure_us) as f32;
        self.score * self.named.probability / (1.0 + unseen_s)
    }

    pub fn is_moving(&self) -> bool {
        matches!(self.motion, Motion::Moving(_))
    }

    /// The standard deviation to publish: of the filter, and of what is the same in every picture of a resting ball.
    pub fn published_sigma_mm(&self) -> f64 {
        let sigma_mm = self.sigma_mm();
        libm::sqrt(sigma_mm * sigma_mm + SYSTEMATIC_SHARE * self.single_variance_mm2)
    }

    /// The larger standard deviation of the place along the two sides.
    pub fn sigma_mm(&self) -> f64 {
        libm::sqrt(self.axes[0].position_variance.max(self.axes[1].position_variance))
    }

    /// Squared distance of an observation from where the ball is expected, in standard deviations, and the product of
    /// the two variances in mm⁴.
    pub fn innovation(&self, seen: &Observation) -> (f64, f64) {
        let mut squared = 0.0;
        let mut volume = 1.0;
        for ((axis, place), variance) in self.axes.iter().zip(seen.place_mm).zip(seen.variance_mm2) {
            let total = axis.position_variance + variance;
            let off = place - axis.position_mm;
            squared += off * off / total;
            volume *= total;
        }
        (squared, volume)
    }

    /// Forward in time. A ball that would leave the bed elsewhere than through a pocket turns back from the cushion.
    pub fn predict(&mut self, dt_s: f64, table: &TableSize, ball_radius_mm: f64) {
        if !self.is_moving() {
            let drift = if self.unseen > 0 {
                UNSEEN_DRIFT_DENSITY
            } else {
                REST_DRIFT_DENSITY
            };
            for axis in &mut self.axes {
                axis.position_variance += drift * dt_s;
            }
            return;
        }
        let from = self.place_mm();
        for axis in &mut self.axes {
            axis.predict(dt_s, ACCELERATION_DENSITY);
        }
        let to = self.place_mm();
        let fell = table
            .pockets()
            .iter()
            .position(|pocket| pocket.distance_from_way_mm(from, to) < ball_radius_mm / 2.0);
        if let Some(pocket) = fell {
            self.way = Way::IntoPocket(pocket as u8);
        }
        for (axis, side_mm) in self.axes.iter_mut().zip([table.length_mm, table.width_mm]) {
            let (near, far) = (ball_radius_mm, side_mm - ball_radius_mm);
            let wall = if axis.velocity_mm_s < 0.0 { near } else { far };
            let beyond = (axis.position_mm - wall) * axis.velocity_mm_s > 0.0;
            if beyond && fell.is_none() {
                axis.rebound(wall, CUSHION_RESTITUTION);
                if self.way == Way::OnBed {
                    self.way = Way::AgainstCushion;
                }
            }
            axis.position_mm = axis.position_mm.clamp(0.0, side_mm);
        }
    }

    /// Takes in the observation that is this ball's.
    pub fn see(&mut self, seen: &Observation, stamp: FrameStamp) {
        let exposure_us = stamp.exposure_us;
        let hit = self.innovation(seen).0 > HIT_INNOVATION;
        let steadiness = self.steadiness;
        let noise_mm2 = seen
            .variance_mm2
            .map(|variance| (variance * steadiness).max(LEAST_VARIANCE_MM2));
        let since_seen_s = seconds_between(self.last_seen_us, exposure_us);
        let off_mm = sub2(seen.place_mm, self.place_mm());
        match &mut self.motion {
            Motion::Resting(calm) => {
                let variances = [0, 1].map(|i| [self.axes[i].position_variance, noise_mm2[i]]);
                if calm.is_disturbed(off_mm, variances, exposure_us) || hit {
                    let moving_for_s = seconds_between(calm.until_us(), exposure_us).max(since_seen_s);
                    self.moving_since = Some(stamp);
                    self.motion = Motion::Moving(Settling::at(seen.place_mm, exposure_us));
                    self.fling(seen, moving_for_s);
                } else {
                    let newest = 0.5
                        * (off_mm[0] * off_mm[0] / seen.variance_mm2[0]
                            + off_mm[1] * off_mm[1] / seen.variance_mm2[1]);
                    self.steadiness = (steadiness + STEADINESS_GAIN * (newest - steadiness)).min(1.0);
                    self.update(seen);
                }
            }
            Motion::Moving(settling) => {
                let settled = settling.settled(seen.place_mm, noise_mm2, exposure_us);
                if let Some((place_mm, samples)) = settled {
                    self.axes =
                        [0, 1].map(|i| Axis::at_rest(place_mm[i], seen.variance_mm2[i] / f64::from(samples)));
                    self.motion = Motion::Resting(Calm::since(exposure_us));
                    self.moving_since = None;
                } else if hit {
                    self.fling(seen, since_seen_s);
                } else {
                    self.update(seen);
                }
            }
        }
        self.moving_hits = if self.is_moving() {
            self.moving_hits.saturating_add(1)
        } else {
            0
        };
        self.evidence.add(seen.kind, seen.kind_score);
        self.score += SCORE_GAIN * (seen.score - self.score);
        self.pixel = seen.pixel;
        self.single_variance_mm2 = seen.variance_mm2[0].max(seen.variance_mm2[1]);
        self.last_seen_us = exposure_us;
        self.hits = self.hits.saturating_add(1);
        self.unseen = 0;
        self.way = Way::OnBed;
    }

    /// The ball was expected and not seen.
    pub fn miss(&mut self) {
        self.unseen = self.unseen.saturating_add(1);
    }

    /// Forgets where the ball was to the millimetre: the camera or its calibration has changed.
    pub fn loosen(&mut self, sigma_mm: f64, exposure_us: u64) {
        self.axes = self
            .axes
            .map(|axis| Axis::at_rest(axis.position_mm, axis.position_variance + sigma_mm * sigma_mm));
        self.motion = Motion::Resting(Calm::since(exposure_us));
    }

    /// What the ball is from now on.
    pub fn rename(&mut self, named: Named) {
        let former = self.named.identity;
        if former != Identity::BALL && named.identity != Identity::BALL && former != named.identity {
            self.news.renamed_from = Some(former);
        }
        self.named = named;
    }

    fn update(&mut self, seen: &Observation) {
        for i in 0..2 {
            self.axes[i].update(seen.place_mm[i], seen.variance_mm2[i]);
        }
    }

    /// A new motion: the ball went from where it was to where it is seen within `moving_for_s`. How straight and how
    /// steadily, nobody saw.
    fn fling(&mut self, seen: &Observation, moving_for_s: f64) {
        let per_s = if moving_for_s > 0.0 {
            1.0 / moving_for_s
        } else {
            0.0
        };
        let velocity = sub2(seen.place_mm, self.place_mm()).map(|way| way * per_s);
        let doubt = HIT_VELOCITY_DOUBT * norm2(velocity);
        self.axes = [0, 1].map(|i| {
            let variance = seen.variance_mm2[i];
            Axis {
                position_mm: seen.place_mm[i],
                velocity_mm_s: velocity[i],
                position_variance: variance,
                covariance: variance * per_s,
                velocity_variance: 2.0 * variance * per_s * per_s + doubt * doubt,
            }
        });
    }
}

/// From one instant to a later one; 0 where it is not later.
pub fn seconds_between(from_us: u64, to_us: u64) -> f64 {
    to_us.saturating_sub(from_us) as f64 / 1e6
}
