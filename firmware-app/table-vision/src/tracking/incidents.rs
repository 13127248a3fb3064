//! What the balls did to each other: which impacts happened, when a ball left its rest and what sent it.
//!
//! An impact that was expected is told once a sighting bears it out. A ball that leaves its rest unexpectedly is watched
//! for some exposures; its first way, followed back, says when and how fast it left and where the ball that sent it was.

use baize_table_state::BallId;
use heapless::Vec;

use super::collide::{Impact, Met};
use super::track::{Track, Verdict};
use super::trail::{Departure, departure, velocity_from};
use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, add2, norm2, scale2, sub2};
use crate::limits::{MAX_INCIDENTS, MAX_PENDING, MAX_TRACKS};

/// A ball's first way is watched for this long, unless it is clear before; a strike is to be told within 100 ms.
const WATCHED_US: f64 = 90_000.0;
/// It is clear with so many sightings over such a time, or over such a way.
const CLEAR_SIGHTINGS: usize = 3;
const CLEAR_US: f64 = 45_000.0;
const CLEAR_WAY_MM: f64 = 150.0;
/// A ball seen no farther from its rest than this, and much farther the next time, had not left it.
const AT_REST_MM: f64 = 3.0;
/// How far from where a ball must have been to send another one it may seem to have been.
const CAUSE_MM: f64 = 12.0;
/// And more, as a part of what it moves from sighting to sighting: its way was bent there.
const CAUSE_PART: f64 = 0.12;
/// Noise of a sighting across a way.
const ACROSS_MM: f64 = 1.5;
/// The same two balls do not meet again within this time; a ball that presses on another meets it many times.
const SAME_MEETING_US: u64 = 60_000;
/// A speed after an impact is measured for this long at most.
const MEASURED_US: u64 = 80_000;
/// A ball may have moved for so long when it still seemed to rest.
const UNNOTICED_US: u64 = 30_000;
/// How well the way of the ball that hits dates an impact.
const DATED_US: f64 = 6_000.0;
/// Impacts that no sighting bears out within this time are forgotten.
const PENDING_US: u64 = 150_000;
/// A ball this close to a cushion when its way was bent unexpectedly may have met it, in mm and intervals of its speed.
const BY_CUSHION_MM: f64 = 6.0;
/// An impact slower than this is not told: it bends no way that anyone sees.
const SLOWEST_MM_S: f64 = 25.0;

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
    /// The ball's velocity just afterwards.
    pub velocity_mm_s: Vec2,
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

/// A ball that left its rest; what sent it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Start {
    ball: BallId,
    from_mm: Vec2,
    until_us: u64,
    shown: FrameStamp,
}

/// What the newest exposure left of the balls.
#[derive(Debug, Clone, Copy)]
struct Scene<'a> {
    tracks: &'a [Track],
    touch_mm: f64,
}

impl Scene<'_> {
    fn track(&self, ball: BallId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == ball)
    }

    /// Whether a ball has met something since it left its rest.
    fn bent(&self, start: &Start) -> bool {
        self.track(start.ball)
            .is_some_and(|track| track.bent_us >= start.shown.exposure_us)
    }

    /// How a ball left its rest, and how far it has come straight.
    fn first_way(&self, start: &Start) -> Option<(Departure, f64)> {
        let track = self.track(start.ball)?;
        let end_us = if self.bent(start) { track.bent_us } else { u64::MAX };
        let way = track
            .trail
            .since(start.until_us)
            .filter(|seen| seen.exposure_us <= end_us);
        let length_mm = norm2(sub2(way.clone().last()?.place_mm, start.from_mm));
        Some((departure(start.from_mm, start.until_us, way)?, length_mm))
    }

    /// Where the ball was that sent another one this way.
    fn sender_place(&self, start: &Start, left: &Departure) -> Vec2 {
        let speed = norm2(left.velocity_mm_s).max(1e-9);
        sub2(start.from_mm, scale2(left.velocity_mm_s, self.touch_mm / speed))
    }

    /// How far a ball passed from where the sender was then, as a part of what is allowed.
    fn sent_by(
        &self,
        other: &Track,
        sender_mm: Vec2,
        left: &Departure,
        length_mm: f64,
        interval_us: f64,
    ) -> Option<f64> {
        let direction_mm = self.touch_mm * (ACROSS_MM / length_mm.max(ACROSS_MM)).min(1.0);
        let approach = other
            .trail
            .approach(sender_mm, left.at_us - interval_us, left.at_us + interval_us)?;
        let allowed_mm = CAUSE_MM + direction_mm + CAUSE_PART * approach.step_mm;
        (approach.moved_mm > 2.0 * ACROSS_MM).then_some(approach.distance_mm / allowed_mm)
    }
}

#[derive(Debug)]
pub struct Incidents {
    starts: Vec<Start, MAX_TRACKS>,
    /// Rests that ended of late, whatever ended them.
    ended_rests: Vec<Start, MAX_TRACKS>,
    pending: Vec<Incident, MAX_PENDING>,
    /// Impacts that happened; the velocity afterwards is being measured.
    confirmed: Vec<Incident, MAX_PENDING>,
    /// Meetings told of late.
    told: Vec<(BallId, BallId, u64), MAX_PENDING>,
    news: Vec<Incident, MAX_INCIDENTS>,
}

impl Incidents {
    pub const fn new() -> Self {
        Self {
            starts: Vec::new(),
            ended_rests: Vec::new(),
            pending: Vec::new(),
            confirmed: Vec::new(),
            told: Vec::new(),
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
        self.told
            .retain(|(_, _, at_us)| stamp.exposure_us.saturating_sub(*at_us) < 4 * SAME_MEETING_US);
        self.ended_rests
            .retain(|rest| stamp.exposure_us.saturating_sub(rest.shown.exposure_us) < 2 * MEASURED_US);
        self.decide_pending(stamp, tracks);
        for impact in impacts {
            self.judge(stamp, began_us, tracks, impact);
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
        self.tell_measured(stamp, tracks);
    }

    /// Whether it is known already what sent a ball at about that time.
    fn was_sent(&self, ball: BallId, at_us: f64, within_us: f64) -> bool {
        self.told
            .iter()
            .any(|(a, b, told_us)| (*a == ball || *b == ball) && (*told_us as f64 - at_us).abs() < within_us)
    }

    /// An impact that was expected in this interval.
    fn judge(&mut self, stamp: FrameStamp, began_us: u64, tracks: &[Track], impact: &Impact) {
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
            velocity_mm_s: impact.velocity_mm_s,
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
            self.confirm(incident);
        } else if !any(Verdict::NotHit) {
            // Full, the oldest wait no longer.
            if self.pending.is_full() {
                self.pending.remove(0);
            }
            let _ = self.pending.push(incident);
        }
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
            if concerned().any(|track| {
                track.unseen == 0 && matches!(track.verdict, Verdict::HitUnexpectedly | Verdict::NotHit)
            }) {
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
            velocity_mm_s: track.velocity_mm_s(),
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

    fn resolve_starts(
        &mut self,
        stamp: FrameStamp,
        began_us: u64,
        tracks: &[Track],
        calibration: &Calibration,
    ) {
        let scene = Scene {
            tracks,
            touch_mm: calibration.ball_diameter_mm,
        };
        let starts = core::mem::take(&mut self.starts);
        for start in starts {
            let Some(track) = tracks.iter().find(|track| track.id == start.ball) else {
                continue;
            };
            // Only what belongs to its first way.
            let bent = scene.bent(&start);
            let end_us = if bent { track.bent_us } else { u64::MAX };
            let way = track
                .trail
                .since(start.until_us)
                .filter(|seen| seen.exposure_us <= end_us);
            let Some(left) = departure(start.from_mm, start.until_us, way.clone()) else {
                if track.is_moving() {
                    let _ = self.starts.push(start);
                }
                continue;
            };
            let sightings = way.clone().count();
            let elapsed_us = stamp.exposure_us as f64 - left.at_us;
            let interval_us = (stamp.exposure_us - began_us) as f64;
            let length_mm = way
                .last()
                .map_or(0.0, |seen| norm2(sub2(seen.place_mm, start.from_mm)));
            let clear = sightings >= CLEAR_SIGHTINGS && elapsed_us >= CLEAR_US
                || sightings >= 2 && length_mm >= CLEAR_WAY_MM
                || elapsed_us + interval_us > WATCHED_US
                || bent
                || !track.is_moving();
            // A way too short to measure: what follows says how fast it was.
            let short = bent && sightings < CLEAR_SIGHTINGS && elapsed_us + interval_us < WATCHED_US;
            let seen_since = track.trail.since(track.bent_us).count();
            if !clear || short && seen_since < 2 {
                // Within capacity: it was in the list.
                let _ = self.starts.push(start);
                continue;
            }
            self.explain_start(&start, &left, length_mm, interval_us, &scene);
        }
    }

    /// A ball that hit another one before it was seen often enough: both together have the momentum that it had.
    fn before_contact(
        &self,
        start: &Start,
        left: Departure,
        interval_us: f64,
        scene: &Scene<'_>,
    ) -> Departure {
        let Some(track) = scene.track(start.ball) else {
            return left;
        };
        let mut momentum = track.velocity_mm_s();
        let mut first_contact: Option<(f64, Vec2)> = None;
        for rest in &self.ended_rests {
            let together = rest.until_us.abs_diff(start.until_us) as f64 <= WATCHED_US;
            if rest.ball == start.ball || !together {
                continue;
            }
            let Some((sent, length_mm)) = scene.first_way(rest) else {
                continue;
            };
            let sender_mm = scene.sender_place(rest, &sent);
            let part = scene.sent_by(track, sender_mm, &sent, length_mm, interval_us);
            if part.is_some_and(|part| part < 1.0) {
                momentum = add2(momentum, sent.velocity_mm_s);
                if first_contact.is_none_or(|(at_us, _)| sent.at_us < at_us) {
                    first_contact = Some((sent.at_us, sender_mm));
                }
            }
        }
        let Some((contact_us, contact_mm)) = first_contact else {
            return left;
        };
        let before = || {
            track
                .trail
                .since(start.until_us)
                .filter(|seen| (seen.exposure_us as f64) < contact_us)
        };
        let way_mm = before()
            .last()
            .map_or(0.0, |seen| norm2(sub2(seen.place_mm, start.from_mm)));
        if before().count() >= CLEAR_SIGHTINGS || before().count() == 2 && way_mm > CLEAR_WAY_MM {
            return left;
        }
        let run_mm = norm2(sub2(contact_mm, start.from_mm));
        let at_us = contact_us - 1e6 * run_mm / norm2(momentum).max(1.0);
        Departure {
            at_us: at_us.clamp(start.until_us as f64, start.shown.exposure_us as f64),
            velocity_mm_s: momentum,
        }
    }

    /// What sent a ball: the one that was where it must have been, if one was.
    fn explain_start(
        &mut self,
        start: &Start,
        left: &Departure,
        length_mm: f64,
        interval_us: f64,
        scene: &Scene<'_>,
    ) {
        let sender_mm = scene.sender_place(start, left);
        let sender = scene
            .tracks
            .iter()
            .filter(|other| other.confirmed && other.id != start.ball)
            .filter_map(|other| {
                Some((
                    scene.sent_by(other, sender_mm, left, length_mm, interval_us)?,
                    other,
                ))
            })
            .filter(|(part, _)| *part < 1.0)
            .reduce(|best, other| if other.0 < best.0 { other } else { best });
        if sender.is_none()
            && self.was_sent(start.ball, left.at_us, SAME_MEETING_US as f64)
            && !scene.bent(start)
        {
            return;
        }
        let left = match sender {
            Some(_) => *left,
            None => self.before_contact(start, *left, interval_us, scene),
        };
        let incident = match sender {
            Some((_, sender)) => Incident {
                what: What::HitBall(start.ball),
                at_us: left.at_us as u64,
                frame_id: start.shown.frame_id,
                ball: sender.id,
                place_mm: sender_mm,
                velocity_mm_s: sender.velocity_mm_s(),
            },
            None => Incident {
                what: What::Started,
                at_us: left.at_us as u64,
                frame_id: start.shown.frame_id,
                ball: start.ball,
                place_mm: start.from_mm,
                velocity_mm_s: left.velocity_mm_s,
            },
        };
        match incident.what {
            What::Started => self.tell(incident),
            _ => self.confirm(incident),
        }
    }

    /// An impact that happened; how fast the ball was afterwards, the next sightings say.
    fn confirm(&mut self, incident: Incident) {
        if let What::HitBall(other) = incident.what {
            let (a, b) = (incident.ball.min(other), incident.ball.max(other));
            let again = self
                .told
                .iter()
                .any(|(x, y, at_us)| *x == a && *y == b && at_us.abs_diff(incident.at_us) < SAME_MEETING_US);
            if again {
                return;
            }
            if self.told.is_full() {
                self.told.remove(0);
            }
            // Within capacity: made room above.
            let _ = self.told.push((a, b, incident.at_us));
        }
        if self.confirmed.is_full() {
            let oldest = self.confirmed.remove(0);
            self.tell(oldest);
        }
        // Within capacity: made room above.
        let _ = self.confirmed.push(incident);
    }

    /// Tells impacts whose outcome is measured, or will not be measured better.
    fn tell_measured(&mut self, stamp: FrameStamp, tracks: &[Track]) {
        let confirmed = core::mem::take(&mut self.confirmed);
        for mut incident in confirmed {
            let track = tracks.iter().find(|track| track.id == incident.ball);
            let bent = track.is_none_or(|track| track.bent_us > incident.at_us + SAME_MEETING_US / 2);
            let sightings = track.map_or(0, |track| track.trail.since(incident.at_us).count());
            let waited_us = stamp.exposure_us.saturating_sub(incident.at_us);
            if waited_us < MEASURED_US && !(bent && sightings >= 2) {
                // Within capacity: it was in the list.
                let _ = self.confirmed.push(incident);
                continue;
            }
            self.date_by_start(&mut incident, tracks);
            if let Some(track) = track
                && !bent
                && let Some(velocity_mm_s) = velocity_from(
                    incident.place_mm,
                    incident.at_us,
                    track.trail.since(incident.at_us),
                )
            {
                incident.velocity_mm_s = velocity_mm_s;
            }
            self.tell(incident);
        }
        self.news
            .sort_unstable_by_key(|incident| (incident.at_us, incident.ball));
    }

    /// When a ball that rested was hit, its first way says better than the way of the ball that hit it.
    fn date_by_start(&self, incident: &mut Incident, tracks: &[Track]) {
        let What::HitBall(other) = incident.what else {
            return;
        };
        let Some(rest) = self.ended_rests.iter().find(|rest| rest.ball == other) else {
            return;
        };
        let Some(track) = tracks.iter().find(|track| track.id == other) else {
            return;
        };
        if rest.until_us.abs_diff(incident.at_us) > MEASURED_US || track.bent_us >= rest.shown.exposure_us {
            return;
        }
        let way = track.trail.since(rest.until_us);
        let earliest_us = rest.until_us.saturating_sub(UNNOTICED_US);
        if way.clone().count() >= CLEAR_SIGHTINGS
            && let Some(left) = departure(rest.from_mm, earliest_us, way)
        {
            let sigma_us = 1e6 * ACROSS_MM / norm2(left.velocity_mm_s).max(1.0);
            let part = 1.0 / (1.0 + (sigma_us / DATED_US) * (sigma_us / DATED_US));
            incident.at_us = (part * left.at_us + (1.0 - part) * incident.at_us as f64) as u64;
        }
    }

    fn tell(&mut self, incident: Incident) {
        // Full, what comes on top is not told: limits.rs says why that is enough.
        let _ = self.news.push(incident);
    }
}
