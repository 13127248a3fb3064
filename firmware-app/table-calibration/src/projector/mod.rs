//! How a projector above the table lights it, from pictures of patterns that it shows.
//!
//! A pattern is discs at known pixels of the projector, a grid whose places are shaken: no part of it looks like another,
//! nor like itself turned or mirrored. The difference of a picture with it and one in the dark, seen straight from above
//! through the table's calibration (`lit`), shows the discs (`discs`); which is which is found by trying (`assign`); the
//! homography that explains them (`fit`) is checked on a second pattern, which it has not seen.
//!
//! Discs on balls, rails and hands are off their places and fall out; at least half of those that the bed should show
//! must be there.

mod assign;
mod discs;
mod fit;
mod lit;
mod pattern;

use std::fmt;

use baize_frame::{BallDetection, ImageView};
use baize_table_vision::geometry::{Calibration, TableSize};

use self::assign::assign;
use self::discs::{Disc, find_discs};
use self::fit::Mapping;
use self::lit::Lit;

pub use self::pattern::Pattern;

/// The part of the discs on the bed that must be found.
const PART_SEEN: f64 = 0.5;
/// Fewer discs than this make no mapping worth its name.
const DISCS_MIN: usize = 20;
/// The part of the bed's length and width over which they must be spread: beyond them the mapping is a guess.
const SPREAD: f64 = 0.6;
/// A disc of the second pattern is looked for within this of where the first has it.
const LOOK_MM: f64 = 15.0;
/// A mapping that is worse on the second pattern is none: a line drawn beside a ball would touch it.
const RESIDUAL_MAX_MM: f64 = 3.0;
/// Discs nearer to the noses than this may lie on the cushion in part.
const EDGE_MM: f64 = 25.0;

/// The pictures.
#[derive(Debug, Clone, Copy)]
pub struct Views<'a> {
    /// While the projector was dark.
    pub dark: &'a [ImageView<'a>],
    /// While it showed [`Pattern::first`].
    pub first: &'a [ImageView<'a>],
    /// While it showed [`Pattern::second`].
    pub second: &'a [ImageView<'a>],
    /// Balls seen in any of them: discs on them are left out.
    pub balls: &'a [BallDetection],
}

/// A projector's mapping, checked.
#[derive(Debug, Clone)]
pub struct ProjectorFit {
    /// Width and height of the projector's picture, pixels.
    pub size_px: [u16; 2],
    /// From (x, y, 1) in mm on the cloth to homogeneous pixels, row by row.
    pub homography: [f32; 9],
    /// Root mean square distance on the cloth between where the second pattern's discs were seen and where the mapping
    /// has them, mm.
    pub residual_mm: f64,
    /// Discs of the second pattern that were compared.
    pub points: usize,
    checked: Vec<([f64; 2], [f64; 2])>,
}

impl ProjectorFit {
    /// How well another mapping explains the second pattern, mm; `None` where it is none.
    pub fn residual_of(&self, homography: &[f32; 9]) -> Option<f64> {
        let mapping = Mapping::from_table(homography)?;
        Some(rms(self
            .checked
            .iter()
            .map(|(seen, pixel)| distance(mapping.to_table(*pixel), *seen))))
    }
}

/// Why there is no mapping.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProjectorReason {
    /// Pictures are missing or not of one size.
    NoPictures,
    /// Nothing lights up on the cloth.
    Dark,
    /// What lights up is not the pattern that was asked for.
    AnotherPattern {
        /// Discs that fit it.
        fitting: usize,
        /// Discs that show.
        shown: usize,
    },
    /// Too much of the pattern is hidden.
    Hidden {
        /// Discs found.
        found: usize,
        /// Discs that lie on the bed.
        expected: usize,
    },
    /// The discs lie in one part of the bed only.
    OnePart,
    /// The second pattern is elsewhere than the first one says.
    Inexact {
        /// By how much, mm.
        residual_mm: f64,
    },
}

impl ProjectorReason {
    /// The residual, where it was the reason.
    pub const fn residual_mm(&self) -> Option<f64> {
        match self {
            Self::Inexact { residual_mm } => Some(*residual_mm),
            _ => None,
        }
    }
}

impl fmt::Display for ProjectorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPictures => f.write_str("the pictures of the patterns are not of one size"),
            Self::Dark => f.write_str(
                "nothing of the pattern shows on the cloth: is the projector on, and brighter than the lamps?",
            ),
            Self::AnotherPattern { fitting, shown } => write!(
                f,
                "what the projector shows is not the pattern asked for: {fitting} of {shown} spots fit it"
            ),
            Self::Hidden { found, expected } => write!(
                f,
                "too much of the pattern is hidden: {found} of {expected} discs on the bed were found"
            ),
            Self::OnePart => f.write_str("the pattern shows on one part of the bed only"),
            Self::Inexact { residual_mm } => write!(
                f,
                "the second pattern lies {residual_mm:.2} mm beside where the first one says; more than {RESIDUAL_MAX_MM} mm is refused"
            ),
        }
    }
}

impl std::error::Error for ProjectorReason {}

/// Finds how the projector lights the table. Never panics, whatever the pictures show.
pub fn solve_projector(
    views: &Views<'_>,
    calibration: &Calibration,
    size_px: [u16; 2],
) -> Result<ProjectorFit, ProjectorReason> {
    let discs = |shown: &[ImageView<'_>]| -> Result<Vec<Disc>, ProjectorReason> {
        let lit = Lit::new(views.dark, shown, calibration).ok_or(ProjectorReason::NoPictures)?;
        let discs = find_discs(&lit).ok_or(ProjectorReason::Dark)?;
        Ok(without_balls(discs, views.balls, calibration))
    };
    let table = calibration.table;
    let first = discs(views.first)?;
    let pattern = Pattern::first(size_px);
    let pairs = assign(&first, &pattern);
    let mapping = Mapping::fit(&pairs).ok_or(ProjectorReason::AnotherPattern {
        fitting: pairs.len(),
        shown: first.len(),
    })?;
    check_count(pairs.len(), first.len(), &mapping, &pattern, table)?;
    check_spread(&pairs, table)?;

    let second = discs(views.second)?;
    let pattern = Pattern::second(size_px);
    let checked = nearest(&second, &pattern, &mapping);
    check_count(checked.len(), second.len(), &mapping, &pattern, table)?;
    let residual_mm = rms(checked
        .iter()
        .map(|(seen, pixel)| distance(mapping.to_table(*pixel), *seen)));
    if residual_mm > RESIDUAL_MAX_MM {
        return Err(ProjectorReason::Inexact { residual_mm });
    }
    Ok(ProjectorFit {
        size_px,
        homography: mapping.rows_to_pixels(),
        residual_mm,
        points: checked.len(),
        checked,
    })
}

fn check_count(
    found: usize,
    shown: usize,
    mapping: &Mapping,
    pattern: &Pattern,
    table: TableSize,
) -> Result<(), ProjectorReason> {
    let on_bed = |pixel: &[f32; 2]| table.is_on_bed(mapping.to_table(pixel.map(f64::from)), -EDGE_MM);
    let expected = pattern.points_px.iter().filter(|pixel| on_bed(pixel)).count();
    let wanted = DISCS_MIN.max((PART_SEEN * expected as f64) as usize);
    if found >= wanted {
        return Ok(());
    }
    // Many spots, few of which fit: the projector shows something else.
    Err(if 2 * found < shown && shown >= DISCS_MIN {
        ProjectorReason::AnotherPattern {
            fitting: found,
            shown,
        }
    } else {
        ProjectorReason::Hidden { found, expected }
    })
}

fn check_spread(pairs: &[([f64; 2], [f64; 2])], table: TableSize) -> Result<(), ProjectorReason> {
    let span = |axis: usize| {
        let places = pairs.iter().map(|(seen, _)| seen[axis]);
        places.clone().fold(f64::NEG_INFINITY, f64::max) - places.fold(f64::INFINITY, f64::min)
    };
    if span(0) < SPREAD * table.length_mm || span(1) < SPREAD * table.width_mm {
        return Err(ProjectorReason::OnePart);
    }
    Ok(())
}

/// Each disc that lies where the mapping has one of the pattern's, with that one's pixel.
fn nearest(discs: &[Disc], pattern: &Pattern, mapping: &Mapping) -> Vec<([f64; 2], [f64; 2])> {
    let pair = |pixel: &[f32; 2]| {
        let pixel = pixel.map(f64::from);
        let place = mapping.to_table(pixel);
        let near = discs
            .iter()
            .map(|disc| disc.centre_mm)
            .min_by(|a, b| distance(*a, place).total_cmp(&distance(*b, place)))?;
        (distance(near, place) < LOOK_MM).then_some((near, pixel))
    };
    fit::without_strays(pattern.points_px.iter().filter_map(pair).collect(), mapping)
}

fn without_balls(discs: Vec<Disc>, balls: &[BallDetection], calibration: &Calibration) -> Vec<Disc> {
    /// Of a box: a ball's shadow and the light that it throws back reach further than the ball.
    const REACH: f32 = 0.8;
    let is_on_ball = |disc: &Disc| {
        let [x, y] = disc.centre_mm;
        let Some(pixel) = calibration.project([x, y, 0.0]) else {
            return true;
        };
        balls.iter().any(|ball| {
            (0..2).all(|axis| {
                let off = pixel[axis] as f32 - ball.centre_px[axis];
                off.abs() < REACH * ball.size_px[axis]
            })
        })
    };
    discs.into_iter().filter(|disc| !is_on_ball(disc)).collect()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn rms(distances: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = distances.fold((0.0, 0), |(sum, count), distance| {
        (sum + distance * distance, count + 1)
    });
    (sum / f64::from(count.max(1))).sqrt()
}
