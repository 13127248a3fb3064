//! The balls move as the textbooks say, and nothing gets lost.

use baize_simulated_table::{
    Ball, BallSet, BallStyle, MAX_BALLS, Phase, Random, Shot, Table, TableSize, World,
};
use glam::{DQuat, DVec2};

const GRAVITY_MM_S2: f64 = 9810.0;
const TICK_S: f64 = 500e-6;

struct Setup {
    world: World,
    balls: heapless::Vec<Ball, MAX_BALLS>,
    table: Table,
}

impl Setup {
    fn new(positions: &[(usize, f64, f64)]) -> Self {
        let balls = BallSet::American.balls(&BallStyle::default());
        let table = Table::new(TableSize::NINE_FOOT, balls[0].radius_mm);
        let mut world = World::new(balls.len());
        for &(id, x, y) in positions {
            world.place(id, &balls[id], DVec2::new(x, y), DQuat::IDENTITY);
        }
        Self { world, balls, table }
    }

    fn racked() -> Self {
        let mut places = vec![(0, 640.0, 620.0)];
        let pitch = 57.17;
        for row in 0..5 {
            for place in 0..=row {
                let x = 1905.0 + f64::from(row) * pitch * 0.866_025_404;
                let y = 635.0 + (f64::from(place) - f64::from(row) / 2.0) * pitch;
                places.push((places.len(), x, y));
            }
        }
        Self::new(&places)
    }

    fn shoot(&mut self, speed_mm_s: f64, direction_rad: f64, top_spin: f64) {
        let shot = Shot {
            speed_mm_s,
            direction_rad,
            top_spin,
            side_spin: 0.0,
        };
        self.world.shoot(0, &self.balls[0], &shot);
    }

    fn tick(&mut self) {
        self.world.tick(&self.balls, &self.table);
    }

    fn settle(&mut self) {
        for _ in 0..120_000 {
            if self.world.is_at_rest() {
                return;
            }
            self.tick();
        }
        panic!("balls still move after a minute");
    }

    fn deepest_overlap_mm(&self) -> f64 {
        let on_bed: Vec<_> = self
            .world
            .states
            .iter()
            .filter(|s| s.phase == Phase::OnBed)
            .collect();
        let mut deepest = 0.0f64;
        for (i, a) in on_bed.iter().enumerate() {
            for b in &on_bed[..i] {
                deepest = deepest.max(2.0 * self.balls[0].radius_mm - a.position_mm.distance(b.position_mm));
            }
        }
        deepest
    }
}

#[test]
fn a_rolling_ball_stops_where_theory_says() {
    let mut setup = Setup::new(&[(0, 600.0, 400.0)]);
    setup.shoot(500.0, 0.0, 1.0);
    setup.settle();
    let distance = setup.world.states[0].position_mm.x - 600.0;
    let theory = 500.0 * 500.0 / (2.0 * 0.01 * GRAVITY_MM_S2);
    assert!(
        (distance - theory).abs() < 0.1,
        "rolled {distance} mm, theory says {theory} mm"
    );
}

#[test]
fn a_ball_struck_without_spin_rolls_at_five_sevenths_of_its_speed() {
    let mut setup = Setup::new(&[(0, 300.0, 400.0)]);
    setup.shoot(2000.0, 0.0, 0.0);
    let slides_s = 2.0 * 2000.0 / (7.0 * 0.2 * GRAVITY_MM_S2);
    for _ in 0..(slides_s / TICK_S).ceil() as usize {
        setup.tick();
    }
    let state = setup.world.states[0];
    let speed = state.velocity_mm_s.x;
    assert!((speed - 2000.0 * 5.0 / 7.0).abs() < 1.0, "rolls at {speed} mm/s");
    assert!((state.spin_rad_s.y * setup.balls[0].radius_mm - speed).abs() < 1e-6);
}

#[test]
fn a_head_on_hit_keeps_momentum_and_hands_over_the_speed() {
    let mut setup = Setup::new(&[(0, 600.0, 600.0), (1, 700.0, 600.0)]);
    setup.shoot(3000.0, 0.0, 0.0);
    let mut before = 3000.0;
    while setup.world.states[1].velocity_mm_s.x == 0.0 {
        before = setup.world.states[0].velocity_mm_s.x;
        setup.tick();
    }
    let after = [0, 1].map(|id: usize| setup.world.states[id].velocity_mm_s.x);
    // The cloth takes at most friction times gravity from each ball during the tick of the hit.
    let cloth = 0.2 * GRAVITY_MM_S2 * TICK_S;
    assert!((after[0] + after[1] - before).abs() < 2.0 * cloth);
    assert!(
        (after[1] - before * 1.95 / 2.0).abs() < 2.0 * cloth,
        "the second ball runs at {}",
        after[1]
    );
}

#[test]
fn back_spin_draws_the_ball_back() {
    let mut setup = Setup::new(&[(0, 600.0, 600.0), (1, 800.0, 600.0)]);
    setup.shoot(3000.0, 0.0, -1.0);
    setup.settle();
    assert!(setup.world.states[0].position_mm.x < 740.0);
}

#[test]
fn a_ball_leaves_a_cushion_slower_and_on_the_other_side() {
    let mut setup = Setup::new(&[(0, 2000.0, 400.0)]);
    setup.shoot(2000.0, 0.3, 1.0);
    for _ in 0..1000 {
        setup.tick();
    }
    let velocity = setup.world.states[0].velocity_mm_s;
    assert!(velocity.x < 0.0 && velocity.y > 0.0);
    assert!(velocity.length() < 0.9 * 2000.0);
}

#[test]
fn a_potted_ball_vanishes() {
    let mut setup = Setup::new(&[(0, 400.0, 400.0), (1, 300.0, 300.0)]);
    setup.shoot(1500.0, -0.75 * std::f64::consts::PI, 0.0);
    let mut fell = false;
    for _ in 0..6000 {
        setup.tick();
        fell |= matches!(setup.world.states[1].phase, Phase::Falling(0));
    }
    assert!(fell, "the ball fell into the pocket at the origin");
    assert_eq!(setup.world.states[1].phase, Phase::Absent);
}

#[test]
fn a_break_at_ten_metres_a_second_neither_loses_nor_overlaps_balls_nor_makes_energy() {
    let mut random = Random::new(3, 0);
    for _ in 0..6 {
        let mut setup = Setup::racked();
        let aim = libm::atan2(15.0, 1265.0) + random.range(-0.02, 0.02);
        setup.shoot(10_000.0, aim, random.range(-1.0, 1.0));
        let mut energy = setup.world.energy(&setup.balls);
        for tick in 0..120_000 {
            setup.tick();
            let now = setup.world.energy(&setup.balls);
            assert!(
                now <= energy * (1.0 + 1e-12),
                "energy grew from {energy} to {now} in tick {tick}"
            );
            energy = now;
            let overlap = setup.deepest_overlap_mm();
            assert!(overlap < 0.2, "balls overlap by {overlap} mm in tick {tick}");
            for state in setup.world.states.iter().filter(|s| s.phase == Phase::OnBed) {
                let out = setup.table.depth_beyond_noses(state.position_mm.truncate());
                assert!(out < 80.0, "a ball left the table by {out} mm");
            }
            if setup.world.is_at_rest() {
                break;
            }
        }
        assert!(setup.world.is_at_rest());
        assert!(setup.deepest_overlap_mm() < 0.01);
        for state in setup.world.states.iter().filter(|s| s.phase == Phase::OnBed) {
            assert!(setup.table.depth_beyond_noses(state.position_mm.truncate()) < 0.0);
        }
    }
}
