//! A player who racks, breaks, aims, strikes and plays on for ever.

use core::f64::consts::TAU;

use glam::{DQuat, DVec2};

use crate::aim::plan;
use crate::balls::{Ball, BallSet, MAX_BALLS};
use crate::layout::{Layout, Positions, arrange, nearest_free};
use crate::person::{CHEST_MM, Cue, PersonStyle, Stance, UNDER_CUE};
use crate::physics::{Phase, Shot, TICK_US, World};
use crate::random::Random;
use crate::table::Table;
use crate::truth::CueState;

const PAUSE_US: u64 = 700_000;
const APPROACH_US: u64 = 600_000;
const AIM_US: u64 = 1_500_000;
const BACKSWING_US: u64 = 450_000;
const FOLLOW_US: u64 = 350_000;
const LEAVE_US: u64 = 500_000;

/// Tip to ball while aiming.
const AIM_GAP_MM: f64 = 28.0;
/// Tip to ball at the end of the backswing.
const SWING_MM: f64 = 150.0;
/// From where a player comes, along the cue.
const APPROACH_MM: f64 = 1300.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Watching,
    Pausing,
    Approaching,
    Aiming,
    SwingingBack,
    SwingingForth,
    Following,
    Leaving,
}

/// The rules of play: which balls come back, and where.
pub struct Game<'a> {
    pub set: BallSet,
    pub balls: &'a [Ball],
    pub table: &'a Table,
}

/// One player at the table.
#[derive(Debug, Clone)]
pub struct Player {
    style: PersonStyle,
    random: Random,
    doing: Doing,
    since_us: u64,
    shot: Shot,
    from_mm: DVec2,
    breaking: bool,
}

/// The player as the camera sees them.
pub struct Pose {
    pub cue: Cue,
    pub state: CueState,
    pub body: heapless::Vec<crate::person::Limb, { crate::person::MAX_LIMBS }>,
    pub under_cue: usize,
}

impl Player {
    /// A player before the break.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 21);
        Self {
            style: PersonStyle::random(&mut random),
            random,
            doing: Doing::Watching,
            since_us: 0,
            shot: Shot {
                speed_mm_s: 0.0,
                direction_rad: 0.0,
                top_spin: 0.0,
                side_spin: 0.0,
            },
            from_mm: DVec2::ZERO,
            breaking: true,
        }
    }

    /// Holds still while aiming at the cue ball, as long as there is one; mostly where a player reaches it.
    pub fn pose_at(&mut self, world: &World, game: &Game) {
        const TRIES: usize = 8;
        if world.states[0].phase != Phase::OnBed {
            return;
        }
        self.from_mm = world.states[0].position_mm.truncate();
        self.doing = if self.random.chance(0.8) {
            Doing::Aiming
        } else {
            Doing::SwingingBack
        };
        self.since_us = (self.random.unit() * self.duration_us() as f64) as u64;
        for _ in 0..TRIES {
            self.shot.direction_rad = self.random.range(0.0, TAU);
            if self.pose(game, 0).is_some_and(|pose| !pose.body.is_empty()) {
                break;
            }
        }
    }

    /// Lives one tick of the physics.
    pub fn tick(&mut self, world: &mut World, game: &Game) {
        self.since_us += TICK_US;
        if self.since_us < self.duration_us() {
            return;
        }
        let next = match self.doing {
            Doing::Watching if !world.is_at_rest() => return,
            Doing::Watching => {
                self.set_up(world, game);
                Doing::Pausing
            }
            Doing::Pausing => {
                (self.shot, self.from_mm) = plan(world, game, self.breaking, &mut self.random);
                self.breaking = false;
                Doing::Approaching
            }
            Doing::Approaching => Doing::Aiming,
            Doing::Aiming => Doing::SwingingBack,
            Doing::SwingingBack => Doing::SwingingForth,
            Doing::SwingingForth => {
                world.shoot(0, &game.balls[0], &self.shot);
                Doing::Following
            }
            Doing::Following => Doing::Leaving,
            Doing::Leaving => Doing::Watching,
        };
        self.doing = next;
        self.since_us = 0;
    }

    fn duration_us(&self) -> u64 {
        match self.doing {
            Doing::Watching => 0,
            Doing::Pausing => PAUSE_US,
            Doing::Approaching => APPROACH_US,
            Doing::Aiming => AIM_US,
            Doing::SwingingBack => BACKSWING_US,
            // Evenly accelerated; a cue is about three times as heavy as a ball and a little slower than it afterwards.
            Doing::SwingingForth => (2.0 * SWING_MM / (0.7 * self.shot.speed_mm_s) * 1e6) as u64,
            Doing::Following => FOLLOW_US,
            Doing::Leaving => LEAVE_US,
        }
    }

    /// Brings back what has to come back; racks when little is left.
    fn set_up(&mut self, world: &mut World, game: &Game) {
        let on_table = |id: usize| world.states[id].phase == Phase::OnBed;
        let left = (1..game.balls.len()).filter(|&id| on_table(id)).count();
        let few = match game.set {
            BallSet::American | BallSet::Pub => left <= 2,
            BallSet::Snooker => (1..=15).filter(|&id| on_table(id)).count() == 0,
            BallSet::Carom => left < 2,
        };
        if few {
            let positions = arrange(Layout::Rack, game.set, game.balls, game.table, &mut self.random);
            self.lay_out(world, game, &positions);
            self.breaking = true;
            return;
        }
        let rack = arrange(Layout::Rack, game.set, game.balls, game.table, &mut self.random);
        let comes_back = |id: usize| id == 0 || (game.set == BallSet::Snooker && id > 15);
        for id in (0..game.balls.len()).filter(|&id| comes_back(id)) {
            if world.states[id].phase == Phase::OnBed {
                continue;
            }
            let positions = positions(world);
            let wanted = rack[id].unwrap_or(DVec2::new(
                0.25 * game.table.size.length_mm,
                0.5 * game.table.size.width_mm,
            ));
            if let Some(at) = nearest_free(wanted, id, game.balls, game.table, &positions) {
                world.place(id, &game.balls[id], at, random_rotation(&mut self.random));
            }
        }
    }

    /// Puts every ball where `positions` say, at rest.
    pub fn lay_out(&mut self, world: &mut World, game: &Game, positions: &Positions) {
        for (id, ball) in game.balls.iter().enumerate() {
            match positions[id] {
                Some(at) => world.place(id, ball, at, random_rotation(&mut self.random)),
                None => world.remove(id),
            }
        }
    }

    /// The player at the table `later_us` after the last tick; `None` while nobody is there.
    pub fn pose(&self, game: &Game, later_us: u64) -> Option<Pose> {
        let t = (self.since_us + later_us) as f64 / self.duration_us().max(1) as f64;
        let t = t.min(1.0);
        let ease = t * t * (3.0 - 2.0 * t);
        let seconds = (self.since_us + later_us) as f64 * 1e-6;
        let (state, gap, away) = match self.doing {
            Doing::Watching | Doing::Pausing => return None,
            Doing::Approaching => (CueState::Moving, AIM_GAP_MM, 1.0 - ease),
            Doing::Aiming => {
                let strokes = (1.0 - libm::cos(TAU * 1.6 * seconds)) * 0.5;
                (CueState::Aiming, AIM_GAP_MM + 45.0 * strokes, 0.0)
            }
            Doing::SwingingBack => (
                CueState::Striking,
                AIM_GAP_MM + (SWING_MM - AIM_GAP_MM) * ease,
                0.0,
            ),
            Doing::SwingingForth => (CueState::Striking, SWING_MM * (1.0 - t * t), 0.0),
            Doing::Following => (CueState::Striking, -120.0 * t * (2.0 - t), 0.0),
            Doing::Leaving => (CueState::Moving, -120.0, ease),
        };
        let ball = &game.balls[0];
        let ahead = DVec2::new(
            libm::cos(self.shot.direction_rad),
            libm::sin(self.shot.direction_rad),
        );
        let from = self.from_mm - ahead * (away * APPROACH_MM);
        let target = from.extend(ball.radius_mm + 2.0 + 60.0 * away);
        let rail = self.distance_to_rail(game.table, ahead);
        let clearance = game.table.nose_height_mm + 14.0 - ball.radius_mm;
        let elevation = self.style.elevation().max(libm::atan(clearance / rail.max(60.0)));
        let cue = Cue::aimed(target, ahead, ball.radius_mm + gap, elevation, &self.style);
        let bridge_beyond = self.style.bridge_mm() - 50.0 > rail;
        let support = 60.0 * away
            + if bridge_beyond {
                game.table.nose_height_mm
            } else {
                0.0
            };
        let hips = beside_table(game.table, self.from_mm - ahead * CHEST_MM) - ahead * (away * APPROACH_MM);
        let stance = Stance {
            target,
            direction: ahead,
            support,
            hips: hips.extend(160.0),
        };
        let body = self.style.body(&cue, &stance);
        Some(Pose {
            cue,
            state,
            under_cue: UNDER_CUE.min(body.len()),
            body,
        })
    }

    /// From the cue ball to the noses, against the shot.
    fn distance_to_rail(&self, table: &Table, ahead: DVec2) -> f64 {
        let to = |at: f64, way: f64, length: f64| match way {
            w if w > 1e-9 => (length - at) / w,
            w if w < -1e-9 => -at / w,
            _ => f64::MAX,
        };
        to(self.from_mm.x, -ahead.x, table.size.length_mm).min(to(
            self.from_mm.y,
            -ahead.y,
            table.size.width_mm,
        ))
    }
}

/// Where somebody stands whose chest is at `chest`: behind it, or at the nearest edge of the table.
fn beside_table(table: &Table, chest: DVec2) -> DVec2 {
    /// From the rail's edge to the middle of the hips.
    const ROOM_MM: f64 = 130.0;
    let size = DVec2::new(table.size.length_mm, table.size.width_mm);
    let out = table.border_mm() + ROOM_MM;
    let middle = size / 2.0;
    let from_middle = chest - middle;
    let half = middle + DVec2::splat(out);
    let gap = half - from_middle.abs();
    if gap.min_element() <= 0.0 {
        return chest;
    }
    let side = if gap.x < gap.y {
        DVec2::new(half.x * from_middle.x.signum(), from_middle.y)
    } else {
        DVec2::new(from_middle.x, half.y * from_middle.y.signum())
    };
    middle + side
}

/// Where the balls lie.
pub fn positions(world: &World) -> Positions {
    let mut positions = [None; MAX_BALLS];
    for (state, position) in world.states.iter().zip(&mut positions) {
        *position = (state.phase == Phase::OnBed).then(|| state.position_mm.truncate());
    }
    positions
}

/// Any attitude, all equally likely.
fn random_rotation(random: &mut Random) -> DQuat {
    let mut four = || random.gaussian();
    DQuat::from_xyzw(four(), four(), four(), four()).normalize()
}
