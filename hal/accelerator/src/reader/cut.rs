//! Cuts the square round a ball out of a picture, by area average, into planes of red, green and blue, 0 to 1.
//! `models/numbers/cutting.py` says the same, and the network learnt from that.

use baize_frame::ImageView;

use crate::preprocess::layout::{Layout, plane_start};

/// Of a larger square, only every second, third … pixel is read: more of them would tell no more, and what a frame may
/// take stays bounded.
const MOST_PIXELS: f32 = 160.0;

/// A part of the crop takes this share of its mean from a line or column of the picture.
#[derive(Clone, Copy)]
struct Share {
    part: usize,
    pixel: u32,
    share: f32,
}

/// Rooms for cutting.
pub(super) struct Cutter {
    side: usize,
    margin: f32,
    across: Vec<Share>,
    down: Vec<Share>,
    pixels: Vec<[f32; 3]>,
    line: Vec<[f32; 3]>,
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
            pixels: Vec::with_capacity(shares),
            line: vec![[0.0; 3]; side],
        }
    }

    /// Fills `crop`, three planes, from the square round a box. A box that is none is cut as black.
    pub fn cut(&mut self, image: &ImageView<'_>, centre_px: [f32; 2], size_px: [f32; 2], crop: &mut [f32]) {
        crop.fill(0.0);
        let length = self.margin * size_px[0].max(size_px[1]);
        let [x, y] = centre_px.map(|centre| centre - length / 2.0);
        let format = image.format();
        // Whatever is larger than the picture or far beside it is no ball; neither is what is no number.
        let most = 2.0 * format.width.max(format.height) as f32;
        if !(length > 0.0 && length <= most && x.abs() <= most && y.abs() <= most) {
            return;
        }
        let step = (length / MOST_PIXELS).ceil().max(1.0) as u32;
        shares(x, length, self.side, format.width, step, &mut self.across);
        shares(y, length, self.side, format.height, step, &mut self.down);
        let mut last = None;
        let plane = self.side * self.side;
        for down in &self.down {
            if last != Some(down.pixel) {
                read_line(image, down.pixel, &self.across, &mut self.pixels);
                self.line.fill([0.0; 3]);
                for (across, rgb) in self.across.iter().zip(&self.pixels) {
                    for (sum, level) in self.line[across.part].iter_mut().zip(rgb) {
                        *sum += across.share * level;
                    }
                }
                last = Some(down.pixel);
            }
            let row = down.part * self.side;
            for (column, rgb) in self.line.iter().enumerate() {
                for (channel, level) in rgb.iter().enumerate() {
                    crop[channel * plane + row + column] += down.share / 255.0 * level;
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

/// Red, green and blue, 0 to 255, of the pixels that the shares name, in one line of the picture.
fn read_line(image: &ImageView<'_>, line: u32, wanted: &[Share], pixels: &mut Vec<[f32; 3]>) {
    let format = image.format();
    let layout = Layout::of(format.pixels);
    pixels.clear();
    pixels.extend(wanted.iter().map(|_| layout.bias_rgb.map(|level| level as f32)));
    for (index, plane) in layout.planes.iter().enumerate() {
        let start = plane_start(&format, index) + (line >> plane.row_shift) as usize * format.stride as usize;
        for sample in plane.samples {
            let rgb = sample.rgb.map(|level| level as f32);
            for (share, pixel) in wanted.iter().zip(pixels.iter_mut()) {
                let level = f32::from(image.bytes()[start + sample.byte_of(share.pixel) as usize]);
                for (sum, factor) in pixel.iter_mut().zip(rgb) {
                    *sum += factor * level;
                }
            }
        }
    }
    for pixel in pixels {
        *pixel = pixel.map(|level| level.clamp(0.0, 255.0));
    }
}
