//! Which disc is which: guesses from three neighbouring spots, the best of which grows over the whole pattern.

use super::discs::Disc;
use super::distance;
use super::fit::{Mapping, without_strays};
use super::pattern::{COLUMNS, Pattern, ROWS};

/// Spots that guesses start from: many more than can be wrong.
const SEEDS: usize = 24;
/// Neighbours of a seed that may be its neighbours in the grid.
const NEIGHBOURS: usize = 5;
/// How far off a guess may have a spot, in distances between neighbours: below half the shaking.
const TOLERANCE: f64 = 0.13;
/// Guesses that are followed up.
const BEST: usize = 12;
/// Rounds of growing: each goes as far again as the last.
const ROUNDS: usize = 12;

/// A spot's place, mm, and a disc's pixel.
type Pair = ([f64; 2], [f64; 2]);

/// A guess: what three spots, seed and two neighbours, make of the rest.
struct Guess {
    pairs: [Pair; 3],
    fitting: usize,
}

/// The longest set of pairs that one mapping explains.
pub(super) fn assign(discs: &[Disc], pattern: &Pattern) -> Vec<Pair> {
    let spots: Vec<[f64; 2]> = discs.iter().map(|disc| disc.centre_mm).collect();
    let mut guesses: Vec<Guess> = seeds(&spots)
        .iter()
        .flat_map(|&seed| triples(seed, &spots))
        .flat_map(|triple| guesses(triple, &spots, pattern))
        .collect();
    guesses.sort_by_key(|guess| std::cmp::Reverse(guess.fitting));
    guesses
        .iter()
        .take(BEST)
        .map(|guess| grown(guess, &spots, pattern))
        .max_by_key(Vec::len)
        .unwrap_or_default()
}

/// Spots nearest to the middle of all: they have neighbours on every side.
fn seeds(spots: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean =
        [0, 1].map(|axis| spots.iter().map(|spot| spot[axis]).sum::<f64>() / spots.len().max(1) as f64);
    let mut sorted = spots.to_vec();
    sorted.sort_by(|a, b| distance(*a, mean).total_cmp(&distance(*b, mean)));
    sorted.truncate(SEEDS);
    sorted
}

/// A seed with two of its neighbours at about a right angle, at similar distances.
fn triples(seed: [f64; 2], spots: &[[f64; 2]]) -> Vec<[[f64; 2]; 3]> {
    let mut near: Vec<[f64; 2]> = spots.iter().copied().filter(|spot| *spot != seed).collect();
    near.sort_by(|a, b| distance(*a, seed).total_cmp(&distance(*b, seed)));
    near.truncate(NEIGHBOURS);
    let mut triples = Vec::new();
    for (i, &a) in near.iter().enumerate() {
        for &b in &near[i + 1..] {
            let (long, short) = (distance(b, seed), distance(a, seed));
            let cosine = ((a[0] - seed[0]) * (b[0] - seed[0]) + (a[1] - seed[1]) * (b[1] - seed[1]))
                / (long * short).max(1e-9);
            if cosine.abs() < 0.6 && long < 2.2 * short {
                triples.push([seed, a, b]);
            }
        }
    }
    triples
}

/// Every place in the grid and every orientation, mirrored ones included, that the eight discs around do not contradict.
fn guesses(triple: [[f64; 2]; 3], spots: &[[f64; 2]], pattern: &Pattern) -> Vec<Guess> {
    const TURNS: [([isize; 2], [isize; 2]); 8] = [
        ([1, 0], [0, 1]),
        ([1, 0], [0, -1]),
        ([-1, 0], [0, 1]),
        ([-1, 0], [0, -1]),
        ([0, 1], [1, 0]),
        ([0, 1], [-1, 0]),
        ([0, -1], [1, 0]),
        ([0, -1], [-1, 0]),
    ];
    let tolerance_mm = TOLERANCE * distance(triple[0], triple[1]);
    let mut found = Vec::new();
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            for (a, b) in TURNS {
                let at = |step: [isize; 2]| disc(pattern, column, row, step);
                let (Some(o), Some(p), Some(q)) = (at([0, 0]), at(a), at(b)) else {
                    continue;
                };
                let pairs = [(triple[0], o), (triple[1], p), (triple[2], q)];
                let Some(affine) = Affine::of(&pairs) else {
                    continue;
                };
                let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [dx, dy]));
                let fits = |pixel| nearest(affine.apply(pixel), spots, tolerance_mm).is_some();
                let fitting = around.filter_map(at).filter(|pixel| fits(*pixel)).count();
                if fitting > 4 {
                    found.push(Guess { pairs, fitting });
                }
            }
        }
    }
    found
}

fn disc(pattern: &Pattern, column: usize, row: usize, [dx, dy]: [isize; 2]) -> Option<[f64; 2]> {
    let column = column.checked_add_signed(dx).filter(|column| *column < COLUMNS)?;
    let row = row.checked_add_signed(dy).filter(|row| *row < ROWS)?;
    let point = pattern.points_px.get(row * COLUMNS + column)?;
    Some(point.map(f64::from))
}

/// A guess spreads: what it explains makes a better mapping, which reaches further.
fn grown(guess: &Guess, spots: &[[f64; 2]], pattern: &Pattern) -> Vec<Pair> {
    let spacing_mm = distance(guess.pairs[0].0, guess.pairs[1].0);
    let spacing_px = distance(guess.pairs[0].1, guess.pairs[1].1);
    let mut pairs = guess.pairs.to_vec();
    let Some(affine) = Affine::of(&guess.pairs) else {
        return pairs;
    };
    for round in 1..=ROUNDS {
        let mapping = if round > 1 { Mapping::fit(&pairs) } else { None };
        let reach_px = 1.6 * round as f64 * spacing_px;
        let pair = |point: &[f32; 2]| {
            let pixel = point.map(f64::from);
            if distance(pixel, guess.pairs[0].1) > reach_px {
                return None;
            }
            let place = mapping
                .as_ref()
                .map_or_else(|| affine.apply(pixel), |mapping| mapping.to_table(pixel));
            Some((nearest(place, spots, TOLERANCE * spacing_mm)?, pixel))
        };
        pairs = pattern.points_px.iter().filter_map(pair).collect();
    }
    match Mapping::fit(&pairs) {
        Some(mapping) => without_strays(pairs, &mapping),
        None => pairs,
    }
}

fn nearest(place: [f64; 2], spots: &[[f64; 2]], within_mm: f64) -> Option<[f64; 2]> {
    let near = spots
        .iter()
        .copied()
        .min_by(|a, b| distance(*a, place).total_cmp(&distance(*b, place)))?;
    (distance(near, place) < within_mm).then_some(near)
}

/// The plane through three pairs.
struct Affine {
    pixel: [f64; 2],
    place: [f64; 2],
    rows: [[f64; 2]; 2],
}

impl Affine {
    fn of(pairs: &[Pair; 3]) -> Option<Self> {
        let from = |k: usize, axis: usize| pairs[k].1[axis] - pairs[0].1[axis];
        let to = |k: usize, axis: usize| pairs[k].0[axis] - pairs[0].0[axis];
        let determinant = from(1, 0) * from(2, 1) - from(2, 0) * from(1, 1);
        if determinant.abs() < 1e-6 {
            return None;
        }
        let row = |axis: usize| {
            [
                (to(1, axis) * from(2, 1) - to(2, axis) * from(1, 1)) / determinant,
                (to(2, axis) * from(1, 0) - to(1, axis) * from(2, 0)) / determinant,
            ]
        };
        Some(Self {
            pixel: pairs[0].1,
            place: pairs[0].0,
            rows: [row(0), row(1)],
        })
    }

    fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (dx, dy) = (x - self.pixel[0], y - self.pixel[1]);
        [0, 1].map(|axis| self.place[axis] + self.rows[axis][0] * dx + self.rows[axis][1] * dy)
    }
}
