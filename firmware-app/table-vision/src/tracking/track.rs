use baize_table_state::{BallId, BallName, Identity};

use super::collide::Mover;
use super::ending::{Ending, Way};
use super::innovation::Innovation;
use super::kalman::Axis;
use super::rest::{Calm, Settling};
use super::trail::Trail;
use crate::FrameStamp;
use crate::faces::FaceVotes;
use crate::geometry::TableSize;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::identity::{KindEvidence, Named};
use crate::observation::{LEAST_VARIANCE_MM2, Observation};

/// What the velocity of a ball gains in variance a second, mm²/s³, while it may slide: friction changes it by 2 m/s each
/// second, in a direction that spin decides.
const SLIDING_DENSITY: f64 = 6e4;
/// The same of a ball that rolls: its slowing is known, and nothing bends its way but the cloth.
const ROLLING_DENSITY: f64 = 2e3;
/// A ball slides no longer than this after an impact: so long, and so long for each mm/s (2/7 of the speed at 0.2 g).
const SLIDES_S: f64 = 0.05;
const SLIDES_S_PER_MM_S: f64 = 1.5e-4;
/// What the place of a resting ball gains in variance a second, mm²/s: how fast its average forgets. With 1 mm of noise
/// the gain settles near 0.02 at 60 frames a second: published places change by hundredths of a millimetre.
const REST_DRIFT_DENSITY: f64 = 0.024;
/// The same while the ball is not seen, mm²/s: whoever hides a ball may touch it. After a second, 10 mm.
const UNSEEN_DRIFT_DENSITY: f64 = 100.0;
/// A ball missed for so many exposures may be hidden; before that it is only missed: one of fifty is, four in a row hardly
/// ever.
const HIDDEN_EXPOSURES: u32 = 4;
/// A track's innovation beyond this (squared, in sigma, two degrees of freedom: once in ten million) is a hit.
const HIT_INNOVATION: f64 = 30.0;
/// The least standard deviation of the velocity after a hit, as a part of the speed: its way between the frames is bent.
const HIT_VELOCITY_DOUBT: f64 = 0.3;
/// What friction takes of the speed of a rolling ball: 0.01 g.
const ROLLING_MM_S2: f64 = 98.0;
/// When a ball was hit in an interval is not seen: what its speed may be off by, as a part of it.
const UNTIMED_DOUBT: f64 = 0.6;
/// A speed that is known worse than this is measured anew by the next sighting.
const FRESH_DOUBT: f64 = 0.3;
/// How far beside its way, in sigma, a ball may be seen that goes straight on.
const STRAIGHT_SIGMAS: f64 = 3.0;
/// Between two sightings friction and spin bend a way; the least that a speed measured so may be off by, as a part.
const MEASURED_DOUBT: f64 = 0.04;
/// How much likelier (in -2 log-likelihood) one story must be than the other to count as decided.
const DECISIVE: f64 = 4.0;
/// A share of the newest exposure in a ball's steadiness: some hundred exposures are remembered. Of twenty, the noise is
/// known so badly that chance looks like a start five times as often.
const STEADINESS_GAIN: f64 = 0.01;
/// The noise that is presumed at first counts like so many exposures.
const PRESUMED_EXPOSURES: f64 = 10.0;
/// The part of an observation's variance that averaging does not remove: light and boxes that err the same way again.
const SYSTEMATIC_SHARE: f64 = 0.25;
/// A share of the newest score in the averaged one.
const SCORE_GAIN: f32 = 0.2;

/// Whether a ball moves, and what tells when that changes.
#[expect(
    clippy::large_enum_variant,
    reason = "there is no heap to keep the larger one on"
)]
#[derive(Debug, Clone, PartialEq)]
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

/// What the newest sighting says of the impacts that were expected, or of those that were not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Not seen, or seen where both stories lead.
    #[default]
    Open,
    /// The ball was where the expected impacts lead.
    AsExpected,
    /// It went on as if nothing had been in its way.
    NotHit,
    /// It was where nothing expected leads.
    HitUnexpectedly,
}

/// A rest that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeftRest {
    pub place_mm: Vec2,
    /// The last exposure at which the ball surely still rested.
    pub until_us: u64,
}

/// A ball that is followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub id: BallId,
    /// Believed in, and published.
    pub confirmed: bool,
    pub axes: [Axis; 2],
    /// Where the ball is if none of the impacts happened that are expected in this interval, or, of one that lay still, since
    /// it was last seen.
    pub unhit: Option<[Axis; 2]>,
    /// Direction and standard deviation along it of what the place is uncertain by because the speed is.
    pub along: Option<(Vec2, f64)>,
    /// What the speed may be off by, as a part of it, beside what the filter says.
    pub speed_doubt: f64,
    pub verdict: Verdict,
    /// Where the way began whose speed is hardly known.
    left_from_mm: Vec2,
    /// Set by the exposure that showed the ball moving.
    pub left_rest: Option<LeftRest>,
    pub trail: Trail,
    /// No sighting up to this one belongs to the present straight way.
    pub bent_us: u64,
    pub motion: Motion,
    pub evidence: KindEvidence,
    pub faces: FaceVotes,
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
            unhit: None,
            along: None,
            speed_doubt: 0.0,
            verdict: Verdict::Open,
            left_from_mm: seen.place_mm,
            left_rest: None,
            trail: Trail::new(),
            bent_us: 0,
            motion: Motion::Resting(Calm::since(stamp.exposure_us)),
            evidence: KindEvidence::first(seen.kind, seen.kind_score),
            faces: FaceVotes::first(seen),
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

    /// The larger standard deviation of the velocity along the two sides.
    pub fn velocity_sigma_mm_s(&self) -> f64 {
        libm::sqrt(self.axes[0].velocity_variance.max(self.axes[1].velocity_variance))
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
        let averaged_mm2 = sigma_mm * sigma_mm;
        // Of one sighting nothing is averaged yet: its variance is all there is.
        let averaged_away_mm2 = (self.single_variance_mm2 - averaged_mm2).max(0.0);
        libm::sqrt(averaged_mm2 + SYSTEMATIC_SHARE * averaged_away_mm2)
    }

    /// The larger standard deviation of the place along the two sides.
    pub fn sigma_mm(&self) -> f64 {
        libm::sqrt(self.axes[0].position_variance.max(self.axes[1].position_variance))
    }

    /// What it costs to take an observation for this ball, as -2 log-likelihood: of the likelier of two stories, that
    /// the impacts expected in this interval happened and that they did not.
    pub fn innovation(&self, seen: &Observation) -> Innovation {
        let as_expected = Innovation::of(&self.axes, self.along, seen);
        match &self.unhit {
            Some(axes) => as_expected.likelier(Innovation::of(axes, None, seen)),
            None => as_expected,
        }
    }

    /// What the coming interval begins with.
    pub fn mover(&self, dt_s: f64) -> Mover {
        let speed = self.speed_mm_s();
        // The mean over the interval of a speed that rolling diminishes.
        let kept = if speed > 0.0 {
            1.0 - (0.5 * ROLLING_MM_S2 * dt_s / speed).min(1.0)
        } else {
            0.0
        };
        Mover {
            place_mm: self.place_mm(),
            velocity_mm_s: self.velocity_mm_s().map(|velocity| velocity * kept),
            sigma_mm: self.sigma_mm(),
            place_doubt_mm: 0.0,
            velocity_doubt_mm_s: 0.0,
            speed_doubt: self.speed_doubt,
            is_solid: true,
            fell: None,
            impacts: 0,
            bounced: false,
        }
    }

    /// Forward in time, to where the ball is alone and, if it was to meet others or a cushion, to where `mover` is then.
    pub fn predict(&mut self, dt_s: f64, mover: &Mover, table: &TableSize) {
        // Unseen since it was to be hit: it may lie there still.
        let lies = self
            .unhit
            .filter(|_| !self.is_moving() && self.unseen > 0 && self.speed_mm_s() > 0.0);
        self.unhit = lies;
        self.along = None;
        self.verdict = Verdict::Open;
        self.left_rest = None;
        if self.is_moving() || lies.is_some() {
            let rolled_s = seconds_between(self.bent_us, self.last_seen_us);
            let density = if rolled_s > SLIDES_S + SLIDES_S_PER_MM_S * self.speed_mm_s() {
                ROLLING_DENSITY
            } else {
                SLIDING_DENSITY
            };
            for axis in &mut self.axes {
                axis.predict(dt_s, density);
            }
        } else {
            let drift = if self.unseen >= HIDDEN_EXPOSURES {
                UNSEEN_DRIFT_DENSITY
            } else {
                REST_DRIFT_DENSITY
            };
            for axis in &mut self.axes {
                axis.position_variance += drift * dt_s;
            }
        }
        let moves = dot2(mover.velocity_mm_s, mover.velocity_mm_s) > 0.0;
        for (axis, side_mm) in self.axes.iter_mut().zip([table.length_mm, table.width_mm]) {
            axis.position_mm = axis.position_mm.clamp(0.0, side_mm);
        }
        if mover.impacts > 0 {
            self.unhit.get_or_insert(self.axes);
        }
        if !moves && mover.impacts == 0 {
            return;
        }
        let speed = norm2(mover.velocity_mm_s);
        if speed > 0.0 {
            let speed_doubt = if mover.impacts > 0 {
                mover.speed_doubt
            } else {
                self.speed_doubt
            };
            let way_mm = norm2(sub2(
                mover.place_mm,
                self.unhit.map_or([0.0; 2], |axes| axes.map(|a| a.position_mm)),
            ));
            let doubtful_mm = if mover.impacts > 0 {
                way_mm.min(speed * dt_s)
            } else {
                speed * dt_s
            };
            if speed_doubt > 0.0 {
                self.along = Some((
                    scale2(mover.velocity_mm_s, 1.0 / speed),
                    speed_doubt * doubtful_mm,
                ));
            }
        }
        for i in 0..2 {
            let axis = &mut self.axes[i];
            // Beyond the noses a ball is in a pocket or on the floor.
            axis.position_mm = mover.place_mm[i].clamp(0.0, [table.length_mm, table.width_mm][i]);
            axis.velocity_mm_s = mover.velocity_mm_s[i];
            axis.position_variance += mover.place_doubt_mm * mover.place_doubt_mm;
            axis.velocity_variance += mover.velocity_doubt_mm_s * mover.velocity_doubt_mm_s;
            axis.covariance += 0.7 * mover.velocity_doubt_mm_s * mover.place_doubt_mm;
        }
        if let Some(pocket) = mover.fell {
            self.way = Way::IntoPocket(pocket);
        } else if mover.bounced && self.way == Way::OnBed {
            self.way = Way::AgainstCushion;
        }
    }

    /// Takes in the observation that is this ball's.
    pub fn see(&mut self, seen: &Observation, stamp: FrameStamp) {
        let exposure_us = stamp.exposure_us;
        let since_seen_s = seconds_between(self.last_seen_us, exposure_us);
        self.judge_impacts(seen);
        if self.verdict == Verdict::NotHit
            && let Some(axes) = self.unhit
        {
            self.axes = axes;
            self.along = None;
        }
        let straight_on = self.verdict == Verdict::HitUnexpectedly && self.goes_straight_on(seen);
        if straight_on {
            // Only the guess of its speed was wrong.
            self.verdict = Verdict::Open;
            self.unhit = None;
        }
        let hit = self.verdict == Verdict::HitUnexpectedly;
        let expected_to_move = self.speed_mm_s() > 0.0;
        match self.motion.clone() {
            Motion::Resting(mut calm) if !expected_to_move || hit => {
                let before = self.unhit.unwrap_or(self.axes);
                let steadiness = self.steadiness;
                let noise_mm2 = self.noise_mm2(seen);
                let off_mm = [0, 1].map(|i| seen.place_mm[i] - before[i].position_mm);
                let variances = [0, 1].map(|i| [before[i].position_variance, noise_mm2[i]]);
                if calm.is_disturbed(off_mm, variances, exposure_us) || hit {
                    self.axes = before;
                    self.leave_rest(calm.until_us(), stamp);
                    let moving_for_s = seconds_between(calm.until_us(), exposure_us).max(since_seen_s);
                    self.verdict = Verdict::HitUnexpectedly;
                    self.fling(seen, moving_for_s);
                    self.motion = Motion::Moving(Settling::at(seen.place_mm, exposure_us));
                } else {
                    let newest = 0.5
                        * (off_mm[0] * off_mm[0] / seen.variance_mm2[0]
                            + off_mm[1] * off_mm[1] / seen.variance_mm2[1]);
                    let gain = STEADINESS_GAIN.max(1.0 / (PRESUMED_EXPOSURES + f64::from(self.hits)));
                    self.steadiness = (steadiness + gain * (newest - steadiness)).min(1.0);
                    self.motion = Motion::Resting(calm);
                    self.update(seen);
                }
            }
            Motion::Resting(calm) => {
                // Another ball was to hit it, and it moves.
                self.leave_rest(calm.until_us().max(self.last_seen_us), stamp);
                self.motion = Motion::Moving(Settling::at(seen.place_mm, exposure_us));
                self.follow(seen, since_seen_s);
            }
            Motion::Moving(mut settling) => {
                let settled = settling.settled(seen.place_mm, self.noise_mm2(seen), exposure_us);
                self.motion = Motion::Moving(settling);
                if let Some((place_mm, samples)) = settled {
                    self.axes =
                        [0, 1].map(|i| Axis::at_rest(place_mm[i], seen.variance_mm2[i] / f64::from(samples)));
                    self.motion = Motion::Resting(Calm::since(exposure_us));
                    self.moving_since = None;
                    self.speed_doubt = 0.0;
                    self.verdict = Verdict::Open;
                } else if hit {
                    self.fling(seen, since_seen_s);
                } else {
                    self.follow(seen, since_seen_s);
                }
            }
        }
        if matches!(self.verdict, Verdict::HitUnexpectedly | Verdict::AsExpected) {
            self.bent_us = self.last_seen_us;
        }
        self.moving_hits = if self.is_moving() {
            self.moving_hits.saturating_add(1)
        } else {
            0
        };
        self.trail.push(exposure_us, seen.place_mm);
        self.evidence.add(seen.kind, seen.kind_score);
        self.faces.add(seen);
        self.score += SCORE_GAIN * (seen.score - self.score);
        self.pixel = seen.pixel;
        self.single_variance_mm2 = seen.variance_mm2[0].max(seen.variance_mm2[1]);
        self.last_seen_us = exposure_us;
        self.hits = self.hits.saturating_add(1);
        self.unseen = 0;
        self.way = Way::OnBed;
    }

    /// Whether a ball whose speed is hardly known is seen ahead on the way it took, and has not slowed down.
    fn goes_straight_on(&self, seen: &Observation) -> bool {
        let Some(last) = self
            .trail
            .last()
            .filter(|_| self.is_moving() && self.speed_doubt > FRESH_DOUBT)
        else {
            return false;
        };
        let before = sub2(last.place_mm, self.left_from_mm);
        let after = sub2(seen.place_mm, last.place_mm);
        let (run_mm, way_mm) = (norm2(before), norm2(after));
        let sigma_mm = libm::sqrt(seen.variance_mm2[0].max(seen.variance_mm2[1]));
        if way_mm < run_mm - STRAIGHT_SIGMAS * sigma_mm {
            return false;
        }
        let beside_mm = (before[0] * after[1] - before[1] * after[0]).abs() / run_mm.max(1e-6);
        let allowed_mm = STRAIGHT_SIGMAS * sigma_mm * (1.0 + way_mm / run_mm.max(sigma_mm));
        dot2(before, after) > 0.0 && beside_mm < allowed_mm
    }

    /// Which story the sighting bears out.
    fn judge_impacts(&mut self, seen: &Observation) {
        let as_expected = Innovation::of(&self.axes, self.along, seen);
        let Some(axes) = &self.unhit else {
            if as_expected.squared > HIT_INNOVATION {
                self.verdict = Verdict::HitUnexpectedly;
            }
            return;
        };
        let not_hit = Innovation::of(axes, None, seen);
        self.verdict = if as_expected.squared.min(not_hit.squared) > HIT_INNOVATION {
            Verdict::HitUnexpectedly
        } else if as_expected.squared > HIT_INNOVATION || not_hit.cost() + DECISIVE < as_expected.cost() {
            Verdict::NotHit
        } else if not_hit.squared > HIT_INNOVATION || as_expected.cost() + DECISIVE < not_hit.cost() {
            Verdict::AsExpected
        } else if not_hit.cost() < as_expected.cost() {
            Verdict::NotHit
        } else {
            Verdict::Open
        };
    }

    fn leave_rest(&mut self, until_us: u64, stamp: FrameStamp) {
        self.left_rest = Some(LeftRest {
            place_mm: self.unhit.unwrap_or(self.axes).map(|axis| axis.position_mm),
            until_us,
        });
        self.moving_since = Some(stamp);
    }

    fn noise_mm2(&self, seen: &Observation) -> Vec2 {
        seen.variance_mm2
            .map(|variance| (variance * self.steadiness).max(LEAST_VARIANCE_MM2))
    }

    /// The ball is about where it was expected. If its speed was hardly known, it is what this sighting says.
    fn follow(&mut self, seen: &Observation, since_seen_s: f64) {
        let measured_anew =
            self.speed_doubt > FRESH_DOUBT && self.unhit.is_none() && self.trail.last().is_some();
        match self.trail.last() {
            Some(last) if measured_anew && since_seen_s > 0.0 => {
                let per_s = 1.0 / since_seen_s;
                let velocity = sub2(seen.place_mm, last.place_mm).map(|way| way * per_s);
                let doubt = MEASURED_DOUBT * norm2(velocity);
                self.axes = [0, 1].map(|i| moving_axis(seen, i, velocity[i], per_s, doubt));
                self.speed_doubt = 0.0;
            }
            _ => {
                if self.unhit.is_some() && self.speed_doubt == 0.0 && self.along.is_some() {
                    self.speed_doubt = UNTIMED_DOUBT;
                }
                if let Some((direction, sigma_mm)) = self.along {
                    for (axis, part) in self.axes.iter_mut().zip(direction) {
                        axis.position_variance += (part * sigma_mm) * (part * sigma_mm);
                    }
                }
                self.update(seen);
            }
        }
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
        if contradict(former, named.identity) {
            self.news.renamed_from = Some(former);
        }
        self.named = named;
    }

    fn update(&mut self, seen: &Observation) {
        for i in 0..2 {
            self.axes[i].update(seen.place_mm[i], seen.variance_mm2[i]);
        }
    }

    /// A new motion: the ball went from where it was to where it is seen within `moving_for_s`. How straight, how
    /// steadily and since when, nobody saw.
    fn fling(&mut self, seen: &Observation, moving_for_s: f64) {
        let per_s = if moving_for_s > 0.0 {
            1.0 / moving_for_s
        } else {
            0.0
        };
        let from = match (self.is_moving(), self.trail.last()) {
            (true, Some(last)) => last.place_mm,
            _ => self.place_mm(),
        };
        self.left_from_mm = from;
        let velocity = sub2(seen.place_mm, from).map(|way| way * per_s);
        let doubt = HIT_VELOCITY_DOUBT * norm2(velocity);
        self.axes = [0, 1].map(|i| moving_axis(seen, i, velocity[i], per_s, doubt));
        self.speed_doubt = UNTIMED_DOUBT;
    }
}

/// Whether two names cannot be those of one ball; that one says more than the other is no contradiction.
fn contradict(a: Identity, b: Identity) -> bool {
    let unknown = |identity: Identity| identity == Identity::BALL;
    if unknown(a) || unknown(b) || a == b {
        return false;
    }
    a.kind() != b.kind()
        || a.number().is_some() && b.number().is_some()
        || a.colour() != b.colour() && a.number() == b.number()
}

/// A ball that came to where it is seen within 1 / `per_s`, at a speed that is known to `doubt`.
fn moving_axis(seen: &Observation, i: usize, velocity_mm_s: f64, per_s: f64, doubt: f64) -> Axis {
    let variance = seen.variance_mm2[i];
    Axis {
        position_mm: seen.place_mm[i],
        velocity_mm_s,
        position_variance: variance,
        covariance: variance * per_s,
        velocity_variance: 2.0 * variance * per_s * per_s + doubt * doubt,
    }
}

/// From one instant to a later one; 0 where it is not later.
pub fn seconds_between(from_us: u64, to_us: u64) -> f64 {
    to_us.saturating_sub(from_us) as f64 / 1e6
}
