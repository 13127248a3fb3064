//! What the tests share.

use baize_frame::{BallDetection, BallKind, KindShares, Reading};
use baize_simulated_table::BallTruth;

/// What a detector without fault says of a ball.
pub fn detected(ball: &BallTruth) -> BallDetection {
    let [left, top, right, bottom] = ball.box_px.map(|value| value as f32);
    BallDetection {
        centre_px: [(left + right) / 2.0, (top + bottom) / 2.0],
        size_px: [right - left, bottom - top],
        kind: BallKind::Ball,
        kind_shares: KindShares::of(BallKind::Ball, 1.0),
        score: 1.0,
        reading: Reading::NOTHING,
    }
}
