//! Balls in motion together until they rest or enough has happened: exact between impacts, impacts found by short chords.

use heapless::Vec;

use super::body::{Body, collide};
use super::physics::Physics;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::geometry::{Pocket, TableSize};
use crate::limits::MAX_TRACKS;

/// Longest chords: of a way that may be bent, and of a straight one.
const SLIDING_STEP_S: f64 = 0.02;
const ROLLING_STEP_S: f64 = 0.12;
/// After this nothing is told any more.
const LONGEST_S: f64 = 12.0;
/// Steps of a run: what takes longer is broken off.
const MOST_STEPS: u32 = 240;
/// From a corner of the noses to where the cushion begins, and from the middle of a long side.
const CORNER_MOUTH_MM: f64 = 85.0;
const MIDDLE_MOUTH_MM: f64 = 65.0;

/// What ended a piece of a way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Ball(u8),
    Cushion,
    Pocket(u8),
    Rest,
    /// The way was bent until here and is straight from here on, or the run is over.
    Open,
}

/// A piece of a ball's way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub ball: u8,
    pub from_mm: Vec2,
    pub to_mm: Vec2,
    pub arrives_s: f64,
    pub end: End,
}

/// Balls on a table in the middle of a shot.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    pub bodies: Vec<Body, MAX_TRACKS>,
    pub now_s: f64,
    /// Ball contacts so far.
    pub contacts: u32,
    /// The two that met last, as they were just before.
    pub met: Option<[(u8, Body); 2]>,
    gone: [bool; MAX_TRACKS],
    from_mm: [Vec2; MAX_TRACKS],
    sliding: [bool; MAX_TRACKS],
    table: &'a TableSize,
    pockets: &'a [Pocket],
    radius_mm: f64,
    physics: &'a Physics,
}

impl<'a> Run<'a> {
    pub fn new(
        bodies: Vec<Body, MAX_TRACKS>,
        table: &'a TableSize,
        pockets: &'a [Pocket],
        radius_mm: f64,
        physics: &'a Physics,
    ) -> Self {
        let mut from_mm = [[0.0; 2]; MAX_TRACKS];
        let mut sliding = [false; MAX_TRACKS];
        for (i, body) in bodies.iter().enumerate() {
            from_mm[i] = body.place_mm;
            sliding[i] = body.is_sliding();
        }
        Self {
            bodies,
            now_s: 0.0,
            contacts: 0,
            met: None,
            gone: [false; MAX_TRACKS],
            from_mm,
            sliding,
            table,
            pockets,
            radius_mm,
            physics,
        }
    }

    /// Goes on until `contacts` balls have met or everything rests; hands each piece of a way to `tell`.
    pub fn until_contacts(&mut self, contacts: u32, tell: &mut impl FnMut(&Piece)) {
        for _ in 0..MOST_STEPS {
            if self.contacts >= contacts || self.now_s > LONGEST_S {
                break;
            }
            let moving: Vec<u8, MAX_TRACKS> = (0..self.bodies.len())
                .filter(|i| !self.gone[*i] && self.bodies[*i].is_moving())
                .map(|i| i as u8)
                .collect();
            if moving.is_empty() {
                return;
            }
            self.step(&moving, tell);
        }
    }

    /// Lets the two that met last meet again, the first with the spin of a ball that rolls or with none.
    pub fn meet_again(&mut self, rolling: bool) {
        let Some([(first, mut hitting), (second, hit)]) = self.met else {
            return;
        };
        hitting.spin_mm_s = [0.0; 3];
        if rolling {
            hitting.roll();
        }
        let (first, second) = (usize::from(first), usize::from(second));
        self.bodies[first] = hitting;
        self.bodies[second] = hit;
        self.part(first, second);
    }

    fn part(&mut self, first: usize, second: usize) {
        let (mut a, mut b) = (self.bodies[first], self.bodies[second]);
        collide(&mut a, &mut b, self.physics);
        self.bodies[first] = a;
        self.bodies[second] = b;
        for i in [first, second] {
            self.sliding[i] = self.bodies[i].is_sliding();
        }
    }

    /// Ends every way that still goes on.
    pub fn break_off(&mut self, tell: &mut impl FnMut(&Piece)) {
        for i in 0..self.bodies.len() {
            if !self.gone[i] && self.bodies[i].is_moving() {
                self.end_piece(i, End::Open, tell);
            }
        }
    }

    fn step(&mut self, moving: &[u8], tell: &mut impl FnMut(&Piece)) {
        let slides = moving.iter().any(|i| self.bodies[usize::from(*i)].is_sliding());
        let mut step_s = if slides { SLIDING_STEP_S } else { ROLLING_STEP_S };
        let mut event: Option<(usize, End)> = None;
        // Chords become exact as they become short: twice is enough for a hundredth of a millimetre.
        for _ in 0..3 {
            let Some((at_s, ball, end)) = self.first_event(moving, step_s) else {
                break;
            };
            event = Some((ball, end));
            let settled = step_s - at_s < 1e-5;
            step_s = at_s;
            if settled {
                break;
            }
        }
        for &i in moving {
            let i = usize::from(i);
            self.bodies[i] = self.bodies[i].after(step_s, self.physics);
        }
        self.now_s += step_s;
        if let Some((ball, end)) = event {
            self.resolve(ball, end, tell);
        }
        for &i in moving {
            let i = usize::from(i);
            let sliding = self.bodies[i].is_sliding();
            if self.gone[i] {
                continue;
            }
            if !self.bodies[i].is_moving() {
                self.end_piece(i, End::Rest, tell);
            } else if self.sliding[i] && !sliding {
                self.end_piece(i, End::Open, tell);
            }
            self.sliding[i] = sliding;
        }
    }

    /// The first thing that a ball meets within a step, if each goes straight to where it is then.
    fn first_event(&self, moving: &[u8], step_s: f64) -> Option<(f64, usize, End)> {
        let mut first: Option<(f64, usize, End)> = None;
        let mut offer = |at_s: f64, ball: usize, end: End| {
            if at_s <= step_s && first.is_none_or(|(best_s, ..)| at_s < best_s) {
                first = Some((at_s.max(0.0), ball, end));
            }
        };
        let chord = |i: usize| {
            let way = sub2(
                self.bodies[i].after(step_s, self.physics).place_mm,
                self.bodies[i].place_mm,
            );
            scale2(way, 1.0 / step_s.max(1e-9))
        };
        let mut velocities = [[0.0; 2]; MAX_TRACKS];
        for &i in moving {
            velocities[usize::from(i)] = chord(usize::from(i));
        }
        for &i in moving {
            let i = usize::from(i);
            let (place, velocity) = (self.bodies[i].place_mm, velocities[i]);
            for (j, other) in self.bodies.iter().enumerate() {
                let both_move = moving.iter().any(|k| usize::from(*k) == j);
                if j == i || self.gone[j] || both_move && j < i {
                    continue;
                }
                let apart = sub2(other.place_mm, place);
                let relative = sub2(velocities[j], velocity);
                if let Some(at_s) = meeting(apart, relative, 2.0 * self.radius_mm) {
                    offer(at_s, i, End::Ball(j as u8));
                }
            }
            for (k, pocket) in self.pockets.iter().enumerate() {
                let apart = sub2(pocket.centre_mm, place);
                if let Some(at_s) = meeting(apart, [-velocity[0], -velocity[1]], pocket.radius_mm) {
                    offer(at_s, i, End::Pocket(k as u8));
                }
            }
            for axis in 0..2 {
                let side_mm = [self.table.length_mm, self.table.width_mm][axis];
                let wall = if velocity[axis] < 0.0 {
                    self.radius_mm
                } else {
                    side_mm - self.radius_mm
                };
                if velocity[axis] == 0.0 {
                    continue;
                }
                let at_s = ((wall - place[axis]) / velocity[axis]).max(0.0);
                let across_mm = place[1 - axis] + velocity[1 - axis] * at_s;
                if !self.is_mouth(axis, across_mm) {
                    offer(at_s, i, End::Cushion);
                }
            }
        }
        first
    }

    fn is_mouth(&self, axis: usize, across_mm: f64) -> bool {
        if self.pockets.is_empty() {
            return false;
        }
        let side_mm = [self.table.width_mm, self.table.length_mm][axis];
        let from_corner_mm = across_mm.min(side_mm - across_mm);
        let in_middle = axis == 1 && (across_mm - side_mm / 2.0).abs() < MIDDLE_MOUTH_MM;
        from_corner_mm < CORNER_MOUTH_MM || in_middle
    }

    fn resolve(&mut self, ball: usize, end: End, tell: &mut impl FnMut(&Piece)) {
        match end {
            End::Ball(other) => {
                let other = usize::from(other);
                if self.bodies[other].is_moving() {
                    self.end_piece(other, End::Ball(ball as u8), tell);
                }
                self.end_piece(ball, end, tell);
                self.met = Some([ball, other].map(|i| (i as u8, self.bodies[i])));
                self.from_mm[other] = self.bodies[other].place_mm;
                self.contacts += 1;
                self.part(ball, other);
            }
            End::Cushion => {
                self.end_piece(ball, end, tell);
                self.bounce(ball);
            }
            End::Pocket(_) => {
                self.end_piece(ball, end, tell);
                self.gone[ball] = true;
            }
            End::Rest | End::Open => {}
        }
    }

    fn bounce(&mut self, ball: usize) {
        let body = &mut self.bodies[ball];
        let sides = [self.table.length_mm, self.table.width_mm];
        let depth = |axis: usize| {
            let velocity = body.velocity_mm_s[axis];
            let wall = if velocity < 0.0 {
                self.radius_mm
            } else {
                sides[axis] - self.radius_mm
            };
            if velocity == 0.0 {
                f64::NEG_INFINITY
            } else {
                (body.place_mm[axis] - wall) * velocity.signum()
            }
        };
        let axis = if depth(0) > depth(1) { 0 } else { 1 };
        body.velocity_mm_s[axis] *= -self.physics.cushion_restitution;
        body.velocity_mm_s[1 - axis] *= self.physics.cushion_along;
        // What spin is left after a cushion is little and not known: it rolls.
        body.spin_mm_s[2] = 0.0;
        body.roll();
        self.sliding[ball] = false;
    }

    fn end_piece(&mut self, ball: usize, end: End, tell: &mut impl FnMut(&Piece)) {
        let to_mm = self.bodies[ball].place_mm;
        tell(&Piece {
            ball: ball as u8,
            from_mm: self.from_mm[ball],
            to_mm,
            arrives_s: self.now_s,
            end,
        });
        self.from_mm[ball] = to_mm;
    }
}

/// When something at `apart` that comes with `relative` is as near as `reach_mm`.
fn meeting(apart: Vec2, relative: Vec2, reach_mm: f64) -> Option<f64> {
    let closing = -dot2(apart, relative);
    if closing <= 1e-9 {
        return None;
    }
    let gap = dot2(apart, apart) - reach_mm * reach_mm;
    if gap <= 0.0 {
        return (norm2(apart) > 1e-9).then_some(0.0);
    }
    let root = closing * closing - dot2(relative, relative) * gap;
    (root > 0.0).then(|| gap / (closing + libm::sqrt(root)))
}
