//! What just happened, each thing once.

use baize_table_state::{BallId, BallKind, BallName, Confidence, Direction, EventKind, Position, TableEvent};
use heapless::Vec;

use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, norm2, sub2};
use crate::limits::MAX_EVENTS;
use crate::tracking::{Ending, Incident, Track, What};

/// The cue ball was struck if it goes faster than this: a ball that someone nudges or that settles in the cloth does
/// not.
const SHOT_SPEED_MM_S: f64 = 100.0;
/// Balls this close, each to two others, and so many of them, for so long: a rack. Nine-ball has the smallest.
const RACKED_DIAMETERS: f64 = 1.08;
const RACKED_BALLS: usize = 9;
const RACKED_US: u64 = 500_000;
/// How sure a pot is that nobody saw: the ball went into the pocket's mouth and did not come back.
const POTTED: f32 = 0.9;
/// How sure the reason is when a ball is simply gone.
const GONE: f32 = 0.5;
/// How sure an impact is that sightings bear out.
const CONTACT: f32 = 0.9;
/// A speed after an impact that is less certain (as a standard deviation) than this part of it is not told: of two impacts
/// a moment apart, nobody saw how fast the ball was in between.
const WORST_PART: f64 = 0.1;
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
    rack: Rack,
}

/// A rack that may be standing.
#[derive(Debug, Clone, Copy)]
enum Rack {
    None,
    Since(u64),
    Told,
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
            rack: Rack::None,
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
        calibration: &Calibration,
        tracks: &[Track],
        incidents: &[Incident],
        events: &mut Vec<TableEvent, MAX_EVENTS>,
    ) {
        let ball_diameter_mm = calibration.ball_diameter_mm;
        let mut teller = Teller {
            sequence: &mut self.sequence,
            stamp,
            calibration_id: calibration.id,
            events,
        };
        let believed = || tracks.iter().filter(|track| track.confirmed);
        for incident in incidents {
            if let Some(track) = tracks.iter().find(|track| track.id == incident.ball) {
                self.shot_told |= tell_incident(&mut teller, incident, track, tracks, self.shot_told);
            }
        }
        for track in believed() {
            tell_news(&mut teller, track);
        }
        let on_table = || believed().filter(|track| track.news.ended.is_none());
        let moving = on_table().any(Track::is_moving);
        if self.moving && !moving {
            teller.say(EventKind::ALL_AT_REST, 1.0, None, |_| {});
            self.shot_told = false;
        }
        let occupied = on_table().next().is_some();
        if self.occupied && !occupied {
            teller.say(EventKind::TABLE_CLEARED, 1.0, None, |_| {});
        }
        let racked = !moving && is_racked(on_table(), ball_diameter_mm);
        self.rack = match self.rack {
            _ if !racked => Rack::None,
            Rack::None => Rack::Since(stamp.exposure_us),
            Rack::Since(since_us) if stamp.exposure_us.saturating_sub(since_us) >= RACKED_US => {
                teller.say(EventKind::RACK_SET_UP, 1.0, None, |_| {});
                Rack::Told
            }
            rack => rack,
        };
        self.moving = moving;
        self.occupied = occupied;
    }
}

impl Default for Narrator {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether so many balls stand so close together that somebody has racked them.
fn is_racked<'a>(tracks: impl Iterator<Item = &'a Track> + Clone, ball_diameter_mm: f64) -> bool {
    let touches = |a: &Track, b: &Track| {
        a.id != b.id && norm2(sub2(a.place_mm(), b.place_mm())) < RACKED_DIAMETERS * ball_diameter_mm
    };
    let racked = tracks
        .clone()
        .filter(|ball| tracks.clone().filter(|other| touches(ball, other)).count() >= 2)
        .count();
    racked >= RACKED_BALLS
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

/// Tells an impact, or a start that is a shot. Whether it was a shot.
fn tell_incident(
    teller: &mut Teller<'_>,
    incident: &Incident,
    track: &Track,
    tracks: &[Track],
    shot_told: bool,
) -> bool {
    let speed = norm2(incident.speed.velocity_mm_s);
    let other = |id: BallId| tracks.iter().find(|track| track.id == id).map(Track::name);
    let (kind, confidence, other) = match incident.what {
        What::HitBall(id) => (EventKind::BALL_CONTACT, CONTACT, other(id)),
        What::HitCushion => (EventKind::CUSHION_CONTACT, CONTACT, None),
        What::Started => {
            let cue_ball_known = tracks
                .iter()
                .any(|track| track.is_published() && track.named.identity.kind() == BallKind::CUE);
            let is_cue_ball = track.named.identity.kind() == BallKind::CUE;
            if shot_told || speed < SHOT_SPEED_MM_S {
                return false;
            }
            // Where any ball may be the one, a ball seen elsewhere at once, as in a dense pack, must not look like a strike.
            if !cue_ball_known && track.speed_mm_s() < SHOT_SPEED_MM_S {
                return false;
            }
            if cue_ball_known && !is_cue_ball {
                let alone = tracks
                    .iter()
                    .all(|other| other.id == track.id || !other.confirmed || !other.is_moving());
                if alone {
                    teller.say(EventKind::MOVED_BY_HAND, GONE, Some(track), |_| {});
                }
                return false;
            }
            let confidence = if is_cue_ball {
                track.named.probability
            } else {
                SHOT_OF_UNKNOWN_BALL
            };
            (EventKind::SHOT_BEGAN, confidence, None)
        }
    };
    teller.say(kind, confidence, Some(track), |event| {
        event.frame_id = incident.frame_id;
        event.exposure_us = incident.at_us;
        event.other = other;
        event.position = Some(position(incident.place_mm));
        // A strike's is always told: what follows a shot goes by it.
        let known = kind == EventKind::SHOT_BEGAN || incident.speed.sigma_mm_s < WORST_PART * speed;
        event.speed_mm_s = known.then_some(speed.min(f64::from(u16::MAX)) as u16);
        event.direction = known.then(|| direction(incident.speed.velocity_mm_s));
    });
    kind == EventKind::SHOT_BEGAN
}

fn position([x, y]: Vec2) -> Position {
    Position::from_mm(x as f32, y as f32)
}

fn direction([x, y]: Vec2) -> Direction {
    Direction::from_radians(libm::atan2(y, x) as f32)
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
            position: track.map(|track| position(track.place_mm())),
            speed_mm_s: speed.map(|speed| (speed + 0.5) as u16),
            direction: track
                .filter(|_| speed.is_some())
                .map(|track| direction(track.velocity_mm_s())),
            pocket: None,
        };
        more(&mut event);
        // Within capacity: MAX_EVENTS counts what an exposure can bring.
        let _ = self.events.push(event);
    }
}
