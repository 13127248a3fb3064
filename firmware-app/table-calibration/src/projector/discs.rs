//! The discs that show: spots of light of a disc's shape, all about equally large.

use super::lit::{Lit, STEP_MM, place_mm};
use crate::median::median;

/// A spot of light.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disc {
    /// The centre of its light, mm.
    pub centre_mm: [f64; 2],
    area_mm2: f64,
    /// Its longer axis by its shorter one.
    elongation: f64,
}

/// The pattern covers some 2.5 % of the cloth: even of a fifth of it, what is brighter than this part of the cloth is disc.
const DISC_QUANTILE: f64 = 0.995;
/// Steps of brightness that a disc must stand out by.
const CONTRAST_MIN: f32 = 8.0;
/// Of a usual disc's brightness: a projector is darker towards its corners, and cloth is worn.
const PART_OF_DISC: f32 = 0.3;
/// Of a spot's own brightness: where its edge is.
const PART_OF_SPOT: f32 = 0.3;
/// Smaller ones are noise.
const AREA_MIN_MM2: f64 = 60.0;
/// By how much discs may differ from the usual area, as a factor.
const AREA_FACTOR: f64 = 2.0;
/// Discs that something hides in part are longer than broad.
const ELONGATION_MAX: f64 = 1.5;

/// The discs; `None` where nothing stands out.
pub(super) fn find_discs(lit: &Lit) -> Option<Vec<Disc>> {
    let level = lit.quantile(DISC_QUANTILE);
    if level < CONTRAST_MIN {
        return None;
    }
    let mut spots: Vec<Disc> = spots(lit, PART_OF_DISC * level)
        .iter()
        .filter_map(|spot| measure(lit, spot))
        .collect();
    let usual = median(spots.iter().map(|spot| spot.area_mm2))?;
    spots.retain(|spot| {
        spot.elongation < ELONGATION_MAX
            && (usual / AREA_FACTOR..usual * AREA_FACTOR).contains(&spot.area_mm2)
    });
    Some(spots)
}

/// Samples above the threshold that hang together.
fn spots(lit: &Lit, threshold: f32) -> Vec<Vec<usize>> {
    let mut seen = vec![false; lit.gain.len()];
    let mut spots = Vec::new();
    for start in 0..lit.gain.len() {
        if seen[start] || lit.gain[start] < threshold {
            continue;
        }
        seen[start] = true;
        let (mut spot, mut next) = (vec![start], 0);
        while let Some(&at) = spot.get(next) {
            next += 1;
            for neighbour in neighbours(lit, at) {
                if !seen[neighbour] && lit.gain[neighbour] >= threshold {
                    seen[neighbour] = true;
                    spot.push(neighbour);
                }
            }
        }
        spots.push(spot);
    }
    spots
}

fn neighbours(lit: &Lit, at: usize) -> impl Iterator<Item = usize> {
    let (x, y, width) = (at % lit.width, at / lit.width, lit.width);
    [
        (x > 0).then(|| at - 1),
        (x + 1 < width).then_some(at + 1),
        (y > 0).then(|| at - width),
        (y + 1 < lit.height).then_some(at + width),
    ]
    .into_iter()
    .flatten()
}

/// Centre, area and elongation by the light above the spot's edge; `None` for noise and what the bed's edge cuts off.
fn measure(lit: &Lit, spot: &[usize]) -> Option<Disc> {
    let mut bright: Vec<f32> = spot.iter().map(|&at| lit.gain[at]).collect();
    bright.sort_unstable_by(f32::total_cmp);
    // Not the brightest sample: noise.
    let edge = PART_OF_SPOT * bright[bright.len() * 4 / 5];
    let is_cut = |&at: &usize| {
        let (x, y) = (at % lit.width, at / lit.width);
        x == 0 || y == 0 || x + 1 == lit.width || y + 1 == lit.height
    };
    if spot.len() as f64 * STEP_MM * STEP_MM < AREA_MIN_MM2 || spot.iter().any(is_cut) {
        return None;
    }
    let (mut mass, mut first) = (0.0, [0.0; 2]);
    let weigh = |at: usize| f64::from((lit.gain[at] - edge).max(0.0));
    let place = |at: usize| place_mm([(at % lit.width) as f64, (at / lit.width) as f64]);
    for &at in spot {
        let (weight, [x, y]) = (weigh(at), place(at));
        mass += weight;
        first[0] += weight * x;
        first[1] += weight * y;
    }
    if mass <= 0.0 {
        return None;
    }
    let centre_mm = first.map(|sum| sum / mass);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for &at in spot {
        let (weight, [x, y]) = (weigh(at), place(at));
        let (dx, dy) = (x - centre_mm[0], y - centre_mm[1]);
        xx += weight * dx * dx / mass;
        xy += weight * dx * dy / mass;
        yy += weight * dy * dy / mass;
    }
    let (mean, half) = ((xx + yy) / 2.0, ((xx - yy) / 2.0).hypot(xy));
    Some(Disc {
        centre_mm,
        area_mm2: spot.len() as f64 * STEP_MM * STEP_MM,
        elongation: ((mean + half) / (mean - half).max(1e-9)).sqrt(),
    })
}
