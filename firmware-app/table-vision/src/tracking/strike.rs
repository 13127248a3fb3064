//! A ball that was struck and met others before it was seen often enough: what it had of momentum, all that it set in
//! motion has now.

use super::association::FASTEST_MM_S;
use super::incidents::{Incidents, What};
use super::starts::{Scene, Start, WATCHED_US};
use super::track::Track;
use super::trail::{Departure, Sighting};
use crate::geometry::linear::{Vec2, add2, norm2, scale2, sub2};
use baize_table_state::BallId;

/// Sightings after the contact that tell how the ball went on.
const AFTER: usize = 2;
/// A way between two sightings before the contact that tells a speed to a twentieth.
const TELLS_MM: f64 = 30.0;
/// A way that took less time says nothing of a speed.
const SHORTEST_S: f64 = 4e-3;

/// The first contact of a ball that was struck.
#[derive(Debug, Clone, Copy)]
pub struct FirstContact {
    at_us: f64,
    /// Where the struck ball was then.
    place_mm: Vec2,
    /// The one that it met.
    sent: BallId,
}

impl FirstContact {
    fn after<'a>(&self, track: &'a Track) -> impl Iterator<Item = &'a Sighting> + Clone + use<'a> {
        track.trail.since(self.at_us as u64)
    }

    /// Whether both balls were seen often enough since.
    pub fn is_clear_after(&self, struck: &Track, scene: &Scene<'_>) -> bool {
        let often = |track: &Track| self.after(track).count() >= AFTER;
        often(struck) && scene.track(self.sent).is_none_or(often)
    }

    /// How the ball went on.
    fn velocity_after(&self, track: &Track) -> Option<Vec2> {
        let last = self.after(track).last()?;
        let first = self
            .after(track)
            .next()
            .filter(|first| first.exposure_us < last.exposure_us);
        let (from_mm, from_us) = first.map_or((self.place_mm, self.at_us), |first| {
            (first.place_mm, first.exposure_us as f64)
        });
        let took_s = (last.exposure_us as f64 - from_us) / 1e6;
        (took_s > SHORTEST_S).then(|| scale2(sub2(last.place_mm, from_mm), 1.0 / took_s))
    }
}

impl Incidents {
    /// The first contact of a ball that may have been struck, if it was not seen often enough before that.
    pub(super) fn met_early(&self, start: &Start, scene: &Scene<'_>) -> Option<FirstContact> {
        if !scene.may_be_struck(start.ball) {
            return None;
        }
        let first = self
            .sent_since(start)
            .filter_map(|rest| {
                let (sent, _) = scene.first_way(rest)?;
                Some(FirstContact {
                    at_us: sent.at_us,
                    place_mm: scene.sender_place(rest, &sent),
                    sent: rest.ball,
                })
            })
            .reduce(|first, other| if other.at_us < first.at_us { other } else { first })?;
        let track = scene.track(start.ball)?;
        let sent_seen = scene
            .track(first.sent)
            .map_or(0, |sent| first.after(sent).count());
        // When the other one was sent, a single sighting of it does not tell.
        let until_us = match (scene.bent_us(start), sent_seen >= AFTER) {
            (Some(bent_us), false) => bent_us as f64,
            (Some(bent_us), true) => first.at_us.min(bent_us as f64),
            (None, true) => first.at_us,
            (None, false) => f64::INFINITY,
        };
        let since = track.trail.since(start.until_us);
        let mut before = since.take_while(|seen| seen.exposure_us as f64 <= until_us);
        let way_mm = match (before.next(), before.last()) {
            (Some(first), Some(last)) => norm2(sub2(last.place_mm, first.place_mm)),
            _ => 0.0,
        };
        (way_mm < TELLS_MM).then_some(first)
    }

    /// How a ball was struck that met others at once.
    pub(super) fn before_contact(
        &self,
        start: &Start,
        met: &FirstContact,
        scene: &Scene<'_>,
    ) -> Option<Departure> {
        let mut momentum = met.velocity_after(scene.track(start.ball)?)?;
        for rest in self.sent_since(start) {
            let Some((sent, _)) = scene.first_way(rest) else {
                continue;
            };
            let met_cushion = (self.recent.iter())
                .any(|impact| impact.ball == rest.ball && impact.what == What::HitCushion);
            let has = match scene.track(rest.ball) {
                // What it gave to others, they have.
                Some(track) if scene.bent_us(rest).is_some() && !met_cushion => track.velocity_mm_s(),
                _ => sent.velocity_mm_s,
            };
            momentum = add2(momentum, has);
        }
        if norm2(momentum) > FASTEST_MM_S {
            // Ways too short to tell a speed.
            return None;
        }
        let run_mm = norm2(sub2(met.place_mm, start.from_mm));
        let at_us = met.at_us - 1e6 * run_mm / norm2(momentum).max(1.0);
        Some(Departure {
            at_us: at_us.clamp(start.until_us as f64, start.shown.exposure_us as f64),
            velocity_mm_s: momentum,
        })
    }

    /// The other balls that left their rest when it did, or soon after: nothing else moved before.
    fn sent_since(&self, start: &Start) -> impl Iterator<Item = &Start> {
        self.ended_rests.iter().filter(|rest| {
            let soon = rest.until_us.abs_diff(start.until_us) as f64 <= WATCHED_US;
            rest.ball != start.ball && soon
        })
    }
}
