//! The cue: where its tip is, where it points, and whether it aims.

use baize_table_state::{Confidence, Cue, CueState, Direction, Position, Sigma};

use crate::geometry::Calibration;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::observation::CueLine;

/// A tip farther outside the noses plays nothing.
const FARTHEST_TIP_MM: f64 = 600.0;
/// A line shorter than this in the picture's plane has no direction worth the name.
const SHORTEST_MM: f64 = 50.0;
/// A cue aims if its tip is at most this far behind the cue ball's centre,
const AIMING_DISTANCE_MM: f64 = 400.0;
/// and its line passes the centre at most this many radii away.
const AIMING_OFFSET_RADII: f64 = 1.5;

/// The best of the cues seen.
pub fn find(
    calibration: &Calibration,
    cues: &[CueLine],
    resting_cue_ball_mm: Option<Vec2>,
) -> Option<Cue> {
    cues.iter()
        .filter_map(|seen| locate(calibration, seen, resting_cue_ball_mm))
        .reduce(|best, other| {
            if other.confidence > best.confidence {
                other
            } else {
                best
            }
        })
}

fn locate(calibration: &Calibration, seen: &CueLine, resting_cue_ball_mm: Option<Vec2>) -> Option<Cue> {
    let tip_mm = seen.tip_mm;
    let line = sub2(tip_mm, seen.butt_mm);
    let length = norm2(line);
    if length.is_nan() || length < SHORTEST_MM || !calibration.is_on_bed(tip_mm, FARTHEST_TIP_MM) {
        return None;
    }
    let direction = scale2(line, 1.0 / length);
    let aims = resting_cue_ball_mm.is_some_and(|ball_mm| {
        let way = sub2(ball_mm, tip_mm);
        let ahead = dot2(way, direction);
        let beside = (way[0] * direction[1] - way[1] * direction[0]).abs();
        (0.0..=AIMING_DISTANCE_MM).contains(&ahead)
            && beside <= AIMING_OFFSET_RADII * calibration.ball_radius_mm()
    });
    Some(Cue {
        tip: Position::from_mm(tip_mm[0] as f32, tip_mm[1] as f32),
        direction: Direction::from_radians(libm::atan2(direction[1], direction[0]) as f32),
        sigma: Sigma::from_mm(seen.sigma_mm as f32),
        confidence: Confidence::from_ratio(seen.score),
        state: if aims { CueState::AIMING } else { CueState::PRESENT },
    })
}
