//! How fast the cue's tip goes, from the places where it was seen.

use heapless::Deque;

use crate::geometry::linear::{Vec2, dot2, norm2, sub2};
use crate::limits::MAX_TIPS;

/// The speed of the moment is that of the sightings of so long.
const MOMENT_US: u64 = 100_000;
/// It takes so many of them.
const MOMENT_SIGHTINGS: usize = 3;
/// The speed of a strike comes from the sightings of the last forward swing, within so long before it.
const SWING_US: u64 = 150_000;
/// A swing begins where the tip was nearer before, by more than so many sigma.
const TURNED_SIGMA: f64 = 2.0;
/// A strike whose speed is less certain than this part of it has none.
const WORST_PART: f64 = 0.2;

/// A speed with its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    pub mm_s: f64,
    pub sigma_mm_s: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Tip {
    exposure_us: u64,
    place_mm: Vec2,
    sigma_mm: f64,
}

/// The newest sightings of the tip, oldest first.
#[derive(Debug)]
pub struct TipTrail {
    tips: Deque<Tip, MAX_TIPS>,
}

impl TipTrail {
    pub const fn new() -> Self {
        Self { tips: Deque::new() }
    }

    /// When the tip was last seen.
    pub fn last_us(&self) -> Option<u64> {
        self.tips.back().map(|tip| tip.exposure_us)
    }

    pub fn add(&mut self, exposure_us: u64, place_mm: Vec2, sigma_mm: f64) {
        if self.tips.is_full() {
            self.tips.pop_front();
        }
        // Within capacity: the oldest has made room.
        let _ = self.tips.push_back(Tip {
            exposure_us,
            place_mm,
            sigma_mm,
        });
    }

    /// The speed along `direction` at the newest sighting: a straight line through the last tenth of a second.
    pub fn speed(&self, direction: Vec2) -> Option<Speed> {
        let newest = self.tips.back()?;
        let recent = || {
            self.tips
                .iter()
                .filter(|tip| newest.exposure_us - tip.exposure_us <= MOMENT_US)
                .map(|tip| {
                    let ago_s = (newest.exposure_us - tip.exposure_us) as f64 / 1e6;
                    (-ago_s, dot2(tip.place_mm, direction), tip.sigma_mm)
                })
        };
        let count = recent().count();
        if count < MOMENT_SIGHTINGS {
            return None;
        }
        let mean = |part: fn((f64, f64, f64)) -> f64| recent().map(part).sum::<f64>() / count as f64;
        let (middle_s, middle_mm) = (mean(|(t, ..)| t), mean(|(_, along, _)| along));
        let (mut spread, mut sum, mut worst_mm) = (0.0, 0.0, 0.0_f64);
        for (t, along, sigma_mm) in recent() {
            spread += (t - middle_s) * (t - middle_s);
            sum += (t - middle_s) * (along - middle_mm);
            worst_mm = worst_mm.max(sigma_mm);
        }
        (spread > 0.0).then(|| Speed {
            mm_s: sum / spread,
            sigma_mm_s: worst_mm / libm::sqrt(spread),
        })
    }

    /// The speed with which the tip met a ball that lay at `ball_mm` until `at_us`: an even acceleration through the last
    /// forward swing and the place of the contact. `None` where too little of the swing was seen to tell it to a fifth.
    pub fn speed_at_strike(&self, at_us: u64, ball_mm: Vec2, ball_radius_mm: f64) -> Option<f64> {
        // Of u = s * t - a / 2 * t^2, the tip's distance from the contact so long before it.
        let (mut tt, mut ttt, mut tttt, mut ut, mut utt) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let (mut nearer_mm, mut worst_mm, mut count) = (0.0, 0.0_f64, 0);
        for tip in self.tips.iter().rev().filter(|tip| tip.exposure_us < at_us) {
            let before_us = at_us - tip.exposure_us;
            let away_mm = norm2(sub2(tip.place_mm, ball_mm)) - ball_radius_mm;
            if before_us > SWING_US || away_mm < nearer_mm - TURNED_SIGMA * tip.sigma_mm {
                break;
            }
            let t = before_us as f64 / 1e6;
            tt += t * t;
            ttt += t * t * t;
            tttt += t * t * t * t;
            ut += away_mm * t;
            utt += away_mm * t * t;
            nearer_mm = away_mm;
            worst_mm = worst_mm.max(tip.sigma_mm);
            count += 1;
        }
        let determinant = tt * tttt - ttt * ttt;
        if count < 2 || determinant <= 0.0 {
            return None;
        }
        let speed_mm_s = (ut * tttt - utt * ttt) / determinant;
        let sigma_mm_s = worst_mm * libm::sqrt(tttt / determinant);
        (sigma_mm_s < WORST_PART * speed_mm_s).then_some(speed_mm_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALL_MM: Vec2 = [1000.0, 500.0];
    const RADIUS_MM: f64 = 28.0;
    const STRIKE_US: u64 = 1_007_000;

    /// Tips of a swing that goes evenly faster up to `speed_mm_s` at the contact, seen `per_second` times.
    fn swing(speed_mm_s: f64, acceleration: f64, per_second: u64, sigma_mm: f64) -> TipTrail {
        let mut trail = TipTrail::new();
        for frame in 0..per_second {
            let exposure_us = 200_000 + frame * 1_000_000 / per_second;
            let t = STRIKE_US as f64 / 1e6 - exposure_us as f64 / 1e6;
            let turned = speed_mm_s / acceleration;
            let away = if t < turned {
                speed_mm_s * t - 0.5 * acceleration * t * t
            } else {
                // Before, it was drawn back slowly.
                0.5 * speed_mm_s * turned - 100.0 * (t - turned)
            };
            trail.add(exposure_us, [BALL_MM[0] - RADIUS_MM - away, BALL_MM[1]], sigma_mm);
        }
        trail
    }

    #[test]
    fn the_speed_of_a_strike_is_that_of_the_tip_at_the_contact_whatever_the_frame_rate() {
        for per_second in [30, 60, 120] {
            let trail = swing(2500.0, 15_000.0, per_second, 1.0);
            let speed = trail
                .speed_at_strike(STRIKE_US, BALL_MM, RADIUS_MM)
                .expect("seen well enough");
            assert!(
                (speed - 2500.0).abs() < 25.0,
                "{speed} mm/s at {per_second} per second"
            );
        }
    }

    #[test]
    fn a_swing_that_was_hardly_seen_has_no_speed() {
        let once = swing(2500.0, 15_000.0, 8, 1.0);
        assert_eq!(once.speed_at_strike(STRIKE_US, BALL_MM, RADIUS_MM), None);
        let badly_seen = swing(800.0, 4_000.0, 30, 30.0);
        assert_eq!(badly_seen.speed_at_strike(STRIKE_US, BALL_MM, RADIUS_MM), None);
        assert_eq!(
            TipTrail::new().speed_at_strike(STRIKE_US, BALL_MM, RADIUS_MM),
            None
        );
    }

    #[test]
    fn the_speed_of_the_moment_has_a_sign_and_an_uncertainty() {
        let mut trail = TipTrail::new();
        for frame in 0..6_u64 {
            trail.add(frame * 16_667, [100.0 - 5.0 * frame as f64, 0.0], 2.0);
        }
        let speed = trail.speed([1.0, 0.0]).expect("six sightings");
        assert!((speed.mm_s + 300.0).abs() < 0.1, "{speed:?}");
        assert!((28.0..29.0).contains(&speed.sigma_mm_s), "{speed:?}");
        assert_eq!(TipTrail::new().speed([1.0, 0.0]), None);
    }
}
