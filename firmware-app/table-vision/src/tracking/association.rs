//! What it costs to take an observation for a ball: -2 log-likelihoods, so that they add up over a table.

use baize_table_state::BallKind;

use super::assignment::Assignment;
use super::track::{Track, seconds_between};
use crate::geometry::linear::{norm2, sub2};
use crate::identity::compatibility;
use crate::observation::Observation;

/// What it costs to leave a track without observation and an observation without track: a ball missed (one in fifty)
/// and one that was not there before (one in a thousand).
const UNPAIRED: f64 = 22.0;
/// What it costs to assume that a ball was hit since it was last seen, whatever its place then.
const HIT: f64 = 10.0;
/// And that a ball that is not the cue ball was hit while nothing moved: more than the cue ball has moved by now.
const UNCAUSED: f64 = 8.0;
/// What nobody was seen to hit, a hand or a tilt moves, and that begins no faster than this. What is seen as near as that
/// is the ball: no other ball's middle can be there.
const UNCAUSED_MM_S: f64 = 300.0;
/// What the farthest place that a ball hit can have reached costs more than the nearest.
const FARTHEST: f64 = 4.0;
/// No ball is faster: a break shot is 10 m/s, a hard one 13.
pub const FASTEST_MM_S: f64 = 13_500.0;
/// A ball that has moved for less than this may have been struck by the cue, at a speed that nobody has seen yet.
const STRUCK_S: f64 = 0.2;
/// One that another ball hit is no faster than all that move would be as one: that, so much more and so many mm/s, for what
/// their speeds may be off by.
const FASTER_PART: f64 = 1.3;
const FASTER_MM_S: f64 = 300.0;
/// What was as fast a moment ago still counts: with a contact that was expected, the tracks' speeds change before it shows.
const FAST_LASTS_S: f64 = 0.3;
/// A ball that was seen once or twice may have been caught in motion, but not in a break shot: more likely the other one
/// is another ball.
const FASTEST_NEW_MM_S: f64 = 3_500.0;
const NEW_HITS: u32 = 3;
/// A ball may have been hit unseen for this long, two missed exposures of a slow camera, or since the exposure before,
/// however long ago that was. After that, a ball that turns up far away is another one.
const HIT_UNSEEN_S: f64 = 0.12;
/// Sigma by which a ball hit can be nearer or farther than its speed says.
const REACH_SIGMAS: f64 = 5.0;
/// A confirmed ball goes before one that is not.
const UNCONFIRMED: f64 = 2.0;
/// A wrong kind alone never costs a ball its id.
const WORST_KIND: f64 = 8.0;

/// Fills in what every pairing costs, `interval_s` after the exposure before, where no ball that was hit is faster than
/// `fastest_mm_s`.
pub fn weigh(
    assignment: &mut Assignment,
    tracks: &[Track],
    seen: &[Observation],
    exposure_us: u64,
    interval_s: f64,
    fastest_mm_s: f64,
) {
    let anything_moves = tracks.iter().any(|track| track.confirmed && track.is_moving());
    for (i, track) in tracks.iter().enumerate() {
        let elapsed_s = seconds_between(track.last_seen_us, exposure_us);
        let probabilities = track.evidence.probabilities();
        let may_be_hit = anything_moves || track.named.identity.kind() == BallKind::CUE;
        for (j, observation) in seen.iter().enumerate() {
            let way = motion_cost(
                track,
                observation,
                elapsed_s,
                interval_s,
                may_be_hit,
                fastest_mm_s,
            );
            let cost = if way < UNPAIRED {
                let likelihood = compatibility(&probabilities, observation.kind, observation.kind_score);
                let kind = (-2.0 * libm::log(f64::from(likelihood))).min(WORST_KIND);
                way + kind + if track.confirmed { 0.0 } else { UNCONFIRMED } - UNPAIRED
            } else {
                0.0
            };
            assignment.set_cost(i, j, cost as f32);
        }
    }
}

/// How fast one ball would be that had the energy of all that move, or, `interval_s` ago, `before_mm_s`.
pub fn together_mm_s(tracks: &[Track], before_mm_s: f64, interval_s: f64) -> f64 {
    let squares = tracks
        .iter()
        .filter(|track| track.confirmed && track.is_moving())
        .map(|track| track.speed_mm_s() * track.speed_mm_s());
    let remembered_mm_s = before_mm_s * (1.0 - interval_s / FAST_LASTS_S).max(0.0);
    libm::sqrt(squares.sum()).max(remembered_mm_s)
}

/// How fast a ball can be that was hit: energy is not made. While the cue ball rests, or none is known, one may be struck.
pub fn fastest_mm_s(tracks: &[Track], exposure_us: u64, together_mm_s: f64) -> f64 {
    let believed = || tracks.iter().filter(|track| track.confirmed);
    let long_since = |track: &Track| {
        let moves_since = track.moving_since.map(|since| since.exposure_us);
        moves_since.is_none_or(|us| seconds_between(us, exposure_us) > STRUCK_S)
    };
    let is_cue_ball = |track: &Track| track.named.identity.kind() == BallKind::CUE;
    let cue_ball_moves = believed().any(|track| is_cue_ball(track) && track.is_moving());
    if cue_ball_moves && believed().all(long_since) {
        (FASTER_PART * together_mm_s + FASTER_MM_S).min(FASTEST_MM_S)
    } else {
        FASTEST_MM_S
    }
}

/// The cheaper of two stories: the ball went on as it did, or it was hit and may be anywhere it can have reached.
fn motion_cost(
    track: &Track,
    seen: &Observation,
    elapsed_s: f64,
    interval_s: f64,
    may_be_hit: bool,
    fastest_mm_s: f64,
) -> f64 {
    let innovation = track.innovation(seen);
    let went_on = if innovation.squared < UNPAIRED {
        innovation.cost()
    } else {
        f64::INFINITY
    };
    if elapsed_s > HIT_UNSEEN_S.max(interval_s) {
        return went_on;
    }
    let speed = if track.hits >= NEW_HITS {
        fastest_mm_s
    } else {
        FASTEST_NEW_MM_S.min(fastest_mm_s)
    };
    let sigma_mm = libm::sqrt(seen.variance_mm2[0].max(seen.variance_mm2[1])) + track.sigma_mm();
    let reach_mm = speed * elapsed_s + REACH_SIGMAS * sigma_mm;
    let moved_mm = norm2(sub2(seen.place_mm, track.place_mm()));
    let part = moved_mm / reach_mm;
    if part > 1.0 {
        return went_on;
    }
    let doubt = -2.0 * libm::log(f64::from(seen.score.clamp(0.1, 1.0)));
    // False detections score low: counted twice where nothing else says that the ball was hit.
    let slowly_mm = UNCAUSED_MM_S * elapsed_s + REACH_SIGMAS * sigma_mm;
    let uncaused = if may_be_hit || moved_mm < slowly_mm {
        0.0
    } else {
        UNCAUSED + doubt
    };
    went_on.min(HIT + FARTHEST * part * part + uncaused + doubt)
}
