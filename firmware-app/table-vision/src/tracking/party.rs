//! A ball as far as one of its impacts is concerned.

use super::slide::{ROLLING_MM_S2, SLIDING_MM_S2};
use super::trail::{Sighting, Trail};
use crate::geometry::linear::{Vec2, add2, norm2, scale2};

/// What is presumed to slow a ball that may slide, and may not, as a part of sliding friction, and what that may be off by.
const SLIDES_PERHAPS: f64 = 0.5;
const SLIDING_DOUBT: f64 = 0.35;
const ROLLING_DOUBT_MM_S2: f64 = 20.0;
/// What is slower has no direction.
const LEAST_SPEED_MM_S: f64 = 30.0;

/// One of the balls of an impact.
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    pub trail: &'a Trail,
    /// Noise of a sighting along each side.
    pub sigma_mm: f64,
    /// Whether it may slide: it was struck or met something of late.
    pub slides: bool,
    /// Where it rested before.
    pub rest_mm: Option<Vec2>,
    /// The sightings that count lie between these.
    pub from_us: f64,
    pub until_us: f64,
    /// About when the impact was.
    pub about_us: f64,
    /// Whether it lay still until that, or until others that came at about the same time.
    pub spinless: bool,
    /// Whether it met something else a moment later: how fast it was in between, nobody saw.
    pub met_next: bool,
    /// Sightings that do not count, a bit each: blurs of two balls.
    pub blurs: u64,
}

impl<'a> Party<'a> {
    /// The same ball with only what was seen shortly before and after an instant.
    pub fn around(&self, at_us: f64, before_us: f64, after_us: f64) -> Self {
        Self {
            from_us: self.from_us.max(at_us - before_us),
            until_us: self.until_us.min(at_us + after_us),
            about_us: at_us,
            ..*self
        }
    }

    /// The sightings that tell of the impact.
    pub fn sightings(&self) -> impl Iterator<Item = &'a Sighting> + Clone + use<'a> {
        let seen_us = self.from_us..=self.until_us;
        let blurs = self.blurs;
        (self.trail.since(0).enumerate())
            .filter(move |(i, seen)| blurs >> i & 1 == 0 && seen_us.contains(&(seen.exposure_us as f64)))
            .map(|(_, seen)| seen)
    }

    /// What slows it before the impact, and what that may be off by, mm/s².
    fn slowing(&self) -> [f64; 2] {
        if self.slides {
            [SLIDES_PERHAPS * SLIDING_MM_S2, SLIDING_DOUBT * SLIDING_MM_S2]
        } else {
            [ROLLING_MM_S2, ROLLING_DOUBT_MM_S2]
        }
    }

    /// What a sighting says of a straight way may be off by: the longer before about the impact, the more. It must not
    /// depend on the instant that is tried, or instants that make little of the sightings would seem to fit.
    pub fn sigma_of(&self, seen: &Sighting) -> f64 {
        let before_s = (seen.exposure_us as f64 - self.about_us).min(0.0) / 1e6;
        let [_, doubt] = self.slowing();
        let bent_mm = 0.5 * doubt * before_s * before_s;
        libm::sqrt(self.sigma_mm * self.sigma_mm + bent_mm * bent_mm)
    }

    /// Where it would have been seen if nothing slowed it, so long after the impact, or before it. `velocities_mm_s` are
    /// about those before and after.
    pub fn unslowed_mm(&self, seen_mm: Vec2, velocities_mm_s: [Vec2; 2], after_s: f64) -> Vec2 {
        let (velocity, slowing) = if after_s < 0.0 {
            (velocities_mm_s[0], self.slowing()[0])
        } else {
            (velocities_mm_s[1], ROLLING_MM_S2)
        };
        let speed = norm2(velocity);
        if speed < LEAST_SPEED_MM_S {
            return seen_mm;
        }
        // It does not turn back where it stops.
        let slowing_s = after_s.min(speed / slowing);
        let lost_mm = slowing * slowing_s * (after_s - 0.5 * slowing_s);
        add2(seen_mm, scale2(velocity, lost_mm / speed))
    }

    /// Whether its ways before and after an instant are known.
    pub fn was_seen(&self, at_us: f64) -> [bool; 2] {
        let before = self
            .sightings()
            .filter(|seen| (seen.exposure_us as f64) < at_us)
            .count();
        let after = self.sightings().count() - before;
        [before >= 2 || self.rest_mm.is_some(), after >= 2]
    }
}
