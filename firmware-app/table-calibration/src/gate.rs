//! What a calibration must reach to be used.

use crate::outcome::{Outcome, Reason, Request};
use crate::solve::{Observation, Solution};
use baize_frame::BallDetection;
use baize_table_vision::geometry::Calibration;
use std::ops::RangeInclusive;

/// The largest root-mean-square distance of the noses from the model. Tables as built are a few mm off their size.
const MAX_RESIDUAL_MM: f64 = 5.0;
/// The same where a person gave the corners and vouches for them.
const MAX_RESIDUAL_BY_HAND_MM: f64 = 8.0;
/// Ball sizes seen over expected that the table's size may be right for. A 9-foot table taken for a 7-foot one is 0.78, for
/// a snooker table 1.40. Detected boxes of small balls were measured up to 1.22 times too large, so above 1 there is more
/// room, and a table one size off passes.
const BALLS_RATIO: RangeInclusive<f64> = 0.80..=1.32;
/// Three sides and the table's proportions would give the fourth only to some 30 mm.
pub(crate) const MIN_SIDES_FOUND: usize = 4;
/// A table farther from its proportions than this is another table.
const MAX_SHAPE_LOG: f64 = 0.015;
/// And by more than so many standard deviations of what is seen: aslant, without diamonds, proportions hardly show. Of simulated
/// tables taken rightly the farthest off was 2.3, the nearest of those taken wrongly 2.5.
const SHAPE_SIGMAS: f64 = 2.4;
/// The largest standard deviation of positions, where on the bed it is worst. Of six simulated tables with more than 1.16 mm
/// those below 1.4 were off by up to 2.9 mm, the two above by 3.9 and 4.2; real ones without diamonds, at 1280 x 720, have up to 1.2 mm.
const MAX_WORST_SIGMA_MM: f64 = 1.25;
/// The same where a person gave the corners.
const MAX_WORST_SIGMA_BY_HAND_MM: f64 = 3.9;
/// Fewer balls than this are no evidence.
const MIN_BALLS: usize = 3;
const MIN_BALL_SCORE: f32 = 0.6;

/// Why a described outcome is accepted or refused.
pub(crate) fn judge(outcome: &Outcome, request: &Request) -> Reason {
    let (Some(calibration), Some(residual_mm), Some(_)) =
        (&outcome.calibration, outcome.residual_mm, outcome.corners_px)
    else {
        return Reason::Unsolvable;
    };
    let sides_found = outcome.sides_found.iter().filter(|&&found| found).count();
    let by_hand = request.hints.corners_px.is_some();
    if !by_hand && sides_found < MIN_SIDES_FOUND {
        return Reason::NosesNotFound {
            sides_found: sides_found as u8,
        };
    }
    let (limit_mm, sigma_limit_mm) = if by_hand {
        (MAX_RESIDUAL_BY_HAND_MM, MAX_WORST_SIGMA_BY_HAND_MM)
    } else {
        (MAX_RESIDUAL_MM, MAX_WORST_SIGMA_MM)
    };
    let is_poor = residual_mm.is_nan() || residual_mm > limit_mm;
    let said = request.table.length_mm / request.table.width_mm;
    let sigma = outcome.length_over_width_log_sigma.unwrap_or(0.0);
    match outcome.length_over_width_seen {
        // Also where lens and pose make up for it: what was taken for the noses is then something else.
        Some(seen) if (is_poor || !by_hand) && is_another_shape((seen / said).ln().abs(), sigma) => {
            return Reason::AnotherShape { seen };
        }
        _ => {}
    }
    if is_poor {
        return Reason::PoorFit;
    }
    if calibration.check().is_err() {
        return Reason::Unsolvable;
    }
    match outcome.worst_sigma_mm {
        Some(sigma_mm) if sigma_mm > sigma_limit_mm => return Reason::Uncertain { sigma_mm },
        _ => {}
    }
    match balls_ratio(calibration, request.balls) {
        Some(ratio) if !BALLS_RATIO.contains(&ratio) => Reason::BallsContradict { ratio },
        _ => Reason::Accepted,
    }
}

fn is_another_shape(off_log: f64, sigma_log: f64) -> bool {
    off_log > MAX_SHAPE_LOG && off_log > SHAPE_SIGMAS * sigma_log
}

/// How far what was seen is from the model.
pub(crate) struct Fit {
    pub rms_mm: f64,
    pub p95_mm: f64,
}

impl Fit {
    /// Over all places observed. A side that was guessed counts with what is uncertain of the guess besides.
    pub fn of(solution: &Solution, nose_height_mm: f64, observations: &[Observation]) -> Self {
        let mut off: Vec<f64> = observations
            .iter()
            .map(|seen| {
                let off_mm = seen
                    .against(solution, nose_height_mm)
                    .map_or(f64::INFINITY, |place| place.off_mm);
                if seen.is_guess {
                    off_mm.hypot(seen.sigma_mm)
                } else {
                    off_mm.abs()
                }
            })
            .collect();
        off.sort_by(f64::total_cmp);
        let square = off.iter().map(|value| value * value).sum::<f64>() / off.len() as f64;
        Self {
            rms_mm: square.sqrt(),
            p95_mm: off.get(off.len() * 95 / 100).copied().unwrap_or(f64::INFINITY),
        }
    }
}

/// The median of the balls' size seen over the size expected; `None` with too few balls.
fn balls_ratio(calibration: &Calibration, balls: &[BallDetection]) -> Option<f64> {
    let mut ratios: Vec<f64> = balls
        .iter()
        .filter(|ball| ball.score >= MIN_BALL_SCORE)
        .filter_map(|ball| {
            let centre = ball.centre_px.map(f64::from);
            let place = calibration.pixel_to_plane(centre, calibration.ball_radius_mm())?;
            let [width, height] = calibration.ball_outline(place)?.box_size_px();
            let [seen_width, seen_height] = ball.size_px.map(f64::from);
            calibration
                .is_on_bed(place, 0.0)
                .then(|| (seen_width * seen_height / (width * height)).sqrt())
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    (ratios.len() >= MIN_BALLS).then(|| ratios[ratios.len() / 2])
}
