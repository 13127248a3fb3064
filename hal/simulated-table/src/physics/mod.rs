//! Balls that slide, roll, collide, bounce and fall.
//!
//! The world advances in ticks of fixed length, each divided so finely that no ball moves more than half a millimetre in
//! a step: nothing tunnels, and a break at 10 m/s meets the rack where it stands. Everything is IEEE arithmetic and
//! `libm`, so the same shots end the same way on every machine.

mod contact;
mod motion;

use glam::{DQuat, DVec2, DVec3};

use crate::balls::{Ball, MAX_BALLS};
use crate::table::Table;

/// Gravity.
pub const GRAVITY_MM_S2: f64 = 9810.0;
/// Length of a tick.
pub const TICK_US: u64 = 500;

const TICK_S: f64 = TICK_US as f64 * 1e-6;
/// The farthest that a ball moves in one step.
const STEP_MM: f64 = 0.5;
/// A ball this deep in a pocket is gone.
const GONE_MM: f64 = -140.0;

/// Where in its life a ball is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not on the table.
    Absent,
    /// On the cloth.
    OnBed,
    /// In the hole of this pocket, on its way down.
    Falling(u8),
}

/// The motion of a ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BallState {
    /// Where in its life it is.
    pub phase: Phase,
    /// Centre.
    pub position_mm: DVec3,
    /// Velocity of the centre.
    pub velocity_mm_s: DVec3,
    /// Angular velocity.
    pub spin_rad_s: DVec3,
    /// How it has turned.
    pub rotation: DQuat,
}

impl BallState {
    const ABSENT: Self = Self {
        phase: Phase::Absent,
        position_mm: DVec3::ZERO,
        velocity_mm_s: DVec3::ZERO,
        spin_rad_s: DVec3::ZERO,
        rotation: DQuat::IDENTITY,
    };

    /// Whether it moves or spins.
    pub fn is_moving(&self) -> bool {
        match self.phase {
            Phase::Absent => false,
            Phase::OnBed => self.velocity_mm_s != DVec3::ZERO || self.spin_rad_s != DVec3::ZERO,
            Phase::Falling(_) => true,
        }
    }
}

/// What a cue does to a ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shot {
    /// Speed of the ball right after the hit.
    pub speed_mm_s: f64,
    /// Direction, counter-clockwise from the table's x axis.
    pub direction_rad: f64,
    /// Spin about the horizontal axis across the shot, relative to natural roll: 1 rolls at once, negative is back spin.
    pub top_spin: f64,
    /// Spin about the vertical axis, in the same measure, counter-clockwise seen from above.
    pub side_spin: f64,
}

/// Balls on a table.
#[derive(Debug, Clone)]
pub struct World {
    /// The balls of the set, by id.
    pub states: [BallState; MAX_BALLS],
    count: usize,
}

impl World {
    /// A table with none of `count` balls on it.
    pub fn new(count: usize) -> Self {
        Self {
            states: [BallState::ABSENT; MAX_BALLS],
            count: count.min(MAX_BALLS),
        }
    }

    /// Puts a ball at rest on the cloth.
    pub fn place(&mut self, id: usize, ball: &Ball, at: DVec2, rotation: DQuat) {
        self.states[id] = BallState {
            phase: Phase::OnBed,
            position_mm: at.extend(ball.radius_mm),
            rotation,
            ..BallState::ABSENT
        };
    }

    /// Takes a ball away.
    pub fn remove(&mut self, id: usize) {
        self.states[id] = BallState::ABSENT;
    }

    /// Strikes a ball.
    pub fn shoot(&mut self, id: usize, ball: &Ball, shot: &Shot) {
        let ahead = DVec3::new(libm::cos(shot.direction_rad), libm::sin(shot.direction_rad), 0.0);
        let roll = shot.speed_mm_s / ball.radius_mm;
        let state = &mut self.states[id];
        state.velocity_mm_s = ahead * shot.speed_mm_s;
        state.spin_rad_s =
            DVec3::Z.cross(ahead) * (roll * shot.top_spin) + DVec3::Z * (roll * shot.side_spin);
    }

    /// Whether nothing moves.
    pub fn is_at_rest(&self) -> bool {
        !self.states[..self.count].iter().any(BallState::is_moving)
    }

    /// Kinetic energy of the balls on the cloth, in microjoule (kg mm²/s²).
    pub fn energy(&self, balls: &[Ball]) -> f64 {
        let on_bed = self.states[..self.count]
            .iter()
            .zip(balls)
            .filter(|(s, _)| s.phase == Phase::OnBed);
        on_bed
            .map(|(state, ball)| {
                let inertia = 0.4 * ball.mass_kg * ball.radius_mm * ball.radius_mm;
                0.5 * (ball.mass_kg * state.velocity_mm_s.length_squared()
                    + inertia * state.spin_rad_s.length_squared())
            })
            .sum()
    }

    /// Advances by one tick.
    pub fn tick(&mut self, balls: &[Ball], table: &Table) {
        if self.is_at_rest() {
            return;
        }
        let fastest = self.states[..self.count]
            .iter()
            .filter(|s| s.phase == Phase::OnBed)
            .map(|s| s.velocity_mm_s.length())
            .fold(0.0, f64::max);
        let steps = (fastest * TICK_S / STEP_MM).ceil().max(1.0);
        for _ in 0..steps as u32 {
            self.step(balls, table, TICK_S / steps);
        }
    }

    fn step(&mut self, balls: &[Ball], table: &Table, dt_s: f64) {
        let states = &mut self.states[..self.count];
        for (state, ball) in states.iter_mut().zip(balls) {
            match state.phase {
                Phase::Absent => {}
                Phase::OnBed => {
                    motion::move_on_cloth(state, ball, dt_s);
                    if let Some(pocket) = table.pocket_at(state.position_mm.truncate()) {
                        state.phase = Phase::Falling(pocket as u8);
                    }
                }
                Phase::Falling(pocket) => {
                    motion::fall(state, ball, &table.pockets[usize::from(pocket)], dt_s);
                    if state.position_mm.z < GONE_MM {
                        *state = BallState::ABSENT;
                    }
                }
            }
        }
        contact::resolve(states, balls, table);
    }
}
