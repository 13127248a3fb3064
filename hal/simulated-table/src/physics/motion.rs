//! A ball on its own: sliding, rolling, spinning, falling.
//!
//! Coefficients as D. Alciatore collects them ("Pool and billiards physics properties", billiards.colostate.edu):
//! ball on cloth sliding 0.15 to 0.4, rolling 0.005 to 0.015, spin deceleration 5 to 15 rad/s².

use glam::{DQuat, DVec3};

use super::{BallState, GRAVITY_MM_S2};
use crate::balls::Ball;
use crate::table::Pocket;

/// Friction of a ball that slides on the cloth.
pub const SLIDING: f64 = 0.2;
/// Friction of a ball that rolls.
pub const ROLLING: f64 = 0.01;
/// Deceleration of spin about the vertical axis.
pub const SPIN_RAD_S2: f64 = 10.0;
/// Slip at which a ball rolls.
const ROLLS_MM_S: f64 = 1e-6;

/// Velocity of the point of the ball that touches the cloth.
pub fn slip(state: &BallState, radius_mm: f64) -> DVec3 {
    let (v, w) = (state.velocity_mm_s, state.spin_rad_s);
    DVec3::new(v.x - w.y * radius_mm, v.y + w.x * radius_mm, 0.0)
}

/// Moves a ball that nothing else touches; exact within the step for straight motion.
pub fn move_on_cloth(state: &mut BallState, ball: &Ball, dt_s: f64) {
    if !state.is_moving() {
        return;
    }
    let radius = ball.radius_mm;
    let slip = slip(state, radius);
    let speed = slip.length();
    let mut left_s = dt_s;
    if speed > ROLLS_MM_S {
        // Slip fades 3.5 times as fast as the centre is slowed: 2.5 times by spin.
        let time_s = left_s.min(speed / (3.5 * SLIDING * GRAVITY_MM_S2));
        let force = -slip / speed * (SLIDING * GRAVITY_MM_S2);
        state.position_mm += state.velocity_mm_s * time_s + force * (0.5 * time_s * time_s);
        state.velocity_mm_s += force * time_s;
        state.spin_rad_s += DVec3::new(force.y, -force.x, 0.0) * (2.5 / radius * time_s);
        left_s -= time_s;
        if left_s > 0.0 {
            roll_along(state, radius);
        }
    }
    if left_s > 0.0 {
        let speed = state.velocity_mm_s.length();
        let time_s = left_s.min(speed / (ROLLING * GRAVITY_MM_S2));
        if speed > 0.0 {
            let force = -state.velocity_mm_s / speed * (ROLLING * GRAVITY_MM_S2);
            state.position_mm += state.velocity_mm_s * time_s + force * (0.5 * time_s * time_s);
            state.velocity_mm_s += force * time_s;
        }
        if time_s < left_s {
            state.velocity_mm_s = DVec3::ZERO;
        }
        roll_along(state, radius);
    }
    let spin = state.spin_rad_s.z;
    state.spin_rad_s.z = spin.signum() * (spin.abs() - SPIN_RAD_S2 * dt_s).max(0.0);
    turn(state, dt_s);
}

/// Gives a ball the spin of one that rolls.
fn roll_along(state: &mut BallState, radius_mm: f64) {
    state.spin_rad_s.x = -state.velocity_mm_s.y / radius_mm;
    state.spin_rad_s.y = state.velocity_mm_s.x / radius_mm;
}

fn turn(state: &mut BallState, dt_s: f64) {
    state.rotation = (DQuat::from_scaled_axis(state.spin_rad_s * dt_s) * state.rotation).normalize();
}

/// Moves a ball that falls through the hole of a pocket, whose wall holds it.
pub fn fall(state: &mut BallState, ball: &Ball, pocket: &Pocket, dt_s: f64) {
    const WALL_RESTITUTION: f64 = 0.3;
    state.velocity_mm_s.z -= GRAVITY_MM_S2 * dt_s;
    state.position_mm += state.velocity_mm_s * dt_s;
    turn(state, dt_s);
    let from_middle = (state.position_mm.truncate() - pocket.centre_mm).extend(0.0);
    let room = pocket.radius_mm - ball.radius_mm;
    // While the ball tips over the edge, the edge is no wall.
    let outwards = from_middle.normalize_or_zero();
    let speed = state.velocity_mm_s.dot(outwards);
    if from_middle.length() > room && speed > 0.0 {
        state.velocity_mm_s -= outwards * (speed * (1.0 + WALL_RESTITUTION));
    } else if from_middle.length() > room {
        // The edge pushes the sinking ball towards the middle.
        state.velocity_mm_s -= outwards * (GRAVITY_MM_S2 * dt_s);
    }
}
