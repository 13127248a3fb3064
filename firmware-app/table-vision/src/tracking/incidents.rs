//! What the balls did to each other: which impacts happened, when a ball left its rest and what sent it.
//!
//! An impact that was expected is believed once a sighting bears it out, and told when the sightings after it have measured
//! it (`hindsight`). A ball that leaves its rest is watched for some exposures (`starts`).

use baize_table_state::BallId;
use heapless::Vec;

use super::collide::{Impact, Met};
use super::discovery::Suspicion;
use super::leaving::Speed;
use super::parties::ONE_CONTACT_US;
use super::starts::Start;
use super::track::{Track, Verdict};
use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, norm2, sub2};
use crate::limits::{MAX_FITS, MAX_INCIDENTS, MAX_PENDING, MAX_SUSPECTED, MAX_TRACKS};

/// A ball seen no farther from its rest than this, and much farther the next time, had not left it.
const AT_REST_MM: f64 = 3.0;
/// The same two balls do not meet again within this time; a ball that presses on another meets it many times.
pub const SAME_MEETING_US: u64 = 60_000;
/// Unless they were seen so far apart in between, and not within so many intervals.
const PARTED_MM: f64 = 8.0;
const PARTED_INTERVALS: f64 = 1.5;
/// Impacts and ended rests are remembered for this long: they end the straight ways that others are measured on.
pub const REMEMBERED_US: u64 = 400_000;
/// Impacts that no sighting bears out within this time are forgotten.
const PENDING_US: u64 = 150_000;
/// A ball this close to a cushion when its way was bent unexpectedly may have met it, in mm and intervals of its speed.
const BY_CUSHION_MM: f64 = 6.0;
/// An impact slower than this is not told: it bends no way that anyone sees.
const SLOWEST_MM_S: f64 = 25.0;

/// A push that was guessed at less than this part of what was seen since was guessed from too little.
const FAINTER_PART: f64 = 0.5;

/// Something that happened to a ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incident {
    pub what: What,
    /// When; between exposures.
    pub at_us: u64,
    /// The exposure that first showed it.
    pub frame_id: u64,
    pub ball: BallId,
    /// Where the ball was then.
    pub place_mm: Vec2,
    /// The ball's just afterwards.
    pub speed: Speed,
    /// About what it changed the ball's velocity by.
    pub push_mm_s: f64,
    /// The direction from the ball to the one that it hit, where that was measured.
    pub towards: Option<Vec2>,
    pub known: Known,
}

/// How far the knowledge of an impact is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// About when it was.
    Roughly,
    /// What was seen of it soon afterwards tells only to within this standard deviation when it was.
    HardlySoon { sigma_us: f64 },
    /// It has been told.
    Told,
}

impl Incident {
    pub fn concerns(&self, ball: BallId) -> bool {
        self.ball == ball || self.what == What::HitBall(ball)
    }

    /// Whether both are the same, whatever has been measured of it since.
    pub fn is_same(&self, other: &Self) -> bool {
        self.what == other.what && self.ball == other.ball && self.at_us == other.at_us
    }

    /// Whether it is a contact of these two.
    pub fn is_of(&self, a: BallId, b: BallId) -> bool {
        self.what == What::HitBall(b) && self.ball == a || self.what == What::HitBall(a) && self.ball == b
    }
}

/// Kinds of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It left its rest, and no ball sent it.
    Started,
    /// It hit another ball.
    HitBall(BallId),
    /// It hit a cushion.
    HitCushion,
}

/// The newest exposure, and what it left of the balls.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    pub stamp: FrameStamp,
    pub tracks: &'a [Track],
    pub calibration: &'a Calibration,
    /// Since the exposure before.
    pub interval_us: f64,
}

#[derive(Debug)]
pub struct Incidents {
    pub(super) starts: Vec<Start, MAX_TRACKS>,
    /// Rests that ended of late, whatever ended them.
    pub(super) ended_rests: Vec<Start, MAX_TRACKS>,
    pending: Vec<Incident, MAX_PENDING>,
    /// Impacts that happened; the velocity afterwards is being measured.
    pub(super) confirmed: Vec<Incident, MAX_PENDING>,
    /// Where two balls may have met, oldest first.
    pub(super) suspected: Vec<Suspicion, MAX_SUSPECTED>,
    /// Fits that the newest exposure may still take.
    pub(super) fits_left: usize,
    /// Impacts of late, told or waiting.
    pub(super) recent: Vec<Incident, MAX_PENDING>,
    news: Vec<Incident, MAX_INCIDENTS>,
}

impl Incidents {
    pub const fn new() -> Self {
        Self {
            starts: Vec::new(),
            ended_rests: Vec::new(),
            pending: Vec::new(),
            confirmed: Vec::new(),
            suspected: Vec::new(),
            fits_left: MAX_FITS,
            recent: Vec::new(),
            news: Vec::new(),
        }
    }

    /// What the newest exposure made known.
    pub fn news(&self) -> &[Incident] {
        &self.news
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Takes in what the newest sightings say. `began_us` is the exposure before.
    pub fn step(
        &mut self,
        stamp: FrameStamp,
        began_us: u64,
        tracks: &[Track],
        impacts: &[Impact],
        calibration: &Calibration,
    ) {
        self.news.clear();
        self.recent
            .retain(|impact| stamp.exposure_us.saturating_sub(impact.at_us) < REMEMBERED_US);
        self.ended_rests
            .retain(|rest| stamp.exposure_us.saturating_sub(rest.shown.exposure_us) < REMEMBERED_US);
        self.decide_pending(stamp, tracks);
        for impact in impacts {
            self.judge(stamp, began_us, tracks, impact, calibration.ball_diameter_mm);
        }
        for track in tracks.iter().filter(|track| track.confirmed) {
            if let Some(left) = track.left_rest {
                let start = Start {
                    ball: track.id,
                    from_mm: left.place_mm,
                    until_us: track
                        .trail
                        .last_near(left.place_mm, AT_REST_MM)
                        .map_or(left.until_us, |near_us| near_us.max(left.until_us)),
                    shown: stamp,
                };
                self.ended_rests.retain(|rest| rest.ball != track.id);
                // Within capacity: there is one for each ball.
                let _ = self.ended_rests.push(start);
                self.starts.retain(|waiting| waiting.ball != track.id);
                let _ = self.starts.push(start);
            }
            if track.verdict == Verdict::HitUnexpectedly && track.left_rest.is_none() {
                self.explain_bend(stamp, began_us, track, tracks, impacts, calibration);
            }
        }
        self.resolve_starts(stamp, began_us, tracks, calibration);
        let now = Now {
            stamp,
            tracks,
            calibration,
            interval_us: (stamp.exposure_us - began_us) as f64,
        };
        self.fits_left = MAX_FITS;
        self.discover(now);
        self.tell_measured(now);
    }

    /// Whether it is known already what sent a ball at about that time.
    pub(super) fn was_sent(&self, ball: BallId, at_us: f64, within_us: f64) -> bool {
        self.recent.iter().any(|impact| {
            impact.what == What::HitBall(ball) && (impact.at_us as f64 - at_us).abs() < within_us
        })
    }

    /// An impact that was expected in this interval.
    fn judge(&mut self, stamp: FrameStamp, began_us: u64, tracks: &[Track], impact: &Impact, touch_mm: f64) {
        let ball = &tracks[usize::from(impact.ball)];
        if !ball.confirmed || impact.change_mm_s < SLOWEST_MM_S {
            return;
        }
        let seen = |track: &Track| track.unseen == 0;
        let incident = Incident {
            what: match impact.met {
                Met::Ball(other) => What::HitBall(tracks[usize::from(other)].id),
                Met::Cushion => What::HitCushion,
            },
            at_us: began_us + (impact.at_s * 1e6) as u64,
            frame_id: stamp.frame_id,
            ball: ball.id,
            place_mm: impact.place_mm,
            speed: Speed::guessed(impact.velocity_mm_s),
            push_mm_s: impact.change_mm_s,
            towards: None,
            known: Known::Roughly,
        };
        let verdicts = match impact.met {
            Met::Ball(other) => [Some(ball), Some(&tracks[usize::from(other)])],
            Met::Cushion => [Some(ball), None],
        };
        let any = |verdict: Verdict| {
            verdicts
                .iter()
                .flatten()
                .any(|track| seen(track) && track.verdict == verdict)
        };
        if any(Verdict::AsExpected) {
            let interval_us = (stamp.exposure_us - began_us) as f64;
            let parted = match impact.met {
                Met::Ball(other) => {
                    let pair = [ball, &tracks[usize::from(other)]];
                    self.have_parted(pair, incident.at_us, interval_us, touch_mm)
                }
                Met::Cushion => false,
            };
            if parted {
                self.believe(incident);
            } else {
                self.confirm(incident);
            }
        } else if !any(Verdict::NotHit) {
            // Full, the oldest wait no longer.
            if self.pending.is_full() {
                self.pending.remove(0);
            }
            let _ = self.pending.push(incident);
        }
    }

    /// Whether two balls that met a moment ago were seen apart between that and another meeting.
    fn have_parted(&self, [a, b]: [&Track; 2], at_us: u64, interval_us: f64, touch_mm: f64) -> bool {
        let met_us = self.recent.iter().filter(|impact| impact.is_of(a.id, b.id));
        let met_us = met_us.map(|impact| impact.at_us).max();
        // When they met first is known to an interval.
        let shortest_us = ONE_CONTACT_US.max(PARTED_INTERVALS * interval_us);
        met_us.is_some_and(|met_us| {
            at_us.saturating_sub(met_us) as f64 > shortest_us
                && a.trail.was_apart(&b.trail, met_us, at_us, touch_mm + PARTED_MM)
        })
    }

    /// Impacts that the sightings so far left open.
    fn decide_pending(&mut self, stamp: FrameStamp, tracks: &[Track]) {
        let pending = core::mem::take(&mut self.pending);
        for incident in pending {
            let other = match incident.what {
                What::HitBall(other) => Some(other),
                _ => None,
            };
            let concerned = || {
                tracks
                    .iter()
                    .filter(|track| track.id == incident.ball || Some(track.id) == other)
            };
            let refutes = |track: &Track| {
                track.unseen == 0
                    && matches!(track.verdict, Verdict::HitUnexpectedly | Verdict::NotHit)
                    && !self.passed_on(track.id, &incident)
            };
            if concerned().any(refutes) {
                continue;
            }
            if concerned().any(|track| track.unseen == 0 && track.is_moving()) {
                self.confirm(incident);
            } else if stamp.exposure_us.saturating_sub(incident.at_us) < PENDING_US {
                // Within capacity: it was in the list.
                let _ = self.pending.push(incident);
            }
        }
    }

    /// Whether a ball gave what hit it to another one: then it lies as if nothing had.
    fn passed_on(&self, ball: BallId, hit: &Incident) -> bool {
        hit.what == What::HitBall(ball)
            && self.recent.iter().any(|impact| {
                impact.ball == ball
                    && matches!(impact.what, What::HitBall(next) if next != hit.ball)
                    && impact.at_us.abs_diff(hit.at_us) as f64 <= ONE_CONTACT_US
            })
    }

    /// A ball in motion that was hit, or that hit something, when nothing was expected.
    fn explain_bend(
        &mut self,
        stamp: FrameStamp,
        began_us: u64,
        track: &Track,
        tracks: &[Track],
        impacts: &[Impact],
        calibration: &Calibration,
    ) {
        let touch_mm = calibration.ball_diameter_mm;
        let at_us = began_us + (stamp.exposure_us - began_us) / 2;
        let incident = |what| Incident {
            what,
            at_us,
            frame_id: stamp.frame_id,
            ball: track.id,
            place_mm: track.place_mm(),
            speed: Speed::guessed(track.velocity_mm_s()),
            push_mm_s: track.speed_mm_s(),
            towards: None,
            known: Known::Roughly,
        };
        let is_ball = |index: u8, other: &Track| tracks[usize::from(index)].id == other.id;
        let expected = impacts.iter().any(|impact| {
            is_ball(impact.ball, track) || matches!(impact.met, Met::Ball(other) if is_ball(other, track))
        });
        if expected {
            // It met what it was to meet, only not as expected.
            return;
        }
        let partner = tracks.iter().find(|other| {
            other.id != track.id
                && other.confirmed
                && other.verdict == Verdict::HitUnexpectedly
                && other.left_rest.is_none()
                && norm2(sub2(other.place_mm(), track.place_mm()))
                    < touch_mm
                        + 1e-6
                            * (stamp.exposure_us - began_us) as f64
                            * (other.speed_mm_s() + track.speed_mm_s())
        });
        if let Some(other) = partner {
            self.confirm(incident(What::HitBall(other.id)));
            return;
        }
        let margin_mm = calibration.ball_radius_mm()
            + BY_CUSHION_MM
            + 1e-6 * (stamp.exposure_us - began_us) as f64 * track.speed_mm_s();
        let [x, y] = track.place_mm();
        let table = &calibration.table;
        if x.min(table.length_mm - x).min(y).min(table.width_mm - y) < margin_mm {
            self.confirm(incident(What::HitCushion));
        }
    }

    /// An impact that happened; how fast the ball was afterwards, the next sightings say.
    pub(super) fn confirm(&mut self, incident: Incident) {
        let again = |impact: &Incident| {
            matches!(incident.what, What::HitBall(other) if impact.is_of(incident.ball, other))
                && impact.at_us.abs_diff(incident.at_us) < SAME_MEETING_US
        };
        if let Some(known) = self.recent.iter().find(|impact| again(impact)).copied() {
            if known.push_mm_s < FAINTER_PART * incident.push_mm_s {
                self.guess_anew(&known, &incident);
            }
            return;
        }
        self.believe(incident);
    }

    /// An impact that is none of those that are known.
    pub(super) fn believe(&mut self, incident: Incident) {
        if self.recent.is_full() {
            self.recent.remove(0);
        }
        // Within capacity: made room above.
        let _ = self.recent.push(incident);
        if self.confirmed.is_full() {
            let oldest = self.confirmed.remove(0);
            self.tell(oldest);
        }
        // Within capacity: made room above.
        let _ = self.confirmed.push(incident);
    }

    /// A contact that was guessed from less is guessed anew, until it is measured.
    fn guess_anew(&mut self, known: &Incident, better: &Incident) {
        let lists = self.recent.iter_mut().chain(&mut self.confirmed);
        for impact in lists.filter(|impact| impact.is_same(known) && impact.known == Known::Roughly) {
            impact.at_us = better.at_us;
            impact.push_mm_s = better.push_mm_s;
        }
    }

    pub(super) fn sort_news(&mut self) {
        self.news
            .sort_unstable_by_key(|incident| (incident.at_us, incident.ball));
    }

    pub(super) fn tell(&mut self, incident: Incident) {
        if let Some(impact) = self.recent.iter_mut().find(|impact| impact.is_same(&incident)) {
            impact.known = Known::Told;
        }
        // Full, what comes on top is not told: limits.rs says why that is enough.
        let _ = self.news.push(incident);
    }
}
