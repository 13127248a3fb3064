//! Working copies of what the camera saw: full-resolution luminance for edges, a small colour picture for finding the
//! cloth. Several pictures of the same scene become one by the median of each pixel, which removes whatever moved.

use baize_frame::{ImageView, PixelFormat};

/// The longer side of the small colour picture has at most this many pixels: a cushion is then still some 10 pixels
/// wide, and finding the cloth takes milliseconds.
const SMALL_SIDE: usize = 480;

/// More pictures than this add time but nothing to a median.
pub(crate) const MAX_PICTURES: usize = 9;

/// A picture reduced by a whole factor, RGB, each channel 0 to 255.
pub(crate) struct SmallPicture {
    pub width: usize,
    pub height: usize,
    /// Pixels of the full picture to one of these.
    pub factor: usize,
    pub rgb: Vec<[u8; 3]>,
}

pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    luma: Vec<u8>,
    pub small: SmallPicture,
}

impl Picture {
    /// Median of up to [`MAX_PICTURES`] pictures, chosen evenly. `None` for no pictures or pictures of unequal size.
    pub fn merge(views: &[ImageView]) -> Option<Self> {
        let first = views.first()?;
        let same_size = |view: &ImageView| {
            view.format().width == first.format().width && view.format().height == first.format().height
        };
        if !views.iter().all(same_size) {
            return None;
        }
        let used = views.len().min(MAX_PICTURES);
        let chosen: Vec<&ImageView> = (0..used).map(|i| &views[i * views.len() / used]).collect();
        let (width, height) = (first.format().width as usize, first.format().height as usize);
        let lumas: Vec<Vec<u8>> = chosen.iter().map(|view| luminance(view)).collect();
        let smalls: Vec<SmallPicture> = chosen.iter().map(|view| reduce(view)).collect();
        let rgb = (0..smalls[0].rgb.len())
            .map(|i| [0, 1, 2].map(|channel| median(smalls.iter().map(|small| small.rgb[i][channel]))))
            .collect();
        Some(Self {
            width,
            height,
            luma: (0..width * height)
                .map(|i| median(lumas.iter().map(|luma| luma[i])))
                .collect(),
            small: SmallPicture { rgb, ..smalls[0] },
        })
    }

    /// Luminance without the finest noise, row by row: blurred by 1, 4, 6, 4, 1 both ways; zero at the picture's rim.
    pub fn smoothed(&self) -> Vec<f32> {
        const WEIGHTS: [f32; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
        let along = |values: &[f32], step: usize| {
            let mut blurred = vec![0.0; values.len()];
            for at in 2 * step..values.len().saturating_sub(2 * step) {
                blurred[at] = (0..5)
                    .map(|k| WEIGHTS[k] * values[at + k * step - 2 * step])
                    .sum();
            }
            blurred
        };
        let luma: Vec<f32> = self.luma.iter().map(|&level| f32::from(level)).collect();
        along(&along(&luma, 1), self.width)
    }

    /// Luminance at a point between pixels, interpolated; `None` outside the picture.
    pub fn luma_at(&self, [x, y]: [f64; 2]) -> Option<f64> {
        let (x, y) = (x - 0.5, y - 0.5);
        if !(x >= 0.0 && y >= 0.0 && x < (self.width - 1) as f64 && y < (self.height - 1) as f64) {
            return None;
        }
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f64, y - row as f64);
        let at = row * self.width + column;
        let line =
            |at: usize| f64::from(self.luma[at]) * (1.0 - right) + f64::from(self.luma[at + 1]) * right;
        Some(line(at) * (1.0 - down) + line(at + self.width) * down)
    }
}

fn median(values: impl Iterator<Item = u8>) -> u8 {
    let mut sorted = [u8::MAX; MAX_PICTURES];
    let mut count = 0;
    for value in values {
        sorted[count] = value;
        count += 1;
    }
    sorted[..count].sort_unstable();
    sorted[count / 2]
}

fn luminance(view: &ImageView) -> Vec<u8> {
    let luma = view.luminance();
    (0..luma.height())
        .flat_map(|y| (0..luma.width()).map(move |x| luma.get(x, y).unwrap_or(0)))
        .collect()
}

/// Area average, so that noise and fine texture vanish.
fn reduce(view: &ImageView) -> SmallPicture {
    let (full_width, full_height) = (view.format().width as usize, view.format().height as usize);
    let factor = full_width.max(full_height).div_ceil(SMALL_SIDE);
    let (width, height) = ((full_width / factor).max(1), (full_height / factor).max(1));
    let mut rgb = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0u32; 3];
            let mut count = 0;
            for row in y * factor..((y + 1) * factor).min(full_height) {
                for column in x * factor..((x + 1) * factor).min(full_width) {
                    let pixel = rgb_at(view, column, row);
                    for channel in 0..3 {
                        sum[channel] += u32::from(pixel[channel]);
                    }
                    count += 1;
                }
            }
            rgb.push(sum.map(|channel| (channel / count) as u8));
        }
    }
    SmallPicture {
        width,
        height,
        factor,
        rgb,
    }
}

fn rgb_at(view: &ImageView, x: usize, y: usize) -> [u8; 3] {
    let bytes = view.bytes();
    let stride = view.format().stride as usize;
    let line = y * stride;
    match view.format().pixels {
        PixelFormat::Rgb24 => [
            bytes[line + 3 * x],
            bytes[line + 3 * x + 1],
            bytes[line + 3 * x + 2],
        ],
        PixelFormat::Grey => [bytes[line + x]; 3],
        PixelFormat::Yuyv => {
            let pair = line + 4 * (x / 2);
            rgb_from_ycbcr(bytes[line + 2 * x], bytes[pair + 1], bytes[pair + 3])
        }
        PixelFormat::Nv12 => {
            let chroma = (view.format().height as usize + y / 2) * stride + (x & !1);
            rgb_from_ycbcr(bytes[line + x], bytes[chroma], bytes[chroma + 1])
        }
    }
}

/// BT.601, limited range.
fn rgb_from_ycbcr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = 298 * (i32::from(y) - 16);
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 409 * cr, y - 100 * cb - 208 * cr, y + 516 * cb]
        .map(|value| ((value + 128) >> 8).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_frame::FrameFormat;

    fn view(bytes: &[u8], width: u32, height: u32, pixels: PixelFormat) -> ImageView<'_> {
        ImageView::new(bytes, FrameFormat::packed(width, height, pixels)).unwrap()
    }

    #[test]
    fn the_same_red_comes_out_of_every_colour_format() {
        let yuyv = [81, 90, 81, 240, 81, 90, 81, 240];
        let nv12 = [81, 81, 81, 81, 90, 240];
        for (bytes, format) in [(&yuyv[..], PixelFormat::Yuyv), (&nv12[..], PixelFormat::Nv12)] {
            let [r, g, b] = rgb_at(&view(bytes, 2, 2, format), 1, 1);
            assert!(r > 250 && g < 5 && b < 5, "{format:?}: {r} {g} {b}");
        }
    }

    #[test]
    fn what_is_in_one_of_three_pictures_only_vanishes() {
        let (still, ball) = ([50u8; 64], [[50u8; 32], [200; 32]].concat());
        let views = [&still[..], &ball, &still].map(|bytes| view(bytes, 8, 8, PixelFormat::Grey));
        let merged = Picture::merge(&views).unwrap();
        assert_eq!(merged.luma_at([4.0, 6.0]), Some(50.0));
        assert_eq!(merged.small.rgb[40], [50; 3]);
    }

    #[test]
    fn pictures_of_unequal_size_are_not_merged() {
        let bytes = [0u8; 64];
        let views = [
            view(&bytes, 8, 8, PixelFormat::Grey),
            view(&bytes, 16, 4, PixelFormat::Grey),
        ];
        assert!(Picture::merge(&views).is_none());
        assert!(Picture::merge(&[]).is_none());
    }
}
