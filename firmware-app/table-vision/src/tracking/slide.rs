//! How the cloth bends the way of a ball that was pushed: it slides until it rolls again.

/// Friction between a ball and the cloth while it slides, 0.2 g, in mm/s².
pub const SLIDING_MM_S2: f64 = 1962.0;
/// What rolling takes of the speed, 0.01 g.
pub const ROLLING_MM_S2: f64 = 98.0;
/// The part of a push that friction takes back (or, of the ball that pushed, gives back) until the ball rolls.
const TAKEN_BACK: f64 = 2.0 / 7.0;

/// Friction between two balls whose surfaces pass each other this fast, as a part of the push (Alciatore, TP A-14).
pub fn rub_part(speed_mm_s: f64) -> f64 {
    9.951e-3 + 0.108 * libm::exp(-1.088e-3 * speed_mm_s)
}

/// How far friction has carried a ball so long after a push of so much, if the ball rolled or lay still before: against the
/// push, evenly until it rolls.
pub fn carried_mm(push_mm_s: f64, after_s: f64) -> f64 {
    let sliding_s = (TAKEN_BACK * push_mm_s / SLIDING_MM_S2).min(after_s);
    SLIDING_MM_S2 * sliding_s * (after_s - 0.5 * sliding_s)
}
