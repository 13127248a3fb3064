//! The picture while it is made: three planes of gamma-encoded light, and what each pixel belongs to.

use crate::colour::{GAMMA, Rgb};

/// Steps of the canvas in one step of an 8-bit picture.
pub const STEPS: i16 = 64;
/// The brightest value of the canvas.
pub const WHITE: i16 = 255 * STEPS;

const TABLE_SIZE: usize = 4096;

/// Conversion between linear light and the canvas, by table.
pub struct Tone {
    /// Over the square root of linear light, which spreads the dark end.
    encode: Vec<i16>,
    decode: Vec<f32>,
    dim: Vec<f32>,
}

impl Tone {
    pub fn new() -> Self {
        let last = (TABLE_SIZE - 1) as f32;
        Self {
            encode: (0..TABLE_SIZE)
                .map(|i| (libm::powf(i as f32 / last, 2.0 / GAMMA) * f32::from(WHITE) + 0.5) as i16)
                .collect(),
            decode: (0..=WHITE)
                .map(|v| libm::powf(f32::from(v) / f32::from(WHITE), GAMMA))
                .collect(),
            dim: (0..TABLE_SIZE)
                .map(|i| libm::powf(i as f32 / last, 1.0 / GAMMA))
                .collect(),
        }
    }

    /// Canvas value of linear light; clipped at white.
    pub fn encode(&self, light: f32) -> i16 {
        let last = (TABLE_SIZE - 1) as f32;
        self.encode[((light.clamp(0.0, 1.0)).sqrt() * last + 0.5) as usize]
    }

    /// Linear light of a canvas value.
    pub fn decode(&self, value: i16) -> f32 {
        self.decode[value.clamp(0, WHITE) as usize]
    }

    /// The factor on canvas values that dims linear light by `factor`.
    pub fn dim(&self, factor: f32) -> f32 {
        self.dim[(factor.clamp(0.0, 1.0) * (TABLE_SIZE - 1) as f32 + 0.5) as usize]
    }
}

/// Whole pixels from (x0, y0) to just before (x1, y1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub x0: i32,
    pub y0: i32,
    pub x1: i32,
    pub y1: i32,
}

impl Area {
    /// The pixels that a box in continuous coordinates touches.
    pub fn around(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self {
            x0: left.floor() as i32,
            y0: top.floor() as i32,
            x1: right.ceil() as i32,
            y1: bottom.ceil() as i32,
        }
    }

    pub fn within(self, width: i32, height: i32) -> Self {
        Self {
            x0: self.x0.clamp(0, width),
            y0: self.y0.clamp(0, height),
            x1: self.x1.clamp(0, width),
            y1: self.y1.clamp(0, height),
        }
    }

    pub fn union(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    pub fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }
}

/// The three planes of a picture.
pub struct Planes {
    pub planes: [Vec<i16>; 3],
}

impl Planes {
    pub fn new(pixels: usize) -> Self {
        Self {
            planes: core::array::from_fn(|_| vec![0; pixels]),
        }
    }
}

/// A picture in the making. Everything drawn on it goes through here.
pub struct Canvas {
    pub width: i32,
    pub height: i32,
    pub colours: Planes,
    /// Which ball a pixel shows: id + 1; 0 for none.
    pub owner: Vec<u8>,
    /// Pixels that were drawn on since the last `restore`, by line: from, to.
    touched: Vec<(i32, i32)>,
}

impl Canvas {
    pub fn new(width: u32, height: u32) -> Self {
        let pixels = width as usize * height as usize;
        Self {
            width: width as i32,
            height: height as i32,
            colours: Planes::new(pixels),
            owner: vec![0; pixels],
            touched: vec![(i32::MAX, 0); height as usize],
        }
    }

    /// Makes the canvas the background again where it was drawn on.
    pub fn restore(&mut self, background: &Planes) {
        for (y, touched) in self.touched.iter_mut().enumerate() {
            let (from, to) = core::mem::replace(touched, (i32::MAX, 0));
            if from >= to {
                continue;
            }
            let line = y * self.width as usize;
            let pixels = line + from as usize..line + to as usize;
            for (canvas, background) in self.colours.planes.iter_mut().zip(&background.planes) {
                canvas[pixels.clone()].copy_from_slice(&background[pixels.clone()]);
            }
            self.owner[pixels].fill(0);
        }
    }

    /// Tells that these pixels of a line are about to be drawn on.
    pub fn touch(&mut self, y: i32, from: i32, to: i32) {
        let touched = &mut self.touched[y as usize];
        touched.0 = touched.0.min(from);
        touched.1 = touched.1.max(to);
    }

    pub fn index(&self, x: i32, y: i32) -> usize {
        y as usize * self.width as usize + x as usize
    }

    /// Lays linear light over a pixel; `coverage` is the part of the pixel that it hides.
    pub fn blend(&mut self, at: usize, light: Rgb, coverage: f32, tone: &Tone) {
        for (plane, light) in self.colours.planes.iter_mut().zip(light) {
            let pixel = &mut plane[at];
            *pixel = if coverage >= 0.999 {
                tone.encode(light)
            } else {
                let behind = tone.decode(*pixel);
                tone.encode(behind + (light.min(1.0) - behind) * coverage)
            };
        }
    }

    /// Brightens a pixel: its linear light times `factor`.
    pub fn brighten(&mut self, at: usize, factor: f32, tone: &Tone) {
        for plane in &mut self.colours.planes {
            plane[at] = tone.encode(tone.decode(plane[at]) * factor);
        }
    }

    /// Dims a pixel; `factor` is what remains of its linear light.
    pub fn dim(&mut self, at: usize, factor: f32, tone: &Tone) {
        let factor = tone.dim(factor);
        for plane in &mut self.colours.planes {
            let pixel = &mut plane[at];
            *pixel = (f32::from(*pixel) * factor + 0.5) as i16;
        }
    }
}
