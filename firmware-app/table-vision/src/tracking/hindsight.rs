//! Impacts measured by what was seen before and after them.

use super::bounce::bounce;
use super::collide::Wall;
use super::discovery::{FITS_WELL, LEAST_PUSH_MM_S, SHOWS};
use super::incidents::{Incident, Incidents, Known, Now, What};
use super::leaving::{Speed, leaving};
use super::meeting::meeting;
use super::parties::{ONE_CONTACT_US, blurs};
use super::party::Party;
use crate::geometry::linear::{Vec2, norm2, scale2, sub2};

/// An impact is measured when so much was seen of the balls after it,
const MEASURED_US: u64 = 90_000;
/// or so much where its time is not known to this part of an interval before.
const MEASURED_LATE_US: u64 = 170_000;
const KNOWN_INTERVALS: f64 = 0.25;
/// No ball that settles or is nudged goes as fast as this.
const STRUCK_MM_S: f64 = 200.0;
/// What was seen later tells more, if only by its sigma, which is itself estimated to this part.
const SURER_PART: f64 = 1.25;
/// How far from where it was guessed an impact may have been.
pub const REACH_US: f64 = 50_000.0;
/// A ball does not turn back from a cushion twice within this time.
const SAME_BOUNCE_US: u64 = 30_000;
/// A push that must be more likely than none to be believed, mm/s.
const FAINT_PUSH_MM_S: f64 = 30.0;
/// An expected contact that is less likely than straight ways by this did not happen.
const REFUTED: f64 = -4.0;
/// What a meeting may leave unexplained, a sighting: to be doubted, and to be believed in an impact that other sightings
/// bear out.
const FITS: f64 = 3.0;
const FITS_BADLY: f64 = 10.0;

/// What the sightings since say of an impact.
enum Judgement {
    Happened,
    Refuted,
    /// More sightings will say more.
    Open,
}

impl Incidents {
    /// Tells impacts that enough was seen after.
    pub(super) fn tell_measured(&mut self, now: Now<'_>) {
        let confirmed = core::mem::take(&mut self.confirmed);
        for mut incident in confirmed {
            let measured_us = if matches!(incident.known, Known::HardlySoon { .. }) {
                MEASURED_LATE_US
            } else {
                MEASURED_US
            };
            let due = now.stamp.exposure_us.saturating_sub(incident.at_us) >= measured_us;
            if !due || self.fits_left == 0 {
                // Within capacity: it was in the list.
                let _ = self.confirmed.push(incident);
                continue;
            }
            let judgement = match incident.what {
                What::HitBall(_) => self.measure_contact(&mut incident, now),
                _ => self.measure_bounce(&mut incident, now),
            };
            match judgement {
                Judgement::Happened => self.tell(incident),
                Judgement::Open => {
                    // Within capacity: it was in the list.
                    let _ = self.confirmed.push(incident);
                }
                // It bounds no way of others.
                Judgement::Refuted => self.recent.retain(|impact| !impact.is_same(&incident)),
            }
        }
        self.sort_news();
    }

    /// Whether the contact happened.
    fn measure_contact(&mut self, incident: &mut Incident, now: Now<'_>) -> Judgement {
        let find = |id| now.tracks.iter().find(|track| track.id == id);
        let What::HitBall(other) = incident.what else {
            return Judgement::Happened;
        };
        let (Some(ball), Some(other)) = (find(incident.ball), find(other)) else {
            return Judgement::Happened;
        };
        let at_us = incident.at_us as f64;
        let (parties, alone) = self.parties([ball, other], at_us, now);
        let both_lay = parties.iter().all(|party| party.rest_mm.is_some());
        if both_lay && incident.push_mm_s > STRUCK_MM_S {
            // One was struck into the other: nothing was seen of its way.
            return Judgement::Happened;
        }
        self.fits_left -= 1;
        let Some(met) = meeting(&parties, at_us, REACH_US, now.calibration.ball_diameter_mm, alone) else {
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
                && (impact.at_us as f64 - met.at_us).abs() < ONE_CONTACT_US
        });
        if told {
            return Judgement::Refuted;
        }
        let surer = match incident.known {
            Known::HardlySoon { sigma_us } => met.sigma_us < if alone { SURER_PART } else { 1.0 } * sigma_us,
            _ => true,
        };
        if surer && met.gain > SHOWS && met.misfit < FITS_BADLY {
            self.redate(incident, met.at_us as u64, met.push_mm_s);
            self.direct(incident, met.places_mm);
            incident.place_mm = met.places_mm[0];
            incident.speed = met.speeds[0];
        }
        if parties[0].met_next {
            incident.speed = Speed::guessed(incident.speed.velocity_mm_s);
        } else if let Some(own) = leaving(&parties[0], incident.at_us as f64)
            && (!alone || own.sigma_mm_s < incident.speed.sigma_mm_s)
        {
            incident.speed = own;
        }
        if incident.known == Known::Roughly && met.sigma_us > KNOWN_INTERVALS * now.interval_us {
            incident.known = Known::HardlySoon {
                sigma_us: met.sigma_us,
            };
            return Judgement::Open;
        }
        Judgement::Happened
    }

    /// Whether the ball met a cushion, and not the same one that it was said to have met already.
    fn measure_bounce(&mut self, incident: &mut Incident, now: Now<'_>) -> Judgement {
        let Some(track) = now.tracks.iter().find(|track| track.id == incident.ball) else {
            return Judgement::Happened;
        };
        self.fits_left -= 1;
        let at_us = incident.at_us as f64;
        let wall = Wall::nearest(
            incident.place_mm,
            &now.calibration.table,
            now.calibration.ball_radius_mm(),
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
            spinless: false,
            slip: None,
            met_next: false,
            blurs: blurs(track, now),
        };
        if let Some(turned) = bounce(&party, wall, at_us) {
            self.redate(incident, turned.at_us as u64, incident.push_mm_s);
            incident.place_mm = turned.place_mm;
            incident.speed = turned.speed;
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

    /// Remembers along which line two balls met.
    fn direct(&mut self, incident: &Incident, [from_mm, to_mm]: [Vec2; 2]) {
        if let Some(impact) = self.recent.iter_mut().find(|impact| impact.is_same(incident)) {
            let apart = sub2(to_mm, from_mm);
            impact.towards = Some(scale2(apart, 1.0 / norm2(apart).max(1e-9)));
        }
    }

    /// Corrects when an impact was and how hard, also where it is remembered.
    fn redate(&mut self, incident: &mut Incident, at_us: u64, push_mm_s: f64) {
        if let Some(impact) = self.recent.iter_mut().find(|impact| impact.is_same(incident)) {
            impact.at_us = at_us;
            impact.push_mm_s = push_mm_s;
        }
        incident.at_us = at_us;
        incident.push_mm_s = push_mm_s;
    }
}
