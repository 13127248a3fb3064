//! Pictures with something drawn over them, written as PNG.

use std::path::Path;

use baize_frame::{BallKind, Detections, ImageView, PixelFormat};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;

use crate::failure::Failure;

/// A colour picture to draw on.
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// The colour that stands for a kind of ball.
const fn colour(kind: BallKind) -> [u8; 3] {
    match kind {
        BallKind::Cue => [255, 255, 255],
        BallKind::Eight => [255, 0, 255],
        BallKind::Solid => [255, 210, 0],
        BallKind::Stripe => [0, 220, 255],
        BallKind::Ball => [255, 120, 0],
    }
}

impl Canvas {
    /// A copy of a picture, in colour.
    pub fn of(image: &ImageView<'_>) -> Self {
        let format = image.format();
        let (width, height) = (format.width as usize, format.height as usize);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                rgb.extend_from_slice(&pixel(image, x, y));
            }
        }
        Self { width, height, rgb }
    }

    /// Lets somebody else draw on the packed RGB bytes, given width and height.
    pub fn with_rgb(&mut self, draw: impl FnOnce(&mut [u8], usize, usize)) {
        draw(&mut self.rgb, self.width, self.height);
    }

    /// Every box and cue.
    pub fn detections(&mut self, detections: &Detections) {
        for ball in &detections.balls {
            self.ellipse(
                ball.centre_px,
                [ball.size_px[0] / 2.0, ball.size_px[1] / 2.0],
                colour(ball.kind),
            );
        }
        for cue in &detections.cues {
            self.line(cue.tip_px, cue.butt_px, [0, 255, 0]);
            self.ellipse(cue.tip_px, [4.0, 4.0], [255, 0, 0]);
        }
    }

    /// An ellipse's outline.
    pub fn ellipse(&mut self, [x, y]: [f32; 2], [a, b]: [f32; 2], colour: [u8; 3]) {
        let steps = ((a + b) * 6.0).clamp(16.0, 4000.0) as u32;
        for step in 0..steps {
            let angle = step as f32 / steps as f32 * std::f32::consts::TAU;
            self.dot([x + a * angle.cos(), y + b * angle.sin()], colour);
        }
    }

    /// A straight line.
    pub fn line(&mut self, from: [f32; 2], to: [f32; 2], colour: [u8; 3]) {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let steps = length.clamp(1.0, 20_000.0) as u32 * 2;
        for step in 0..=steps {
            let part = step as f32 / steps as f32;
            self.dot(
                [
                    from[0] + (to[0] - from[0]) * part,
                    from[1] + (to[1] - from[1]) * part,
                ],
                colour,
            );
        }
    }

    /// A number beside a place, in digits of three by five dots of two pixels, on black.
    pub fn number(&mut self, [x, y]: [f32; 2], number: u32, colour: [u8; 3]) {
        const DIGITS: [u16; 10] = [
            0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717,
        ];
        let digits = number.to_string();
        for row in 0..14 {
            let y = y + row as f32 - 2.0;
            self.line([x - 2.0, y], [x + (digits.len() * 8) as f32, y], [0; 3]);
        }
        for (place, digit) in digits.bytes().enumerate() {
            let shape = DIGITS[usize::from(digit - b'0')];
            for dot in 0..15 {
                if shape >> (14 - dot) & 1 == 1 {
                    let at = [x + (place * 8 + dot % 3 * 2) as f32, y + (dot / 3 * 2) as f32];
                    self.dot(at, colour);
                    self.dot([at[0] + 1.0, at[1]], colour);
                    self.dot([at[0], at[1] + 1.0], colour);
                    self.dot([at[0] + 1.0, at[1] + 1.0], colour);
                }
            }
        }
    }

    fn dot(&mut self, [x, y]: [f32; 2], colour: [u8; 3]) {
        if x >= 0.0 && y >= 0.0 && (x as usize) < self.width && (y as usize) < self.height {
            let at = (y as usize * self.width + x as usize) * 3;
            self.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// Writes a PNG; its folder is made where it is missing.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        let options = EncoderOptions::new(self.width, self.height, ColorSpace::RGB, BitDepth::Eight);
        let mut png = Vec::new();
        zune_png::PngEncoder::new(&self.rgb, options)
            .encode(&mut png)
            .map_err(|error| Failure::new(format!("{}: {error:?}", file.display())))?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::at(folder.display(), error))?;
        }
        std::fs::write(file, png).map_err(|error| Failure::at(file.display(), error))
    }
}

/// One pixel in colour (BT.601).
fn pixel(image: &ImageView<'_>, x: usize, y: usize) -> [u8; 3] {
    let format = image.format();
    let (bytes, stride) = (image.bytes(), format.stride as usize);
    let (luma, cb, cr) = match format.pixels {
        PixelFormat::Rgb24 => {
            let at = y * stride + 3 * x;
            return [bytes[at], bytes[at + 1], bytes[at + 2]];
        }
        PixelFormat::Grey => return [bytes[y * stride + x]; 3],
        PixelFormat::Yuyv => {
            let pair = y * stride + x / 2 * 4;
            (bytes[y * stride + 2 * x], bytes[pair + 1], bytes[pair + 3])
        }
        PixelFormat::Nv12 => {
            let pair = (format.height as usize + y / 2) * stride + x / 2 * 2;
            (bytes[y * stride + x], bytes[pair], bytes[pair + 1])
        }
    };
    let luma = (f32::from(luma) - 16.0) * 1.164;
    let (cb, cr) = (f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [
        luma + 1.596 * cr,
        luma - 0.392 * cb - 0.813 * cr,
        luma + 2.017 * cb,
    ]
    .map(|value| value.clamp(0.0, 255.0) as u8)
}
