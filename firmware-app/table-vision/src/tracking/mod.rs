//! Follows balls from exposure to exposure: which observation is which ball, where each is and how fast, which ones are
//! new and which are gone.

mod assignment;
mod association;
mod bounce;
mod collide;
mod discovery;
mod ending;
mod hindsight;
mod incidents;
mod innovation;
mod kalman;
mod least_squares;
mod leaving;
mod meeting;
mod parties;
mod party;
mod rest;
mod slide;
mod starts;
mod strike;
mod track;
mod trail;

use baize_table_state::limits::MAX_BALL_ID;
use baize_table_state::{BallId, Game};
use heapless::Vec;

use self::assignment::Assignment;
use self::collide::{Impact, Mover};
pub use self::ending::Ending;
use self::incidents::Incidents;
pub use self::incidents::{Incident, What};
pub use self::track::Track;
use self::track::seconds_between;
use crate::FrameStamp;
use crate::faces::name_faces;
use crate::geometry::Calibration;
use crate::geometry::linear::{add2, norm2, scale2, sub2};
use crate::identity::{Named, name_balls};
use crate::limits::{MAX_IMPACTS, MAX_TRACKS};
use crate::observation::Observation;

/// A new ball is believed in when it was seen this often; false detections seldom repeat in one place.
const CONFIRMING_HITS: u32 = 3;
/// After a longer gap between exposures, anything may have been done to the balls.
const LONG_GAP_US: u64 = 1_000_000;
/// Two balls that touch may be seen as one to within this of the middle between them.
const MERGED_MM: f64 = 14.0;
/// How far balls may be from where they were, in the eyes of a new calibration or after a long gap.
const LOOSENED_SIGMA_MM: f64 = 20.0;

/// All balls that are followed.
#[derive(Debug)]
pub struct Tracker {
    tracks: Vec<Track, MAX_TRACKS>,
    /// What was to meet in the newest interval.
    impacts: Vec<Impact, MAX_IMPACTS>,
    incidents: Incidents,
    assignment: Assignment,
    game: Game,
    next_id: u8,
    last: Option<FrameStamp>,
    loosen_next: bool,
    /// How fast one ball would be that had the energy of all that move, or moved a moment ago.
    together_mm_s: f64,
}

impl Tracker {
    pub const fn new() -> Self {
        Self {
            tracks: Vec::new(),
            impacts: Vec::new(),
            incidents: Incidents::new(),
            assignment: Assignment::new(),
            game: Game::POOL,
            next_id: 0,
            last: None,
            loosen_next: false,
            together_mm_s: 0.0,
        }
    }

    /// The balls followed, among them those that ended with the newest exposure.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// What the newest exposure made known of impacts and starts.
    pub fn incidents(&self) -> &[Incident] {
        self.incidents.news()
    }

    /// Which balls are on the table.
    pub const fn game(&self) -> Game {
        self.game
    }

    /// Which balls there are.
    pub fn set_game(&mut self, game: Game) {
        self.game = game;
    }

    /// With the next exposure, balls may be seen some millimetres from where they were.
    pub fn loosen(&mut self) {
        self.loosen_next = true;
    }

    /// Forgets all balls; ids go on.
    pub fn clear(&mut self) {
        self.tracks.clear();
        self.impacts.clear();
        self.incidents.clear();
        self.last = None;
        self.loosen_next = false;
    }

    /// Takes in one exposure.
    pub fn step(&mut self, stamp: FrameStamp, seen: &[Observation], calibration: &Calibration) {
        if self.last.is_some_and(|last| stamp.exposure_us < last.exposure_us) {
            // A recording that starts again: nothing is known of its balls.
            self.clear();
        }
        self.tracks.retain(|track| track.news.ended.is_none());
        for track in &mut self.tracks {
            track.news = Default::default();
        }
        let dt_us = self.last.map_or(0, |last| stamp.exposure_us - last.exposure_us);
        let first = self.last.is_none();
        let loosened = core::mem::take(&mut self.loosen_next) || dt_us > LONG_GAP_US;
        self.last = Some(stamp);
        if loosened {
            for track in &mut self.tracks {
                track.loosen(LOOSENED_SIGMA_MM, stamp.exposure_us);
            }
            self.impacts.clear();
        } else {
            self.predict(dt_us as f64 / 1e6, calibration);
        }
        let began_us = stamp.exposure_us - dt_us;
        let mut taken = [false; crate::limits::MAX_OBSERVATIONS];
        self.pair(stamp, dt_us as f64 / 1e6, seen, calibration, &mut taken);
        // Impacts name tracks by index: before any is added.
        self.incidents
            .step(stamp, began_us, &self.tracks, &self.impacts, calibration);
        for (observation, _) in seen.iter().zip(taken).filter(|(_, taken)| !taken) {
            if !self.is_between_two(observation, calibration.ball_diameter_mm) {
                self.begin(observation, stamp, first, first || loosened);
            }
        }
        self.end(stamp, calibration);
        self.name();
    }

    /// Moves all balls on together. One that is not believed in yet hits nobody.
    fn predict(&mut self, dt_s: f64, calibration: &Calibration) {
        let mut movers: Vec<Mover, MAX_TRACKS> = self.tracks.iter().map(|track| track.mover(dt_s)).collect();
        for (mover, track) in movers.iter_mut().zip(&self.tracks) {
            mover.is_solid = track.confirmed;
        }
        collide::advance(
            &mut movers,
            dt_s,
            &calibration.table,
            calibration.ball_radius_mm(),
            &mut self.impacts,
        );
        for (track, mover) in self.tracks.iter_mut().zip(&movers) {
            track.predict(dt_s, mover, &calibration.table);
        }
    }

    fn pair(
        &mut self,
        stamp: FrameStamp,
        interval_s: f64,
        seen: &[Observation],
        calibration: &Calibration,
        taken: &mut [bool],
    ) {
        self.together_mm_s = association::together_mm_s(&self.tracks, self.together_mm_s, interval_s);
        let fastest_mm_s = association::fastest_mm_s(&self.tracks, stamp.exposure_us, self.together_mm_s);
        association::weigh(
            &mut self.assignment,
            &self.tracks,
            seen,
            stamp.exposure_us,
            interval_s,
            fastest_mm_s,
        );
        let pairs = self.assignment.solve(self.tracks.len(), seen.len());
        let touch_mm = calibration.ball_diameter_mm;
        let merged: Vec<bool, MAX_TRACKS> = (0..self.tracks.len())
            .map(|i| {
                let seen = pairs[i].map(|own| &seen[usize::from(own)]);
                seen.is_some_and(|seen| self.is_of_two(i, seen, &pairs, touch_mm))
            })
            .collect();
        for ((track, pair), merged) in self.tracks.iter_mut().zip(pairs).zip(merged) {
            match pair.map(usize::from) {
                Some(own) if merged => {
                    taken[own] = true;
                    track.miss();
                }
                Some(own) => {
                    taken[own] = true;
                    track.see(&seen[own], stamp);
                    if !track.confirmed && track.hits >= CONFIRMING_HITS {
                        track.confirmed = true;
                        track.news.appeared = true;
                    }
                }
                None => track.miss(),
            }
        }
    }

    /// Whether what was seen in the place of a ball is the blur of two that touch: half way between both, with nothing
    /// seen of the other.
    fn is_of_two(&self, track: usize, seen: &Observation, pairs: &[Option<u8>], touch_mm: f64) -> bool {
        let own_mm = self.tracks[track].place_mm();
        if norm2(sub2(seen.place_mm, own_mm)) < MERGED_MM {
            return false;
        }
        self.tracks
            .iter()
            .zip(pairs)
            .enumerate()
            .any(|(j, (other, pair))| {
                let other_mm = other.place_mm();
                let middle_mm = scale2(add2(own_mm, other_mm), 0.5);
                j != track
                    && other.confirmed
                    && pair.is_none()
                    && norm2(sub2(other_mm, own_mm)) < touch_mm + MERGED_MM
                    && norm2(sub2(seen.place_mm, middle_mm)) < MERGED_MM
            })
    }

    /// Whether something was seen halfway between two balls that leave no room for another one there.
    fn is_between_two(&self, seen: &Observation, touch_mm: f64) -> bool {
        let believed = || self.tracks.iter().filter(|track| track.confirmed);
        believed().enumerate().any(|(i, a)| {
            believed().skip(i + 1).any(|b| {
                let [a_mm, b_mm] = [a.place_mm(), b.place_mm()];
                let middle_mm = scale2(add2(a_mm, b_mm), 0.5);
                norm2(sub2(b_mm, a_mm)) < touch_mm + MERGED_MM
                    && norm2(sub2(seen.place_mm, middle_mm)) < MERGED_MM
            })
        })
    }

    /// Follows one more ball. While there is no room, a new ball waits: it will be seen again.
    fn begin(&mut self, observation: &Observation, stamp: FrameStamp, first: bool, confirmed: bool) {
        if self.tracks.is_full() {
            return;
        }
        let mut track = Track::begin(self.free_id(), observation, confirmed, stamp);
        track.news.appeared = confirmed && !first;
        // Within capacity: checked above.
        let _ = self.tracks.push(track);
    }

    fn end(&mut self, stamp: FrameStamp, calibration: &Calibration) {
        let anything_moves = self
            .tracks
            .iter()
            .any(|track| track.confirmed && track.is_moving());
        for track in &mut self.tracks {
            track.news.ended = track.ending(stamp, calibration, anything_moves);
        }
    }

    fn name(&mut self) {
        let named_tracks = |track: &&mut Track| track.confirmed && track.news.ended.is_none();
        let balls: Vec<_, MAX_TRACKS> = self
            .tracks
            .iter_mut()
            .filter(named_tracks)
            .map(|track| (track.evidence, track.named.identity))
            .collect();
        let mut names: Vec<Named, MAX_TRACKS> = Vec::new();
        name_balls(self.game, &balls, &mut names);
        let faces: Vec<_, MAX_TRACKS> = self
            .tracks
            .iter_mut()
            .filter(named_tracks)
            .map(|track| (track.faces, track.named.identity))
            .collect();
        name_faces(self.game, &faces, &mut names);
        for (track, named) in self.tracks.iter_mut().filter(named_tracks).zip(names) {
            track.rename(named);
        }
    }

    /// The next id that no ball bears, counting round: an id rests as long as possible before it is used again.
    fn free_id(&mut self) -> BallId {
        loop {
            let id = BallId::new(self.next_id);
            self.next_id = if self.next_id >= MAX_BALL_ID {
                0
            } else {
                self.next_id + 1
            };
            match id {
                // There are more ids than tracks, so one is free.
                Some(id) if self.tracks.iter().all(|track| track.id != id) => return id,
                _ => {}
            }
        }
    }
}

const _: () = assert!(MAX_TRACKS <= MAX_BALL_ID as usize, "a free id is always found");

/// Whether a track has not been seen for long enough that something hides it.
pub fn is_hidden(track: &Track, exposure_us: u64) -> bool {
    const HIDDEN_S: f64 = 0.1;
    !track.is_moving() && track.unseen >= 2 && seconds_between(track.last_seen_us, exposure_us) >= HIDDEN_S
}
