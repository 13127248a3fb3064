//! Balls that left their rest: when and how fast, and what sent them.
//!
//! A ball's first way, followed back, ends where the ball that sent it must have been. If one was there, it is a contact;
//! if none was, the ball was struck.

use super::incidents::{Incident, Incidents, Known, SAME_MEETING_US, What};
use super::leaving::Speed;
use super::track::Track;
use super::trail::{Departure, departure, turned_after};
use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, norm2, scale2, sub2};
use baize_table_state::{BallId, BallKind};

/// A ball's first way is watched for this long, unless it is clear before; a strike is to be told within 100 ms.
pub const WATCHED_US: f64 = 90_000.0;
/// It is clear with so many sightings over such a time, or over such a way.
const CLEAR_SIGHTINGS: usize = 3;
const CLEAR_US: f64 = 45_000.0;
const CLEAR_WAY_MM: f64 = 150.0;
/// How far from where a ball must have been to send another one it may seem to have been.
const CAUSE_MM: f64 = 12.0;
/// And more, as a part of what it moves from sighting to sighting: its way was bent there.
const CAUSE_PART: f64 = 0.12;
/// Noise of a sighting across a way.
const ACROSS_MM: f64 = 1.5;

/// A ball that left its rest; what sent it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    pub ball: BallId,
    pub from_mm: Vec2,
    pub until_us: u64,
    pub shown: FrameStamp,
}

/// What the newest exposure left of the balls.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    tracks: &'a [Track],
    touch_mm: f64,
}

impl Scene<'_> {
    pub fn track(&self, ball: BallId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == ball)
    }

    /// Whether it is the cue ball, or any ball may be.
    pub fn may_be_struck(&self, ball: BallId) -> bool {
        let is_cue_ball = |track: &Track| track.confirmed && track.named.identity.kind() == BallKind::CUE;
        self.track(ball).is_some_and(is_cue_ball) || !self.tracks.iter().any(is_cue_ball)
    }

    /// Up to when a ball was seen on its first way, if it has met something since it left its rest.
    pub fn bent_us(&self, start: &Start) -> Option<u64> {
        let track = self.track(start.ball)?;
        let bent = (track.bent_us >= start.shown.exposure_us).then_some(track.bent_us);
        let turned = || turned_after(start.from_mm, track.trail.since(start.until_us));
        bent.or_else(turned)
    }

    /// How a ball left its rest, and how far it has come straight.
    pub fn first_way(&self, start: &Start) -> Option<(Departure, f64)> {
        let track = self.track(start.ball)?;
        let end_us = self.bent_us(start).unwrap_or(u64::MAX);
        let way = track
            .trail
            .since(start.until_us)
            .filter(|seen| seen.exposure_us <= end_us);
        let length_mm = norm2(sub2(way.clone().last()?.place_mm, start.from_mm));
        Some((departure(start.from_mm, start.until_us, way)?, length_mm))
    }

    /// Where the ball was that sent another one this way.
    pub fn sender_place(&self, start: &Start, left: &Departure) -> Vec2 {
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

impl Incidents {
    /// Tells what sent the balls that left their rest, where that is clear by now.
    pub(super) fn resolve_starts(
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
            let bent_us = scene.bent_us(&start);
            let bent = bent_us.is_some();
            let end_us = bent_us.unwrap_or(u64::MAX);
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
            let met = self.met_early(&start, &scene);
            let struck = met.and_then(|met| self.before_contact(&start, &met, &scene));
            // What it met tells better when it left than where it was seen but once.
            let left_us = struck.map_or(left.at_us, |struck| struck.at_us.min(left.at_us));
            let elapsed_us = stamp.exposure_us as f64 - left_us;
            let interval_us = (stamp.exposure_us - began_us) as f64;
            let length_mm = way
                .last()
                .map_or(0.0, |seen| norm2(sub2(seen.place_mm, start.from_mm)));
            let no_longer = elapsed_us + interval_us > WATCHED_US;
            let clear = sightings >= CLEAR_SIGHTINGS && elapsed_us >= CLEAR_US
                || sightings >= 2 && length_mm >= CLEAR_WAY_MM
                || no_longer
                || bent
                || !track.is_moving();
            // A way too short to measure: what follows says how fast it was.
            let short = bent && sightings < CLEAR_SIGHTINGS && elapsed_us + interval_us < WATCHED_US;
            let seen_since = track.trail.since(bent_us.unwrap_or(track.bent_us)).count();
            if !clear || short && seen_since < 2 {
                // Within capacity: it was in the list.
                let _ = self.starts.push(start);
                continue;
            }
            let sender = self.sender(&start, &left, length_mm, interval_us, &scene);
            let met = met.filter(|_| sender.is_none());
            if !no_longer && met.is_some_and(|met| !met.is_clear_after(track, &scene)) {
                // Within capacity: it was in the list.
                let _ = self.starts.push(start);
                continue;
            }
            let left = struck.filter(|_| met.is_some()).unwrap_or(left);
            self.explain_start(&start, &left, sender, &scene);
        }
    }

    /// Whether a ball lay at a place until about when another one left its rest.
    fn lay_at(&self, ball: BallId, place_mm: Vec2, start: &Start) -> bool {
        self.ended_rests.iter().any(|rest| {
            rest.ball == ball
                && norm2(sub2(rest.from_mm, place_mm)) < CAUSE_MM
                && rest.shown.exposure_us.abs_diff(start.shown.exposure_us) < SAME_MEETING_US
        })
    }

    /// What sent a ball: the one that was where it must have been, if one was.
    fn sender<'a>(
        &self,
        start: &Start,
        left: &Departure,
        length_mm: f64,
        interval_us: f64,
        scene: &Scene<'a>,
    ) -> Option<&'a Track> {
        let sender_mm = scene.sender_place(start, left);
        scene
            .tracks
            .iter()
            .filter(|other| other.confirmed && other.id != start.ball)
            .filter_map(|other| {
                let part = scene.sent_by(other, sender_mm, left, length_mm, interval_us)?;
                // Where one lay, no other can have been.
                Some((!self.lay_at(other.id, sender_mm, start), part, other))
            })
            .filter(|(_, part, _)| *part < 1.0)
            .reduce(|best, other| {
                if (other.0, other.1) < (best.0, best.1) {
                    other
                } else {
                    best
                }
            })
            .map(|(.., sender)| sender)
    }

    fn explain_start(&mut self, start: &Start, left: &Departure, sender: Option<&Track>, scene: &Scene<'_>) {
        if sender.is_none()
            && self.was_sent(start.ball, left.at_us, SAME_MEETING_US as f64)
            && scene.bent_us(start).is_none()
        {
            return;
        }
        let incident = match sender {
            Some(sender) => Incident {
                what: What::HitBall(start.ball),
                at_us: left.at_us as u64,
                frame_id: start.shown.frame_id,
                ball: sender.id,
                place_mm: scene.sender_place(start, left),
                speed: Speed::guessed(sender.velocity_mm_s()),
                push_mm_s: norm2(left.velocity_mm_s),
                towards: None,
                known: Known::Roughly,
            },
            None => Incident {
                what: What::Started,
                at_us: left.at_us as u64,
                frame_id: start.shown.frame_id,
                ball: start.ball,
                place_mm: start.from_mm,
                speed: Speed::guessed(left.velocity_mm_s),
                push_mm_s: norm2(left.velocity_mm_s),
                towards: None,
                known: Known::Roughly,
            },
        };
        match incident.what {
            What::Started => self.tell(incident),
            _ => self.confirm(incident),
        }
    }
}
