//! The blur of a lens that is not perfectly focused.

use crate::render::canvas::Planes;

/// Pixels on each side that the blur reaches.
const REACH: usize = 3;

/// Gaussian blur of a whole picture.
pub struct Blur {
    width: usize,
    weights: [f32; 2 * REACH + 1],
    across: Planes,
    blurred: Planes,
}

impl Blur {
    /// `None` when there is nothing to blur.
    pub fn new(deviation_px: f32, width: u32, height: u32) -> Option<Self> {
        if deviation_px < 0.05 {
            return None;
        }
        let mut weights = [0.0; 2 * REACH + 1];
        for (i, weight) in weights.iter_mut().enumerate() {
            let distance = (i as f32 - REACH as f32) / deviation_px;
            *weight = libm::expf(-0.5 * distance * distance);
        }
        let sum: f32 = weights.iter().sum();
        let pixels = width as usize * height as usize;
        Some(Self {
            width: width as usize,
            weights: weights.map(|w| w / sum),
            across: Planes::new(pixels),
            blurred: Planes::new(pixels),
        })
    }

    /// The blurred picture.
    pub fn apply(&mut self, picture: &Planes) -> &Planes {
        for plane in 0..3 {
            for (from, to) in picture.planes[plane]
                .chunks_exact(self.width)
                .zip(self.across.planes[plane].chunks_exact_mut(self.width))
            {
                for (x, to) in to.iter_mut().enumerate() {
                    let mut sum = 0.5;
                    for (offset, weight) in self.weights.iter().enumerate() {
                        let x = (x + offset).saturating_sub(REACH).min(self.width - 1);
                        sum += f32::from(from[x]) * weight;
                    }
                    *to = sum as i16;
                }
            }
            let from = &self.across.planes[plane];
            let lines = from.len() / self.width;
            for y in 0..lines {
                let sources: [&[i16]; 2 * REACH + 1] = core::array::from_fn(|offset| {
                    let line = (y + offset).saturating_sub(REACH).min(lines - 1);
                    &from[line * self.width..(line + 1) * self.width]
                });
                let to = &mut self.blurred.planes[plane][y * self.width..(y + 1) * self.width];
                for (x, to) in to.iter_mut().enumerate() {
                    let mut sum = 0.5;
                    for (source, weight) in sources.iter().zip(self.weights) {
                        sum += f32::from(source[x]) * weight;
                    }
                    *to = sum as i16;
                }
            }
        }
        &self.blurred
    }
}
