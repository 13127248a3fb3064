//! The lens that explains the boards: least squares over the lens and the place of the board in every picture.

use super::Board;
use super::grid::MIN_POINTS;
use super::reason::{LensReason, Zone};
use crate::linear::solve;
use crate::median::median;
use baize_table_vision::geometry::linear::{dot3, mul33};
use baize_table_vision::geometry::{CameraModel, Pose};

/// Pictures of the board that a lens takes at least.
const MIN_BOARDS: usize = 6;
/// Points that must show in each ninth of the picture.
const MIN_POINTS_IN_ZONE: usize = 4;
/// The focal length must be known to this.
const MAX_FOCAL_LOG_SIGMA: f64 = 0.005;
/// A board farther from any lens than this is bent, or was not found right.
const MAX_RESIDUAL_PX: f64 = 0.7;
/// Focal lengths that are begun with, in widths of the picture.
const FIRST_FOCALS_PER_WIDTH: [f64; 7] = [0.4, 0.55, 0.75, 1.0, 1.4, 2.0, 3.0];
/// Points farther from their places than this, in pixels and in root mean squares of the others, are something else that
/// looks like a board's.
const STRAY_PX: f64 = 0.5;
const STRAY_SIGMAS: f64 = 4.0;
/// Beyond this a point's pull no longer grows, in pixels.
const ROBUST_PX: f64 = 1.0;
const STEPS: usize = 60;
const NUDGE: f64 = 1e-4;

/// Focal length, principal point, k1, k2, p1, p2.
const LENS: usize = 7;
const LENS_UNITS: [f64; LENS] = [0.01, 3.0, 3.0, 0.02, 0.02, 0.001, 0.001];
/// Turn about three axes, shift along three in parts of the distance.
const PLACE: usize = 6;
const PLACE_UNIT: f64 = 0.01;

/// A lens, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LensFit {
    /// The lens.
    pub lens: CameraModel,
    /// How far points are from where the lens shows them, root mean square.
    pub residual_px: f64,
    /// Standard deviation of the focal length, in percent.
    pub focal_percent: f64,
    /// Standard deviation of the principal point along either side.
    pub axis_sigma_px: f64,
    /// Points of boards that it was solved from.
    pub points: usize,
}

/// Solves the lens that took pictures of these boards; or says what is missing.
pub fn solve_lens(boards: &[Board]) -> Result<LensFit, LensReason> {
    if boards.windows(2).any(|two| two[0].size_px != two[1].size_px) {
        return Err(LensReason::SizesDiffer);
    }
    if boards.len() < MIN_BOARDS {
        return Err(LensReason::TooFew {
            found: boards.len(),
            wanted: MIN_BOARDS,
        });
    }
    let zones = zones_without(boards);
    if !zones.is_empty() {
        return Err(LensReason::NotSeen { zones });
    }
    let first = solved(boards).ok_or(LensReason::NotALens)?;
    let boards = &first.without_strays(boards);
    let (guess, sigmas) = solved(boards)
        .and_then(|guess| guess.with_sigmas(boards))
        .ok_or(LensReason::NotALens)?;
    let residual_px = guess.residual_px(boards).ok_or(LensReason::NotALens)?;
    if residual_px > MAX_RESIDUAL_PX {
        return Err(LensReason::PoorFit { residual_px });
    }
    let [focal_log_sigma, x_sigma, y_sigma] = sigmas.map(|sigma| sigma * residual_px);
    let focal_percent = 100.0 * focal_log_sigma;
    if focal_log_sigma > MAX_FOCAL_LOG_SIGMA {
        return Err(LensReason::Flat { focal_percent });
    }
    if !guess.lens.covers_picture() {
        return Err(LensReason::NotALens);
    }
    Ok(LensFit {
        lens: guess.lens,
        residual_px,
        focal_percent,
        axis_sigma_px: x_sigma.max(y_sigma),
        points: boards.iter().map(|board| board.points.len()).sum(),
    })
}

/// The lens that fits best, from whatever focal length it is begun.
fn solved(boards: &[Board]) -> Option<Guess> {
    FIRST_FOCALS_PER_WIDTH
        .iter()
        .filter_map(|per_width| Guess::first(boards, per_width * f64::from(boards[0].size_px[0])))
        .filter_map(|guess| Some((guess.cost(boards)?, guess)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .and_then(|(_, guess)| guess.improved(boards))
}

fn zones_without(boards: &[Board]) -> Vec<Zone> {
    let ninths = (0..3).flat_map(|row| (0..3).map(move |column| Zone { column, row }));
    ninths
        .filter(|zone| {
            let is_here = |axis: usize, at_px: f64, size_px: u32| {
                let part = (3.0 * at_px / f64::from(size_px)) as u8;
                part.min(2) == [zone.column, zone.row][axis]
            };
            let here = boards.iter().flat_map(|board| {
                let [width, height] = board.size_px;
                board.points.iter().filter(move |point| {
                    is_here(0, point.at_px[0], width) && is_here(1, point.at_px[1], height)
                })
            });
            here.count() < MIN_POINTS_IN_ZONE
        })
        .collect()
}

/// A lens, and where each board lies before it.
#[derive(Clone)]
struct Guess {
    lens: CameraModel,
    places: Vec<Pose>,
}

/// What one board says: second derivatives of the lens, of its place, and mixed; and the slopes.
struct Block {
    lens: [[f64; LENS]; LENS],
    mixed: [[f64; PLACE]; LENS],
    place: [[f64; PLACE]; PLACE],
    lens_slope: [f64; LENS],
    place_slope: [f64; PLACE],
}

impl Guess {
    fn first(boards: &[Board], focal_px: f64) -> Option<Self> {
        let [width_px, height_px] = boards[0].size_px;
        let lens = CameraModel::pinhole(width_px, height_px, focal_px);
        let places: Option<Vec<Pose>> = boards.iter().map(|board| place(board, &lens)).collect();
        Some(Self {
            lens,
            places: places?,
        })
    }

    /// Points from where they should be, in pixels; `None` where one would not show at all.
    fn offs(lens: &CameraModel, place: &Pose, board: &Board) -> Option<Vec<[f64; 2]>> {
        board
            .points
            .iter()
            .map(|point| {
                let [x, y] = point.cell.map(f64::from);
                let at_px = lens.project(place.to_camera([x, y, 0.0]))?;
                Some([0, 1].map(|i| at_px[i] - point.at_px[i]))
            })
            .collect()
    }

    fn all_offs(&self, boards: &[Board]) -> Option<Vec<[f64; 2]>> {
        let mut all = Vec::new();
        for (board, place) in boards.iter().zip(&self.places) {
            all.extend(Self::offs(&self.lens, place, board)?);
        }
        Some(all)
    }

    fn cost(&self, boards: &[Board]) -> Option<f64> {
        let robust = |[x, y]: &[f64; 2]| {
            let off = x.hypot(*y);
            let inner = off.min(ROBUST_PX);
            inner * (2.0 * off - inner)
        };
        let cost = self.all_offs(boards)?.iter().map(robust).sum::<f64>();
        cost.is_finite().then_some(cost)
    }

    /// Along either axis of the picture.
    fn residual_px(&self, boards: &[Board]) -> Option<f64> {
        let offs = self.all_offs(boards)?;
        let square: f64 = offs.iter().flatten().map(|off| off * off).sum();
        Some((square / (2 * offs.len()) as f64).sqrt())
    }

    /// The boards without the points that are far from where this has them.
    fn without_strays(&self, boards: &[Board]) -> Vec<Board> {
        let far = |off: &[f64; 2]| off[0].hypot(off[1]);
        let all = self.all_offs(boards);
        // Of two normal errors, the median distance is 1.18 of their sigma.
        let sigma_px = median(all.iter().flatten().map(far)).map_or(0.0, |middle| middle / 1.18);
        let limit_px = STRAY_PX.max(STRAY_SIGMAS * sigma_px);
        let kept = |board: &Board, place: &Pose| {
            let offs = Self::offs(&self.lens, place, board).unwrap_or_default();
            let points = board.points.iter().zip(offs);
            let near = points.filter(|(_, off)| far(off) < limit_px);
            Board {
                points: near.map(|(point, _)| *point).collect(),
                ..*board
            }
        };
        let boards = boards
            .iter()
            .zip(&self.places)
            .map(|(board, place)| kept(board, place));
        boards.filter(|board| board.points.len() >= MIN_POINTS).collect()
    }

    /// Levenberg-Marquardt.
    fn improved(mut self, boards: &[Board]) -> Option<Self> {
        let mut cost = self.cost(boards)?;
        let mut damping = 1e-3;
        for _ in 0..STEPS {
            let blocks = self.blocks(boards)?;
            let next = step(&blocks, damping).map(|(lens, places)| self.moved(&lens, &places));
            match next.and_then(|next| Some((next.cost(boards)?, next))) {
                Some((lower, next)) if lower < cost => {
                    let is_done = cost - lower < 1e-9 * cost;
                    (self, cost) = (next, lower);
                    damping = (damping * 0.2).max(1e-12);
                    if is_done {
                        break;
                    }
                }
                _ if damping > 1e6 => break,
                _ => damping *= 6.0,
            }
        }
        Some(self)
    }

    /// With the sigmas of focal length and principal point for points known to one pixel.
    fn with_sigmas(self, boards: &[Board]) -> Option<(Self, [f64; 3])> {
        let (reduced, _) = reduced(&self.blocks(boards)?, 0.0)?;
        let mut sigmas = [0.0; 3];
        for (parameter, sigma) in sigmas.iter_mut().enumerate() {
            let mut unit = [0.0; LENS];
            unit[parameter] = 1.0;
            let variance = solve(reduced, unit).map_or(f64::INFINITY, |column| column[parameter]);
            *sigma = LENS_UNITS[parameter] * variance.max(0.0).sqrt();
        }
        Some((self, sigmas))
    }

    fn moved(&self, lens: &[f64; LENS], places: &[[f64; PLACE]]) -> Self {
        Self {
            lens: moved_lens(&self.lens, lens),
            places: self
                .places
                .iter()
                .zip(places)
                .map(|(place, by)| moved_place(place, by))
                .collect(),
        }
    }

    fn blocks(&self, boards: &[Board]) -> Option<Vec<Block>> {
        boards
            .iter()
            .zip(&self.places)
            .map(|(board, place)| self.block(board, place))
            .collect()
    }

    fn block(&self, board: &Board, place: &Pose) -> Option<Block> {
        let offs = Self::offs(&self.lens, place, board)?;
        let mut slopes = Vec::with_capacity(LENS + PLACE);
        for i in 0..LENS {
            let mut by = [0.0; LENS];
            by[i] = NUDGE;
            slopes.push(Self::offs(&moved_lens(&self.lens, &by), place, board)?);
        }
        for i in 0..PLACE {
            let mut by = [0.0; PLACE];
            by[i] = NUDGE;
            slopes.push(Self::offs(&self.lens, &moved_place(place, &by), board)?);
        }
        let mut block = Block {
            lens: [[0.0; LENS]; LENS],
            mixed: [[0.0; PLACE]; LENS],
            place: [[0.0; PLACE]; PLACE],
            lens_slope: [0.0; LENS],
            place_slope: [0.0; PLACE],
        };
        for (k, off) in offs.iter().enumerate() {
            let weight = (ROBUST_PX / off[0].hypot(off[1])).min(1.0);
            for axis in 0..2 {
                let slope = |i: usize| (slopes[i][k][axis] - off[axis]) / NUDGE;
                let of_lens: [f64; LENS] = std::array::from_fn(slope);
                let of_place: [f64; PLACE] = std::array::from_fn(|i| slope(LENS + i));
                for i in 0..LENS {
                    block.lens_slope[i] += weight * of_lens[i] * off[axis];
                    (0..LENS).for_each(|j| block.lens[i][j] += weight * of_lens[i] * of_lens[j]);
                    (0..PLACE).for_each(|j| block.mixed[i][j] += weight * of_lens[i] * of_place[j]);
                }
                for i in 0..PLACE {
                    block.place_slope[i] += weight * of_place[i] * off[axis];
                    (0..PLACE).for_each(|j| block.place[i][j] += weight * of_place[i] * of_place[j]);
                }
            }
        }
        Some(block)
    }
}

impl Block {
    fn damped_place(&self, damping: f64) -> [[f64; PLACE]; PLACE] {
        let mut place = self.place;
        (0..PLACE).for_each(|i| place[i][i] *= 1.0 + damping);
        place
    }
}

/// What all boards say of the lens once each board's place has been solved for: each place occurs in one block only.
fn reduced(blocks: &[Block], damping: f64) -> Option<([[f64; LENS]; LENS], [f64; LENS])> {
    let (mut normal, mut slope) = ([[0.0; LENS]; LENS], [0.0; LENS]);
    for block in blocks {
        let place = block.damped_place(damping);
        let follows = solve(place, block.place_slope)?;
        for i in 0..LENS {
            let row = solve(place, block.mixed[i])?;
            for (j, sum) in normal[i].iter_mut().enumerate() {
                let told: f64 = (0..PLACE).map(|k| row[k] * block.mixed[j][k]).sum();
                let damped = if i == j { 1.0 + damping } else { 1.0 };
                *sum += block.lens[i][j] * damped - told;
            }
            let told: f64 = (0..PLACE).map(|k| block.mixed[i][k] * follows[k]).sum();
            slope[i] += block.lens_slope[i] - told;
        }
    }
    Some((normal, slope))
}

/// How lens and places are to move.
fn step(blocks: &[Block], damping: f64) -> Option<([f64; LENS], Vec<[f64; PLACE]>)> {
    let (normal, slope) = reduced(blocks, damping)?;
    let lens = solve(normal, slope)?.map(|part| -part);
    let places = blocks.iter().map(|block| {
        let right: [f64; PLACE] = std::array::from_fn(|k| {
            let by_lens: f64 = (0..LENS).map(|i| block.mixed[i][k] * lens[i]).sum();
            -block.place_slope[k] - by_lens
        });
        solve(block.damped_place(damping), right)
    });
    Some((lens, places.collect::<Option<_>>()?))
}

fn moved_lens(lens: &CameraModel, by: &[f64; LENS]) -> CameraModel {
    let by: [f64; LENS] = std::array::from_fn(|i| by[i] * LENS_UNITS[i]);
    CameraModel {
        fx: lens.fx * by[0].exp(),
        fy: lens.fy * by[0].exp(),
        cx: lens.cx + by[1],
        cy: lens.cy + by[2],
        k1: lens.k1 + by[3],
        k2: lens.k2 + by[4],
        p1: lens.p1 + by[5],
        p2: lens.p2 + by[6],
        ..*lens
    }
}

fn moved_place(place: &Pose, by: &[f64; PLACE]) -> Pose {
    let by = by.map(|part| part * PLACE_UNIT);
    let turn = Pose::from_rotation_vector([by[0], by[1], by[2]], [0.0; 3]).rotation;
    let distance = place.translation_mm[2];
    Pose {
        rotation: mul33(&turn, &place.rotation),
        translation_mm: [0, 1, 2].map(|i| place.translation_mm[i] + distance * by[3 + i]),
    }
}

/// Where a lens without distortion has the board, its fields' side being the unit of length.
fn place(board: &Board, lens: &CameraModel) -> Option<Pose> {
    let (mut normal, mut right) = ([[0.0; 8]; 8], [0.0; 8]);
    for point in &board.points {
        let [x, y] = point.cell.map(f64::from);
        let [u, v] = [
            (point.at_px[0] - lens.cx) / lens.fx,
            (point.at_px[1] - lens.cy) / lens.fy,
        ];
        let rows = [
            ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u),
            ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v),
        ];
        for (row, value) in rows {
            for i in 0..8 {
                right[i] += row[i] * value;
                (0..8).for_each(|j| normal[i][j] += row[i] * row[j]);
            }
        }
    }
    let h = solve(normal, right)?;
    let column = |k: usize| [h[k], h[3 + k], [h[6], h[7], 1.0][k]];
    let (x, y, origin) = (column(0), column(1), column(2));
    let length = |a: [f64; 3]| dot3(a, a).sqrt();
    let scale = 2.0 / (length(x) + length(y));
    let x = x.map(|part| part / length(x));
    let along = dot3(x, y);
    let y = [0, 1, 2].map(|i| y[i] - along * x[i]);
    let y = y.map(|part| part / length(y));
    let z = [
        x[1] * y[2] - x[2] * y[1],
        x[2] * y[0] - x[0] * y[2],
        x[0] * y[1] - x[1] * y[0],
    ];
    let place = Pose {
        rotation: [0, 1, 2].map(|i| [x[i], y[i], z[i]]),
        translation_mm: origin.map(|part| part * scale),
    };
    place
        .translation_mm
        .iter()
        .all(|part| part.is_finite())
        .then_some(place)
}
