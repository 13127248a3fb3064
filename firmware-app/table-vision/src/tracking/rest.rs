//! When a ball comes to rest and when it begins to move, told from the noise of its places.

use heapless::Vec;

use crate::geometry::linear::{Vec2, norm2, sub2};

/// Exposures in which a start may hide: with 1 mm of noise, a ball at 0.1 m/s needs 50 ms to stand out, and so many are 50 ms
/// before a camera of 120 frames a second.
const WATCHED: usize = 6;
/// How much likelier a start at one of them must be than rest (in -2 log-likelihood, two degrees of freedom): by chance
/// once in nine million, less than once in an hour at 120 frames a second.
const DISTURBED: f64 = 32.0;
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
        if self.residuals.is_full() {
            self.residuals.remove(0);
        }
        // Within capacity: made room above.
        let _ = self.residuals.push((exposure_us, off_mm));
        (1..self.residuals.len()).any(|first| self.start_at(first, variances) > DISTURBED)
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
