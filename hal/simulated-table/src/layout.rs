//! Where balls lie before anybody plays.

use glam::DVec2;
use heapless::Vec;

use crate::balls::{Ball, BallSet, MAX_BALLS};
use crate::random::Random;
use crate::table::Table;

/// An arrangement of balls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Nothing on the table.
    Empty,
    /// As at the start of the game.
    Rack,
    /// So many of the set's balls, scattered: evenly, in clusters of touching balls, along the cushions and at the
    /// mouths of the pockets. The cue ball is among them.
    Scattered(u8),
}

/// A position for every ball that is on the table, by id.
pub type Positions = [Option<DVec2>; MAX_BALLS];

/// Arranges the balls. Balls that find no room stay away.
pub fn arrange(
    layout: Layout,
    set: BallSet,
    balls: &[Ball],
    table: &Table,
    random: &mut Random,
) -> Positions {
    match layout {
        Layout::Empty => [None; MAX_BALLS],
        Layout::Rack => rack(set, balls, table, random),
        Layout::Scattered(count) => scatter(usize::from(count), balls, table, random),
    }
}

/// Whether a ball of this radius at `at` touches no other ball and no cushion.
pub fn is_free(at: DVec2, ball: usize, balls: &[Ball], table: &Table, positions: &Positions) -> bool {
    let radius = balls[ball].radius_mm;
    if table.depth_beyond_noses(at) > -radius || table.pocket_at(at).is_some() {
        return false;
    }
    positions.iter().enumerate().all(|(other, position)| {
        other == ball || position.is_none_or(|p| p.distance(at) >= radius + balls[other].radius_mm)
    })
}

/// A free place as near to `wanted` as a spiral of half-ball steps finds; `None` when the table is full there.
pub fn nearest_free(
    wanted: DVec2,
    ball: usize,
    balls: &[Ball],
    table: &Table,
    positions: &Positions,
) -> Option<DVec2> {
    const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;
    (0..400).find_map(|step| {
        let radius = 0.5 * balls[ball].radius_mm * libm::sqrt(f64::from(step));
        let angle = GOLDEN_ANGLE * f64::from(step);
        let at = wanted + DVec2::new(libm::cos(angle), libm::sin(angle)) * radius;
        is_free(at, ball, balls, table, positions).then_some(at)
    })
}

fn scatter(count: usize, balls: &[Ball], table: &Table, random: &mut Random) -> Positions {
    let mut positions = [None; MAX_BALLS];
    let mut order: Vec<usize, MAX_BALLS> = (1..balls.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, random.index(i + 1));
    }
    let chosen = core::iter::once(0).chain(order.iter().copied()).take(count);
    for ball in chosen {
        let free = (0..60).find_map(|_| {
            let at = somewhere(ball, balls, table, &positions, random);
            is_free(at, ball, balls, table, &positions).then_some(at)
        });
        positions[ball] = free;
    }
    positions
}

fn somewhere(
    ball: usize,
    balls: &[Ball],
    table: &Table,
    positions: &Positions,
    random: &mut Random,
) -> DVec2 {
    let radius = balls[ball].radius_mm;
    let (l, w) = (table.size.length_mm, table.size.width_mm);
    let anywhere = DVec2::new(random.range(radius, l - radius), random.range(radius, w - radius));
    let turn = random.range(0.0, core::f64::consts::TAU);
    let direction = DVec2::new(libm::cos(turn), libm::sin(turn));
    let kind = random.unit();
    if kind < 0.3 {
        // Touching another ball, or nearly.
        let placed: Vec<usize, MAX_BALLS> = (0..balls.len()).filter(|&b| positions[b].is_some()).collect();
        if let Some(&other) = placed.get(random.index(placed.len())) {
            let gap = if random.chance(0.6) {
                0.01
            } else {
                random.range(0.0, radius)
            };
            let centre = positions[other].unwrap_or(anywhere);
            return centre + direction * (radius + balls[other].radius_mm + gap);
        }
    } else if kind < 0.42 {
        // Against a cushion.
        let gap = radius + random.range(0.0, 0.4 * radius);
        return match random.index(4) {
            0 => DVec2::new(gap, anywhere.y),
            1 => DVec2::new(l - gap, anywhere.y),
            2 => DVec2::new(anywhere.x, gap),
            _ => DVec2::new(anywhere.x, w - gap),
        };
    } else if kind < 0.52 && !table.pockets.is_empty() {
        // At the mouth of a pocket.
        let pocket = table.pockets[random.index(table.pockets.len())];
        return pocket.centre_mm + direction * (pocket.radius_mm + random.range(0.0, 3.0 * radius));
    }
    anywhere
}

fn rack(set: BallSet, balls: &[Ball], table: &Table, random: &mut Random) -> Positions {
    let mut positions = [None; MAX_BALLS];
    let (l, w) = (table.size.length_mm, table.size.width_mm);
    let at = |x: f64, y: f64| Some(DVec2::new(x * l, y * w));
    match set {
        BallSet::American | BallSet::Pub => {
            positions[0] = Some(DVec2::new(0.25 * l, random.range(0.35, 0.65) * w));
            let order = rack_order(set, random);
            let apex = DVec2::new(0.75 * l, 0.5 * w);
            triangle(apex, balls[1].radius_mm, &order, &mut positions, random);
        }
        BallSet::Snooker => {
            // Distances of the spots from the baulk cushion, as fractions of the bed (WPBSA: 737 mm to the baulk line,
            // 324 mm from the top cushion to the black).
            let baulk = 737.0 / 3569.0;
            let d = 292.0 / 1778.0;
            positions[0] = at(baulk - 0.02, random.range(0.42, 0.58));
            positions[16] = at(baulk, 0.5 - d);
            positions[17] = at(baulk, 0.5 + d);
            positions[18] = at(baulk, 0.5);
            positions[19] = at(0.5, 0.5);
            positions[20] = at(0.75, 0.5);
            positions[21] = at(1.0 - 324.0 / 3569.0, 0.5);
            let order: Vec<usize, 15> = (1..=15).collect();
            let apex = DVec2::new(0.75 * l + 2.0 * balls[1].radius_mm + 1.0, 0.5 * w);
            triangle(apex, balls[1].radius_mm, &order, &mut positions, random);
        }
        BallSet::Carom => {
            positions[0] = at(0.25, 0.5 - 0.13);
            positions[1] = at(0.25, 0.5);
            positions[2] = at(0.75, 0.5);
        }
    }
    positions
}

/// Ids in the order of the triangle's places, apex first; the black stands in the middle.
fn rack_order(set: BallSet, random: &mut Random) -> Vec<usize, 15> {
    const MIDDLE: usize = 4;
    let black = if set == BallSet::American { 8 } else { 15 };
    let mut order: Vec<usize, 15> = (1..=15).filter(|&id| id != black).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, random.index(i + 1));
    }
    // Fifteen places for fourteen balls and the black.
    let _ = order.insert(MIDDLE, black);
    order
}

fn triangle(apex: DVec2, radius: f64, order: &[usize], positions: &mut Positions, random: &mut Random) {
    // A hand-set rack leaves hairline gaps.
    let pitch = 2.0 * radius + 0.02;
    let mut ids = order.iter();
    for row in 0..5 {
        for place in 0..=row {
            let Some(&id) = ids.next() else { return };
            let x = f64::from(row) * pitch * 0.866_025_403_784_438_6;
            let y = (f64::from(place) - f64::from(row) / 2.0) * pitch;
            let jitter = DVec2::new(random.range(-0.005, 0.005), random.range(-0.005, 0.005));
            positions[id] = Some(apex + DVec2::new(x, y) + jitter);
        }
    }
}
