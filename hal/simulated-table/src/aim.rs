//! Chooses the next shot.

use glam::DVec2;

use crate::balls::BallSet;
use crate::physics::{Phase, Shot, World};
use crate::play::Game;
use crate::random::Random;

/// A shot, and where the cue ball lies.
pub fn plan(world: &World, game: &Game, breaking: bool, random: &mut Random) -> (Shot, DVec2) {
    let cue_ball = world.states[0].position_mm.truncate();
    let direction = if breaking {
        None
    } else {
        pot(world, game, cue_ball, random)
    };
    let direction = direction.unwrap_or_else(|| any_ball(world, game, cue_ball, random));
    let speed_mm_s = match (breaking, game.set) {
        (true, BallSet::American | BallSet::Pub) => random.range(7_500.0, 10_000.0),
        (true, BallSet::Snooker) => random.range(3_000.0, 5_000.0),
        _ => random.range(1_200.0, 4_500.0),
    };
    let shot = Shot {
        speed_mm_s,
        direction_rad: libm::atan2(direction.y, direction.x),
        top_spin: random.range(-0.6, 1.0),
        side_spin: random.range(-0.5, 0.5),
    };
    (shot, cue_ball)
}

/// A direction that pots a ball, nearly; `None` when nothing is on.
fn pot(world: &World, game: &Game, cue_ball: DVec2, random: &mut Random) -> Option<DVec2> {
    /// Deviation of a player's aim.
    const UNSTEADY_RAD: f64 = 0.006;
    /// Cosine of the thinnest cut that a player tries.
    const THINNEST: f64 = 0.4;
    let mut found = None;
    let mut seen = 0;
    for id in 1..game.balls.len() {
        if world.states[id].phase != Phase::OnBed {
            continue;
        }
        let ball = world.states[id].position_mm.truncate();
        for pocket in &game.table.pockets {
            let to_pocket = (pocket.centre_mm - ball).normalize_or_zero();
            let ghost = ball - to_pocket * (game.balls[0].radius_mm + game.balls[id].radius_mm);
            let way = (ghost - cue_ball).normalize_or_zero();
            let is_on = way.dot(to_pocket) > THINNEST
                && is_clear(world, game, cue_ball, ghost, &[0, id])
                && is_clear(world, game, ball, pocket.centre_mm, &[0, id]);
            if is_on {
                seen += 1;
                // Every shot that is on gets the same chance.
                if random.index(seen) == 0 {
                    found = Some(way);
                }
            }
        }
    }
    let angle = UNSTEADY_RAD * random.gaussian();
    found.map(|way| DVec2::new(libm::cos(angle), libm::sin(angle)).rotate(way))
}

/// Whether a ball can run from `from` to `to` past all others but `except`.
fn is_clear(world: &World, game: &Game, from: DVec2, to: DVec2, except: &[usize]) -> bool {
    let way = to - from;
    (0..game.balls.len()).filter(|id| !except.contains(id)).all(|id| {
        if world.states[id].phase != Phase::OnBed {
            return true;
        }
        let other = world.states[id].position_mm.truncate() - from;
        let t = (other.dot(way) / way.length_squared().max(1.0)).clamp(0.0, 1.0);
        other.distance(way * t) > game.balls[0].radius_mm + game.balls[id].radius_mm
    })
}

/// Straight at some ball, the nearest more likely; anywhere when there is none.
fn any_ball(world: &World, game: &Game, cue_ball: DVec2, random: &mut Random) -> DVec2 {
    let mut best = (f64::MAX, DVec2::new(1.0, 0.0));
    for (id, state) in world.states.iter().enumerate().take(game.balls.len()).skip(1) {
        if state.phase == Phase::OnBed {
            let to_ball = state.position_mm.truncate() - cue_ball;
            let score = to_ball.length() * random.range(0.5, 1.0);
            // A little off the middle.
            let across =
                to_ball.perp().normalize_or_zero() * game.balls[id].radius_mm * random.range(-0.8, 0.8);
            if score < best.0 {
                best = (score, (to_ball + across).normalize_or(DVec2::X));
            }
        }
    }
    best.1
}
