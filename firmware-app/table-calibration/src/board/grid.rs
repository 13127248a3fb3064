//! Which meeting of four fields is which: neighbours are joined by an edge that is bright on one side all along, and
//! from one of them the whole board is walked over.

use super::BoardPoint;
use super::saddles::Saddle;
use crate::picture::Picture;

/// A neighbour lies along an edge to within this: a lens bends it a little.
const COSINE: f64 = 0.97;
/// The shortest and the longest distance between neighbours, in pixels.
const SPACING_PX: (f64, f64) = (8.0, 400.0);
/// The least difference between the two sides of an edge, in grey levels.
const MIN_STEP: f64 = 12.0;
/// How far from halfway between its neighbours a point may be, in their distance.
const STRAIGHT: f64 = 0.12;
/// A board shows at least this many points, in as many rows and columns.
pub(super) const MIN_POINTS: usize = 12;
const MIN_SPAN: i32 = 2;

/// Neighbours along the first edge, the second, and back.
type Links = [Option<usize>; 4];

/// The largest board among the saddles.
pub(super) fn largest(picture: &Picture, saddles: &[Saddle]) -> Option<Vec<BoardPoint>> {
    let links: Vec<Links> = (0..saddles.len())
        .map(|from| {
            std::array::from_fn(|way| neighbour(picture, saddles, from, direction(&saddles[from], way)))
        })
        .collect();
    let mut is_used = vec![false; saddles.len()];
    let mut best: Vec<(usize, [i32; 2])> = Vec::new();
    for seed in 0..saddles.len() {
        if is_used[seed] {
            continue;
        }
        let board = walked(saddles, &links, seed);
        board.iter().for_each(|&(saddle, _)| is_used[saddle] = true);
        if board.len() > best.len() {
            best = board;
        }
    }
    let points = straight(saddles, &best);
    let span = |axis: usize| {
        let cells = points.iter().map(|point| point.cell[axis]);
        Some(cells.clone().max()? - cells.min()?)
    };
    let is_board = points.len() >= MIN_POINTS && (0..2).all(|axis| span(axis) >= Some(MIN_SPAN));
    is_board.then_some(points)
}

/// Along an edge of a saddle: forwards along either, then backwards.
fn direction(saddle: &Saddle, way: usize) -> [f64; 2] {
    let sign = if way < 2 { 1.0 } else { -1.0 };
    saddle.edges[way % 2].map(|part| sign * part)
}

fn neighbour(picture: &Picture, saddles: &[Saddle], from: usize, along: [f64; 2]) -> Option<usize> {
    let start = saddles[from].at_px;
    let mut near: Vec<(f64, usize)> = saddles
        .iter()
        .enumerate()
        .filter_map(|(to, saddle)| {
            let way = [saddle.at_px[0] - start[0], saddle.at_px[1] - start[1]];
            let length = way[0].hypot(way[1]);
            let is_ahead = way[0] * along[0] + way[1] * along[1] > COSINE * length;
            let has_edge = saddle
                .edges
                .iter()
                .any(|edge| (way[0] * edge[0] + way[1] * edge[1]).abs() > COSINE * length);
            let is_near = length > SPACING_PX.0 && length < SPACING_PX.1;
            (to != from && is_near && is_ahead && has_edge).then_some((length, to))
        })
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (_, nearest) = *near.first()?;
    joined(picture, start, saddles[nearest].at_px).then_some(nearest)
}

/// Whether one side of the way is brighter than the other all along.
fn joined(picture: &Picture, from: [f64; 2], to: [f64; 2]) -> bool {
    let way = [to[0] - from[0], to[1] - from[1]];
    // Close by: a ChArUco board has marks within its white fields.
    let aside = [-0.1 * way[1], 0.1 * way[0]];
    let step = |part: f64| {
        let at = [0, 1].map(|i| from[i] + part * way[i]);
        let left = picture.luma_at([at[0] + aside[0], at[1] + aside[1]])?;
        let right = picture.luma_at([at[0] - aside[0], at[1] - aside[1]])?;
        Some(left - right)
    };
    let steps = [0.3, 0.5, 0.7].map(step);
    let all = |sign: f64| {
        steps
            .iter()
            .all(|step| step.is_some_and(|step| sign * step > MIN_STEP))
    };
    all(1.0) || all(-1.0)
}

/// Everything that can be reached from a seed, each with its cell.
fn walked(saddles: &[Saddle], links: &[Links], seed: usize) -> Vec<(usize, [i32; 2])> {
    /// Steps of the four ways: along the first axis, the second, and back.
    const STEPS: [[i32; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];
    let mut board = vec![(seed, [0, 0])];
    // The board's own four ways at each of its points, as ways of the saddle there.
    let mut ways = vec![[0, 1, 2, 3]];
    let mut next = 0;
    while next < board.len() {
        let ((from, cell), ways_here) = (board[next], ways[next]);
        next += 1;
        for (way, step) in ways_here.into_iter().zip(STEPS) {
            let Some(to) = links[from][way] else {
                continue;
            };
            let there = [cell[0] + step[0], cell[1] + step[1]];
            if board.iter().any(|&(known, taken)| known == to || taken == there) {
                continue;
            }
            board.push((to, there));
            ways.push(ways_here.map(|way| most_alike(&saddles[to], direction(&saddles[from], way))));
        }
    }
    board
}

fn most_alike(saddle: &Saddle, wanted: [f64; 2]) -> usize {
    let alike = |way: usize| {
        let along = direction(saddle, way);
        along[0] * wanted[0] + along[1] * wanted[1]
    };
    (0..4).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap_or(0)
}

/// The points that lie between their neighbours as a board's do.
fn straight(saddles: &[Saddle], board: &[(usize, [i32; 2])]) -> Vec<BoardPoint> {
    let at = |cell: [i32; 2]| {
        let (saddle, _) = board.iter().find(|(_, taken)| *taken == cell)?;
        Some(saddles[*saddle].at_px)
    };
    let is_between = |middle: [f64; 2], before: [f64; 2], after: [f64; 2]| {
        let off = [0, 1].map(|i| before[i] + after[i] - 2.0 * middle[i]);
        let apart = (after[0] - before[0]).hypot(after[1] - before[1]);
        off[0].hypot(off[1]) < STRAIGHT * apart
    };
    let fits = |cell: [i32; 2], at_px: [f64; 2]| {
        [[1, 0], [0, 1]].into_iter().all(|[dx, dy]| {
            let (before, after) = (at([cell[0] - dx, cell[1] - dy]), at([cell[0] + dx, cell[1] + dy]));
            match (before, after) {
                (Some(before), Some(after)) => is_between(at_px, before, after),
                _ => true,
            }
        })
    };
    board
        .iter()
        .map(|&(saddle, cell)| BoardPoint {
            cell,
            at_px: saddles[saddle].at_px,
        })
        .filter(|point| fits(point.cell, point.at_px))
        .collect()
}
