//! The colour of a picture, read from its bytes in place.

use crate::{ImageView, PixelFormat};

/// The two colour differences of a picture, blue and red. Cameras give them at half the resolution, so they tell where
/// a colour ends only to a pixel or two; but they tell it where the luminance of two colours is alike.
#[derive(Debug, Clone, Copy)]
pub struct Chroma<'a> {
    pub(crate) image: ImageView<'a>,
}

/// Where the samples of a format are.
struct Samples {
    /// Pixels that share one sample, along a line and across lines.
    shared: [u32; 2],
    /// Bytes from one sample to the next, and from the blue difference to the red one.
    step: usize,
    red: usize,
}

impl Chroma<'_> {
    /// Blue and red difference at a place, interpolated (of RGB, half of red and blue, which change where colours do);
    /// zeros for a picture without colour, `None` near and outside the picture's border.
    #[inline]
    pub fn between(&self, place: [f32; 2]) -> Option<[f32; 2]> {
        match self.image.format().pixels {
            PixelFormat::Grey => Some([0.0; 2]),
            PixelFormat::Yuyv => self.interpolated(place, 1, &YUYV),
            PixelFormat::Nv12 => {
                let format = self.image.format();
                self.interpolated(place, format.height as usize * format.stride as usize, &NV12)
            }
            PixelFormat::Rgb24 => Some(self.interpolated(place, 0, &RGB)?.map(|v| 0.5 * v)),
        }
    }

    /// What [`between`](Self::between) gives where it is black.
    pub fn of_black(&self) -> f32 {
        match self.image.format().pixels {
            PixelFormat::Grey | PixelFormat::Yuyv | PixelFormat::Nv12 => 0.0,
            PixelFormat::Rgb24 => -64.0,
        }
    }

    /// `first` is the byte of the first sample.
    #[inline]
    fn interpolated(&self, [u, v]: [f32; 2], first: usize, samples: &Samples) -> Option<[f32; 2]> {
        let format = self.image.format();
        let (u, v) = (
            u / samples.shared[0] as f32 - 0.5,
            v / samples.shared[1] as f32 - 0.5,
        );
        if !(u >= 0.0 && v >= 0.0) {
            return None;
        }
        let (x, y) = (u as u32, v as u32);
        if x >= format.width / samples.shared[0] - 1 || y >= format.height / samples.shared[1] - 1 {
            return None;
        }
        let (right, down) = (u - x as f32, v - y as f32);
        let at = first + y as usize * format.stride as usize + x as usize * samples.step;
        let end = samples.step + samples.red;
        let above = self.image.bytes().get(at..=at + end)?;
        let below = self
            .image
            .bytes()
            .get(at + format.stride as usize..=at + format.stride as usize + end)?;
        Some([0, samples.red].map(|i| {
            let [a, b, c, d] = [
                above[i],
                above[i + samples.step],
                below[i],
                below[i + samples.step],
            ]
            .map(f32::from);
            let above = a + (b - a) * right;
            let below = c + (d - c) * right;
            above + (below - above) * down - 128.0
        }))
    }
}

const YUYV: Samples = Samples {
    shared: [2, 1],
    step: 4,
    red: 2,
};
const NV12: Samples = Samples {
    shared: [2, 2],
    step: 2,
    red: 1,
};
/// Red, and blue two bytes further.
const RGB: Samples = Samples {
    shared: [1, 1],
    step: 3,
    red: 2,
};

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
            assert_eq!(
                chroma(bytes, pixels, [2.0, 2.0]),
                Some([15.0, -5.0]),
                "{pixels:?}"
            );
            assert_eq!(
                chroma(bytes, pixels, [1.0, 2.0]),
                Some([10.0, -5.0]),
                "{pixels:?}"
            );
            for outside in [[0.9, 2.0], [3.1, 2.0], [2.0, -1.0], [2.0, 4.0], [f32::NAN, 2.0]] {
                assert_eq!(chroma(bytes, pixels, outside), None, "{pixels:?} {outside:?}");
            }
        }
    }

    #[test]
    fn red_and_blue_of_one_brightness_differ_and_grey_has_no_colour() {
        let halves: [u8; 48] = core::array::from_fn(|i| match (i / 3 % 4 < 2, i % 3) {
            (true, 0) => 200,
            (false, 2) => 255,
            _ => 0,
        });
        let [left, right] =
            [0.5, 2.5].map(|x| chroma(&halves, PixelFormat::Rgb24, [x, 2.0]).expect("inside"));
        assert!(left[0] - right[0] > 90.0 && right[1] - left[1] > 90.0);
        assert_eq!(chroma(&[7; 16], PixelFormat::Grey, [2.0, 2.0]), Some([0.0, 0.0]));
    }
}
