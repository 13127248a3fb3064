//! Balls that touch balls and cushions.
//!
//! Coefficients as D. Alciatore collects them ("Pool and billiards physics properties", billiards.colostate.edu):
//! ball on ball restitution 0.92 to 0.98 and friction 0.03 to 0.08, ball on cushion restitution 0.6 to 0.9; friction on
//! the cushion as measured by Mathavan, Jackson and Parkin, "A theoretical analysis of billiard ball-cushion dynamics"
//! (2010): 0.14 to 0.2.

use glam::{DVec2, DVec3};

use super::{BallState, Phase};
use crate::balls::Ball;
use crate::table::Table;

const BALL_RESTITUTION: f64 = 0.95;
const BALL_FRICTION: f64 = 0.06;
const CUSHION_RESTITUTION: f64 = 0.8;
const CUSHION_FRICTION: f64 = 0.17;
/// Sweeps over all contacts of a step: a hit travels through a rack of five rows in as many.
const SWEEPS: usize = 12;

/// Exchanges impulses at every contact, then separates what overlaps.
pub fn resolve(states: &mut [BallState], balls: &[Ball], table: &Table) {
    for _ in 0..SWEEPS {
        let mut quiet = true;
        for_each_pair(states, balls, |first, second, a, b| {
            quiet &= !collide(first, second, a, b)
        });
        for (state, ball) in on_bed(states, balls) {
            quiet &= !bounce(state, ball, table);
        }
        if quiet {
            break;
        }
    }
}

fn on_bed<'a>(
    states: &'a mut [BallState],
    balls: &'a [Ball],
) -> impl Iterator<Item = (&'a mut BallState, &'a Ball)> {
    states
        .iter_mut()
        .zip(balls)
        .filter(|(state, _)| state.phase == Phase::OnBed)
}

fn for_each_pair(
    states: &mut [BallState],
    balls: &[Ball],
    mut visit: impl FnMut(&mut BallState, &mut BallState, &Ball, &Ball),
) {
    for i in 1..states.len() {
        let (before, from) = states.split_at_mut(i);
        let second = &mut from[0];
        if second.phase != Phase::OnBed {
            continue;
        }
        for (first, ball) in before.iter_mut().zip(balls) {
            if first.phase == Phase::OnBed && (first.is_moving() || second.is_moving()) {
                visit(first, second, ball, &balls[i]);
            }
        }
    }
}

/// Lets two balls collide and separates them; whether anything changed.
fn collide(first: &mut BallState, second: &mut BallState, a: &Ball, b: &Ball) -> bool {
    let apart = second.position_mm - first.position_mm;
    let touch = a.radius_mm + b.radius_mm;
    let distance2 = apart.length_squared();
    if distance2 >= touch * touch {
        return false;
    }
    // Balls of unlike size touch above or below their middles; the cloth takes the vertical part.
    let level = apart.with_z(0.0);
    let normal = level.normalize_or(DVec3::X);
    let reach = libm::sqrt(touch * touch - apart.z * apart.z);
    let overlap = reach - level.length();
    first.position_mm -= normal * (0.5 * overlap + 1e-9);
    second.position_mm += normal * (0.5 * overlap + 1e-9);
    let closing = (first.velocity_mm_s - second.velocity_mm_s).dot(normal);
    if closing <= 0.0 {
        return overlap > 1e-6;
    }
    let (ma, mb) = (1.0 / a.mass_kg, 1.0 / b.mass_kg);
    // Slow touches do not bounce, so that racks and clusters come to rest.
    let restitution = if closing > 5.0 { BALL_RESTITUTION } else { 0.0 };
    let impulse = (1.0 + restitution) * closing / (ma + mb);
    first.velocity_mm_s -= normal * (impulse * ma);
    second.velocity_mm_s += normal * (impulse * mb);
    throw(first, second, a, b, normal, impulse);
    true
}

/// Friction between two balls: what players call throw and spin transfer.
fn throw(first: &mut BallState, second: &mut BallState, a: &Ball, b: &Ball, normal: DVec3, impulse: f64) {
    let across = DVec3::Z.cross(normal);
    let rub = |state: &BallState, arm: f64| state.velocity_mm_s.dot(across) + arm * state.spin_rad_s.z;
    let sliding = rub(first, a.radius_mm) - rub(second, -b.radius_mm);
    // Friction at most stops the sliding; a ball gives way to it with 7/2 of its mobility.
    let mobility = 3.5 / a.mass_kg + 3.5 / b.mass_kg;
    let friction = (sliding / mobility).clamp(-BALL_FRICTION * impulse, BALL_FRICTION * impulse);
    first.velocity_mm_s -= across * (friction / a.mass_kg);
    second.velocity_mm_s += across * (friction / b.mass_kg);
    first.spin_rad_s.z -= 2.5 * friction / (a.mass_kg * a.radius_mm);
    second.spin_rad_s.z -= 2.5 * friction / (b.mass_kg * b.radius_mm);
}

/// Lets a ball bounce off the cushions and takes it out of them; whether anything changed.
fn bounce(state: &mut BallState, ball: &Ball, table: &Table) -> bool {
    let at = state.position_mm.truncate();
    let rise = table.nose_height_mm - ball.radius_mm;
    let reach = libm::sqrt(ball.radius_mm * ball.radius_mm - rise * rise);
    if !state.is_moving() || table.depth_beyond_noses(at) < -reach {
        return false;
    }
    let mut changed = false;
    for cushion in &table.cushions {
        for line in cushion.outline_mm.windows(2) {
            let at = state.position_mm.truncate();
            let nearest = nearest_on_line(at, line[0], line[1]);
            let away = at - nearest;
            if away.length_squared() >= reach * reach {
                continue;
            }
            let outward = DVec2::new(line[0].y - line[1].y, line[1].x - line[0].x).normalize_or_zero();
            let normal = away.normalize_or(outward);
            let overlap = reach - away.length();
            state.position_mm += (normal * (overlap + 1e-9)).extend(0.0);
            changed |= overlap > 1e-6;
            changed |= rebound(state, ball, normal.extend(0.0), rise);
        }
    }
    changed
}

fn rebound(state: &mut BallState, ball: &Ball, normal: DVec3, rise: f64) -> bool {
    let closing = -state.velocity_mm_s.dot(normal);
    if closing <= 0.0 {
        return false;
    }
    let restitution = if closing > 5.0 { CUSHION_RESTITUTION } else { 0.0 };
    let change = (1.0 + restitution) * closing;
    // The nose rubs along the cushion and up or down; vertical motion is left to the cloth, so only spin answers there.
    let arm = normal * -libm::sqrt(ball.radius_mm * ball.radius_mm - rise * rise) + DVec3::Z * rise;
    let surface = state.velocity_mm_s + state.spin_rad_s.cross(arm);
    let along = DVec3::Z.cross(normal);
    let wanted = along * (surface.dot(along) / 3.5) + DVec3::Z * (surface.z / 2.5);
    let most = CUSHION_FRICTION * change;
    let rub = -wanted * (most / wanted.length().max(most));
    state.velocity_mm_s += normal * change + rub.with_z(0.0);
    state.spin_rad_s += arm.cross(rub) * (2.5 / (ball.radius_mm * ball.radius_mm));
    true
}

fn nearest_on_line(point: DVec2, from: DVec2, to: DVec2) -> DVec2 {
    let line = to - from;
    let length2 = line.length_squared();
    if length2 < 1e-12 {
        return from;
    }
    from + line * ((point - from).dot(line) / length2).clamp(0.0, 1.0)
}
