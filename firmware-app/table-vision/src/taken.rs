//! Balls are solid: where one was seen clearly, no other is. What shows little of its rim is told by that from its
//! neighbours' edges and shadows.

use heapless::Vec;

use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, add2, inverse2, mul2, norm2, scale2, sub2};
use crate::limits::MAX_OBSERVATIONS;

/// Two balls' centres are a diameter apart at least, less what both places are off by.
const APART_DIAMETERS: f64 = 0.93;

/// The places of balls that were seen clearly.
#[derive(Debug)]
pub struct Taken {
    ball_diameter_mm: f64,
    places_mm: Vec<Vec2, MAX_OBSERVATIONS>,
}

impl Taken {
    /// None yet.
    pub fn new(ball_diameter_mm: f64) -> Self {
        Self {
            ball_diameter_mm,
            places_mm: Vec::new(),
        }
    }

    /// Here is one.
    pub fn push(&mut self, place_mm: Vec2) {
        // There is room: each detection is one ball, or shares its box with one.
        let _ = self.places_mm.push(place_mm);
    }

    /// Whether there is room for a ball here.
    pub fn is_free(&self, place_mm: Vec2) -> bool {
        self.nearest(place_mm)
            .is_none_or(|(_, apart_mm)| apart_mm > APART_DIAMETERS * self.ball_diameter_mm)
    }

    /// Whether one of them is nearer than this.
    pub fn is_within(&self, place_mm: Vec2, reach_mm: f64) -> bool {
        self.nearest(place_mm)
            .is_some_and(|(_, apart_mm)| apart_mm < reach_mm)
    }

    /// The nearest place with room: beside the ball that is in the way, on the same side of it.
    pub fn beside(&self, place_mm: Vec2) -> Vec2 {
        match self.nearest(place_mm) {
            Some((taken_mm, apart_mm)) if apart_mm > 0.0 && apart_mm < self.ball_diameter_mm => add2(
                taken_mm,
                scale2(sub2(place_mm, taken_mm), self.ball_diameter_mm / apart_mm),
            ),
            _ => place_mm,
        }
    }

    /// Whether there is room for a ball whose image has its middle at a pixel near this; `None` where this is not on the
    /// table's plane.
    pub fn room_around(
        &self,
        calibration: &Calibration,
        near_px: Vec2,
    ) -> Option<impl Fn(Vec2) -> bool + use<'_>> {
        let near_mm = calibration.outline_centre_to_place(near_px)?;
        let px_per_mm = calibration.pixel_jacobian(near_mm, calibration.ball_radius_mm())?;
        let mm_per_px = inverse2(&px_per_mm)?;
        // Over a ball's width the picture is as good as flat.
        Some(move |pixel| self.is_free(add2(near_mm, mul2(&mm_per_px, sub2(pixel, near_px)))))
    }

    fn nearest(&self, place_mm: Vec2) -> Option<(Vec2, f64)> {
        self.places_mm
            .iter()
            .map(|&taken_mm| (taken_mm, norm2(sub2(place_mm, taken_mm))))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ball_has_room_beside_another_and_not_within_it() {
        let mut taken = Taken::new(57.0);
        assert!(taken.is_free([100.0, 100.0]));
        taken.push([100.0, 100.0]);
        assert!(taken.is_free([156.0, 100.0]), "they touch");
        assert!(!taken.is_free([150.0, 100.0]));
        assert_eq!(taken.beside([138.0, 100.0]), [157.0, 100.0]);
        assert_eq!(taken.beside([200.0, 100.0]), [200.0, 100.0]);
    }
}
