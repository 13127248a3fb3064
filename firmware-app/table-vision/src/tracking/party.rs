//! A ball as far as one of its impacts is concerned.

use super::trail::{Sighting, Trail};
use crate::geometry::linear::Vec2;

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
}

impl<'a> Party<'a> {
    /// The same ball with only what was seen shortly before and after an instant.
    pub fn around(&self, at_us: f64, before_us: f64, after_us: f64) -> Self {
        Self {
            from_us: self.from_us.max(at_us - before_us),
            until_us: self.until_us.min(at_us + after_us),
            ..*self
        }
    }

    /// The sightings that tell of the impact.
    pub fn sightings(&self) -> impl Iterator<Item = &'a Sighting> + Clone + use<'a> {
        let seen_us = self.from_us..=self.until_us;
        self.trail
            .since(0)
            .filter(move |seen| seen_us.contains(&(seen.exposure_us as f64)))
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
