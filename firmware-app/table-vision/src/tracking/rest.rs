//! When a ball comes to rest and when it begins to move, told from the noise of its places.

use crate::geometry::linear::{Vec2, norm2, sub2};

/// Shares of the newest residual in the two averaged ones: in the first two or three frames decide, in the second six or
/// so, for balls that start slowly before a fast camera.
const RESIDUAL_GAINS: [f64; 2] = [0.5, 0.25];
/// An averaged residual beyond this (squared, in sigma, two degrees of freedom) is no noise: once in a million frames,
/// less than one false start in an hour at 120 frames a second.
const DISTURBED: f64 = 28.0;
/// Within this the ball had surely not moved yet.
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calm {
    residuals_mm: [Vec2; 2],
    until_us: u64,
}

impl Calm {
    pub fn since(exposure_us: u64) -> Self {
        Self {
            residuals_mm: [[0.0; 2]; 2],
            until_us: exposure_us,
        }
    }

    /// The last exposure at which the ball surely still rested.
    pub fn until_us(&self) -> u64 {
        self.until_us
    }

    /// Takes in how far the ball was seen from its place. `variances` are, along each side, those of the place and of
    /// the observation. Whether it has begun to move.
    pub fn is_disturbed(&mut self, off_mm: Vec2, variances: [[f64; 2]; 2], exposure_us: u64) -> bool {
        let mut squared = [0.0; 2];
        for ((residual_mm, gain), squared) in
            self.residuals_mm.iter_mut().zip(RESIDUAL_GAINS).zip(&mut squared)
        {
            // Averaging with a gain leaves this part of the noise's variance.
            let noise = gain / (2.0 - gain);
            for i in 0..2 {
                residual_mm[i] += gain * (off_mm[i] - residual_mm[i]);
                let [of_place, of_observation] = variances[i];
                *squared += residual_mm[i] * residual_mm[i] / (of_place + noise * of_observation);
            }
        }
        if squared[0] < CALM {
            self.until_us = exposure_us;
        }
        squared.iter().any(|squared| *squared > DISTURBED)
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
