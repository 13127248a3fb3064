//! Impacts measured by what was seen before and after them; and contacts that show only so.

use super::bounce::bounce;
use super::collide::Wall;
use super::incidents::{Incident, Incidents, Known, SAME_MEETING_US, What};
use super::meeting::meeting;
use super::party::Party;
use super::starts::WATCHED_US;
use super::track::Track;
use super::trail::Nearest;
use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, norm2, sub2};

/// Balls farther apart than this by now were not seen as one of late.
const BLURRED_WITHIN_MM: f64 = 800.0;
/// Of two balls that stay near each other, such moments are tried so long afterwards.
const STAYED_US: f64 = 130_000.0;
const STAYED_EVERY_US: f64 = 20_000.0;
/// An impact is measured when so much was seen of the balls after it,
const MEASURED_US: u64 = 90_000;
/// or so much where its time is not known to this part of an interval before.
const MEASURED_LATE_US: u64 = 170_000;
const KNOWN_INTERVALS: f64 = 0.25;
/// and a contact that was not expected is looked for a little earlier: then it is measured once.
const JUDGED_US: f64 = 70_000.0;
/// Two contacts of the same balls that turn out to be closer in time than this are one.
const TOLD_TWICE_US: f64 = 40_000.0;
/// How far from where it was guessed an impact may have been.
const REACH_US: f64 = 50_000.0;
/// Impacts of a ball closer in time than this, or than so many intervals, share their bends.
const TOGETHER_US: f64 = 8_000.0;
const TOGETHER_INTERVALS: f64 = 1.5;
/// A ball does not turn back from a cushion twice within this time.
const SAME_BOUNCE_US: u64 = 30_000;
/// Two balls seen no nearer to each other than a diameter and this, beside what they move in an interval, did not meet.
const APART_MM: f64 = 5.0;
/// How much more one that moves may have moved than its speed now says.
const FASTER_BEFORE: f64 = 1.5;
/// A push that shows, one that shows well, and one that must be more likely than none, mm/s.
const LEAST_PUSH_MM_S: f64 = 12.0;
const CLEAR_PUSH_MM_S: f64 = 25.0;
const CLEAR_PART: f64 = 0.03;
const FAINT_PUSH_MM_S: f64 = 30.0;
/// How much likelier a contact must be than none (-2 log-likelihood): for a push that hardly shows, and for two balls on
/// whose ways a contact lies, which hardly ever curve just there without one.
const SHOWS: f64 = 10.0;
const LIES_ON_WAY: f64 = -3.0;
/// An expected contact that is less likely than straight ways by this did not happen.
const REFUTED: f64 = -4.0;
/// What a meeting or a straight way may leave unexplained, a sighting: to be found, to be doubted, to be believed in an
/// impact that other sightings bear out.
const FITS_WELL: f64 = 2.0;
const FITS: f64 = 3.0;
const FITS_BADLY: f64 = 10.0;
/// and what part of that of straight ways, where more balls met than two and no pair explains all.
const EXPLAINS_PART: f64 = 0.2;

/// When a ball was sent by other impacts that were at about the time of one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    SentBefore,
    /// It lay still until this one, and met others afterwards.
    SentNow,
    InTime,
}

/// What the sightings since say of an impact.
enum Judgement {
    Happened,
    Refuted,
    /// More sightings will say more.
    Open,
}

impl Incidents {
    /// Contacts that nobody expected, between balls of which one moves at least.
    pub(super) fn discover(
        &mut self,
        stamp: FrameStamp,
        tracks: &[Track],
        calibration: &Calibration,
        interval_us: f64,
    ) {
        for (i, a) in tracks.iter().enumerate() {
            for b in &tracks[i + 1..] {
                let believed = a.confirmed && b.confirmed && (a.is_moving() || b.is_moving());
                if !believed {
                    continue;
                }
                if let Some(at_us) = came_near(a, b, stamp, calibration, interval_us) {
                    self.find_contact([a, b], at_us, REACH_US, tracks, stamp, calibration, interval_us);
                }
                if let Some(at_us) = stayed_near(a, b, stamp, calibration, interval_us) {
                    let reach_us = STAYED_EVERY_US + interval_us;
                    self.find_contact([a, b], at_us, reach_us, tracks, stamp, calibration, interval_us);
                }
            }
        }
    }

    fn find_contact(
        &mut self,
        pair: [&Track; 2],
        at_us: u64,
        reach_us: f64,
        tracks: &[Track],
        stamp: FrameStamp,
        calibration: &Calibration,
        interval_us: f64,
    ) {
        let [a, b] = pair;
        let known =
            |impact: &Incident| impact.is_of(a.id, b.id) && impact.at_us.abs_diff(at_us) < SAME_MEETING_US;
        if self.recent.iter().any(known) {
            return;
        }
        let at_us = at_us as f64;
        let (parties, alone) = self.parties(pair, at_us, tracks, calibration, interval_us);
        let Some(met) = meeting(&parties, at_us, reach_us, calibration.ball_diameter_mm, alone) else {
            return;
        };
        if self.recent.iter().any(|impact| {
            impact.is_of(a.id, b.id) && impact.at_us.abs_diff(met.at_us as u64) < SAME_MEETING_US
        }) {
            return;
        }
        let shows = met.gain > SHOWS && met.push_mm_s > LEAST_PUSH_MM_S;
        let lies_on_way = alone
            && reach_us == REACH_US
            && met.gain > LIES_ON_WAY
            && met.push_mm_s > CLEAR_PUSH_MM_S + CLEAR_PART * a.speed_mm_s().max(b.speed_mm_s());
        let explains = met.misfit < FITS_WELL || met.misfit < EXPLAINS_PART * met.straight_misfit;
        if explains && (shows || lies_on_way) {
            let faster = usize::from(a.speed_mm_s() <= b.speed_mm_s());
            self.confirm(Incident {
                what: What::HitBall(pair[1 - faster].id),
                at_us: met.at_us as u64,
                frame_id: stamp.frame_id,
                ball: pair[faster].id,
                place_mm: met.places_mm[faster],
                velocity_mm_s: met.velocities_mm_s[faster],
                known: Known::Roughly,
            });
        }
    }

    /// Tells impacts that enough was seen after.
    pub(super) fn tell_measured(
        &mut self,
        stamp: FrameStamp,
        tracks: &[Track],
        calibration: &Calibration,
        interval_us: f64,
    ) {
        let confirmed = core::mem::take(&mut self.confirmed);
        for mut incident in confirmed {
            let measured_us = if matches!(incident.known, Known::HardlySoon { .. }) {
                MEASURED_LATE_US
            } else {
                MEASURED_US
            };
            if stamp.exposure_us.saturating_sub(incident.at_us) < measured_us {
                // Within capacity: it was in the list.
                let _ = self.confirmed.push(incident);
                continue;
            }
            let judgement = match incident.what {
                What::HitBall(_) => self.measure_contact(&mut incident, tracks, calibration, interval_us),
                _ => self.measure_bounce(&mut incident, tracks, calibration),
            };
            match judgement {
                Judgement::Happened => self.tell(incident),
                Judgement::Open => {
                    // Within capacity: it was in the list.
                    let _ = self.confirmed.push(incident);
                }
                Judgement::Refuted => {}
            }
        }
        self.sort_news();
    }

    /// Whether the contact happened.
    fn measure_contact(
        &mut self,
        incident: &mut Incident,
        tracks: &[Track],
        calibration: &Calibration,
        interval_us: f64,
    ) -> Judgement {
        let find = |id| tracks.iter().find(|track| track.id == id);
        let What::HitBall(other) = incident.what else {
            return Judgement::Happened;
        };
        let (Some(ball), Some(other)) = (find(incident.ball), find(other)) else {
            return Judgement::Happened;
        };
        let at_us = incident.at_us as f64;
        let (parties, alone) = self.parties([ball, other], at_us, tracks, calibration, interval_us);
        let Some(met) = meeting(&parties, at_us, REACH_US, calibration.ball_diameter_mm, alone) else {
            return Judgement::Happened;
        };
        let refuted = alone && met.gain < REFUTED && met.straight_misfit < FITS_WELL;
        let hardly_any = alone
            && met.misfit < FITS
            && (met.push_mm_s < LEAST_PUSH_MM_S || met.push_mm_s < FAINT_PUSH_MM_S && met.gain < SHOWS);
        if refuted || hardly_any {
            return Judgement::Refuted;
        }
        let told = self.recent.iter().any(|impact| {
            impact.known == Known::Told
                && impact.is_of(ball.id, other.id)
                && (impact.at_us as f64 - met.at_us).abs() < TOLD_TWICE_US
        });
        if told {
            return Judgement::Refuted;
        }
        let surer = match incident.known {
            Known::HardlySoon { sigma_us } => met.sigma_us < sigma_us,
            _ => true,
        };
        if surer && met.gain > SHOWS && met.misfit < FITS_BADLY {
            self.redate(incident, met.at_us as u64);
            incident.place_mm = met.places_mm[0];
            incident.velocity_mm_s = met.velocities_mm_s[0];
        }
        if incident.known == Known::Roughly && met.sigma_us > KNOWN_INTERVALS * interval_us {
            incident.known = Known::HardlySoon {
                sigma_us: met.sigma_us,
            };
            return Judgement::Open;
        }
        Judgement::Happened
    }

    /// Whether the ball met a cushion, and not the same one that it was said to have met already.
    fn measure_bounce(
        &mut self,
        incident: &mut Incident,
        tracks: &[Track],
        calibration: &Calibration,
    ) -> Judgement {
        let Some(track) = tracks.iter().find(|track| track.id == incident.ball) else {
            return Judgement::Happened;
        };
        let at_us = incident.at_us as f64;
        let wall = Wall::nearest(
            incident.place_mm,
            &calibration.table,
            calibration.ball_radius_mm(),
        );
        let others = self
            .recent
            .iter()
            .filter(|impact| *impact != incident && impact.concerns(track.id));
        let others_us = others.map(|impact| impact.at_us as f64);
        let party = Party {
            trail: &track.trail,
            sigma_mm: libm::sqrt(track.single_variance_mm2),
            slides: true,
            rest_mm: self.rest_before(track, at_us, others_us.clone()),
            from_us: others_us.clone().filter(|us| *us < at_us).fold(0.0, f64::max),
            until_us: others_us.filter(|us| *us >= at_us).fold(f64::INFINITY, f64::min),
            about_us: at_us,
            blurs: blurs(track, tracks, calibration),
        };
        if let Some(turned) = bounce(&party, wall, at_us) {
            self.redate(incident, turned.at_us as u64);
            incident.place_mm = turned.place_mm;
            incident.velocity_mm_s = turned.velocity_mm_s;
        }
        let first = self.recent.iter().find(|impact| {
            impact.ball == incident.ball
                && impact.what == What::HitCushion
                && impact.at_us.abs_diff(incident.at_us) < SAME_BOUNCE_US
        });
        if first.is_none_or(|first| first.frame_id == incident.frame_id) {
            Judgement::Happened
        } else {
            Judgement::Refuted
        }
    }

    /// Both balls of a contact, and whether nothing else pushed either at about that time.
    fn parties<'a>(
        &self,
        pair: [&'a Track; 2],
        at_us: f64,
        tracks: &[Track],
        calibration: &Calibration,
        interval_us: f64,
    ) -> ([Party<'a>; 2], bool) {
        let together_us = TOGETHER_US.max(TOGETHER_INTERVALS * interval_us);
        let others = |k: usize| {
            let (own, its) = (pair[k].id, pair[1 - k].id);
            (self.recent.iter())
                .filter(move |impact| impact.concerns(own))
                .map(move |impact| (impact.at_us as f64, impact.concerns(its)))
                .filter(move |(us, of_both)| !of_both || (us - at_us).abs() > TOLD_TWICE_US)
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
            let (mut from_us, mut until_us) = (0.0_f64, f64::INFINITY);
            for us in others(k) {
                let was_before = match order(k) {
                    Order::SentBefore if near(us) => true,
                    Order::SentNow if near(us) => false,
                    _ => us < at_us,
                };
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
                slides: from_us > 0.0 || self.ended_rests.iter().any(|rest| rest.ball == track.id),
                rest_mm: rests_mm[k].filter(|_| order(k) != Order::SentBefore),
                from_us,
                until_us,
                about_us: at_us,
                blurs: blurs(track, tracks, calibration),
            }
        };
        ([party(0), party(1)], alone[0] && alone[1])
    }

    /// Where a ball lay still until an impact, if it did. `others_us` are its other impacts.
    fn rest_before(&self, track: &Track, at_us: f64, others_us: impl Iterator<Item = f64>) -> Option<Vec2> {
        let since_us = others_us.filter(|us| *us < at_us).fold(0.0, f64::max);
        let left = self.ended_rests.iter().find(|rest| rest.ball == track.id);
        let rested = left.filter(|rest| {
            let until_us = rest.until_us as f64;
            (since_us..=at_us + WATCHED_US).contains(&until_us)
                && rest.shown.exposure_us as f64 >= at_us - TOGETHER_US
        });
        let still_mm = (!track.is_moving()).then(|| track.place_mm());
        rested.map(|rest| rest.from_mm).or(still_mm)
    }

    /// Corrects when an impact was, also where it is remembered.
    fn redate(&mut self, incident: &mut Incident, at_us: u64) {
        if let Some(impact) = self.recent.iter_mut().find(|impact| impact.is_same(incident)) {
            impact.at_us = at_us;
        }
        incident.at_us = at_us;
    }
}

/// Which sightings of a ball are blurs of it and another one.
fn blurs(track: &Track, tracks: &[Track], calibration: &Calibration) -> u64 {
    tracks
        .iter()
        .filter(|other| other.id != track.id && other.confirmed)
        .filter(|other| norm2(sub2(other.place_mm(), track.place_mm())) < BLURRED_WITHIN_MM)
        .fold(0, |blurs, other| {
            blurs | track.trail.blurs_with(&other.trail, calibration.ball_diameter_mm)
        })
}

/// When two balls were nearest to each other, if that was near enough to have met and is to be judged now.
fn came_near(
    a: &Track,
    b: &Track,
    stamp: FrameStamp,
    calibration: &Calibration,
    interval_us: f64,
) -> Option<u64> {
    let touch_mm = calibration.ball_diameter_mm;
    let way_mm = (a.speed_mm_s() + b.speed_mm_s()) * (JUDGED_US + interval_us) / 1e6;
    let apart_mm = norm2(sub2(a.place_mm(), b.place_mm()));
    if apart_mm > touch_mm + 4.0 * APART_MM + FASTER_BEFORE * way_mm {
        return None;
    }
    let since_us = stamp.exposure_us.saturating_sub(2 * JUDGED_US as u64);
    let Nearest {
        at_us,
        apart_mm,
        step_mm,
    } = a.trail.nearest(&b.trail, since_us)?;
    let age_us = stamp.exposure_us.saturating_sub(at_us) as f64;
    let due = (JUDGED_US..JUDGED_US + interval_us).contains(&age_us);
    (due && apart_mm < touch_mm + APART_MM + step_mm).then_some(at_us)
}

/// A moment at which two balls were near enough to have met, of those that are to be tried now.
fn stayed_near(
    a: &Track,
    b: &Track,
    stamp: FrameStamp,
    calibration: &Calibration,
    interval_us: f64,
) -> Option<u64> {
    let tried_us = stamp.exposure_us.saturating_sub(STAYED_US as u64);
    let turn = |us: u64| us / STAYED_EVERY_US as u64;
    if turn(tried_us) == turn(tried_us.saturating_sub(interval_us as u64)) {
        return None;
    }
    let way_mm = (a.speed_mm_s() + b.speed_mm_s()) * (STAYED_US + interval_us) / 1e6;
    let apart_mm = norm2(sub2(a.place_mm(), b.place_mm()));
    let near_mm = calibration.ball_diameter_mm + APART_MM;
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
