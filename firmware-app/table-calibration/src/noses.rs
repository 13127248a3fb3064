//! The cushions' noses, to a fraction of a pixel.
//!
//! A cushion is covered with the bed's cloth, so the cloth's outline is the cushion's back. Its nose, some 50 mm further
//! in, shows as a step in brightness: the lit top of the cushion ends and the bed's shadow begins. Profiles across each
//! side are searched for a straight step that runs along the whole side; the cushions of a table are equally wide, which
//! tells the nose from the far edge of a shadow.

use crate::picture::Picture;
use baize_table_vision::geometry::TableSize;
use baize_table_vision::geometry::linear::{norm2, sub2};

/// From nose to the back of the cushion. The rules of pool ask for 47.6 to 50.8 mm; snooker and pub tables are alike.
pub(crate) const CUSHION_WIDTH_MM: f64 = 50.0;
/// Profiles along a side.
const PROFILES: usize = 160;
/// How far from the place expected the nose is looked for, outwards and inwards. Further out, the back begins.
const SEARCH_MM: (f64, f64) = (-26.0, 34.0);
/// How differently far off it may be at a side's two ends.
const SLOPE_MM: f64 = 14.0;
/// How differently wide the cushions of one table may seem.
const SIDES_ALIKE_MM: f64 = 9.0;
/// The spread of cushion widths among tables.
const WIDTH_SIGMA_MM: f64 = 14.0;
/// A relative step in brightness counts no more than this, so that a ball or a line of glare does not outvote the rest.
const STEP_LIMIT: f64 = 0.12;
/// How far the first look goes from the line, in samples of half a pixel: what a lens leaves of straightness.
const FIRST_LOOK_SAMPLES: f64 = 6.0;
/// The mean relative step along a side that is a nose and not chance.
const MIN_STEP: f64 = 0.012;
/// What a step from dark to bright counts beside the usual one.
const REVERSE_WEIGHT: f64 = 0.5;
/// Length of side, from each pocket's middle, where cushions bend into the pocket's mouth.
const POCKET_CLEARANCE_MM: f64 = 150.0;

/// One side's nose as the picture shows it.
#[derive(Debug, Clone)]
pub(crate) struct Nose {
    pub points_px: Vec<[f64; 2]>,
    /// The bed is brighter than the cushion.
    is_reverse: bool,
}

/// The noses of the sides y = 0, x = length, y = width, x = 0; `None` where no clear step was found.
pub(crate) type Noses = [Option<Nose>; 4];

/// The four sides of the bed as lines to walk along, in the nose plane.
pub(crate) struct Side {
    start: [f64; 2],
    along: [f64; 2],
    inward: [f64; 2],
    length_mm: f64,
    is_long: bool,
}

impl Side {
    pub fn all(table: TableSize) -> [Self; 4] {
        let (length, width) = (table.length_mm, table.width_mm);
        let side = |start, along, inward, is_long| Self {
            start,
            along,
            inward,
            length_mm: if is_long { length } else { width },
            is_long,
        };
        [
            side([0.0, 0.0], [1.0, 0.0], [0.0, 1.0], true),
            side([length, 0.0], [0.0, 1.0], [-1.0, 0.0], false),
            side([length, width], [-1.0, 0.0], [0.0, -1.0], true),
            side([0.0, width], [0.0, -1.0], [1.0, 0.0], false),
        ]
    }

    pub fn point(&self, t: f64, depth_mm: f64) -> [f64; 2] {
        [0, 1].map(|i| self.start[i] + t * self.length_mm * self.along[i] + depth_mm * self.inward[i])
    }

    /// How far inside of this side a point of the nose plane lies.
    pub fn depth_mm(&self, point: [f64; 2]) -> f64 {
        let from_start = sub2(point, self.start);
        from_start[0] * self.inward[0] + from_start[1] * self.inward[1]
    }

    /// The parts of the way along, 0 to 1, that are clear of pockets.
    fn stations(&self) -> impl Iterator<Item = f64> + '_ {
        let clearance = (POCKET_CLEARANCE_MM / self.length_mm).min(0.2);
        (0..PROFILES)
            .map(|i| (i as f64 + 0.5) / PROFILES as f64)
            .filter(move |&t| {
                let clear_of_corners = t > clearance && t < 1.0 - clearance;
                clear_of_corners && !(self.is_long && (t - 0.5).abs() < clearance)
            })
    }
}

/// Where a model of the camera says that a point of the nose plane is seen.
pub(crate) trait NosePlane {
    fn pixel(&self, point_mm: [f64; 2]) -> Option<[f64; 2]>;
}

impl<F: Fn([f64; 2]) -> Option<[f64; 2]>> NosePlane for F {
    fn pixel(&self, point_mm: [f64; 2]) -> Option<[f64; 2]> {
        self(point_mm)
    }
}

/// Relative steps in brightness around one side, positive where it is brighter outside.
struct Steps {
    /// Along the side, 0 to 1.
    stations: Vec<f64>,
    first_mm: f64,
    spacing_mm: f64,
    /// A row per station; `None` outside the picture.
    rows: Vec<Vec<Option<f64>>>,
}

impl Steps {
    fn around(
        picture: &Picture,
        plane: &impl NosePlane,
        side: &Side,
        (first_mm, last_mm): (f64, f64),
    ) -> Option<Self> {
        let middle = [
            plane.pixel(side.point(0.5, 0.0))?,
            plane.pixel(side.point(0.5, 10.0))?,
        ];
        let px_per_mm = norm2(sub2(middle[1], middle[0])) / 10.0;
        if !(0.05..50.0).contains(&px_per_mm) {
            return None;
        }
        let spacing_mm = 0.5 / px_per_mm;
        let count = ((last_mm - first_mm) / spacing_mm).ceil() as usize + 1;
        let stations: Vec<f64> = side.stations().collect();
        let rows = stations
            .iter()
            .map(|&t| {
                // Four samples, two pixels, on either side of the step.
                let light: Vec<Option<f64>> = (0..count + 8)
                    .map(|i| {
                        let depth = first_mm + (i as f64 - 4.0) * spacing_mm;
                        // Three lines close together, against noise.
                        let mut sum = 0.0;
                        for shift in [-1.0, 0.0, 1.0] {
                            let t = t + shift * 0.25 / PROFILES as f64;
                            sum += picture.luma_at(plane.pixel(side.point(t, depth))?)?;
                        }
                        Some(sum / 3.0)
                    })
                    .collect();
                (0..count)
                    .map(|i| {
                        let total =
                            |range: std::ops::Range<usize>| light[range].iter().copied().sum::<Option<f64>>();
                        let (outside, inside) = (total(i..i + 4)?, total(i + 5..i + 9)?);
                        Some((outside - inside) / (outside + inside + 4.0 * 20.0))
                    })
                    .collect()
            })
            .collect();
        Some(Self {
            stations,
            first_mm,
            spacing_mm,
            rows,
        })
    }

    fn at(&self, row: usize, depth_mm: f64) -> Option<f64> {
        let index = (depth_mm - self.first_mm) / self.spacing_mm;
        let low = index.floor();
        let values = self.rows[row].get(low as usize..low as usize + 2)?;
        (low >= 0.0).then(|| Some(values[0]? + (index - low) * (values[1]? - values[0]?)))?
    }

    /// Mean step along the line from `start_mm` at the side's beginning to `end_mm` at its end.
    fn along(&self, start_mm: f64, end_mm: f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (row, t) in self.stations.iter().enumerate() {
            if let Some(step) = self.at(row, start_mm + t * (end_mm - start_mm)) {
                sum += step.clamp(-STEP_LIMIT, STEP_LIMIT);
                count += 1;
            }
        }
        if count * 3 < self.stations.len() {
            0.0
        } else {
            sum / f64::from(count as u32)
        }
    }

    /// The strongest straight steps by their mean depth, in whole mm from `SEARCH_MM.0`.
    fn lines(&self) -> Vec<Line> {
        let depths = (SEARCH_MM.1 - SEARCH_MM.0) as usize + 1;
        (0..depths)
            .map(|i| {
                let middle = SEARCH_MM.0 + i as f64;
                let mut best = Line::default();
                for half in -(SLOPE_MM as i32)..=SLOPE_MM as i32 {
                    let slope = f64::from(half) / 2.0;
                    let (start_mm, end_mm) = (middle - slope, middle + slope);
                    let step = self.along(start_mm, end_mm);
                    let line = Line {
                        start_mm,
                        end_mm,
                        strength: step.max(-REVERSE_WEIGHT * step),
                        is_reverse: step < 0.0,
                    };
                    if line.strength > best.strength {
                        best = line;
                    }
                }
                best
            })
            .collect()
    }

    /// The step's places near a line, each to a fraction of a sample.
    fn nose(&self, plane: &impl NosePlane, side: &Side, line: &Line, reach_mm: f64) -> Option<Nose> {
        let sign = if line.is_reverse { -1.0 } else { 1.0 };
        let found: Vec<(f64, f64)> = self
            .stations
            .iter()
            .enumerate()
            .filter_map(|(row, &t)| {
                let expected = line.start_mm + t * (line.end_mm - line.start_mm);
                Some((t, self.peak(row, sign, expected, reach_mm)?))
            })
            .collect();
        let fit = Parabola::robust(&found);
        let points_px: Vec<[f64; 2]> = found
            .into_iter()
            .filter(|&(t, depth)| (depth - fit.at(t)).abs() < (3.0 * fit.spread).max(self.spacing_mm))
            .filter_map(|(t, depth)| plane.pixel(side.point(t, depth)))
            .collect();
        (points_px.len() * 3 > self.stations.len()).then_some(Nose {
            points_px,
            is_reverse: line.is_reverse,
        })
    }

    fn peak(&self, row: usize, sign: f64, expected_mm: f64, reach_mm: f64) -> Option<f64> {
        let index = |depth: f64| (depth - self.first_mm) / self.spacing_mm;
        let low = index(expected_mm - reach_mm).floor().max(1.0) as usize;
        let high =
            (index(expected_mm + reach_mm).ceil() as usize).min(self.rows[row].len().saturating_sub(2));
        let value = |i: usize| self.rows[row][i].map(|step| sign * step);
        let best = (low..=high).filter(|&i| value(i).is_some()).max_by(|&a, &b| {
            value(a)
                .unwrap_or(f64::MIN)
                .total_cmp(&value(b).unwrap_or(f64::MIN))
        })?;
        let (before, top, after) = (value(best - 1)?, value(best)?, value(best + 1)?);
        let bend = before - 2.0 * top + after;
        // At the end of the reach it is the flank of something else.
        if top < MIN_STEP || bend >= 0.0 || best == low || best == high {
            return None;
        }
        Some(self.first_mm + (best as f64 + 0.5 * (before - after) / bend) * self.spacing_mm)
    }
}

/// A straight step found along a side: how deep it lies at the side's beginning and end.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    start_mm: f64,
    end_mm: f64,
    strength: f64,
    is_reverse: bool,
}

/// What a lens leaves of a straight line after a first correction.
struct Parabola {
    terms: [f64; 3],
    spread: f64,
}

impl Parabola {
    /// Least squares, outliers weighed down over a few rounds.
    fn robust(points: &[(f64, f64)]) -> Self {
        let mut depths: Vec<f64> = points.iter().map(|point| point.1).collect();
        depths.sort_by(f64::total_cmp);
        let median = depths.get(depths.len() / 2).copied().unwrap_or(0.0);
        let mut fit = Self {
            terms: [median, 0.0, 0.0],
            spread: f64::INFINITY,
        };
        for _ in 0..6 {
            let mut off: Vec<f64> = points
                .iter()
                .map(|&(t, depth)| (depth - fit.at(t)).abs())
                .collect();
            off.sort_by(f64::total_cmp);
            fit.spread = 1.48 * off.get(off.len() / 2).copied().unwrap_or(0.0) + 1e-3;
            let (mut normal, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
            for &(t, depth) in points {
                let off = (depth - fit.at(t)) / (2.0 * fit.spread);
                let weight = 1.0 / (1.0 + off * off).powi(2);
                let basis = Self::basis(t);
                for i in 0..3 {
                    right[i] += weight * basis[i] * depth;
                    (0..3).for_each(|j| normal[i][j] += weight * basis[i] * basis[j]);
                }
            }
            match crate::linear::solve(normal, right) {
                Some(terms) => fit.terms = terms,
                None => break,
            }
        }
        fit
    }

    fn basis(t: f64) -> [f64; 3] {
        let centred = 2.0 * t - 1.0;
        [1.0, centred, centred * centred]
    }

    fn at(&self, t: f64) -> f64 {
        Self::basis(t)
            .iter()
            .zip(&self.terms)
            .map(|(basis, term)| basis * term)
            .sum()
    }
}

/// Looks for the noses around where `plane` has them.
pub(crate) fn find(picture: &Picture, plane: &impl NosePlane, table: TableSize) -> Noses {
    let sides = Side::all(table);
    let margin = SLOPE_MM / 2.0 + 12.0;
    let range = (SEARCH_MM.0 - margin, SEARCH_MM.1 + margin);
    let steps = sides
        .each_ref()
        .map(|side| Steps::around(picture, plane, side, range));
    let lines = steps
        .each_ref()
        .map(|steps| steps.as_ref().map_or(Vec::new(), Steps::lines));
    let common = common_depth(&lines);
    std::array::from_fn(|k| {
        let steps = steps[k].as_ref()?;
        let line = strongest(&lines[k], common?)?;
        (line.strength > MIN_STEP)
            .then(|| steps.nose(plane, &sides[k], &line, FIRST_LOOK_SAMPLES * steps.spacing_mm))?
    })
}

/// Looks again, closely, around where a solved camera has the noses that were found before.
pub(crate) fn refine(
    picture: &Picture,
    plane: &impl NosePlane,
    table: TableSize,
    before: &Noses,
    reach_mm: f64,
) -> Noses {
    let sides = Side::all(table);
    std::array::from_fn(|k| {
        let line = Line {
            is_reverse: before[k].as_ref()?.is_reverse,
            ..Line::default()
        };
        let steps = Steps::around(picture, plane, &sides[k], (-reach_mm - 6.0, reach_mm + 6.0))?;
        steps.nose(plane, &sides[k], &line, reach_mm)
    })
}

fn strongest(lines: &[Line], around: usize) -> Option<Line> {
    let reach = SIDES_ALIKE_MM as usize;
    let near = lines.get(around.saturating_sub(reach)..(around + reach + 1).min(lines.len()))?;
    near.iter()
        .copied()
        .max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// The depth at which all sides together have the strongest steps, as an index into their lines.
fn common_depth(lines: &[Vec<Line>; 4]) -> Option<usize> {
    let depths = lines.iter().map(Vec::len).max()?;
    let score = |depth: usize| -> f64 {
        let off = (SEARCH_MM.0 + depth as f64) / WIDTH_SIGMA_MM;
        let sides: f64 = lines
            .iter()
            .filter_map(|side| {
                let top = side.iter().map(|line| line.strength).fold(MIN_STEP, f64::max);
                Some(strongest(side, depth)?.strength / top)
            })
            .sum();
        sides * (-0.5 * off * off).exp()
    };
    (0..depths).max_by(|&a, &b| score(a).total_cmp(&score(b)))
}
