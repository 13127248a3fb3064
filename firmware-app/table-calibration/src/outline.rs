//! From the cloth's region to the four straight edges that bound it. Each boundary pixel votes for the lines that it
//! may lie on, with the side on which the cloth is; four lines that enclose the region best are the outline. Pockets,
//! hands, and bites taken by a shadow vote for nothing in common. A wide lens bends the edges, so this is tried for a
//! few strengths of barrel distortion, and the one with the most votes on its lines wins.

use crate::mask::Mask;
use crate::warp::Warp;

/// Strengths of barrel distortion tried; see [`Warp`]. The last is about a 110 degree lens.
pub(crate) const BARRELS: [f64; 6] = [0.0, -0.04, -0.08, -0.14, -0.20, -0.28];
const ANGLE_CELLS: usize = 180;
/// A boundary pixel's direction is only known to about this many cells of two degrees.
const ANGLE_REACH: isize = 5;
const OFFSET_CELL_PX: f64 = 1.5;
/// Lines considered for the four sides.
const MAX_LINES: usize = 12;
/// How far a boundary pixel may be from the line that it supports, in pixels of the small picture.
const ON_LINE_PX: f64 = 1.6;
/// The least overlap, intersection over union, of the cloth's region with its outline. A man in the way costs 0.1; one who
/// leans over the table's middle costs 0.3.
pub(crate) const MIN_OVERLAP: f64 = 0.80;
pub(crate) const SMALL_OVERLAP: f64 = 0.65;
/// The least share of the outline's length that boundary pixels support. Six pockets cost 0.15 to 0.25.
const MIN_SUPPORT: f64 = 0.40;
/// The least share of each single side: a side that a person hides entirely is not to be guessed.
const MIN_SIDE_SUPPORT: f64 = 0.20;
/// The least share of the picture that a table takes.
const MIN_AREA: f64 = 0.06;

/// The cloth's edge where the cushions end at the wooden rail: four corners, counter-clockwise as seen, in pixels of
/// the full picture with the lens's barrel taken out by `warp`.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    pub warp: Warp,
    pub corners: [[f64; 2]; 4],
    /// Overlap times support: comparable between candidates for the cloth.
    pub score: f64,
}

/// Why a region has no outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoOutline {
    /// Too small, or not bounded by four straight sides.
    NotATable,
    /// The region goes on beyond the picture's border.
    CutOff,
}

struct Boundary {
    /// Points in the small picture's pixels, moved to the pixel's outer edge.
    points: Vec<Edge>,
    /// Boundary pixels that are there only because the picture ends.
    at_border: usize,
}

#[derive(Clone, Copy)]
struct Edge {
    at: [f64; 2],
    /// Unit vector towards the cloth.
    inward: [f64; 2],
}

/// Points p with `inward . p = offset`; the cloth is where it is larger.
#[derive(Clone, Copy)]
struct Line {
    inward: [f64; 2],
    offset: f64,
}

impl Line {
    fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        self.inward[0] * x + self.inward[1] * y - self.offset
    }

    fn supported_by(&self, edge: &Edge) -> bool {
        let along = self.inward[0] * edge.inward[0] + self.inward[1] * edge.inward[1];
        along > 0.9 && self.distance(edge.at).abs() < ON_LINE_PX
    }

    fn crossing(&self, other: &Self) -> Option<[f64; 2]> {
        let ([a, b], [c, d]) = (self.inward, other.inward);
        let determinant = a * d - b * c;
        let point = [
            (self.offset * d - other.offset * b) / determinant,
            (a * other.offset - c * self.offset) / determinant,
        ];
        (determinant.abs() > 0.2).then_some(point)
    }

    /// Least squares over the edges that support this line, perpendicular to it.
    fn refined(&self, edges: &[Edge]) -> Self {
        let near: Vec<[f64; 2]> = edges
            .iter()
            .filter(|edge| self.supported_by(edge))
            .map(|edge| edge.at)
            .collect();
        if near.len() < 3 {
            return *self;
        }
        let count = near.len() as f64;
        let mean = [0, 1].map(|i| near.iter().map(|point| point[i]).sum::<f64>() / count);
        let along = [-self.inward[1], self.inward[0]];
        let (mut cross, mut square) = (0.0, 0.0);
        for point in &near {
            let from_mean = [point[0] - mean[0], point[1] - mean[1]];
            let t = from_mean[0] * along[0] + from_mean[1] * along[1];
            let d = from_mean[0] * self.inward[0] + from_mean[1] * self.inward[1];
            cross += t * d;
            square += t * t;
        }
        let slope = cross / square.max(1e-9);
        let norm = (1.0 + slope * slope).sqrt();
        let inward = [0, 1].map(|i| (self.inward[i] - slope * along[i]) / norm);
        Self {
            inward,
            offset: inward[0] * mean[0] + inward[1] * mean[1],
        }
    }
}

/// The best outline of `cloth`; `factor` is how many pixels of the full picture one of the mask's is.
pub(crate) fn find(cloth: &Mask, factor: usize, min_overlap: f64) -> Result<Outline, NoOutline> {
    let (width, height) = (cloth.width as f64, cloth.height as f64);
    if (cloth.area() as f64) < MIN_AREA * width * height {
        return Err(NoOutline::NotATable);
    }
    let boundary = boundary(cloth);
    let best = BARRELS
        .iter()
        .filter_map(|&barrel| {
            quadrilateral(cloth, &boundary, Warp::new([width, height], barrel), min_overlap)
        })
        .max_by(|a, b| a.score.total_cmp(&b.score));
    match best {
        Some(outline) => Ok(Outline {
            warp: outline.warp.scaled(factor as f64),
            corners: outline
                .corners
                .map(|corner| corner.map(|value| value * factor as f64)),
            score: outline.score,
        }),
        // The border is a good part of a side: the table does not end there.
        None if boundary.at_border as f64 > 0.3 * width.min(height) => Err(NoOutline::CutOff),
        None => Err(NoOutline::NotATable),
    }
}

fn boundary(cloth: &Mask) -> Boundary {
    let (width, height) = (cloth.width as isize, cloth.height as isize);
    let mut points = Vec::new();
    let mut at_border = 0;
    for y in 0..height {
        for x in 0..width {
            let inner = |x, y| cloth.get(x, y);
            if !inner(x, y) || (inner(x - 1, y) && inner(x + 1, y) && inner(x, y - 1) && inner(x, y + 1)) {
                continue;
            }
            if x < 2 || y < 2 || x + 2 >= width || y + 2 >= height {
                at_border += 1;
                continue;
            }
            let mut inward = [0.0; 2];
            for dy in -4..=4 {
                for dx in -4..=4 {
                    if inner(x + dx, y + dy) {
                        inward[0] += dx as f64;
                        inward[1] += dy as f64;
                    }
                }
            }
            let length = f64::hypot(inward[0], inward[1]);
            if length > 0.0 {
                let inward = inward.map(|value| value / length);
                let at = [x as f64 + 0.5 - 0.5 * inward[0], y as f64 + 0.5 - 0.5 * inward[1]];
                points.push(Edge { at, inward });
            }
        }
    }
    Boundary { points, at_border }
}

fn quadrilateral(cloth: &Mask, boundary: &Boundary, warp: Warp, min_overlap: f64) -> Option<Outline> {
    let edges: Vec<Edge> = boundary
        .points
        .iter()
        .map(|edge| Edge {
            at: warp.straightened(edge.at),
            ..*edge
        })
        .collect();
    let lines: Vec<Line> = voted_lines(&edges, &warp)
        .iter()
        .map(|line| line.refined(&edges).refined(&edges))
        .collect();
    let samples = samples(cloth, &warp);
    let mut best: Option<Outline> = None;
    for four in choose_four(lines.len()) {
        let mut sides = four.map(|i| lines[i]);
        // Descending angle of the inward normal, with y down, is counter-clockwise as seen.
        sides.sort_by(|a, b| angle(b).total_cmp(&angle(a)));
        let Some(corners) = corners(&sides, &warp) else {
            continue;
        };
        let overlap = overlap(&sides, &samples);
        if overlap < min_overlap {
            continue;
        }
        let Some(support) = support(&sides, &corners, &edges) else {
            continue;
        };
        let score = overlap * support.sqrt();
        if best.as_ref().is_none_or(|best| score > best.score) {
            best = Some(Outline { warp, corners, score });
        }
    }
    best
}

fn angle(line: &Line) -> f64 {
    line.inward[1].atan2(line.inward[0])
}

fn voted_lines(edges: &[Edge], warp: &Warp) -> Vec<Line> {
    let reach = warp.reach();
    let offset_cells = (2.0 * reach / OFFSET_CELL_PX) as usize + 2;
    let mut votes = vec![0.0f64; ANGLE_CELLS * offset_cells];
    let normals: Vec<[f64; 2]> = (0..ANGLE_CELLS)
        .map(|cell| {
            let angle = cell as f64 * std::f64::consts::TAU / ANGLE_CELLS as f64;
            [angle.cos(), angle.sin()]
        })
        .collect();
    for edge in edges {
        let angle = edge.inward[1].atan2(edge.inward[0]);
        let nearest = (angle / std::f64::consts::TAU * ANGLE_CELLS as f64).round() as isize;
        for cell in nearest - ANGLE_REACH..=nearest + ANGLE_REACH {
            let cell = cell.rem_euclid(ANGLE_CELLS as isize) as usize;
            let offset = normals[cell][0] * edge.at[0] + normals[cell][1] * edge.at[1];
            // Shared between the two nearest cells, so that a line between them is not at a disadvantage.
            let position = ((offset + reach) / OFFSET_CELL_PX).clamp(0.0, (offset_cells - 2) as f64);
            let share = position.fract();
            votes[cell * offset_cells + position as usize] += 1.0 - share;
            votes[cell * offset_cells + position as usize + 1] += share;
        }
    }
    let mut order: Vec<usize> = (0..votes.len()).filter(|&at| votes[at] > 10.0).collect();
    order.sort_by(|&a, &b| votes[b].total_cmp(&votes[a]));
    let mut lines: Vec<(usize, Line)> = Vec::new();
    for at in order {
        let (cell, offset_cell) = (at / offset_cells, at % offset_cells);
        let line = Line {
            inward: normals[cell],
            offset: offset_cell as f64 * OFFSET_CELL_PX - reach,
        };
        let apart = |(other_cell, other): &(usize, Line)| {
            let turn = cell.abs_diff(*other_cell);
            turn.min(ANGLE_CELLS - turn) > 6 || (line.offset - other.offset).abs() > 8.0
        };
        if lines.iter().all(apart) {
            lines.push((cell, line));
            if lines.len() == MAX_LINES {
                break;
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn choose_four(count: usize) -> impl Iterator<Item = [usize; 4]> {
    (0..count).flat_map(move |a| {
        (a + 1..count)
            .flat_map(move |b| (b + 1..count).flat_map(move |c| (c + 1..count).map(move |d| [a, b, c, d])))
    })
}

/// Corner k is where side k begins, going counter-clockwise. `None` unless the sides make a convex figure.
fn corners(sides: &[Line; 4], warp: &Warp) -> Option<[[f64; 2]; 4]> {
    let mut corners = [[0.0; 2]; 4];
    for k in 0..4 {
        corners[k] = sides[(k + 3) % 4].crossing(&sides[k])?;
        if !warp.is_near_picture(corners[k]) {
            return None;
        }
    }
    let convex = (0..4).all(|k| sides.iter().all(|side| side.distance(corners[k]) > -1e-6));
    convex.then_some(corners)
}

/// A sparse grid of the picture's pixels, straightened, with whether each is cloth.
fn samples(cloth: &Mask, warp: &Warp) -> Vec<([f64; 2], bool)> {
    let step = (cloth.width / 80).max(1);
    let columns = (0..cloth.width).step_by(step);
    let rows = (0..cloth.height).step_by(step);
    rows.flat_map(|y| columns.clone().map(move |x| (x, y)))
        .map(|(x, y)| {
            (
                warp.straightened([x as f64 + 0.5, y as f64 + 0.5]),
                cloth.bits[y * cloth.width + x],
            )
        })
        .collect()
}

/// Intersection over union, counted within the picture.
fn overlap(sides: &[Line; 4], samples: &[([f64; 2], bool)]) -> f64 {
    let (mut both, mut either) = (0, 0);
    for (point, cloth) in samples {
        let inside = sides.iter().all(|side| side.distance(*point) > 0.0);
        both += usize::from(inside && *cloth);
        either += usize::from(inside || *cloth);
    }
    both as f64 / either.max(1) as f64
}

/// Share of the outline's length with boundary pixels on it; `None` where that is too little, in all or on one side.
fn support(sides: &[Line; 4], corners: &[[f64; 2]; 4], edges: &[Edge]) -> Option<f64> {
    let (mut supported, mut perimeter) = (0.0, 0.0);
    for (k, side) in sides.iter().enumerate() {
        let (start, end) = (corners[k], corners[(k + 1) % 4]);
        let along = [end[0] - start[0], end[1] - start[1]];
        let length = along[0].hypot(along[1]);
        // A slanted line of pixels has as many boundary pixels as it is long along the nearer axis.
        let pixels = along[0].abs().max(along[1].abs());
        let on_side = |edge: &&Edge| {
            let t =
                ((edge.at[0] - start[0]) * along[0] + (edge.at[1] - start[1]) * along[1]) / (length * length);
            (0.0..=1.0).contains(&t) && side.supported_by(edge)
        };
        let share = (edges.iter().filter(on_side).count() as f64 / pixels.max(1.0)).min(1.0);
        if share < MIN_SIDE_SUPPORT {
            return None;
        }
        supported += share * length;
        perimeter += length;
    }
    let share = supported / perimeter;
    (share >= MIN_SUPPORT).then_some(share)
}
