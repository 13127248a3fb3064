//! The diamonds on the rails: small marks, evenly spaced between the corners of the noses, all equally far beyond the
//! nose. Where they are, their spacing is exact; so it tells the lens, which straight noses tell only in part.

use crate::median::median;
use crate::picture::Picture;
use crate::side::Side;
use crate::solve::Constraint;
use crate::steps::NosePlane;
use baize_table_vision::geometry::TableSize;
use baize_table_vision::geometry::linear::{norm2, sub2};

/// Where they are looked for: how far beyond the nose their middles may be, and how far along from where they belong, which
/// is what a first camera is off by.
const ON_THE_RAIL: Search = Search {
    set_back_mm: (62.0, 132.0),
    reach_mm: 22.0,
};
/// Where they are when the backs of the cushions, some 50 mm beyond the noses, were taken for these: a bed that is so much
/// larger moves those near the corners as far along.
const TOO_NEAR: Search = Search {
    set_back_mm: (14.0, 58.0),
    reach_mm: 50.0,
};
/// Distance of neighbouring samples of the rail.
const STEP_MM: f64 = 1.5;
/// A mark's own part, and the ring of rail around it that it is compared with.
const MARK_RADIUS_MM: f64 = 5.0;
const RING_MM: (f64, f64) = (9.5, 14.0);
/// A mark's contrast: so many times the rail's own spread around it, and so many grey levels.
const MIN_CONTRAST: f64 = 3.0;
const MIN_LEVELS: f64 = 12.0;
/// Marks farther from the common distance than this are something else.
const SAME_SET_BACK_MM: f64 = 5.0;
/// Part of all diamonds that must show at one distance: fewer may be chance.
const MIN_FOUND: f64 = 0.5;
/// Rounds of finding a mark's middle.
const ROUNDS: usize = 4;

struct Search {
    set_back_mm: (f64, f64),
    reach_mm: f64,
}

/// A diamond seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Diamond {
    side: usize,
    /// The part of its side's way along at which it belongs.
    part: f64,
    pub at_px: [f64; 2],
}

impl Diamond {
    /// What it says of a camera over a table of this size.
    pub fn constraints(&self, table: TableSize) -> [Constraint; 2] {
        let side = self.side;
        let mm = Side::all(table)[side].part_mm(self.part);
        [Constraint::Along { side, mm }, Constraint::SetBack { side }]
    }
}

/// A mark that may be one.
struct Mark {
    diamond: Diamond,
    set_back_mm: f64,
    is_bright: bool,
}

/// Looks for the diamonds of a table; none where too few of them show to be sure.
pub(crate) fn find(picture: &Picture, plane: &impl NosePlane, table: TableSize) -> Vec<Diamond> {
    search(picture, plane, table, &ON_THE_RAIL)
}

/// Whether diamonds show where the cushions should be: what was taken for the noses is something beyond them.
pub(crate) fn are_too_near(picture: &Picture, plane: &impl NosePlane, table: TableSize) -> bool {
    !search(picture, plane, table, &TOO_NEAR).is_empty()
}

fn search(picture: &Picture, plane: &impl NosePlane, table: TableSize, search: &Search) -> Vec<Diamond> {
    let sides = Side::all(table);
    let mut expected = 0;
    let mut marks = Vec::new();
    for (number_of_side, side) in sides.iter().enumerate() {
        let rail = Rail { picture, plane, side };
        for &part in side.diamonds() {
            expected += 1;
            marks.extend(
                rail.mark(side.part_mm(part), search)
                    .map(|(middle, is_bright, at_px)| Mark {
                        diamond: Diamond {
                            side: number_of_side,
                            part,
                            at_px,
                        },
                        set_back_mm: middle[1],
                        is_bright,
                    }),
            );
        }
    }
    let best = marks
        .iter()
        .map(|first| together(&marks, first))
        .max_by_key(Vec::len)
        .unwrap_or_default();
    if best.len() as f64 >= MIN_FOUND * f64::from(expected) {
        best
    } else {
        Vec::new()
    }
}

/// The marks that look like this one and are as far beyond the nose.
fn together(marks: &[Mark], first: &Mark) -> Vec<Diamond> {
    marks
        .iter()
        .filter(|mark| {
            mark.is_bright == first.is_bright
                && (mark.set_back_mm - first.set_back_mm).abs() < SAME_SET_BACK_MM
        })
        .map(|mark| mark.diamond)
        .collect()
}

/// A rail in its own coordinates: along the side, and beyond the nose.
struct Rail<'a, P> {
    picture: &'a Picture,
    plane: &'a P,
    side: &'a Side,
}

impl<P: NosePlane> Rail<'_, P> {
    fn pixel(&self, [along_mm, set_back_mm]: [f64; 2]) -> Option<[f64; 2]> {
        self.plane.pixel(self.side.point_at_mm(along_mm, -set_back_mm))
    }

    fn light(&self, at_mm: [f64; 2]) -> Option<f64> {
        self.picture.luma_at(self.pixel(at_mm)?)
    }

    /// The clearest mark around where a diamond belongs: its middle, whether it is brighter than the rail, and its pixel.
    fn mark(&self, along_mm: f64, search: &Search) -> Option<([f64; 2], bool, [f64; 2])> {
        let (clearest, levels) = self.patch(along_mm, search).clearest()?;
        let is_bright = levels > 0.0;
        let mut middle = clearest;
        for _ in 0..ROUNDS {
            middle = self.middle(middle, is_bright)?;
        }
        let strayed = norm2(sub2(middle, clearest)) > MARK_RADIUS_MM;
        (!strayed).then_some((middle, is_bright, self.pixel(middle)?))
    }

    fn patch(&self, along_mm: f64, search: &Search) -> Patch {
        let border = RING_MM.1;
        let (nearest, farthest) = search.set_back_mm;
        let first = [along_mm - search.reach_mm - border, nearest - border];
        let extents = [
            2.0 * (search.reach_mm + border),
            farthest - nearest + 2.0 * border,
        ];
        let [columns, rows] = extents.map(|extent| (extent / STEP_MM) as usize + 1);
        let at = |column: usize, row: usize| {
            let place = [
                first[0] + column as f64 * STEP_MM,
                first[1] + row as f64 * STEP_MM,
            ];
            self.light(place)
        };
        Patch {
            first,
            columns,
            rows,
            light: (0..rows)
                .flat_map(|row| (0..columns).map(move |column| (column, row)))
                .map(|(column, row)| at(column, row))
                .collect(),
        }
    }

    /// The middle of what differs from the rail around `at`: its centre of mass, faint parts left out.
    fn middle(&self, at: [f64; 2], is_bright: bool) -> Option<[f64; 2]> {
        const REACH: i32 = 14;
        let mut samples = Vec::new();
        let mut ring = Vec::new();
        for i in -REACH..=REACH {
            for j in -REACH..=REACH {
                let off = [f64::from(i), f64::from(j)];
                let distance = off[0].hypot(off[1]);
                if distance > RING_MM.1 {
                    continue;
                }
                let light = self.light([at[0] + off[0], at[1] + off[1]])?;
                if distance > RING_MM.0 {
                    ring.push(light);
                }
                samples.push((off, light));
            }
        }
        let level = median(ring)?;
        let sign = if is_bright { 1.0 } else { -1.0 };
        let peak = samples
            .iter()
            .map(|(_, light)| sign * (light - level))
            .fold(0.0, f64::max);
        let (mut sum, mut total) = ([0.0; 2], 0.0);
        for (off, light) in &samples {
            let weight = (sign * (light - level) - 0.3 * peak).max(0.0);
            (0..2).for_each(|k| sum[k] += weight * off[k]);
            total += weight;
        }
        (total > 0.0).then(|| [0, 1].map(|k| at[k] + sum[k] / total))
    }
}

/// Light on a piece of a rail.
struct Patch {
    first: [f64; 2],
    columns: usize,
    rows: usize,
    light: Vec<Option<f64>>,
}

impl Patch {
    /// Where a mark differs most from the rail around it, and by how many grey levels.
    fn clearest(&self) -> Option<([f64; 2], f64)> {
        let border = (RING_MM.1 / STEP_MM).ceil() as usize;
        let mut best: Option<([f64; 2], f64, f64)> = None;
        for row in border..self.rows.saturating_sub(border) {
            for column in border..self.columns.saturating_sub(border) {
                let Some((levels, contrast)) = self.contrast(column, row, border) else {
                    continue;
                };
                if contrast > best.map_or(MIN_CONTRAST, |best| best.2) && levels.abs() > MIN_LEVELS {
                    let at = [
                        self.first[0] + column as f64 * STEP_MM,
                        self.first[1] + row as f64 * STEP_MM,
                    ];
                    best = Some((at, levels, contrast));
                }
            }
        }
        best.map(|(at, levels, _)| (at, levels))
    }

    /// A mark's difference in grey levels, and over the spread of the ring around it.
    fn contrast(&self, column: usize, row: usize, reach: usize) -> Option<(f64, f64)> {
        let (mut mark, mut ring) = (Sum::default(), Sum::default());
        for y in row - reach..=row + reach {
            for x in column - reach..=column + reach {
                let off = [x.abs_diff(column), y.abs_diff(row)].map(|steps| steps as f64 * STEP_MM);
                let distance = off[0].hypot(off[1]);
                let light = self.light.get(y * self.columns + x).copied().flatten()?;
                if distance < MARK_RADIUS_MM {
                    mark.add(light);
                } else if (RING_MM.0..RING_MM.1).contains(&distance) {
                    ring.add(light);
                }
            }
        }
        let levels = mark.mean() - ring.mean();
        Some((levels, levels.abs() / (ring.spread() + 2.0)))
    }
}

#[derive(Default)]
struct Sum {
    count: f64,
    sum: f64,
    square: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.square += value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn spread(&self) -> f64 {
        (self.square / self.count.max(1.0) - self.mean().powi(2))
            .max(0.0)
            .sqrt()
    }
}
