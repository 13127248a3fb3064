//! All balls together over the short time between two exposures: straight ways, and what meets on them.
//!
//! Friction changes a velocity by at most 2 m/s each second, which is a millimetre between exposures at 30 frames a
//! second; it is left to the filter. Spin is not known of a ball that is only watched.

use heapless::Vec;

use crate::geometry::TableSize;
use crate::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};
use crate::limits::{MAX_IMPACTS, MAX_TRACKS};

/// The part of the speed along the line of centres that two balls keep: pool balls, 0.92 to 0.98 (Alciatore).
pub const BALL_RESTITUTION: f64 = 0.95;
/// Friction between balls at the speeds of play, as a part of the push (Alciatore, TP A-14).
const BALL_FRICTION: f64 = 0.05;
/// The parts of the speed into and along a cushion that a ball keeps: medians over shots of a physics that is not ours,
/// see `tests/motion`.
pub const CUSHION_RESTITUTION: f64 = 0.79;
const CUSHION_ALONG: f64 = 0.73;
/// The nose is at 63.5 % of a ball's height (WPA): at the touch, the middle is so many radii from it.
const NOSE_RADII: f64 = 0.963;
/// A ball whose middle comes this close to a pocket's rim may fall, in radii.
const FALLS_RADII: f64 = 0.5;
/// From a corner of the noses to where the cushion begins, and from the middle of a long side.
const CORNER_MOUTH_MM: f64 = 85.0;
const MIDDLE_MOUTH_MM: f64 = 65.0;
/// Balls that do not close faster than this do not meet.
const CLOSING_MM_S: f64 = 1.0;
/// What bends a way less than this is not told.
const NOTABLE_MM_S: f64 = 10.0;

/// A ball as far as the coming interval is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mover {
    pub place_mm: Vec2,
    pub velocity_mm_s: Vec2,
    /// Standard deviation of the place when the interval began.
    pub sigma_mm: f64,
    /// What impacts in the interval make the final place and velocity uncertain by.
    pub place_doubt_mm: f64,
    pub velocity_doubt_mm_s: f64,
    /// How little its speed is known, as a part of it; what it hits inherits that.
    pub speed_doubt: f64,
    /// Whether others can hit it.
    pub is_solid: bool,
    /// Into which pocket it fell.
    pub fell: Option<u8>,
    pub impacts: u8,
    /// Whether one of them was with a cushion.
    pub bounced: bool,
}

/// What a ball met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    Ball(u8),
    Cushion,
}

/// Where the middle of a ball turns back: along a side, and which side that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    pub axis: usize,
    pub place_mm: f64,
}

impl Wall {
    /// The wall nearest to a place; `None` in the mouth of a pocket, whose jaws have other directions. A cushion's nose is
    /// higher than the ball's middle, so that this comes closer than a radius.
    pub fn nearest(place_mm: Vec2, table: &TableSize, radius_mm: f64) -> Option<Self> {
        let near_mm = NOSE_RADII * radius_mm;
        let wall = |axis: usize| {
            let side_mm = [table.length_mm, table.width_mm][axis];
            let far = place_mm[axis] > 0.5 * side_mm;
            Self {
                axis,
                place_mm: if far { side_mm - near_mm } else { near_mm },
            }
        };
        let off = |wall: &Self| (place_mm[wall.axis] - wall.place_mm).abs();
        let (x, y) = (wall(0), wall(1));
        let nearest = if off(&x) < off(&y) { x } else { y };
        (!is_in_mouth(place_mm[1 - nearest.axis], nearest.axis, table)).then_some(nearest)
    }
}

/// Two balls, or a ball and a cushion, met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impact {
    /// Seconds after the interval began.
    pub at_s: f64,
    /// The one that hits, by index: the faster of the two before.
    pub ball: u8,
    pub met: Met,
    /// Its place then.
    pub place_mm: Vec2,
    /// Its velocity afterwards.
    pub velocity_mm_s: Vec2,
    /// How much the impact changed its velocity.
    pub change_mm_s: f64,
}

/// Moves all balls on by `dt_s` and says what met on the way, in order.
pub fn advance(
    movers: &mut Vec<Mover, MAX_TRACKS>,
    dt_s: f64,
    table: &TableSize,
    radius_mm: f64,
    impacts: &mut Vec<Impact, MAX_IMPACTS>,
) {
    impacts.clear();
    let pockets = table.pockets();
    let mut now_s = 0.0;
    // One more turn than impacts: the last goes to the end of the interval.
    for _ in 0..=MAX_IMPACTS {
        let left_s = dt_s - now_s;
        let next = next_impact(movers, left_s, table, radius_mm);
        let step_s = next.map_or(left_s, |(at_s, ..)| at_s);
        for mover in movers.iter_mut().filter(|mover| mover.fell.is_none()) {
            let to = add2(mover.place_mm, scale2(mover.velocity_mm_s, step_s));
            if dot2(mover.velocity_mm_s, mover.velocity_mm_s) > 0.0 {
                mover.fell = pockets
                    .iter()
                    .position(|pocket| {
                        pocket.distance_from_way_mm(mover.place_mm, to) < FALLS_RADII * radius_mm
                    })
                    .map(|pocket| pocket as u8);
            }
            mover.place_mm = to;
        }
        now_s += step_s;
        let Some((_, first, met)) = next else { break };
        let impact = match met {
            Met::Ball(second) => hit_ball(movers, first, usize::from(second), dt_s - now_s, radius_mm),
            Met::Cushion => {
                hit_cushion(&mut movers[first], table, radius_mm, dt_s - now_s).map(|mut impact| {
                    impact.ball = first as u8;
                    impact
                })
            }
        };
        if let Some(impact) = impact.filter(|impact| impact.change_mm_s > NOTABLE_MM_S) {
            // Within capacity: there are no more turns than places.
            let _ = impacts.push(Impact {
                at_s: now_s,
                ..impact
            });
        }
    }
}

fn next_impact(
    movers: &[Mover],
    within_s: f64,
    table: &TableSize,
    radius_mm: f64,
) -> Option<(f64, usize, Met)> {
    let mut next: Option<(f64, usize, Met)> = None;
    let mut offer = |at_s: f64, ball: usize, met: Met| {
        if at_s < next.map_or(within_s, |(best_s, ..)| best_s) {
            next = Some((at_s, ball, met));
        }
    };
    for (i, mover) in movers.iter().enumerate() {
        if mover.fell.is_some() {
            continue;
        }
        let speed_squared = dot2(mover.velocity_mm_s, mover.velocity_mm_s);
        if speed_squared > 0.0 {
            for (axis, side_mm) in [table.length_mm, table.width_mm].into_iter().enumerate() {
                let velocity = mover.velocity_mm_s[axis];
                let wall = if velocity < 0.0 {
                    radius_mm
                } else {
                    side_mm - radius_mm
                };
                let mouth = is_mouth(mover, axis, wall, table);
                if velocity != 0.0 && !mouth {
                    offer(
                        ((wall - mover.place_mm[axis]) / velocity).max(0.0),
                        i,
                        Met::Cushion,
                    );
                }
            }
        }
        for (j, other) in movers.iter().enumerate().skip(i + 1) {
            if other.fell.is_none()
                && mover.is_solid
                && other.is_solid
                && (speed_squared > 0.0 || dot2(other.velocity_mm_s, other.velocity_mm_s) > 0.0)
                && let Some(at_s) = meeting(mover, other, radius_mm)
            {
                offer(at_s, i, Met::Ball(j as u8));
            }
        }
    }
    next
}

/// Whether a ball on its way to a wall meets the mouth of a pocket there.
fn is_mouth(mover: &Mover, axis: usize, wall_mm: f64, table: &TableSize) -> bool {
    let velocity = mover.velocity_mm_s;
    let until_s = ((wall_mm - mover.place_mm[axis]) / velocity[axis]).max(0.0);
    is_in_mouth(
        mover.place_mm[1 - axis] + velocity[1 - axis] * until_s,
        axis,
        table,
    )
}

/// Whether there is no cushion at a place along the walls that end an axis.
fn is_in_mouth(along_mm: f64, axis: usize, table: &TableSize) -> bool {
    if *table == TableSize::CAROM {
        return false;
    }
    let side_mm = [table.width_mm, table.length_mm][axis];
    let from_corner_mm = along_mm.min(side_mm - along_mm);
    let in_middle = axis == 1 && (along_mm - side_mm / 2.0).abs() < MIDDLE_MOUTH_MM;
    from_corner_mm < CORNER_MOUTH_MM || in_middle
}

/// When two balls touch, if they do.
fn meeting(a: &Mover, b: &Mover, radius_mm: f64) -> Option<f64> {
    let apart = sub2(b.place_mm, a.place_mm);
    let velocity = sub2(b.velocity_mm_s, a.velocity_mm_s);
    let closing = -dot2(apart, velocity);
    if closing <= 0.0 {
        return None;
    }
    let touch = 2.0 * radius_mm;
    let speed_squared = dot2(velocity, velocity);
    let gap = dot2(apart, apart) - touch * touch;
    if gap <= 0.0 {
        // Seen closer than balls can be: noise. They touch now, if they close at all.
        return (closing > CLOSING_MM_S * touch).then_some(0.0);
    }
    let root = closing * closing - speed_squared * gap;
    (root > 0.0).then(|| gap / (closing + libm::sqrt(root)))
}

fn hit_ball(
    movers: &mut [Mover],
    first: usize,
    second: usize,
    left_s: f64,
    radius_mm: f64,
) -> Option<Impact> {
    let (a, b) = (movers[first], movers[second]);
    let apart = sub2(b.place_mm, a.place_mm);
    let distance = norm2(apart);
    let normal = if distance > 1e-9 {
        scale2(apart, 1.0 / distance)
    } else {
        [1.0, 0.0]
    };
    let relative = sub2(a.velocity_mm_s, b.velocity_mm_s);
    let closing = dot2(relative, normal);
    if closing <= 0.0 {
        return None;
    }
    let push = 0.5 * (1.0 + BALL_RESTITUTION) * closing;
    let across = [-normal[1], normal[0]];
    let sliding = dot2(relative, across);
    let rub = (sliding / 7.0).clamp(-BALL_FRICTION * push, BALL_FRICTION * push);
    let change = add2(scale2(normal, push), scale2(across, rub));
    // Where on each other they meet is uncertain by what their places are, and the faster, the farther that leads.
    let sigma_mm = libm::sqrt(a.sigma_mm * a.sigma_mm + b.sigma_mm * b.sigma_mm);
    let doubt = norm2(relative) * (sigma_mm / (2.0 * radius_mm) + 0.05);
    for (mover, sign, other) in [(first, -1.0, &b), (second, 1.0, &a)] {
        let mover = &mut movers[mover];
        mover.velocity_mm_s = add2(mover.velocity_mm_s, scale2(change, sign));
        mover.velocity_doubt_mm_s += doubt;
        mover.place_doubt_mm += doubt * left_s + sigma_mm;
        mover.speed_doubt = mover.speed_doubt.max(other.speed_doubt);
        mover.impacts += 1;
    }
    // The faster one hits the other.
    let (faster, met) = if norm2(a.velocity_mm_s) >= norm2(b.velocity_mm_s) {
        (first, second)
    } else {
        (second, first)
    };
    Some(Impact {
        at_s: 0.0,
        ball: faster as u8,
        met: Met::Ball(met as u8),
        place_mm: movers[faster].place_mm,
        velocity_mm_s: movers[faster].velocity_mm_s,
        change_mm_s: norm2(change),
    })
}

fn hit_cushion(mover: &mut Mover, table: &TableSize, radius_mm: f64, left_s: f64) -> Option<Impact> {
    let sides = [table.length_mm, table.width_mm];
    let beyond = |axis: usize| {
        let velocity = mover.velocity_mm_s[axis];
        let wall = if velocity < 0.0 {
            radius_mm
        } else {
            sides[axis] - radius_mm
        };
        (mover.place_mm[axis] - wall) * velocity.signum()
    };
    let axis = if beyond(0) > beyond(1) { 0 } else { 1 };
    let velocity = mover.velocity_mm_s[axis];
    let change_mm_s = (1.0 + CUSHION_RESTITUTION) * velocity.abs();
    mover.velocity_mm_s[axis] = -CUSHION_RESTITUTION * velocity;
    mover.velocity_mm_s[1 - axis] *= CUSHION_ALONG;
    let doubt = 0.08 * velocity.abs() + 0.25 * mover.velocity_mm_s[1 - axis].abs();
    mover.velocity_doubt_mm_s += doubt;
    mover.place_doubt_mm += doubt * left_s;
    mover.impacts += 1;
    mover.bounced = true;
    Some(Impact {
        at_s: 0.0,
        ball: 0,
        met: Met::Cushion,
        place_mm: mover.place_mm,
        velocity_mm_s: mover.velocity_mm_s,
        change_mm_s,
    })
}
