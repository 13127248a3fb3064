//! One ball on the cloth, with its spin: slides until it rolls, rolls until it rests.

use super::physics::Physics;
use crate::geometry::linear::{Vec2, Vec3, add2, dot2, norm2, scale2, sub2};

const GRAVITY_MM_S2: f64 = 9810.0;
/// Slip and speed below which there is none.
const STILL_MM_S: f64 = 1e-6;

/// A ball. Spin is the angular velocity times the radius: a surface speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    pub place_mm: Vec2,
    pub velocity_mm_s: Vec2,
    pub spin_mm_s: Vec3,
}

impl Body {
    pub fn at_rest(place_mm: Vec2) -> Self {
        Self {
            place_mm,
            velocity_mm_s: [0.0; 2],
            spin_mm_s: [0.0; 3],
        }
    }

    pub fn is_moving(&self) -> bool {
        self.velocity_mm_s != [0.0; 2] || self.slip() != [0.0; 2]
    }

    /// The velocity of the point that touches the cloth.
    pub fn slip(&self) -> Vec2 {
        let [vx, vy] = self.velocity_mm_s;
        [vx - self.spin_mm_s[1], vy + self.spin_mm_s[0]]
    }

    pub fn is_sliding(&self) -> bool {
        norm2(self.slip()) > STILL_MM_S
    }

    /// Gives it the spin of a ball that rolls.
    pub fn roll(&mut self) {
        let [vx, vy] = self.velocity_mm_s;
        self.spin_mm_s = [-vy, vx, self.spin_mm_s[2]];
    }

    /// Where and how it is so much later, alone on the cloth.
    pub fn after(mut self, dt_s: f64, physics: &Physics) -> Self {
        let mut left_s = dt_s;
        let slip = self.slip();
        let slip_speed = norm2(slip);
        if slip_speed > STILL_MM_S {
            let deceleration = physics.sliding_friction * GRAVITY_MM_S2;
            // Slip fades 3.5 times as fast as the centre is slowed: 2.5 times by spin.
            let sliding_s = left_s.min(slip_speed / (3.5 * deceleration));
            let force = scale2(slip, -deceleration / slip_speed);
            self.go(force, sliding_s);
            self.spin_mm_s[0] += 2.5 * force[1] * sliding_s;
            self.spin_mm_s[1] -= 2.5 * force[0] * sliding_s;
            left_s -= sliding_s;
            if left_s > 0.0 {
                self.roll();
            }
        }
        let speed = norm2(self.velocity_mm_s);
        if left_s > 0.0 && speed > 0.0 {
            let deceleration = physics.rolling_friction * GRAVITY_MM_S2;
            let rolling_s = left_s.min(speed / deceleration);
            let force = scale2(self.velocity_mm_s, -deceleration / speed);
            self.go(force, rolling_s);
            if rolling_s < left_s || norm2(self.velocity_mm_s) < STILL_MM_S {
                self.velocity_mm_s = [0.0; 2];
            }
            self.roll();
        }
        self
    }

    fn go(&mut self, force: Vec2, dt_s: f64) {
        self.place_mm = add2(
            self.place_mm,
            add2(scale2(self.velocity_mm_s, dt_s), scale2(force, 0.5 * dt_s * dt_s)),
        );
        self.velocity_mm_s = add2(self.velocity_mm_s, scale2(force, dt_s));
    }
}

/// Two balls of the same size and mass collide: restitution along the line of centres, friction across it, which throws
/// the balls and gives them spin (Alciatore, TP ).
pub fn collide(a: &mut Body, b: &mut Body, physics: &Physics) {
    let apart = sub2(b.place_mm, a.place_mm);
    let normal = scale2(apart, 1.0 / norm2(apart).max(1e-9));
    let across = [-normal[1], normal[0]];
    let relative = sub2(a.velocity_mm_s, b.velocity_mm_s);
    let push = 0.5 * (1.0 + physics.ball_restitution) * dot2(relative, normal);
    // How the surfaces rub on each other where they touch: level, and up or down.
    let rolling = |body: &Body| dot2([body.spin_mm_s[0], body.spin_mm_s[1]], across);
    let level = dot2(relative, across) + a.spin_mm_s[2] + b.spin_mm_s[2];
    let upright = -(rolling(a) + rolling(b));
    let rub = libm::sqrt(level * level + upright * upright);
    if rub > STILL_MM_S {
        let [least, slow, fall] = physics.ball_friction;
        let friction = least + slow * libm::exp(-fall * rub / 1e3);
        // Friction at most stops the rubbing, to which each ball gives way with 7/2 of its mobility.
        let impulse = (friction * push).min(rub / 7.0);
        let (along, up) = (impulse * level / rub, impulse * upright / rub);
        let throw = scale2(across, along);
        a.velocity_mm_s = sub2(a.velocity_mm_s, throw);
        b.velocity_mm_s = add2(b.velocity_mm_s, throw);
        for body in [&mut *a, &mut *b] {
            body.spin_mm_s[2] -= 2.5 * along;
            body.spin_mm_s[0] += 2.5 * up * across[0];
            body.spin_mm_s[1] += 2.5 * up * across[1];
        }
    }
    a.velocity_mm_s = sub2(a.velocity_mm_s, scale2(normal, push));
    b.velocity_mm_s = add2(b.velocity_mm_s, scale2(normal, push));
}
