//! When a ball is followed no more, and what became of it.

use super::track::{Track, seconds_between};
use crate::FrameStamp;
use crate::geometry::{Calibration, Pocket};

/// A ball not believed in yet is given up after this many exposures without it.
const UNCONFIRMED_MISSES: u32 = 2;
/// A ball whose way led into a pocket is in it when it was not seen for this long.
const FALLING_S: f64 = 0.1;
/// A ball that hung over a pocket was knocked in when, with others moving, it was not seen for this long.
const KNOCKED_IN_S: f64 = 0.3;
/// A moving ball is predicted for this long; after that its place says nothing any more.
const MOVING_LIFETIME_S: f64 = 0.5;
/// A resting ball is believed to be where it was for as long as it has been known, within these bounds: an arm hides a
/// ball for a second or two, and a false detection must not linger.
const RESTING_LIFETIME_S: (f64, f64) = (0.2, 2.0);

/// Where the predicted way of a ball that is not seen has led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    OnBed,
    IntoPocket(u8),
    AgainstCushion,
}

/// How a ball came to be followed no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It fell into the pocket of this index.
    Potted(u8),
    /// It was lost where it would have turned back from a cushion.
    LeftOverCushion,
    /// It is not where it was, and nobody saw why.
    Vanished,
}

impl Track {
    /// Whether the ball is to be followed no more, and why.
    pub fn ending(
        &self,
        stamp: FrameStamp,
        calibration: &Calibration,
        anything_moves: bool,
    ) -> Option<Ending> {
        if !self.confirmed {
            return (self.unseen >= UNCONFIRMED_MISSES).then_some(Ending::Vanished);
        }
        if self.unseen < 2 {
            return None;
        }
        let unseen_s = seconds_between(self.last_seen_us, stamp.exposure_us);
        if self.is_moving() {
            return match self.way {
                Way::IntoPocket(pocket) if unseen_s >= FALLING_S => Some(Ending::Potted(pocket)),
                Way::AgainstCushion if unseen_s >= MOVING_LIFETIME_S => Some(Ending::LeftOverCushion),
                _ if unseen_s >= MOVING_LIFETIME_S => Some(Ending::Vanished),
                _ => None,
            };
        }
        if anything_moves && unseen_s >= KNOCKED_IN_S {
            let place = self.place_mm();
            let hung_over =
                |pocket: &Pocket| pocket.distance_from_way_mm(place, place) < calibration.ball_radius_mm();
            if let Some(pocket) = calibration.table.pockets().iter().position(hung_over) {
                return Some(Ending::Potted(pocket as u8));
            }
        }
        let known_for_s = seconds_between(self.first_seen_us, self.last_seen_us);
        let lifetime_s = known_for_s.clamp(RESTING_LIFETIME_S.0, RESTING_LIFETIME_S.1);
        (unseen_s >= lifetime_s).then_some(Ending::Vanished)
    }
}
