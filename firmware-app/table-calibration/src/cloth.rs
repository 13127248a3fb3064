//! Where the cloth is. Cloth is the largest thing of one colour in the middle of the picture, in whatever colour it
//! comes: so candidate colours are taken from the picture itself, and each grows into a region. Light and shadow scale
//! a colour; so a pixel's colour is taken apart into a multiple of the cloth's and what is left over. Little may be
//! left over, while the multiple may vary widely, the more so where it varies slowly.

use crate::mask::Mask;
use crate::picture::SmallPicture;

/// Colours tried per picture: the cloth, and what may outweigh it in the middle (a floor, a wall, a shirt).
const CANDIDATES: usize = 3;
/// Cells of the colour histogram along each channel.
const CELLS: usize = 12;
/// Rounds of fitting the colour to its own pixels; it has settled after three.
const FIT_ROUNDS: usize = 4;
/// What noise and compression leave of another colour, in levels, and what tints of light do, in shares of brightness.
const TINT_LEVELS: f64 = 7.0;
const TINT_SHARE: f64 = 0.11;
/// Spread of the logarithm of brightness within one cloth, by which pixels far from the mean are judged.
const LIGHT_SPREAD: f64 = 0.35;
/// Squared distance, in spreads, within which a pixel counts as cloth.
const ACCEPT: f64 = 9.0;
/// How much of that each colour is tried with: evenly lit cloth beside something alike needs little, cloth in bad light
/// needs it all.
pub(crate) const TOLERANCES: [f64; 4] = [1.0, 0.5, 0.25, 0.1];
/// The same where cloth and floor, or cloth and rail, are nearly of one colour.
pub(crate) const CLOSE_TOLERANCES: [f64; 6] = [1.0, 0.5, 0.25, 0.1, 0.04, 0.015];
/// Squared distances in tint and in light up to which the region grows where colour changes slowly, and the squared
/// change between neighbours that is slow.
const GROW_TINT: f64 = 4.0;
const GROW_LIGHT: f64 = 16.0;
const GROW_STEP: f64 = 0.08;
/// A histogram cell with fewer of the middle's pixels is no cloth.
const MIN_SHARE: f64 = 0.02;

type Colour = [f64; 3];

fn dot(a: &Colour, b: &Colour) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How one colour differs from another, as squares in spreads.
struct Difference {
    tint: f64,
    light: f64,
}

impl Difference {
    fn of(from: &Colour, to: &Colour) -> Self {
        let square = dot(from, from).max(1.0);
        let multiple = dot(from, to) / square;
        let left_over: f64 = (0..3).map(|i| (to[i] - multiple * from[i]).powi(2)).sum();
        let tint = TINT_LEVELS + TINT_SHARE * multiple * square.sqrt();
        // A few levels, so that black is dark but not infinitely so.
        let few = 4.0 / square.sqrt();
        let light = ((multiple + few) / (1.0 + few)).ln() / LIGHT_SPREAD;
        Self {
            tint: left_over / (tint * tint),
            light: light * light,
        }
    }

    fn square(&self) -> f64 {
        self.tint + self.light
    }
}

struct ColourModel {
    mean: Colour,
    /// Squares of spreads are divided by this.
    tolerance: f64,
}

impl ColourModel {
    fn distance(&self, colour: &Colour) -> f64 {
        Difference::of(&self.mean, colour).square() / self.tolerance
    }

    fn may_be(&self, colour: &Colour) -> bool {
        let difference = Difference::of(&self.mean, colour);
        difference.tint < GROW_TINT * self.tolerance && difference.light < GROW_LIGHT * self.tolerance
    }

    /// Moves to the mean of the colours that it accepts.
    fn fit(mut self, colours: &[Colour]) -> Self {
        for _ in 0..FIT_ROUNDS {
            let mut sum = [0.0; 3];
            let mut count = 0.0;
            for colour in colours.iter().filter(|colour| self.distance(colour) < ACCEPT) {
                (0..3).for_each(|i| sum[i] += colour[i]);
                count += 1.0;
            }
            if count == 0.0 {
                break;
            }
            self.mean = sum.map(|value| value / count);
        }
        self
    }
}

/// A region that may be the cloth.
pub(crate) struct Candidate {
    /// The region with all that it encloses.
    pub mask: Mask,
    /// What share of it is of the cloth's own colour. Balls and hands take a tenth; a ring of wood is mostly hole.
    pub solidity: f64,
}

/// How wide bridges of alike colour may be that are cut between the cloth and the room, in hundredths of the picture's
/// longer side: as narrow as they usually are, or as wide as a player's arm and the castings of the corners.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bridges {
    Narrow = 2,
    Wide = 8,
}

/// Regions that may be the cloth, from the most frequent colour in the picture's middle downwards.
pub(crate) fn candidates(picture: &SmallPicture, bridges: Bridges, tolerances: &[f64]) -> Vec<Candidate> {
    let colours = smoothed(picture);
    let middle: Vec<Colour> = (0..colours.len())
        .flat_map(|at| std::iter::repeat_n(colours[at], weight(picture, at)))
        .collect();
    let gap = (picture.width.max(picture.height) / 100).max(1);
    frequent(&middle)
        .into_iter()
        .flat_map(|mean| {
            tolerances
                .iter()
                .map(move |&tolerance| ColourModel { mean, tolerance })
        })
        .map(|model| {
            let model = model.fit(&middle);
            let core = Mask {
                width: picture.width,
                height: picture.height,
                bits: colours
                    .iter()
                    .map(|colour| model.distance(colour) < ACCEPT)
                    .collect(),
            };
            let region = grown(core.opened(gap / 2), &colours, &model);
            let region = region
                .closed(gap)
                .opened(gap * bridges as usize / 2)
                .heaviest_part(|at| weight(picture, at));
            let mask = region.filled();
            let solidity = region.area() as f64 / mask.area().max(1) as f64;
            Candidate { mask, solidity }
        })
        .collect()
}

/// How often a pixel counts: where a table stands upright, the floor beside it is larger than the cloth, but not in the
/// picture's middle.
fn weight(picture: &SmallPicture, at: usize) -> usize {
    let (x, y) = (at % picture.width, at / picture.width);
    let margin = |value: usize, size: usize| value.min(size - 1 - value) as f64 / size as f64;
    match margin(x, picture.width).min(margin(y, picture.height)) {
        margin if margin < 1.0 / 6.0 => 0,
        margin if margin < 1.0 / 3.0 => 1,
        _ => 4,
    }
}

/// Colours averaged over three by three pixels: a camera in the dark is noisy.
fn smoothed(picture: &SmallPicture) -> Vec<Colour> {
    let (width, height) = (picture.width, picture.height);
    (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let mut sum = [0u32; 3];
            let mut count = 0;
            for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    (0..3).for_each(|i| sum[i] += u32::from(picture.rgb[row * width + column][i]));
                    count += 1;
                }
            }
            sum.map(|value| f64::from(value) / f64::from(count))
        })
        .collect()
}

/// Follows the cloth from where its colour is certain into worse light, as long as it changes slowly.
fn grown(mut core: Mask, colours: &[Colour], model: &ColourModel) -> Mask {
    let mut open: Vec<usize> = (0..core.bits.len()).filter(|&at| core.bits[at]).collect();
    while let Some(at) = open.pop() {
        for next in core.neighbours(at).into_iter().flatten() {
            let slow = Difference::of(&colours[at], &colours[next]).square() < GROW_STEP;
            if slow && !core.bits[next] && model.may_be(&colours[next]) {
                core.bits[next] = true;
                open.push(next);
            }
        }
    }
    core
}

/// The peaks of the colour histogram, highest first, none of which takes another for the same cloth.
fn frequent(colours: &[Colour]) -> Vec<Colour> {
    let cell = |value: f64| ((value / 256.0 * CELLS as f64) as usize).min(CELLS - 1);
    let mut sums = vec![([0.0; 3], 0usize); CELLS * CELLS * CELLS];
    for colour in colours {
        let [r, g, b] = colour.map(cell);
        let (sum, count) = &mut sums[(r * CELLS + g) * CELLS + b];
        *count += 1;
        (0..3).for_each(|i| sum[i] += colour[i]);
    }
    sums.retain(|(_, count)| *count as f64 > MIN_SHARE * colours.len() as f64);
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut peaks: Vec<Colour> = Vec::new();
    for (sum, count) in sums {
        let mean = sum.map(|value| value / count as f64);
        let apart = |peak: &Colour| Difference::of(peak, &mean).square() > ACCEPT / 2.0;
        if peaks.len() < CANDIDATES && peaks.iter().all(apart) {
            peaks.push(mean);
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloth_of_any_colour_is_found_beside_another_colour_and_in_half_light() {
        for cloth in [
            [20, 130, 60],
            [60, 110, 200],
            [170, 30, 60],
            [120, 120, 122],
            [40, 180, 170],
            [35, 36, 38],
        ] {
            let (width, height) = (120, 80);
            let rgb = (0..width * height)
                .map(|at| {
                    let (x, y) = (at % width, at / width);
                    let inside = (20..100).contains(&x) && (15..65).contains(&y);
                    let light = if x < 60 { 100 } else { 75 };
                    let lit = cloth.map(|value: u8| (u32::from(value) * light / 100) as u8);
                    if inside { lit } else { [200, 180, 150] }
                })
                .collect();
            let small = SmallPicture {
                width,
                height,
                factor: 4,
                rgb,
            };
            let areas: Vec<usize> = candidates(&small, Bridges::Narrow, &TOLERANCES)
                .iter()
                .map(|found| found.mask.area())
                .collect();
            assert!(
                areas.iter().any(|area| area.abs_diff(80 * 50) < 100),
                "{cloth:?}: {areas:?}"
            );
        }
    }
}
