//! Contacts that nobody expected, found in the ways of balls that came near each other.

use super::hindsight::REACH_US;
use super::incidents::{Incident, Incidents, Known, Now, REMEMBERED_US, SAME_MEETING_US, What};
use super::meeting::meeting;
use super::track::Track;
use super::trail::Nearest;
use crate::geometry::linear::{norm2, sub2};
use crate::limits::{MAX_FITS, MAX_SEARCHES};
use baize_table_state::BallId;

/// A contact is looked for so long after two balls were nearest to each other: before it would be measured.
const JUDGED_US: f64 = 70_000.0;
/// Of two balls that stay near each other, such moments are tried so long afterwards.
const STAYED_US: f64 = 130_000.0;
const STAYED_EVERY_US: f64 = 20_000.0;
/// Not while more balls than this move: after a break, too many are near each other for the time there is.
const CROWDED: usize = 10;
/// Two balls seen no nearer to each other than a diameter and this, beside what they move in an interval, did not meet.
const APART_MM: f64 = 5.0;
/// How much more one that moves may have moved than its speed now says.
const FASTER_BEFORE: f64 = 1.5;
/// A push that shows, and one that shows well: that, and so much of the faster ball's speed.
pub const LEAST_PUSH_MM_S: f64 = 12.0;
const CLEAR_PUSH_MM_S: f64 = 25.0;
const CLEAR_PART: f64 = 0.03;
/// How much likelier a contact must be than none (-2 log-likelihood): for a push that hardly shows, and for two balls on
/// whose ways a contact lies, which hardly ever curve just there without one.
pub const SHOWS: f64 = 8.0;
const LIES_ON_WAY: f64 = -3.0;
/// The same of a push so much harder than a clear one, which no friction looks like.
const STRONG_SHOWS: f64 = 2.0;
const STRONG_PUSHES: f64 = 2.5;
/// What a meeting may leave unexplained, a sighting, and what part of that of straight ways, where more balls met than two
/// and no pair explains all.
pub const FITS_WELL: f64 = 2.0;
const EXPLAINS_PART: f64 = 0.2;

/// Two balls that may have met: they were near each other, and nobody expected a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspicion {
    balls: [BallId; 2],
    about_us: u64,
    /// How far from that it may have been.
    reach_us: f64,
}

impl Incidents {
    /// Contacts that nobody expected, between balls of which one moves at least.
    pub(super) fn discover(&mut self, now: Now<'_>) {
        self.suspect(now);
        let find = |id| now.tracks.iter().find(|track| track.id == id);
        let suspected = core::mem::take(&mut self.suspected);
        for suspicion in suspected {
            let pair = suspicion.balls.map(find);
            let [Some(a), Some(b)] = pair else { continue };
            if self.fits_left > MAX_FITS - MAX_SEARCHES {
                self.find_contact([a, b], suspicion.about_us, suspicion.reach_us, now);
            } else {
                // Within capacity: it was in the list.
                let _ = self.suspected.push(suspicion);
            }
        }
    }

    /// Which balls may have met without anybody expecting it.
    fn suspect(&mut self, now: Now<'_>) {
        // What happened since is forgotten.
        self.suspected
            .retain(|waiting| now.stamp.exposure_us.saturating_sub(waiting.about_us) < REMEMBERED_US);
        let moving = now
            .tracks
            .iter()
            .filter(|track| track.confirmed && track.is_moving());
        let crowded = moving.count() > CROWDED;
        for (i, a) in now.tracks.iter().enumerate() {
            for b in &now.tracks[i + 1..] {
                let believed = a.confirmed && b.confirmed && (a.is_moving() || b.is_moving());
                if !believed {
                    continue;
                }
                let mut suspicion = |about_us, reach_us| {
                    // Full, it is not searched: limits.rs says why that is enough.
                    let _ = self.suspected.push(Suspicion {
                        balls: [a.id, b.id],
                        about_us,
                        reach_us,
                    });
                };
                if let Some(at_us) = came_near(a, b, now) {
                    suspicion(at_us, REACH_US);
                }
                if !crowded && let Some(at_us) = stayed_near(a, b, now) {
                    suspicion(at_us, STAYED_EVERY_US + now.interval_us);
                }
            }
        }
    }

    fn find_contact(&mut self, pair: [&Track; 2], at_us: u64, reach_us: f64, now: Now<'_>) {
        let [a, b] = pair;
        if self.knows_contact(pair, at_us) {
            return;
        }
        self.fits_left -= 1;
        let at_us = at_us as f64;
        let (parties, alone) = self.parties(pair, at_us, now);
        let Some(met) = meeting(&parties, at_us, reach_us, now.calibration.ball_diameter_mm, alone) else {
            return;
        };
        if self.knows_contact(pair, met.at_us as u64) {
            return;
        }
        let shows = met.gain > SHOWS && met.push_mm_s > LEAST_PUSH_MM_S;
        let clear_mm_s = CLEAR_PUSH_MM_S + CLEAR_PART * a.speed_mm_s().max(b.speed_mm_s());
        let lies_on_way =
            alone && reach_us == REACH_US && met.gain > LIES_ON_WAY && met.push_mm_s > clear_mm_s;
        let strong = alone && met.gain > STRONG_SHOWS && met.push_mm_s > STRONG_PUSHES * clear_mm_s;
        let explains = met.misfit < FITS_WELL || met.misfit < EXPLAINS_PART * met.straight_misfit;
        if explains && (shows || strong || lies_on_way) {
            let faster = usize::from(a.speed_mm_s() <= b.speed_mm_s());
            self.confirm(Incident {
                what: What::HitBall(pair[1 - faster].id),
                at_us: met.at_us as u64,
                frame_id: now.stamp.frame_id,
                ball: pair[faster].id,
                place_mm: met.places_mm[faster],
                speed: met.speeds[faster],
                push_mm_s: met.push_mm_s,
                towards: None,
                known: Known::Roughly,
            });
        }
    }

    fn knows_contact(&self, pair: [&Track; 2], at_us: u64) -> bool {
        self.recent.iter().any(|impact| {
            impact.is_of(pair[0].id, pair[1].id) && impact.at_us.abs_diff(at_us) < SAME_MEETING_US
        })
    }
}

/// When two balls were nearest to each other, if that was near enough to have met and is to be judged now.
fn came_near(a: &Track, b: &Track, now: Now<'_>) -> Option<u64> {
    let touch_mm = now.calibration.ball_diameter_mm;
    let way_mm = (a.speed_mm_s() + b.speed_mm_s()) * (JUDGED_US + now.interval_us) / 1e6;
    let apart_mm = norm2(sub2(a.place_mm(), b.place_mm()));
    if apart_mm > touch_mm + 4.0 * APART_MM + FASTER_BEFORE * way_mm {
        return None;
    }
    let since_us = now.stamp.exposure_us.saturating_sub(2 * JUDGED_US as u64);
    let Nearest {
        at_us,
        apart_mm,
        step_mm,
    } = a.trail.nearest(&b.trail, since_us)?;
    let age_us = now.stamp.exposure_us.saturating_sub(at_us) as f64;
    let due = (JUDGED_US..JUDGED_US + now.interval_us).contains(&age_us);
    (due && apart_mm < touch_mm + APART_MM + step_mm).then_some(at_us)
}

/// A moment at which two balls were near enough to have met, of those that are to be tried now.
fn stayed_near(a: &Track, b: &Track, now: Now<'_>) -> Option<u64> {
    let tried_us = now.stamp.exposure_us.saturating_sub(STAYED_US as u64);
    let turn = |us: u64| us / STAYED_EVERY_US as u64;
    if turn(tried_us) == turn(tried_us.saturating_sub(now.interval_us as u64)) {
        return None;
    }
    let way_mm = (a.speed_mm_s() + b.speed_mm_s()) * (STAYED_US + now.interval_us) / 1e6;
    let apart_mm = norm2(sub2(a.place_mm(), b.place_mm()));
    let near_mm = now.calibration.ball_diameter_mm + APART_MM;
    if apart_mm > near_mm + 3.0 * APART_MM + FASTER_BEFORE * way_mm {
        return None;
    }
    let at = |track: &Track| {
        track
            .trail
            .since(0)
            .find(|seen| seen.exposure_us >= tried_us)
            .copied()
    };
    let (own, its) = (at(a)?, at(b)?);
    let apart_mm = norm2(sub2(own.place_mm, its.place_mm));
    (own.exposure_us == its.exposure_us && apart_mm < near_mm).then_some(own.exposure_us)
}
