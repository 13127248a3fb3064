//! The sensor: noise, and the picture's bytes.

use baize_frame::{FrameFormat, PixelFormat};

use crate::random::Random;
use crate::render::canvas::{Planes, STEPS, WHITE};

/// Samples of noise. Every line of every picture starts somewhere else in them.
const NOISE_SAMPLES: usize = 1 << 15;

/// Adds noise and packs the canvas into bytes.
pub struct Sensor {
    noise: Vec<i16>,
    line: [Vec<i16>; 3],
    /// Chroma of the line above, for NV12.
    above: [Vec<i16>; 2],
    seed: u64,
}

impl Sensor {
    /// `deviation` is the noise's standard deviation in 8-bit steps.
    pub fn new(width: u32, deviation: f32, seed: u64) -> Self {
        let mut random = Random::new(seed, 11);
        let scale = f64::from(deviation) * f64::from(STEPS);
        let width = width as usize;
        Self {
            noise: (0..NOISE_SAMPLES + width)
                .map(|_| (random.gaussian() * scale) as i16)
                .collect(),
            line: core::array::from_fn(|_| vec![0; width]),
            above: core::array::from_fn(|_| vec![0; width]),
            seed,
        }
    }

    /// Writes picture number `frame` of the canvas; `bytes` hold at least `format.size_bytes()`.
    pub fn expose(&mut self, canvas: &Planes, frame: u64, format: &FrameFormat, bytes: &mut [u8]) {
        let width = format.width as usize;
        let stride = format.stride as usize;
        let (luma, chroma) = bytes.split_at_mut(stride * format.height as usize);
        let mut random = Random::new(self.seed ^ frame.wrapping_mul(0x9e37_79b9_7f4a_7c15), 12);
        for (y, out) in luma.chunks_exact_mut(stride).enumerate() {
            self.read_line(canvas, y, width, &mut random);
            let [r, g, b] = &self.line;
            match format.pixels {
                PixelFormat::Rgb24 => pack_rgb(r, g, b, &mut out[..3 * width]),
                PixelFormat::Grey => pack_grey(r, g, b, &mut out[..width]),
                PixelFormat::Yuyv => pack_yuyv(r, g, b, &mut out[..2 * width]),
                PixelFormat::Nv12 => {
                    pack_luma(r, g, b, &mut out[..width]);
                    let [cb, cr] = &mut self.above;
                    if y % 2 == 0 {
                        chroma_line(r, g, b, cb, cr, |_, new| new);
                        continue;
                    }
                    chroma_line(r, g, b, cb, cr, |old, new| (old + new + 1) >> 1);
                    pack_chroma(cb, cr, &mut chroma[y / 2 * stride..][..width]);
                }
            }
        }
    }

    /// Reads a line of the canvas with noise: much the same in all colours, as an interpolated mosaic has it.
    fn read_line(&mut self, canvas: &Planes, y: usize, width: usize, random: &mut Random) {
        let mut samples = || {
            let start = random.next_u32() as usize % NOISE_SAMPLES;
            &self.noise[start..start + width]
        };
        let (common, red, blue) = (samples(), samples(), samples());
        let pixels = y * width..(y + 1) * width;
        let planes = &canvas.planes;
        let [r, g, b] = &mut self.line;
        add_noise(r, &planes[0][pixels.clone()], common, red);
        for ((out, &value), &noise) in g.iter_mut().zip(&planes[1][pixels.clone()]).zip(common) {
            *out = (value + noise).clamp(0, WHITE);
        }
        add_noise(b, &planes[2][pixels], common, blue);
    }
}

fn add_noise(out: &mut [i16], values: &[i16], common: &[i16], own: &[i16]) {
    for (((out, &value), &common), &own) in out.iter_mut().zip(values).zip(common).zip(own) {
        *out = (value + common + (own >> 1)).clamp(0, WHITE);
    }
}

/// The upper 16 bits of a product: one instruction on every SIMD unit.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

/// A weight for `high`, in units of the canvas.
const fn weight(value: f64) -> i16 {
    (value * 65536.0) as i16
}

/// Luma of BT.601, limited range, in canvas steps.
#[inline(always)]
fn luma(r: i16, g: i16, b: i16) -> i16 {
    // 0.5041 does not fit the 16 bits of a weight: green is doubled, its weight halved.
    high(r, weight(0.256_788))
        + high(2 * g, weight(0.252_065))
        + high(b, weight(0.097_906))
        + 16 * STEPS
        + STEPS / 2
        + 1
}

#[inline(always)]
fn blue_chroma(r: i16, g: i16, b: i16) -> i16 {
    high(b, weight(0.439_216)) - high(r, weight(0.148_223)) - high(g, weight(0.290_993)) + 128 * STEPS
}

#[inline(always)]
fn red_chroma(r: i16, g: i16, b: i16) -> i16 {
    high(r, weight(0.439_216)) - high(g, weight(0.367_788)) - high(b, weight(0.071_427)) + 128 * STEPS
}

#[inline(always)]
fn to_byte(value: i16) -> u8 {
    (value / STEPS) as u8
}

fn pack_rgb(r: &[i16], g: &[i16], b: &[i16], out: &mut [u8]) {
    for (((out, &r), &g), &b) in out.chunks_exact_mut(3).zip(r).zip(g).zip(b) {
        out[0] = to_byte(r + STEPS / 2 - 1);
        out[1] = to_byte(g + STEPS / 2 - 1);
        out[2] = to_byte(b + STEPS / 2 - 1);
    }
}

fn pack_grey(r: &[i16], g: &[i16], b: &[i16], out: &mut [u8]) {
    for (((out, &r), &g), &b) in out.iter_mut().zip(r).zip(g).zip(b) {
        *out = to_byte(
            high(r, weight(0.299)) + high(2 * g, weight(0.2935)) + high(b, weight(0.114)) + STEPS / 2,
        );
    }
}

fn pack_luma(r: &[i16], g: &[i16], b: &[i16], out: &mut [u8]) {
    for (((out, &r), &g), &b) in out.iter_mut().zip(r).zip(g).zip(b) {
        *out = to_byte(luma(r, g, b));
    }
}

fn pack_yuyv(r: &[i16], g: &[i16], b: &[i16], out: &mut [u8]) {
    let pairs = r.chunks_exact(2).zip(g.chunks_exact(2)).zip(b.chunks_exact(2));
    for (out, ((r, g), b)) in out.chunks_exact_mut(4).zip(pairs) {
        let mean = |v: &[i16]| (v[0] + v[1]) >> 1;
        let (mr, mg, mb) = (mean(r), mean(g), mean(b));
        out[0] = to_byte(luma(r[0], g[0], b[0]));
        out[1] = to_byte(blue_chroma(mr, mg, mb) + STEPS / 2);
        out[2] = to_byte(luma(r[1], g[1], b[1]));
        out[3] = to_byte(red_chroma(mr, mg, mb) + STEPS / 2);
    }
}

/// Chroma of a line at half its width, joined with what `cb` and `cr` hold.
fn chroma_line(
    r: &[i16],
    g: &[i16],
    b: &[i16],
    cb: &mut [i16],
    cr: &mut [i16],
    join: impl Fn(i16, i16) -> i16,
) {
    let pairs = r.chunks_exact(2).zip(g.chunks_exact(2)).zip(b.chunks_exact(2));
    for ((cb, cr), ((r, g), b)) in cb.iter_mut().zip(cr).zip(pairs) {
        let mean = |v: &[i16]| (v[0] + v[1]) >> 1;
        let (r, g, b) = (mean(r), mean(g), mean(b));
        *cb = join(*cb, blue_chroma(r, g, b));
        *cr = join(*cr, red_chroma(r, g, b));
    }
}

fn pack_chroma(cb: &[i16], cr: &[i16], out: &mut [u8]) {
    for ((out, &cb), &cr) in out.chunks_exact_mut(2).zip(cb).zip(cr) {
        out[0] = to_byte(cb + STEPS / 2);
        out[1] = to_byte(cr + STEPS / 2);
    }
}
