//! The cloth's colour, by which its shadow is told from a ball.
//!
//! A shadow makes cloth darker and leaves its colour: brightness and the two values of colour shrink by the same factor.
//! Around a ball there is always one, and its edge is often clearer than the rim of a ball that is nearly of the cloth's
//! colour.

use baize_frame::Luminance;
use heapless::Vec;

use crate::geometry::Calibration;

/// Places on the bed where its colour is looked at: along it and across. Most of them show cloth, whoever leans over it.
const PLACES: [u32; 2] = [8, 4];
const ALL_PLACES: usize = (PLACES[0] * PLACES[1]) as usize;
/// What an edge counts at which it only becomes darker inwards, as a shadow's does. Not nothing: so do those of dark balls.
const SHADOW_SHARE: f32 = 0.4;

/// Brightness and the two values of colour at one place.
pub type Light = [f32; 3];

/// Three unit vectors: along the cloth's colour from black on, and two across it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cloth {
    axes: [Light; 3],
    shadow_share: f32,
}

impl Cloth {
    /// Of a colour that is not known: whatever it looks like, an edge is an edge.
    pub const UNKNOWN: Self = Self {
        axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        shadow_share: 1.0,
    };

    /// The bed's colour in this picture.
    pub fn of(luminance: Luminance<'_>, calibration: &Calibration) -> Self {
        let chroma = luminance.chroma();
        let mut tints: [Vec<f32, ALL_PLACES>; 2] = [Vec::new(), Vec::new()];
        for i in 0..PLACES[0] {
            for j in 0..PLACES[1] {
                let part = |k: u32, of: u32| (f64::from(k) + 0.5) / f64::from(of);
                let place = [
                    part(i, PLACES[0]) * calibration.table.length_mm,
                    part(j, PLACES[1]) * calibration.table.width_mm,
                    0.0,
                ];
                let Some(pixel) = calibration.project(place).map(|pixel| pixel.map(|v| v as f32)) else {
                    continue;
                };
                if let (Some(level), Some(colour)) = (luminance.between(pixel), chroma.between(pixel)) {
                    for (tints, value) in tints.iter_mut().zip(colour) {
                        let _ = tints.push((value - chroma.of_black()) / level.max(1.0));
                    }
                }
            }
        }
        Self::of_tint(tints.each_mut().map(|tints| median(tints)))
    }

    /// A cloth that has so much of the two colours for its brightness.
    fn of_tint([blue, red]: [f32; 2]) -> Self {
        let length = libm::sqrtf(1.0 + blue * blue + red * red);
        let along = [1.0, blue, red].map(|v| v / length);
        let across = libm::sqrtf(1.0 + blue * blue);
        let first = [-blue / across, 1.0 / across, 0.0];
        let second = [
            -along[2] * first[1],
            along[2] * first[0],
            along[0] * first[1] - along[1] * first[0],
        ];
        Self {
            axes: [along, first, second],
            shadow_share: SHADOW_SHARE,
        }
    }

    /// The same light, along the cloth's colour and across it.
    pub fn turned(&self, light: Light) -> Light {
        self.axes
            .map(|axis| axis[0] * light[0] + axis[1] * light[1] + axis[2] * light[2])
    }

    /// How clear an edge is between lights that were [turned](Self::turned), in levels.
    pub fn edge(&self, inner: Light, outer: Light) -> f32 {
        let [along, first, second] = [0, 1, 2].map(|i| outer[i] - inner[i]);
        let along = (self.shadow_share * along).max(-along);
        along + first.abs() + second.abs()
    }
}

/// The middle value; zero where there is none, as in a picture without colour.
fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_on_cloth_of_any_colour_is_a_weak_edge_and_what_is_of_another_colour_a_clear_one() {
        for tint in [[-0.2, -0.3], [0.4, -0.1], [0.0, 0.0], [-0.1, 0.6]] {
            let cloth = Cloth::of_tint(tint);
            let lit = [100.0, 100.0 * tint[0], 100.0 * tint[1]];
            let shadow = cloth.turned(lit.map(|v| 0.6 * v));
            let ball = cloth.turned([lit[0], lit[1] + 40.0, lit[2]]);
            let lit = cloth.turned(lit);
            let difference = 0.4 * lit[0];
            assert!(cloth.edge(shadow, lit) < 0.5 * difference);
            assert!(
                cloth.edge(lit, shadow) > 0.9 * difference,
                "brighter inwards is no shadow"
            );
            assert!(cloth.edge(ball, lit) > 30.0);
        }
    }
}
