//! The two balls of a contact: between which other impacts each was seen, whether it lay still, what is not its own.

use super::incidents::{Incident, Incidents, Now};
use super::party::Party;
use super::slide::Slip;
use super::starts::WATCHED_US;
use super::track::Track;
use crate::geometry::linear::{Vec2, norm2, scale2, sub2};

/// Balls farther apart than this by now were not seen as one of late.
const BLURRED_WITHIN_MM: f64 = 800.0;
/// A ball slides no longer than this after an impact: a moment, and so long for each mm/s that it was pushed by, 2 / (7 * 0.2 g).
const SLIDES_US: f64 = 50_000.0;
const SLIDES_US_PER_MM_S: f64 = 150.0;
/// Impacts of a ball closer in time than this, or than so many intervals, share their bends.
const TOGETHER_US: f64 = 8_000.0;
const TOGETHER_INTERVALS: f64 = 1.5;
/// Which of two impacts closer than this came first, their times do not tell.
pub const AT_ONCE_US: f64 = 4_000.0;
/// A ball that was sent does not lie still again and leave within this time: what sent it ended its rest.
const SHORTEST_REST_US: f64 = 100_000.0;
/// Two contacts of the same balls that are closer in time than this are one.
pub const ONE_CONTACT_US: f64 = 20_000.0;

/// When a ball was sent by other impacts that were at about the time of one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    SentBefore,
    /// It lay still until this one, and met others afterwards.
    SentNow,
    InTime,
}

impl Incidents {
    /// Both balls of a contact, and whether nothing else pushed either at about that time.
    pub(super) fn parties<'a>(
        &self,
        pair: [&'a Track; 2],
        at_us: f64,
        now: Now<'_>,
    ) -> ([Party<'a>; 2], bool) {
        let together_us = TOGETHER_US.max(TOGETHER_INTERVALS * now.interval_us);
        let others = |k: usize| {
            let (own, its) = (pair[k].id, pair[1 - k].id);
            (self.recent.iter())
                .filter(move |impact| impact.concerns(own))
                .map(move |impact| (impact.at_us as f64, impact.concerns(its)))
                .filter(move |(us, of_both)| !of_both || (us - at_us).abs() > ONE_CONTACT_US)
                .map(|(us, _)| us)
        };
        let near = |us: f64| (us - at_us).abs() < together_us;
        let alone = [0, 1].map(|k| !others(k).any(near));
        let rests_mm = [0, 1].map(|k| self.rest_before(pair[k], at_us, others(k).filter(|us| !near(*us))));
        // Of impacts that cannot be told apart in time, what lay still tells the order: who lay still was sent by who did not.
        let order = |k: usize| match (rests_mm[k].is_some(), rests_mm[1 - k].is_some()) {
            (true, true) if !alone[k] && (alone[1 - k] || k == 0) => Order::SentBefore,
            (true, _) => Order::SentNow,
            _ => Order::InTime,
        };
        let party = |k: usize| {
            let (mut from_us, mut until_us, mut met_next) = (0.0_f64, f64::INFINITY, false);
            for us in others(k) {
                let was_before = match order(k) {
                    Order::SentBefore if near(us) => true,
                    Order::SentNow if near(us) => false,
                    _ => us < at_us,
                };
                met_next |= near(us) && order(k) != Order::SentBefore && us > at_us - AT_ONCE_US;
                if was_before {
                    from_us = from_us.max(us);
                } else {
                    until_us = until_us.min(us.max(at_us));
                }
            }
            let track = pair[k];
            Party {
                trail: &track.trail,
                sigma_mm: libm::sqrt(track.single_variance_mm2),
                slides: self.slides(pair[k], pair[1 - k], at_us),
                slip: self.slip(pair[k], at_us - AT_ONCE_US),
                rest_mm: rests_mm[k].filter(|_| order(k) != Order::SentBefore),
                from_us,
                until_us,
                spinless: rests_mm[k].is_some(),
                met_next,
                blurs: blurs(track, now),
            }
        };
        ([party(0), party(1)], alone[0] && alone[1])
    }

    /// Whether a ball may still slide from what happened to it before an impact with another one.
    fn slides(&self, ball: &Track, other: &Track, at_us: f64) -> bool {
        let pushes = || {
            self.recent
                .iter()
                .filter(|impact| impact.concerns(ball.id))
                .filter(|impact| {
                    !impact.concerns(other.id) || (impact.at_us as f64 - at_us).abs() > ONE_CONTACT_US
                })
        };
        let slides_from = |impact: &Incident| {
            let since_us = at_us - impact.at_us as f64;
            since_us > -TOGETHER_US && since_us < SLIDES_US + SLIDES_US_PER_MM_S * impact.push_mm_s
        };
        let was_struck =
            self.ended_rests.iter().any(|rest| rest.ball == ball.id) && pushes().next().is_none();
        was_struck || pushes().any(slides_from)
    }

    /// How a ball slides at an instant, if all that pushed it before is known.
    fn slip(&self, ball: &Track, at_us: f64) -> Option<Slip> {
        let impacts = || {
            (self.recent.iter()).filter(|impact| impact.concerns(ball.id) && (impact.at_us as f64) < at_us)
        };
        let first_us = impacts().map(|impact| impact.at_us).min()?;
        let was_struck = self
            .ended_rests
            .iter()
            .any(|rest| rest.ball == ball.id && rest.until_us + (TOGETHER_US as u64) < first_us);
        if was_struck {
            return None;
        }
        let mut slip = Slip::NONE;
        let mut until_us = 0;
        // In order of time.
        while let Some(impact) = impacts()
            .filter(|impact| impact.at_us > until_us)
            .min_by_key(|impact| impact.at_us)
        {
            until_us = impact.at_us;
            let sign = if impact.ball == ball.id { -1.0 } else { 1.0 };
            slip = slip.pushed(
                impact.at_us as f64,
                scale2(impact.towards?, sign * impact.push_mm_s),
            );
        }
        Some(slip)
    }

    /// Where a ball lay still until an impact, if it did. `others_us` are its other impacts.
    pub(super) fn rest_before(
        &self,
        track: &Track,
        at_us: f64,
        others_us: impl Iterator<Item = f64>,
    ) -> Option<Vec2> {
        let since_us = others_us
            .filter(|us| *us < at_us)
            .fold(f64::NEG_INFINITY, f64::max);
        let left = self.ended_rests.iter().find(|rest| rest.ball == track.id);
        let rested = left.filter(|rest| {
            let until_us = rest.until_us as f64;
            let sent_then = until_us < since_us + SHORTEST_REST_US;
            !sent_then
                && until_us <= at_us + WATCHED_US
                && rest.shown.exposure_us as f64 >= at_us - TOGETHER_US
        });
        let still_mm = (!track.is_moving()).then(|| track.place_mm());
        rested.map(|rest| rest.from_mm).or(still_mm)
    }
}

/// Which sightings of a ball are blurs of it and another one.
pub fn blurs(track: &Track, now: Now<'_>) -> u64 {
    now.tracks
        .iter()
        .filter(|other| other.id != track.id && other.confirmed)
        .filter(|other| norm2(sub2(other.place_mm(), track.place_mm())) < BLURRED_WITHIN_MM)
        .fold(0, |blurs, other| {
            blurs
                | track
                    .trail
                    .blurs_with(&other.trail, now.calibration.ball_diameter_mm)
        })
}
