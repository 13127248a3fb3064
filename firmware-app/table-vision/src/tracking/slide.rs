//! How the cloth bends the way of a ball that was pushed: it slides until it rolls again.

use crate::geometry::linear::{Vec2, add2, norm2, scale2};

/// Friction between a ball and the cloth while it slides, 0.2 g, in mm/s².
pub const SLIDING_MM_S2: f64 = 1962.0;
/// What rolling takes of the speed, 0.01 g.
pub const ROLLING_MM_S2: f64 = 98.0;
/// The part of a push that friction takes back (or, of the ball that pushed, gives back) until the ball rolls.
const TAKEN_BACK: f64 = 2.0 / 7.0;

/// Friction between two balls whose surfaces pass each other this fast, as a part of the push (Alciatore, TP A-14).
pub fn rub_part(speed_mm_s: f64) -> f64 {
    9.951e-3 + 0.108 * libm::exp(-1.088e-3 * speed_mm_s)
}

/// How far friction has carried a ball so long after a push of so much, if the ball rolled or lay still before: against the
/// push, evenly until it rolls.
pub fn carried_mm(push_mm_s: f64, after_s: f64) -> f64 {
    let sliding_s = (TAKEN_BACK * push_mm_s / SLIDING_MM_S2).min(after_s);
    SLIDING_MM_S2 * sliding_s * (after_s - 0.5 * sliding_s)
}

/// A ball that slides since an instant, because impacts pushed it that rolled or lay still before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slip {
    /// How fast its lowest point goes over the cloth: all that the impacts pushed it by, less what friction took since.
    slip_mm_s: Vec2,
    since_us: f64,
}

impl Slip {
    /// One that rolls.
    pub const NONE: Self = Self {
        slip_mm_s: [0.0; 2],
        since_us: 0.0,
    };

    /// When it rolls again.
    fn until_us(&self) -> f64 {
        self.since_us + 1e6 * TAKEN_BACK * norm2(self.slip_mm_s) / SLIDING_MM_S2
    }

    /// The same ball after one more push.
    pub fn pushed(&self, at_us: f64, push_mm_s: Vec2) -> Self {
        let lasts_us = (self.until_us() - self.since_us).max(1.0);
        let left = ((self.until_us() - at_us) / lasts_us).clamp(0.0, 1.0);
        Self {
            slip_mm_s: add2(scale2(self.slip_mm_s, left), push_mm_s),
            since_us: at_us,
        }
    }

    /// How far friction carries it from the straight way that it has at an instant.
    pub fn bent_mm(&self, at_us: f64, about_us: f64) -> Vec2 {
        let sliding_s = |us: f64| (us.min(self.until_us()) - self.since_us).max(0.0) / 1e6;
        let since_s = |us: f64| (us - self.since_us).max(0.0) / 1e6;
        let carried = |us: f64| sliding_s(us) * (since_s(us) - 0.5 * sliding_s(us));
        let bent_s2 = carried(at_us) - carried(about_us) - sliding_s(about_us) * (at_us - about_us) / 1e6;
        scale2(
            self.slip_mm_s,
            -SLIDING_MM_S2 * bent_s2 / norm2(self.slip_mm_s).max(1.0),
        )
    }
}
