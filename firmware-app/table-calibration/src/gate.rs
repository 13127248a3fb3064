//! What a calibration must reach to be used.

use crate::noses::Noses;
use crate::side::Side;
use crate::outcome::{Outcome, Reason, Request};
use baize_frame::BallDetection;
use baize_table_vision::geometry::Calibration;
use std::ops::RangeInclusive;

/// The largest root-mean-square distance of the noses from the model. Tables as built are a few mm off their size.
const MAX_RESIDUAL_MM: f64 = 5.0;
/// Ball sizes seen over expected that the table's size may be right for. An 8-foot table taken for a 9-foot one is 1.14.
const BALLS_RATIO: RangeInclusive<f64> = 0.88..=1.12;
/// Three sides and the table's proportions would give the fourth only to some 30 mm.
const MIN_SIDES_FOUND: usize = 4;
/// A table farther from its proportions than this is another table.
const MAX_SHAPE_LOG: f64 = 0.015;
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
    if request.hints.corners_px.is_none() && sides_found < MIN_SIDES_FOUND {
        return Reason::NosesNotFound {
            sides_found: sides_found as u8,
        };
    }
    if residual_mm > MAX_RESIDUAL_MM {
        let said = request.table.length_mm / request.table.width_mm;
        return match outcome.length_over_width_seen {
            Some(seen) if (seen / said).ln().abs() > MAX_SHAPE_LOG => Reason::AnotherShape { seen },
            _ => Reason::PoorFit,
        };
    }
    if calibration.check().is_err() {
        return Reason::Unsolvable;
    }
    match balls_ratio(calibration, request.balls) {
        Some(ratio) if !BALLS_RATIO.contains(&ratio) => Reason::BallsContradict { ratio },
        _ => Reason::Accepted,
    }
}

/// How far what was seen is from the model.
pub(crate) struct Fit {
    pub rms_mm: f64,
    pub p95_mm: f64,
}

impl Fit {
    /// Over all places on the noses that were found.
    pub fn of(calibration: &Calibration, nose_height_mm: f64, noses: &Noses) -> Self {
        let sides = Side::all(calibration.table);
        let mut off: Vec<f64> = Vec::new();
        for (side, nose) in sides.iter().zip(noses) {
            for &pixel in nose.iter().flat_map(|nose| &nose.points_px) {
                let place = calibration.pixel_to_plane(pixel, nose_height_mm);
                off.push(place.map_or(f64::INFINITY, |place| side.depth_mm(place).abs()));
            }
        }
        off.sort_by(f64::total_cmp);
        let at = |share: f64| {
            off.get((share * off.len() as f64) as usize)
                .copied()
                .unwrap_or(f64::INFINITY)
        };
        Self {
            rms_mm: (off.iter().map(|value| value * value).sum::<f64>() / off.len() as f64).sqrt(),
            p95_mm: at(0.95),
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
