//! A ball as far as one of its impacts is concerned.

use heapless::Vec;

use super::slide::{ROLLING_MM_S2, SLIDING_MM_S2, Slip};
use super::trail::{PLACES, Sighting, Trail};
use crate::geometry::linear::{Vec2, norm2, scale2, sub2};

/// What is presumed to slow a ball that may slide, and may not, as a part of sliding friction, and what that may be off by.
const SLIDES_PERHAPS: f64 = 0.5;
const SLIDING_DOUBT: f64 = 0.35;
/// Of one that is known to slide, what friction may be off by, as a part.
pub const SLIP_DOUBT: f64 = 0.15;
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
    /// How it slides before, where that is known.
    pub slip: Option<Slip>,
    /// Where it rested before.
    pub rest_mm: Option<Vec2>,
    /// The sightings that count lie between these.
    pub from_us: f64,
    pub until_us: f64,
    /// Whether it lay still until that, or until others that came at about the same time.
    pub spinless: bool,
    /// Whether it met something else a moment later: how fast it was in between, nobody saw.
    pub met_next: bool,
    /// Sightings that do not count, a bit each: blurs of two balls.
    pub blurs: u64,
}

impl<'a> Party<'a> {
    /// The same ball with only what was seen shortly before and after an instant.
    pub fn around(&self, at_us: f64, before_us: f64, after_us: f64) -> Watched<'a> {
        let party = Self {
            from_us: self.from_us.max(at_us - before_us),
            until_us: self.until_us.min(at_us + after_us),
            ..*self
        };
        let glimpses = party.sightings().map(|seen| {
            let sigma_mm = party.sigma_of(seen, at_us);
            Glimpse {
                at_us: seen.exposure_us as f64,
                place_mm: seen.place_mm,
                weight: 1.0 / (sigma_mm * sigma_mm),
            }
        });
        Watched {
            glimpses: glimpses.collect(),
            party,
        }
    }

    /// Where it would have been seen, had it not slid: on the straight way that it has at an instant. `after` is how it
    /// slides from then on.
    pub fn straightened(&self, seen: &Glimpse, about_us: f64, after: Option<Slip>) -> Vec2 {
        let slip = if seen.at_us < about_us { self.slip } else { after };
        match slip {
            Some(slip) => sub2(seen.place_mm, slip.bent_mm(seen.at_us, about_us)),
            None => seen.place_mm,
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
        if self.slip.is_some() {
            [0.0, SLIP_DOUBT * SLIDING_MM_S2]
        } else if self.slides {
            [SLIDES_PERHAPS * SLIDING_MM_S2, SLIDING_DOUBT * SLIDING_MM_S2]
        } else {
            [ROLLING_MM_S2, ROLLING_DOUBT_MM_S2]
        }
    }

    /// What a sighting says of a straight way may be off by: the longer before about the impact, the more. It must not
    /// depend on the instant that is tried, or instants that make little of the sightings would seem to fit.
    fn sigma_of(&self, seen: &Sighting, about_us: f64) -> f64 {
        let before_s = (seen.exposure_us as f64 - about_us).min(0.0) / 1e6;
        let [_, doubt] = self.slowing();
        let bent_mm = 0.5 * doubt * before_s * before_s;
        libm::sqrt(self.sigma_mm * self.sigma_mm + bent_mm * bent_mm)
    }

    /// What slowed it before the impact, and after it. `velocities_mm_s` are about those before and after.
    pub fn slowed(&self, velocities_mm_s: [Vec2; 2]) -> [Slowed; 2] {
        [
            Slowed::of(velocities_mm_s[0], self.slowing()[0]),
            Slowed::of(velocities_mm_s[1], ROLLING_MM_S2),
        ]
    }
}

/// How a way is shortened by what slows the ball.
#[derive(Debug, Clone, Copy)]
pub struct Slowed {
    direction: Vec2,
    slowing_mm_s2: f64,
    /// It does not turn back where it stops.
    stops_s: f64,
}

impl Slowed {
    fn of(velocity_mm_s: Vec2, slowing_mm_s2: f64) -> Self {
        let speed = norm2(velocity_mm_s);
        let has_direction = speed >= LEAST_SPEED_MM_S;
        Self {
            direction: if slowing_mm_s2 > 0.0 && has_direction {
                scale2(velocity_mm_s, 1.0 / speed)
            } else {
                [0.0; 2]
            },
            slowing_mm_s2,
            stops_s: speed / slowing_mm_s2.max(1e-3),
        }
    }

    /// What it is short of by an instant, in seconds after the impact.
    pub fn short_mm(&self, after_s: f64) -> Vec2 {
        let slowing_s = after_s.min(self.stops_s);
        scale2(
            self.direction,
            self.slowing_mm_s2 * slowing_s * (after_s - 0.5 * slowing_s),
        )
    }
}

/// A sighting that counts.
#[derive(Debug, Clone, Copy)]
pub struct Glimpse {
    pub at_us: f64,
    pub place_mm: Vec2,
    /// 1 / sigma² of what it says of a straight way.
    pub weight: f64,
}

/// A party with what was seen of it shortly before and after an instant, to be tried at many.
#[derive(Debug, Clone)]
pub struct Watched<'a> {
    pub party: Party<'a>,
    /// Oldest first.
    pub glimpses: Vec<Glimpse, PLACES>,
}

impl Watched<'_> {
    /// Whether its ways before and after an instant are known.
    pub fn was_seen(&self, at_us: f64) -> [bool; 2] {
        let before = self.glimpses.partition_point(|seen| seen.at_us < at_us);
        let after = self.glimpses.len() - before;
        [before >= 2 || self.party.rest_mm.is_some(), after >= 2]
    }
}
