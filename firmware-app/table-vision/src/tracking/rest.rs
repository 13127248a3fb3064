//! When a ball comes to rest and when it begins to move, told from the noise of its places.

use heapless::Vec;

use super::track::seconds_between;
use crate::geometry::linear::{Vec2, norm2, sub2};

/// A start is looked for among what was seen within this time: with 1 mm of noise, a ball at 0.1 m/s needs half of it to
/// stand out, and a camera of 30 frames a second all of it for three exposures.
const WATCHED_US: u64 = 100_000;
/// Exposures within that time at 120 frames a second, and the one before.
const WATCHED: usize = 13;
/// How long a ball lies until chance deceives one test. Several starts are tried at each exposure and the noise is only
/// estimated: in simulated noise a ball starts falsely about once in three hours.
const FALSE_START_S: f64 = 30_000.0;
/// A camera that is faster than this, or stamps two exposures alike, is no reason to divide by nothing.
const SHORTEST_INTERVAL_S: f64 = 1e-3;
/// The share of the newest residual in the averaged one, and within what (squared, in sigma) that says that the ball had
/// surely not moved yet.
const RESIDUAL_GAIN: f64 = 0.5;
const CALM: f64 = 6.0;

/// A ball has settled when it stayed within the noise of one place for this long,
const SETTLING_US: u64 = 250_000;
/// and in this many exposures.
const SETTLING_SAMPLES: u32 = 4;
/// What "within the noise" is: so many sigma and a little. Together with the time, slower than some 15 mm/s; a rolling
/// ball stops from that in a tenth of a second.
const SETTLING_SIGMAS: f64 = 3.5;
const SETTLING_SLACK_MM: f64 = 0.3;

/// Watches a ball at rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Calm {
    average_mm: Vec2,
    until_us: u64,
    /// How far from its place the ball was seen of late, and when; oldest first.
    residuals: Vec<(u64, Vec2), WATCHED>,
}

impl Calm {
    pub fn since(exposure_us: u64) -> Self {
        Self {
            average_mm: [0.0; 2],
            until_us: exposure_us,
            residuals: Vec::new(),
        }
    }

    /// The last exposure at which the ball surely still rested.
    pub fn until_us(&self) -> u64 {
        self.until_us
    }

    /// Takes in how far the ball was seen from its place. `variances` are, along each side, those of the place and of
    /// the observation. Whether it has begun to move.
    pub fn is_disturbed(&mut self, off_mm: Vec2, variances: [[f64; 2]; 2], exposure_us: u64) -> bool {
        let mut squared = 0.0;
        // Averaging with a gain leaves this part of the noise's variance.
        let noise = RESIDUAL_GAIN / (2.0 - RESIDUAL_GAIN);
        for i in 0..2 {
            let average_mm = &mut self.average_mm[i];
            *average_mm += RESIDUAL_GAIN * (off_mm[i] - *average_mm);
            let [of_place, of_observation] = variances[i];
            squared += *average_mm * *average_mm / (of_place + noise * of_observation);
        }
        if squared < CALM {
            self.until_us = exposure_us;
        }
        let interval_s = self
            .residuals
            .last()
            .map_or(0.0, |(before_us, _)| seconds_between(*before_us, exposure_us));
        self.watch(off_mm, exposure_us);
        let disturbed = surely_no_chance(interval_s);
        (1..self.residuals.len()).any(|first| self.start_at(first, variances) > disturbed)
    }

    fn watch(&mut self, off_mm: Vec2, exposure_us: u64) {
        let recent = |us: u64| exposure_us.saturating_sub(us) <= WATCHED_US;
        // The one before the oldest that counts says since when.
        while self.residuals.is_full() || self.residuals.get(1).is_some_and(|second| !recent(second.0)) {
            self.residuals.remove(0);
        }
        // Within capacity: made room above.
        let _ = self.residuals.push((exposure_us, off_mm));
    }

    /// What a start just before one of the residuals explains: the way grows evenly from there on.
    fn start_at(&self, first: usize, variances: [[f64; 2]; 2]) -> f64 {
        let started_us = 0.5 * (self.residuals[first - 1].0 as f64 + self.residuals[first].0 as f64);
        let (mut ways, mut sum, mut squares) = ([0.0; 2], 0.0, 0.0);
        for (exposure_us, off_mm) in &self.residuals[first..] {
            let moved = (*exposure_us as f64 - started_us) / 1e6;
            sum += moved;
            squares += moved * moved;
            for (way, off_mm) in ways.iter_mut().zip(off_mm) {
                *way += moved * off_mm;
            }
        }
        (ways.iter().zip(variances))
            .map(|(way, [of_place, of_observation])| {
                way * way / (squares * of_observation + sum * sum * of_place)
            })
            .sum()
    }
}

/// How much likelier a start must be than rest (in -2 log-likelihood, two degrees of freedom), so that chance seldom says
/// so, whatever the frame rate: of `n` exposures, one exceeds `2 ln n`.
fn surely_no_chance(interval_s: f64) -> f64 {
    2.0 * libm::log(FALSE_START_S / interval_s.max(SHORTEST_INTERVAL_S))
}

/// Watches a moving ball for its rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settling {
    /// The mean of where the ball was seen since it may have come to rest.
    mean_mm: Vec2,
    samples: u32,
    since_us: u64,
}

impl Settling {
    pub fn at(place_mm: Vec2, exposure_us: u64) -> Self {
        Self {
            mean_mm: place_mm,
            samples: 1,
            since_us: exposure_us,
        }
    }

    /// Takes in where the ball was seen. Where it rests, and how many observations say so, once it does.
    pub fn settled(&mut self, place_mm: Vec2, noise_mm2: Vec2, exposure_us: u64) -> Option<(Vec2, u32)> {
        let sigma_mm = libm::sqrt(noise_mm2[0].max(noise_mm2[1]));
        if norm2(sub2(place_mm, self.mean_mm)) > SETTLING_SIGMAS * sigma_mm + SETTLING_SLACK_MM {
            *self = Self::at(place_mm, exposure_us);
            return None;
        }
        self.samples += 1;
        for (mean, place) in self.mean_mm.iter_mut().zip(place_mm) {
            *mean += (place - *mean) / f64::from(self.samples);
        }
        let long_enough = exposure_us.saturating_sub(self.since_us) >= SETTLING_US;
        (long_enough && self.samples >= SETTLING_SAMPLES).then_some((self.mean_mm, self.samples))
    }
}
