//! The cushions' noses, to a fraction of a pixel.
//!
//! A cushion is covered with the bed's cloth, so the cloth's outline is the cushion's back. Its nose, some 50 mm further
//! in, shows as a step in brightness: the lit top of the cushion ends and the bed's shadow begins. Profiles across each
//! side are searched for a straight step that runs along the whole side; the cushions of a table are equally wide, which
//! tells the nose from the far edge of a shadow.

use crate::edge::{NoseOffset, PROFILE_MM, nose_offsets};
use crate::picture::Picture;
use crate::side::Side;
use crate::steps::{Line, MIN_STEP, NosePlane, Steps, Trace};
use baize_table_vision::geometry::TableSize;

/// From nose to the back of the cushion. The rules of pool ask for 47.6 to 50.8 mm; snooker and pub tables are alike.
pub(crate) const CUSHION_WIDTH_MM: f64 = 50.0;
/// How far from the place expected the nose is looked for, outwards and inwards. Further out, the back begins.
const SEARCH_MM: (f64, f64) = (-26.0, 34.0);
/// How differently far off it may be at a side's two ends.
const SLOPE_MM: i32 = 14;
/// How differently wide the cushions of one table may seem.
const SIDES_ALIKE_MM: usize = 9;
/// The spread of cushion widths among tables.
const WIDTH_SIGMA_MM: f64 = 14.0;
/// How far from the straight line the first look goes, in samples of half a pixel: what a lens leaves of straightness.
const FIRST_LOOK_SAMPLES: f64 = 6.0;
/// What a step from dark to bright counts beside the usual one.
const REVERSE_WEIGHT: f64 = 0.5;

/// One side's nose as the picture shows it.
#[derive(Debug, Clone)]
pub(crate) struct Nose {
    pub points_px: Vec<[f64; 2]>,
    /// The steepest step goes from dark to bright.
    is_reverse: bool,
    /// How far inwards of the steepest place the nose is; the points are there.
    pub offset: NoseOffset,
}

impl Nose {
    fn of(trace: &Trace, offset: NoseOffset, line: &Line, plane: &impl NosePlane, side: &Side) -> Self {
        let pixel = |&(t, depth): &(f64, f64)| plane.pixel(side.point(t, depth + offset.mm));
        Self {
            points_px: trace.places.iter().filter_map(pixel).collect(),
            is_reverse: line.is_reverse,
            offset,
        }
    }
}

/// The noses of the sides y = 0, x = length, y = width, x = 0; `None` where no clear step was found.
pub(crate) type Noses = [Option<Nose>; 4];

/// Looks for the noses around where `plane` has them.
pub(crate) fn find(picture: &Picture, plane: &impl NosePlane, table: TableSize) -> Noses {
    let sides = Side::all(table);
    let margin = f64::from(SLOPE_MM) / 2.0 + 12.0;
    let range = (SEARCH_MM.0 - margin, SEARCH_MM.1 + margin);
    let steps = sides
        .each_ref()
        .map(|side| Steps::around(picture, plane, side, range));
    let candidates = steps
        .each_ref()
        .map(|steps| steps.as_ref().map_or(Vec::new(), strong_lines));
    let common = common_depth(&candidates);
    std::array::from_fn(|k| {
        let steps = steps[k].as_ref()?;
        let Candidate { line, strength } = strongest(&candidates[k], common?)?;
        let trace = steps.trace(&line, FIRST_LOOK_SAMPLES * steps.spacing_mm())?;
        (strength > MIN_STEP).then(|| Nose::of(&trace, NoseOffset::UNKNOWN, &line, plane, &sides[k]))
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
    let range = (PROFILE_MM.0 - reach_mm, PROFILE_MM.1 + reach_mm);
    let lines = before.each_ref().map(|nose| {
        let &Nose {
            is_reverse, offset, ..
        } = nose.as_ref()?;
        Some(Line {
            start_mm: -offset.mm,
            end_mm: -offset.mm,
            is_reverse,
        })
    });
    let traces: [Option<Trace>; 4] =
        std::array::from_fn(|k| Steps::around(picture, plane, &sides[k], range)?.trace(&lines[k]?, reach_mm));
    let offsets = nose_offsets(&traces.each_ref().map(|trace| Some(&trace.as_ref()?.profile)));
    std::array::from_fn(|k| {
        Some(Nose::of(
            traces[k].as_ref()?,
            offsets[k],
            &lines[k]?,
            plane,
            &sides[k],
        ))
    })
}

/// A straight step along a whole side.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate {
    line: Line,
    /// The mean relative step.
    strength: f64,
}

/// The strongest straight step for each mean depth, in whole mm from `SEARCH_MM.0`.
fn strong_lines(steps: &Steps) -> Vec<Candidate> {
    let depths = (SEARCH_MM.1 - SEARCH_MM.0) as usize + 1;
    (0..depths)
        .map(|i| {
            let middle_mm = SEARCH_MM.0 + i as f64;
            (-SLOPE_MM..=SLOPE_MM)
                .map(|slope_mm| {
                    let half = f64::from(slope_mm) / 2.0;
                    let (start_mm, end_mm) = (middle_mm - half, middle_mm + half);
                    let step = steps.along(start_mm, end_mm);
                    let line = Line {
                        start_mm,
                        end_mm,
                        is_reverse: step < 0.0,
                    };
                    Candidate {
                        line,
                        strength: step.max(-REVERSE_WEIGHT * step),
                    }
                })
                .fold(Candidate::default(), |best, next| {
                    if next.strength > best.strength { next } else { best }
                })
        })
        .collect()
}

fn strongest(candidates: &[Candidate], around: usize) -> Option<Candidate> {
    let last = (around + SIDES_ALIKE_MM + 1).min(candidates.len());
    let near = candidates.get(around.saturating_sub(SIDES_ALIKE_MM)..last)?;
    near.iter()
        .copied()
        .max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// The depth at which all sides together have the strongest steps, as an index into their candidates.
fn common_depth(sides: &[Vec<Candidate>; 4]) -> Option<usize> {
    let depths = sides.iter().map(Vec::len).max()?;
    let score = |depth: usize| -> f64 {
        let off = (SEARCH_MM.0 + depth as f64) / WIDTH_SIGMA_MM;
        let shares: f64 = sides
            .iter()
            .filter_map(|side| {
                let top = side
                    .iter()
                    .map(|candidate| candidate.strength)
                    .fold(MIN_STEP, f64::max);
                Some(strongest(side, depth)?.strength / top)
            })
            .sum();
        shares * (-0.5 * off * off).exp()
    };
    (0..depths).max_by(|&a, &b| score(a).total_cmp(&score(b)))
}
