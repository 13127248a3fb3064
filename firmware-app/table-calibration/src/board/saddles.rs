//! Where four fields of a checkerboard meet: brightness has a saddle there, whatever way the board lies.

use crate::linear::solve;
use crate::picture::Picture;

/// Saddles looked at, the sharpest first: far more than a board has.
const MAX_SADDLES: usize = 1500;
/// Distance of the samples that curvature is taken from, in pixels.
const REACH: usize = 2;
/// A saddle is the sharpest within this many pixels.
const APART: usize = 4;
/// The least curvature of a saddle, in grey levels: fainter ones are noise.
const MIN_CURVATURE: f32 = 6.0;
/// The circle around a saddle that must show four fields, in pixels, and the places looked at on it.
const CIRCLE_PX: f64 = 5.0;
const CIRCLE_PLACES: usize = 32;
/// The least difference between the bright and the dark fields, in grey levels.
const MIN_CONTRAST: f64 = 16.0;
/// Half of the window in which the saddle's place is found, in pixels.
const WINDOW_PX: i32 = 4;
/// Rounds of finding it, and how far it may go from where it began.
const ROUNDS: usize = 6;
const MAX_STRAY_PX: f64 = 2.5;

/// A place where four fields meet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saddle {
    pub at_px: [f64; 2],
    /// Unit vectors along the two edges that cross here.
    pub edges: [[f64; 2]; 2],
}

/// Every saddle of the picture that looks like the meeting of four fields.
pub(super) fn find(picture: &Picture) -> Vec<Saddle> {
    candidates(picture)
        .into_iter()
        .filter(|&at| shows_four_fields(picture, at))
        .filter_map(|at| exact(picture, at))
        .filter(|saddle| shows_four_fields(picture, saddle.at_px))
        .collect()
}

/// Pixels where brightness curves upwards one way and downwards the other, more than anywhere around.
fn candidates(picture: &Picture) -> Vec<[f64; 2]> {
    let (width, height) = (picture.width, picture.height);
    if width <= 4 * APART || height <= 4 * APART {
        return Vec::new();
    }
    let light = picture.smoothed();
    let at = |x: usize, y: usize| light[y * width + x];
    let mut sharpness = vec![0.0f32; width * height];
    for y in REACH..height - REACH {
        for x in REACH..width - REACH {
            let middle = at(x, y);
            let xx = at(x - REACH, y) + at(x + REACH, y) - 2.0 * middle;
            let yy = at(x, y - REACH) + at(x, y + REACH) - 2.0 * middle;
            let falling = at(x - REACH, y - REACH) + at(x + REACH, y + REACH);
            let rising = at(x - REACH, y + REACH) + at(x + REACH, y - REACH);
            let xy = (falling - rising) / 4.0;
            sharpness[y * width + x] = xy * xy - xx * yy / 4.0;
        }
    }
    let mut found: Vec<(f32, [f64; 2])> = Vec::new();
    for y in APART..height - APART {
        for x in APART..width - APART {
            let here = sharpness[y * width + x];
            if here < MIN_CURVATURE * MIN_CURVATURE {
                continue;
            }
            let is_sharpest = (y - APART..=y + APART).all(|row| {
                sharpness[row * width + x - APART..=row * width + x + APART]
                    .iter()
                    .all(|other| *other <= here)
            });
            if is_sharpest {
                found.push((here, [x as f64 + 0.5, y as f64 + 0.5]));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(MAX_SADDLES);
    found.into_iter().map(|(_, at)| at).collect()
}

/// Around the place brightness changes four times, and is on opposite sides the same.
fn shows_four_fields(picture: &Picture, [x, y]: [f64; 2]) -> bool {
    let mut light = [0.0; CIRCLE_PLACES];
    for (i, light) in light.iter_mut().enumerate() {
        let angle = i as f64 * std::f64::consts::TAU / CIRCLE_PLACES as f64;
        match picture.luma_at([x + CIRCLE_PX * angle.cos(), y + CIRCLE_PX * angle.sin()]) {
            Some(level) => *light = level,
            None => return false,
        }
    }
    let (low, high) = light.iter().fold((f64::INFINITY, 0.0f64), |(low, high), level| {
        (low.min(*level), high.max(*level))
    });
    let middle = (low + high) / 2.0;
    let is_bright = |i: usize| light[i % CIRCLE_PLACES] > middle;
    let changes = (0..CIRCLE_PLACES)
        .filter(|&i| is_bright(i) != is_bright(i + 1))
        .count();
    let half = CIRCLE_PLACES / 2;
    let unlike: f64 = (0..half).map(|i| (light[i] - light[i + half]).abs()).sum();
    high - low > MIN_CONTRAST && changes == 4 && unlike / (half as f64) < 0.3 * (high - low)
}

/// The saddle to a fraction of a pixel: the flat point of the quadratic surface through the light around it. A board's
/// corner looks the same turned by half, so neither blur nor the window moves it.
fn exact(picture: &Picture, start: [f64; 2]) -> Option<Saddle> {
    let mut at_px = start;
    let mut terms = [0.0; 6];
    for _ in 0..ROUNDS {
        terms = surface(picture, at_px)?;
        let [xx, xy, yy, x, y, _] = terms;
        let determinant = 4.0 * xx * yy - xy * xy;
        if determinant >= 0.0 {
            return None;
        }
        let step = [
            (xy * y - 2.0 * yy * x) / determinant,
            (xy * x - 2.0 * xx * y) / determinant,
        ];
        at_px = [at_px[0] + step[0], at_px[1] + step[1]];
        let stray = (at_px[0] - start[0]).hypot(at_px[1] - start[1]);
        if stray.is_nan() || stray > MAX_STRAY_PX {
            return None;
        }
        if step[0].hypot(step[1]) < 1e-3 {
            break;
        }
    }
    let [xx, xy, yy, ..] = terms;
    // Along an edge brightness does not curve: xx c² + xy c s + yy s² = 0.
    let (mean, half) = ((xx + yy) / 2.0, [(xx - yy) / 2.0, xy / 2.0]);
    let size = half[0].hypot(half[1]);
    let (phase, spread) = (half[1].atan2(half[0]), (-mean / size).clamp(-1.0, 1.0).acos());
    let edges = [phase + spread, phase - spread].map(|double| [(double / 2.0).cos(), (double / 2.0).sin()]);
    Some(Saddle { at_px, edges })
}

/// Terms of x², xy, y², x, y and 1, by least squares over the window.
fn surface(picture: &Picture, [x, y]: [f64; 2]) -> Option<[f64; 6]> {
    let (mut normal, mut right) = ([[0.0; 6]; 6], [0.0; 6]);
    for row in -WINDOW_PX..=WINDOW_PX {
        for column in -WINDOW_PX..=WINDOW_PX {
            let [dx, dy] = [f64::from(column), f64::from(row)];
            let distance = dx.hypot(dy) / f64::from(WINDOW_PX);
            if distance > 1.0 {
                continue;
            }
            let light = picture.luma_at([x + dx, y + dy])?;
            let weight = (1.0 - 0.9 * distance * distance).powi(2);
            let basis = [dx * dx, dx * dy, dy * dy, dx, dy, 1.0];
            for i in 0..6 {
                right[i] += weight * basis[i] * light;
                (0..6).for_each(|j| normal[i][j] += weight * basis[i] * basis[j]);
            }
        }
    }
    solve(normal, right)
}
