//! Cuts the square round a ball out of a picture, by area average, into planes of red, green and blue, 0 to 1.
//! `models/numbers/cutting.py` says the same, and the network learnt from that.

use baize_frame::ImageView;

use super::square::{MOST_PIXELS, Square};
use crate::preprocess::layout::{Layout, plane_start};

/// A part of the crop takes this share of its mean from a line or column of the picture.
#[derive(Clone, Copy)]
struct Share {
    part: usize,
    pixel: u32,
    share: f32,
}

/// Samples of a pixel: luma and two of colour, or red, green and blue.
const MOST_SAMPLES: usize = 3;

/// Rooms for cutting.
pub(super) struct Cutter {
    side: usize,
    margin: f32,
    across: Vec<Share>,
    down: Vec<Share>,
    /// The pixels of a line that are read, and what they are.
    columns: Vec<u32>,
    pixels: Vec<[f32; 3]>,
    /// A line of the crop's width: red, then green, then blue.
    line: Vec<f32>,
}

impl Cutter {
    pub fn new(side: usize, margin: f32) -> Self {
        // A share begins at each edge of a part and at each edge of a pixel; both ends may be cut.
        let shares = side + MOST_PIXELS as usize + 8;
        Self {
            side,
            margin,
            across: Vec::with_capacity(shares),
            down: Vec::with_capacity(shares),
            columns: Vec::with_capacity(shares),
            pixels: Vec::with_capacity(shares),
            line: vec![0.0; 3 * side],
        }
    }

    /// Fills `crop`, three planes, from the square round a box. A box that is none is cut as black.
    pub fn cut(&mut self, image: &ImageView<'_>, centre_px: [f32; 2], size_px: [f32; 2], crop: &mut [f32]) {
        crop.fill(0.0);
        let format = image.format();
        let Some(square) = Square::round(centre_px, size_px, self.margin, &format) else {
            return;
        };
        let Square { x, y, length, step } = square;
        shares(x, length, self.side, format.width, step, &mut self.across);
        shares(y, length, self.side, format.height, step, &mut self.down);
        self.columns.clear();
        self.columns.extend(self.across.iter().map(|across| across.pixel));
        // Neighbouring parts share a pixel, which is read once.
        self.columns.dedup();
        let mut last = None;
        for down in &self.down {
            if last != Some(down.pixel) {
                read_line(image, down.pixel, &self.columns, &mut self.pixels);
                average(&self.across, &self.columns, &self.pixels, &mut self.line);
                last = Some(down.pixel);
            }
            let share = down.share / 255.0;
            let planes = crop.chunks_exact_mut(self.side * self.side);
            for (plane, line) in planes.zip(self.line.chunks_exact(self.side)) {
                let row = &mut plane[down.part * self.side..][..self.side];
                for (sum, level) in row.iter_mut().zip(line) {
                    *sum += share * level;
                }
            }
        }
    }
}

/// The shares that `parts` equal parts of a way have in pixels of which only each `step`-th is read; beyond the picture
/// the nearest pixel goes on.
fn shares(first: f32, length: f32, parts: usize, pixels: u32, step: u32, out: &mut Vec<Share>) {
    out.clear();
    let wide = step as f32;
    for part in 0..parts {
        let low = first + length * part as f32 / parts as f32;
        let high = first + length * (part + 1) as f32 / parts as f32;
        let (from, to) = ((low / wide).floor() as i64, (high / wide).ceil() as i64);
        for block in from..to.max(from + 1) {
            let start = block as f32 * wide;
            let shared = high.min(start + wide) - low.max(start);
            let middle = block * i64::from(step) + i64::from(step / 2);
            if out.len() < out.capacity() {
                out.push(Share {
                    part,
                    pixel: middle.clamp(0, i64::from(pixels) - 1) as u32,
                    share: shared / (high - low),
                });
            }
        }
    }
}

/// What the parts of a line have of its pixels, plane after plane.
fn average(across: &[Share], columns: &[u32], pixels: &[[f32; 3]], line: &mut [f32]) {
    let side = line.len() / 3;
    line.fill(0.0);
    let mut at = 0;
    for share in across {
        // Shares come in the order of the columns.
        at += usize::from(columns[at] != share.pixel);
        for (channel, level) in pixels[at].iter().enumerate() {
            line[channel * side + share.part] += share.share * level;
        }
    }
}

/// Red, green and blue, 0 to 255, of these columns in one line of the picture.
fn read_line(image: &ImageView<'_>, line: u32, wanted: &[u32], pixels: &mut Vec<[f32; 3]>) {
    let format = image.format();
    let layout = Layout::of(format.pixels);
    let bias = layout.bias_rgb.map(|level| level as f32);
    let mut samples = heapless::Vec::<_, MOST_SAMPLES>::new();
    for (index, plane) in layout.planes.iter().enumerate() {
        let start = plane_start(&format, index) + (line >> plane.row_shift) as usize * format.stride as usize;
        let row = &image.bytes()[start..];
        // No pixel has more.
        samples.extend(
            plane
                .samples
                .iter()
                .map(|sample| (row, sample, sample.rgb.map(|level| level as f32))),
        );
    }
    pixels.clear();
    pixels.extend(wanted.iter().map(|&column| {
        let mut pixel = bias;
        for (row, sample, rgb) in &samples {
            let level = f32::from(row[sample.byte_of(column) as usize]);
            for (sum, factor) in pixel.iter_mut().zip(rgb) {
                *sum += factor * level;
            }
        }
        pixel.map(|level| level.clamp(0.0, 255.0))
    }));
}

#[cfg(test)]
mod tests {
    use baize_frame::{FrameFormat, PixelFormat};

    use super::*;

    const SIDE: usize = 8;

    /// A picture whose levels are 2 x + y, the same in all channels.
    fn slope(pixels: PixelFormat) -> (FrameFormat, Vec<u8>) {
        let format = FrameFormat::packed(64, 48, pixels);
        let mut bytes = vec![128; format.size_bytes()];
        for y in 0..48 {
            for x in 0..64 {
                let level = 2 * x + y;
                let luma = (16.0 + level as f32 * 219.0 / 255.0).round() as u8;
                let line = y * format.stride as usize;
                match pixels {
                    PixelFormat::Yuyv => bytes[line + 2 * x] = luma,
                    PixelFormat::Nv12 => bytes[line + x] = luma,
                    PixelFormat::Grey => bytes[line + x] = level as u8,
                    PixelFormat::Rgb24 => bytes[line + 3 * x..][..3].fill(level as u8),
                }
            }
        }
        (format, bytes)
    }

    fn cut(pixels: PixelFormat, centre_px: [f32; 2], size_px: f32) -> Vec<f32> {
        let (format, bytes) = slope(pixels);
        let image = ImageView::new(&bytes, format).expect("a picture");
        let mut crop = vec![-1.0; 3 * SIDE * SIDE];
        Cutter::new(SIDE, 1.25).cut(&image, centre_px, [size_px, size_px / 2.0], &mut crop);
        crop
    }

    #[test]
    fn parts_are_means_of_their_pixels_in_every_format() {
        let centre = [31.3, 22.9];
        for (pixels, tolerance) in [
            (PixelFormat::Rgb24, 0.3),
            (PixelFormat::Grey, 0.3),
            (PixelFormat::Yuyv, 1.0),
            (PixelFormat::Nv12, 1.0),
        ] {
            for size in [16.0, 25.6] {
                let crop = cut(pixels, centre, size);
                let part = 1.25 * size / SIDE as f32;
                for (at, value) in crop.iter().enumerate() {
                    let (column, row) = (at % SIDE, at / SIDE % SIDE);
                    let [x, y] = [(centre[0], column), (centre[1], row)]
                        .map(|(centre, i)| centre + (i as f32 + 0.5 - SIDE as f32 / 2.0) * part);
                    // The middle of pixel i is i + 0.5.
                    let expected = 2.0 * (x - 0.5) + (y - 0.5);
                    assert!(
                        (value * 255.0 - expected).abs() < tolerance + 0.25 * 3.0 / part,
                        "{pixels:?} {size} {at}: {} and {expected}",
                        value * 255.0
                    );
                }
            }
        }
    }

    #[test]
    fn crops_of_noise_in_every_format_are_those_of_the_golden() {
        use crate::preprocess::golden;
        use crate::reader::golden_crop;

        for pixels in [
            PixelFormat::Rgb24,
            PixelFormat::Grey,
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
        ] {
            let format = FrameFormat::packed(250, 150, pixels);
            let bytes: Vec<u8> = (0..format.size_bytes() as u32)
                .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect();
            let image = ImageView::new(&bytes, format).expect("a picture");
            let mut planes = vec![0.0; 3 * 250 * 150];
            golden(&image, image.whole(), [250, 150], &mut planes);
            let rgb = |x: u32, y: u32| {
                let at = (y * 250 + x) as usize;
                [0, 1, 2].map(|channel| f64::from(planes[channel * 250 * 150 + at]) * 255.0)
            };
            for (centre_px, size_px) in [
                ([100.3, 70.8], 21.0),
                ([3.0, 149.0], 60.5),
                ([120.0, 80.0], 300.0),
            ] {
                let mut crop = vec![-1.0; 3 * SIDE * SIDE];
                Cutter::new(SIDE, 1.25).cut(&image, centre_px, [size_px; 2], &mut crop);
                let square = Square::round(centre_px, [size_px; 2], 1.25, &format).expect("a square");
                let mut expected = vec![-2.0; crop.len()];
                golden_crop([250, 150], rgb, &square, SIDE, &mut expected);
                for (at, (level, expected)) in crop.iter().zip(&expected).enumerate() {
                    let off = (level - expected).abs() * 255.0;
                    assert!(off < 0.02, "{pixels:?} {square:?} {at}: {off} levels off");
                }
            }
        }
    }

    #[test]
    fn beyond_the_picture_its_edge_goes_on() {
        let crop = cut(PixelFormat::Rgb24, [0.0, 0.0], 16.0);
        assert_eq!(crop[0], 0.0);
        assert!((crop[SIDE * SIDE - 1] * 255.0 - 3.0 * 8.25).abs() < 1.0);
    }

    #[test]
    fn a_square_as_large_as_the_picture_keeps_its_mean() {
        let crop = cut(PixelFormat::Grey, [32.0, 24.0], 38.4);
        let mean = crop.iter().sum::<f32>() / crop.len() as f32;
        assert!((mean * 255.0 - (2.0 * 31.5 + 23.5)).abs() < 0.1, "{mean}");
    }
}
