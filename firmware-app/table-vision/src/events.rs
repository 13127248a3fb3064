//! What just happened, each thing once.

use baize_table_state::{
    BallKind, BallName, Confidence, Direction, EventKind, Identity, Position, TableEvent,
};
use heapless::Vec;

use crate::FrameStamp;
use crate::geometry::linear::norm2;
use crate::limits::MAX_EVENTS;
use crate::tracking::{Ending, Track};

/// The cue ball was struck if it goes faster than this: a ball that someone nudges or that settles in the cloth does
/// not.
const SHOT_SPEED_MM_S: f64 = 100.0;
/// A struck ball has been seen moving this often: the second time shows its speed, the first only that it moved for a
/// part of the time between two exposures.
const SHOT_HITS: u32 = 2;
/// How sure a pot is that nobody saw: the ball went into the pocket's mouth and did not come back.
const POTTED: f32 = 0.9;
/// How sure the reason is when a ball is simply gone.
const GONE: f32 = 0.5;
/// How sure a shot is when no ball is known to be the cue ball.
const SHOT_OF_UNKNOWN_BALL: f32 = 0.5;

/// Tells events from one exposure to the next.
#[derive(Debug)]
pub struct Narrator {
    sequence: u64,
    /// Something moved in the exposure before.
    moving: bool,
    /// The motion going on has been told as a shot.
    shot_told: bool,
    /// A ball lay on the table in the exposure before.
    occupied: bool,
}

/// What all events of an exposure share.
struct Teller<'a> {
    sequence: &'a mut u64,
    stamp: FrameStamp,
    calibration_id: u32,
    events: &'a mut Vec<TableEvent, MAX_EVENTS>,
}

impl Narrator {
    pub const fn new() -> Self {
        Self {
            sequence: 0,
            moving: false,
            shot_told: false,
            occupied: false,
        }
    }

    /// Forgets what went on; sequence numbers go on.
    pub fn clear(&mut self) {
        *self = Self {
            sequence: self.sequence,
            ..Self::new()
        };
    }

    /// Tells what the newest exposure changed.
    pub fn tell(
        &mut self,
        stamp: FrameStamp,
        calibration_id: u32,
        tracks: &[Track],
        events: &mut Vec<TableEvent, MAX_EVENTS>,
    ) {
        let mut teller = Teller {
            sequence: &mut self.sequence,
            stamp,
            calibration_id,
            events,
        };
        let believed = || tracks.iter().filter(|track| track.confirmed);
        for track in believed() {
            tell_news(&mut teller, track);
        }
        let on_table = || believed().filter(|track| track.news.ended.is_none());
        let moving = on_table().any(Track::is_moving);
        if moving
            && !self.shot_told
            && let Some((track, confidence)) = struck_ball(on_table())
        {
            let began = track.moving_since.unwrap_or(stamp);
            teller.say(EventKind::SHOT_BEGAN, confidence, Some(track), |event| {
                event.frame_id = began.frame_id;
                event.exposure_us = began.exposure_us;
            });
            self.shot_told = true;
        }
        if self.moving && !moving {
            teller.say(EventKind::ALL_AT_REST, 1.0, None, |_| {});
            self.shot_told = false;
        }
        let occupied = on_table().next().is_some();
        if self.occupied && !occupied {
            teller.say(EventKind::TABLE_CLEARED, 1.0, None, |_| {});
        }
        self.moving = moving;
        self.occupied = occupied;
    }
}

impl Default for Narrator {
    fn default() -> Self {
        Self::new()
    }
}

fn tell_news(teller: &mut Teller<'_>, track: &Track) {
    if track.news.appeared {
        teller.say(EventKind::BALL_APPEARED, track.score, Some(track), |_| {});
    }
    if let Some(former) = track.news.renamed_from {
        let other = Some(BallName {
            id: track.id,
            identity: former,
        });
        teller.say(
            EventKind::IDENTITY_CORRECTED,
            track.named.probability,
            Some(track),
            |event| event.other = other,
        );
    }
    match track.news.ended {
        Some(Ending::Potted(pocket)) => {
            let is_cue_ball = track.named.identity.kind() == BallKind::CUE;
            let kind = if is_cue_ball {
                EventKind::CUE_BALL_POTTED
            } else {
                EventKind::POTTED
            };
            teller.say(kind, POTTED, Some(track), |event| event.pocket = Some(pocket));
        }
        Some(Ending::LeftOverCushion) => teller.say(EventKind::BALL_OFF_TABLE, GONE, Some(track), |_| {}),
        Some(Ending::Vanished) => teller.say(EventKind::MOVED_BY_HAND, GONE, Some(track), |_| {}),
        None => {}
    }
}

/// The ball whose motion is a shot: the cue ball, or where none is known the fastest.
fn struck_ball<'a>(tracks: impl Iterator<Item = &'a Track> + Clone) -> Option<(&'a Track, f32)> {
    let struck = |track: &&Track| track.moving_hits >= SHOT_HITS && track.speed_mm_s() > SHOT_SPEED_MM_S;
    match tracks.clone().find(|track| track.named.identity == Identity::CUE) {
        Some(cue_ball) => Some((cue_ball, cue_ball.named.probability)).filter(|(track, _)| struck(track)),
        None => tracks
            .filter(struck)
            .reduce(|best, other| {
                if other.speed_mm_s() > best.speed_mm_s() {
                    other
                } else {
                    best
                }
            })
            .map(|track| (track, SHOT_OF_UNKNOWN_BALL)),
    }
}

impl Teller<'_> {
    fn say(
        &mut self,
        kind: EventKind,
        confidence: f32,
        track: Option<&Track>,
        more: impl FnOnce(&mut TableEvent),
    ) {
        *self.sequence += 1;
        let speed = track
            .map(|track| norm2(track.velocity_mm_s()))
            .filter(|speed| *speed > 0.0);
        let mut event = TableEvent {
            sequence: *self.sequence,
            frame_id: self.stamp.frame_id,
            exposure_us: self.stamp.exposure_us,
            calibration_id: self.calibration_id,
            kind,
            confidence: Confidence::from_ratio(confidence),
            ball: track.map(Track::name),
            other: None,
            position: track
                .map(|track| Position::from_mm(track.place_mm()[0] as f32, track.place_mm()[1] as f32)),
            speed_mm_s: speed.map(|speed| (speed + 0.5) as u16),
            direction: track.filter(|_| speed.is_some()).map(|track| {
                let [x, y] = track.velocity_mm_s();
                Direction::from_radians(libm::atan2(y, x) as f32)
            }),
            pocket: None,
        };
        more(&mut event);
        // Within capacity: MAX_EVENTS counts what an exposure can bring.
        let _ = self.events.push(event);
    }
}
