//! Impacts measured by what was seen before and after them; and contacts that show only so.

use super::bounce::bounce;
use super::collide::Wall;
use super::incidents::{Incident, Incidents, SAME_MEETING_US, What};
use super::meeting::meeting;
use super::party::Party;
use super::starts::WATCHED_US;
use super::track::Track;
use super::trail::Nearest;
use crate::FrameStamp;
use crate::geometry::Calibration;
use crate::geometry::linear::{norm2, sub2};

/// An impact is measured when so much was seen of the balls after it,
const MEASURED_US: u64 = 90_000;
/// and a contact that was not expected is looked for a little earlier: then it is measured once.
const JUDGED_US: f64 = 70_000.0;
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
/// A push that shows, and one that shows well, mm/s.
const LEAST_PUSH_MM_S: f64 = 12.0;
const CLEAR_PUSH_MM_S: f64 = 25.0;
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
                if believed && let Some(at_us) = came_near(a, b, stamp, calibration, interval_us) {
                    self.find_contact([a, b], at_us, stamp, calibration, interval_us);
                }
            }
        }
    }

    fn find_contact(
        &mut self,
        pair: [&Track; 2],
        at_us: u64,
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
        let (parties, alone) = self.parties(pair, at_us, interval_us);
        let Some(met) = meeting(&parties, at_us, REACH_US, calibration.ball_diameter_mm, alone) else {
            return;
        };
        let shows = met.gain > SHOWS && met.push_mm_s > LEAST_PUSH_MM_S;
        let lies_on_way = alone && met.gain > LIES_ON_WAY && met.push_mm_s > CLEAR_PUSH_MM_S;
        if met.misfit < FITS_WELL && (shows || lies_on_way) {
            let faster = usize::from(a.speed_mm_s() <= b.speed_mm_s());
            self.confirm(Incident {
                what: What::HitBall(pair[1 - faster].id),
                at_us: met.at_us as u64,
                frame_id: stamp.frame_id,
                ball: pair[faster].id,
                place_mm: met.places_mm[faster],
                velocity_mm_s: met.velocities_mm_s[faster],
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
            if stamp.exposure_us.saturating_sub(incident.at_us) < MEASURED_US {
                // Within capacity: it was in the list.
                let _ = self.confirmed.push(incident);
                continue;
            }
            let happened = match incident.what {
                What::HitBall(_) => self.measure_contact(&mut incident, tracks, calibration, interval_us),
                _ => self.measure_bounce(&mut incident, tracks, calibration),
            };
            if happened {
                self.tell(incident);
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
    ) -> bool {
        let find = |id| tracks.iter().find(|track| track.id == id);
        let What::HitBall(other) = incident.what else {
            return true;
        };
        let (Some(ball), Some(other)) = (find(incident.ball), find(other)) else {
            return true;
        };
        let at_us = incident.at_us as f64;
        let (parties, alone) = self.parties([ball, other], at_us, interval_us);
        let Some(met) = meeting(&parties, at_us, REACH_US, calibration.ball_diameter_mm, alone) else {
            return true;
        };
        let refuted = met.gain < REFUTED && met.straight_misfit < FITS_WELL;
        let hardly_any = alone && met.push_mm_s < LEAST_PUSH_MM_S && met.misfit < FITS;
        if refuted || hardly_any {
            return false;
        }
        if met.misfit < FITS_BADLY {
            self.redate(incident, met.at_us as u64);
            incident.place_mm = met.places_mm[0];
            incident.velocity_mm_s = met.velocities_mm_s[0];
        }
        true
    }

    /// Whether the ball met a cushion, and not the same one that it was said to have met already.
    fn measure_bounce(
        &mut self,
        incident: &mut Incident,
        tracks: &[Track],
        calibration: &Calibration,
    ) -> bool {
        let Some(track) = tracks.iter().find(|track| track.id == incident.ball) else {
            return true;
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
        let (party, _) = self.party(track, at_us, 0.0, others);
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
        first.is_none_or(|first| first.frame_id == incident.frame_id)
    }

    /// Both balls of a contact, and whether nothing else pushed either at about that time.
    fn parties<'a>(&self, pair: [&'a Track; 2], at_us: f64, interval_us: f64) -> ([Party<'a>; 2], bool) {
        let together_us = TOGETHER_US.max(TOGETHER_INTERVALS * interval_us);
        let party = |k: usize| {
            let others = self
                .recent
                .iter()
                .filter(|impact| impact.concerns(pair[k].id) && !impact.concerns(pair[1 - k].id));
            self.party(pair[k], at_us, together_us, others)
        };
        let ((a, a_alone), (b, b_alone)) = (party(0), party(1));
        ([a, b], a_alone && b_alone)
    }

    /// A ball between its other impacts, and whether none of them is within `together_us`.
    fn party<'a, 'b>(
        &self,
        track: &'a Track,
        at_us: f64,
        together_us: f64,
        others: impl Iterator<Item = &'b Incident>,
    ) -> (Party<'a>, bool) {
        let (mut from_us, mut until_us, mut alone) = (0.0_f64, f64::INFINITY, true);
        for us in others.map(|impact| impact.at_us as f64) {
            alone &= (us - at_us).abs() >= together_us;
            if us < at_us {
                from_us = from_us.max(us);
            } else {
                until_us = until_us.min(us);
            }
        }
        let left = self.ended_rests.iter().find(|rest| rest.ball == track.id);
        let rested = left.filter(|rest| {
            let until_us = rest.until_us as f64;
            (from_us..=at_us + WATCHED_US).contains(&until_us)
                && rest.shown.exposure_us as f64 >= at_us - TOGETHER_US
        });
        let still_mm = (!track.is_moving()).then(|| track.place_mm());
        let party = Party {
            trail: &track.trail,
            sigma_mm: libm::sqrt(track.single_variance_mm2),
            slides: from_us > 0.0 || left.is_some(),
            rest_mm: rested.map(|rest| rest.from_mm).or(still_mm),
            from_us,
            until_us,
        };
        (party, alone)
    }

    /// Corrects when an impact was, also where it is remembered.
    fn redate(&mut self, incident: &mut Incident, at_us: u64) {
        if let Some(impact) = self.recent.iter_mut().find(|impact| *impact == incident) {
            impact.at_us = at_us;
        }
        incident.at_us = at_us;
    }
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
