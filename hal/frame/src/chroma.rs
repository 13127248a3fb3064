//! The colour of a picture, read from its bytes in place.

use crate::{ImageView, PixelFormat};

/// The two colour differences of a picture, blue and red. Cameras give them at half the resolution, so they tell where
/// a colour ends only to a pixel or two; but they tell it where the luminance of two colours is alike.
#[derive(Debug, Clone, Copy)]
pub struct Chroma<'a> {
    pub(crate) image: ImageView<'a>,
}

impl Chroma<'_> {
    /// Blue and red difference at a place, interpolated; zeros for a picture without colour, `None` near and outside the
    /// picture's border.
    #[inline]
    pub fn between(&self, [u, v]: [f32; 2]) -> Option<[f32; 2]> {
        let format = self.image.format();
        // Pixels that share one sample of colour, along a line and across lines.
        let shared = match format.pixels {
            PixelFormat::Grey => return Some([0.0; 2]),
            PixelFormat::Rgb24 => [1, 1],
            PixelFormat::Yuyv => [2, 1],
            PixelFormat::Nv12 => [2, 2],
        };
        let (u, v) = (u / shared[0] as f32 - 0.5, v / shared[1] as f32 - 0.5);
        if !(u >= 0.0 && v >= 0.0) {
            return None;
        }
        let (x, y) = (u as usize, v as usize);
        if x + 1 >= format.width as usize / shared[0] || y + 1 >= format.height as usize / shared[1] {
            return None;
        }
        let (right, down) = (u - x as f32, v - y as f32);
        let [a, b, c, d] = [
            self.sample(x, y),
            self.sample(x + 1, y),
            self.sample(x, y + 1),
            self.sample(x + 1, y + 1),
        ];
        Some([0, 1].map(|i| {
            let above = a[i] + (b[i] - a[i]) * right;
            let below = c[i] + (d[i] - c[i]) * right;
            above + (below - above) * down
        }))
    }

    /// One sample of colour, of a place that was checked.
    #[inline]
    fn sample(&self, x: usize, y: usize) -> [f32; 2] {
        let (format, bytes) = (self.image.format(), self.image.bytes());
        let stride = format.stride as usize;
        let pair = match format.pixels {
            PixelFormat::Grey => return [0.0; 2],
            PixelFormat::Rgb24 => {
                let at = y * stride + 3 * x;
                let [r, g, b] = [bytes[at], bytes[at + 1], bytes[at + 2]].map(f32::from);
                return [0.5 * (b - g), 0.5 * (r - g)];
            }
            PixelFormat::Yuyv => [y * stride + 4 * x + 1, y * stride + 4 * x + 3],
            PixelFormat::Nv12 => {
                let at = (format.height as usize + y) * stride + 2 * x;
                [at, at + 1]
            }
        };
        pair.map(|at| f32::from(bytes[at]) - 128.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameFormat;

    fn chroma(bytes: &[u8], pixels: PixelFormat, at: [f32; 2]) -> Option<[f32; 2]> {
        let image = ImageView::new(bytes, FrameFormat::packed(4, 4, pixels)).expect("the sizes fit");
        image.luminance().chroma().between(at)
    }

    #[test]
    fn colour_is_interpolated_between_its_own_samples() {
        // Blue difference 10 left and 20 right, red difference -5 everywhere.
        let yuyv: [u8; 32] = core::array::from_fn(|i| match i % 8 {
            1 => 138,
            5 => 148,
            3 | 7 => 123,
            _ => 99,
        });
        let nv12: [u8; 24] = core::array::from_fn(|i| match i {
            16 | 20 => 138,
            18 | 22 => 148,
            17 | 19 | 21 | 23 => 123,
            _ => 99,
        });
        for (bytes, pixels) in [(&yuyv[..], PixelFormat::Yuyv), (&nv12, PixelFormat::Nv12)] {
            assert_eq!(chroma(bytes, pixels, [2.0, 2.0]), Some([15.0, -5.0]), "{pixels:?}");
            assert_eq!(chroma(bytes, pixels, [1.0, 2.0]), Some([10.0, -5.0]), "{pixels:?}");
            for outside in [[0.9, 2.0], [3.1, 2.0], [2.0, -1.0], [2.0, 4.0], [f32::NAN, 2.0]] {
                assert_eq!(chroma(bytes, pixels, outside), None, "{pixels:?} {outside:?}");
            }
        }
    }

    #[test]
    fn a_red_picture_is_red_and_a_grey_one_has_no_colour() {
        let red: [u8; 48] = core::array::from_fn(|i| if i % 3 == 0 { 200 } else { 0 });
        assert_eq!(chroma(&red, PixelFormat::Rgb24, [2.0, 2.0]), Some([0.0, 100.0]));
        assert_eq!(chroma(&[7; 16], PixelFormat::Grey, [2.0, 2.0]), Some([0.0, 0.0]));
    }
}
