//! The table, the player and the camera together.

use baize_frame::{FrameFormat, ImageError, ImageView};
use glam::{DQuat, DVec2, DVec3};
use heapless::Vec;

use crate::balls::{Ball, MAX_BALLS};
use crate::camera::Camera;
use crate::layout::arrange;
use crate::observe::Observer;
use crate::person::{CUE_LENGTH_MM, Cue};
use crate::physics::{Phase, Shot, TICK_US, World};
use crate::play::{Game, Player};
use crate::projector::{Discs, Projector};
use crate::random::Random;
use crate::render::Renderer;
use crate::scene::{Play, Scene};
use crate::table::Table;
use crate::truth::Truth;

/// A ball that a test puts on the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Index in the set; 0 is the cue ball.
    pub id: u8,
    /// Centre on the cloth.
    pub position_mm: [f64; 2],
    /// Velocity; the ball rolls.
    pub velocity_mm_s: [f64; 2],
}

impl Placement {
    /// A ball at rest.
    pub const fn at_rest(id: u8, x_mm: f64, y_mm: f64) -> Self {
        Self {
            id,
            position_mm: [x_mm, y_mm],
            velocity_mm_s: [0.0, 0.0],
        }
    }
}

/// Why balls cannot be placed or struck so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceError {
    /// The set has no ball with this id.
    NoSuchBall(u8),
    /// This ball would lie outside the bed, in a cushion or in a pocket.
    OffTheBed(u8),
    /// These balls would overlap.
    Overlap(u8, u8),
    /// This ball is not on the table.
    NotOnTable(u8),
}

impl core::fmt::Display for PlaceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoSuchBall(id) => write!(f, "the set of this scene has no ball {id}"),
            Self::OffTheBed(id) => write!(
                f,
                "ball {id} would not lie on the bed: keep it a radius from the noses"
            ),
            Self::Overlap(a, b) => write!(f, "balls {a} and {b} would overlap: keep them two radii apart"),
            Self::NotOnTable(id) => write!(f, "ball {id} is not on the table: place it first"),
        }
    }
}

impl core::error::Error for PlaceError {}

/// A billiard table with a camera above it.
pub struct SimulatedTable {
    scene: Scene,
    format: FrameFormat,
    table: Table,
    balls: Vec<Ball, MAX_BALLS>,
    world: World,
    player: Player,
    loose_cue: Option<Cue>,
    /// Since the beginning. The physics lags behind by less than a tick.
    time_us: u64,
    frame: u64,
    observer: Observer,
    renderer: Renderer,
    projector: Option<Projector>,
    light: Discs,
    truth: Truth,
}

impl SimulatedTable {
    /// Builds the scene for pictures of this format; the only step that allocates.
    ///
    /// # Errors
    /// When no picture can have this format.
    pub fn new(scene: Scene, format: FrameFormat) -> Result<Self, ImageError> {
        match ImageView::new(&[], format) {
            Ok(_) | Err(ImageError::TooFewBytes) => {}
            Err(error) => return Err(error),
        }
        let balls = scene.ball_set.balls(&scene.ball_style);
        let table = Table::new(scene.table, scene.ball_set.size().0);
        let camera = Camera::new(&scene.camera, format.width, format.height);
        let mut random = Random::new(scene.seed, 31);
        let mut world = World::new(balls.len());
        let mut player = Player::new(scene.seed);
        let positions = arrange(scene.layout, scene.ball_set, &balls, &table, &mut random);
        let game = Game {
            set: scene.ball_set,
            balls: &balls,
            table: &table,
        };
        player.lay_out(&mut world, &game, &positions);
        if scene.play == Play::Still && scene.person {
            player.pose_at(&world, &game);
        }
        let observer = Observer::new(&table, camera, &scene.sensor);
        let mut simulated = Self {
            truth: observer.blank(&balls),
            renderer: Renderer::new(&scene, &table, camera, format),
            loose_cue: scene.loose_cue.then(|| lay_cue(&table, &mut random)),
            projector: None,
            light: Discs::default(),
            scene,
            format,
            table,
            balls,
            world,
            player,
            time_us: 0,
            frame: 0,
            observer,
        };
        simulated.look();
        Ok(simulated)
    }

    /// Hangs a projector above the table; dark at first.
    pub fn hang(&mut self, projector: Projector) {
        self.projector = Some(projector);
        self.light = Discs::default();
    }

    /// What the projector shows from now on; without one, nothing is seen of it.
    pub fn project(&mut self, light: Discs) {
        self.light = light;
    }

    /// Lets time pass.
    pub fn advance(&mut self, dt_us: u64) {
        let from = self.time_us / TICK_US;
        self.time_us += dt_us;
        for _ in from..self.time_us / TICK_US {
            self.world.tick(&self.balls, &self.table);
            if self.scene.play == Play::Random {
                let game = Game {
                    set: self.scene.ball_set,
                    balls: &self.balls,
                    table: &self.table,
                };
                self.player.tick(&mut self.world, &game);
            }
        }
        self.look();
    }

    /// Renders the picture whose exposure begins now, and brings `truth` up to it. Does not allocate.
    ///
    /// # Errors
    /// When `bytes` are too few for the format.
    pub fn render(&mut self, bytes: &mut [u8]) -> Result<(), ImageError> {
        ImageView::new(bytes, self.format)?;
        self.look();
        let shown = self.renderer.render(
            &self.scene,
            &self.balls,
            self.observer.actors(),
            self.projector.as_ref().map(|projector| (projector, &self.light)),
            self.frame,
            bytes,
        );
        self.observer.count_shown(&mut self.truth, &shown);
        self.frame += 1;
        Ok(())
    }

    /// What is there: as in the last picture, or, after `advance`, as in the next but for `visible`.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What this was made from.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Shape of the pictures.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The balls of the set, by id.
    pub fn balls(&self) -> &[Ball] {
        &self.balls
    }

    /// Time since the beginning.
    pub fn time_us(&self) -> u64 {
        self.time_us
    }

    /// Whether no ball moves.
    pub fn is_at_rest(&self) -> bool {
        self.world.is_at_rest()
    }

    /// Clears the table and puts these balls on it.
    ///
    /// # Errors
    /// When a ball does not exist or does not fit; the table is left as it was.
    pub fn place(&mut self, placements: &[Placement]) -> Result<(), PlaceError> {
        self.check(placements)?;
        self.world = World::new(self.balls.len());
        for placement in placements {
            let id = usize::from(placement.id);
            self.world.place(
                id,
                &self.balls[id],
                DVec2::from_array(placement.position_mm),
                DQuat::IDENTITY,
            );
            let velocity = DVec2::from_array(placement.velocity_mm_s);
            let shot = Shot {
                speed_mm_s: velocity.length(),
                direction_rad: libm::atan2(velocity.y, velocity.x),
                top_spin: 1.0,
                side_spin: 0.0,
            };
            self.world.shoot(id, &self.balls[id], &shot);
        }
        self.look();
        Ok(())
    }

    /// Strikes a ball, without a player.
    ///
    /// # Errors
    /// When the ball is not on the table.
    pub fn shoot(&mut self, id: u8, shot: &Shot) -> Result<(), PlaceError> {
        let ball = self
            .balls
            .get(usize::from(id))
            .ok_or(PlaceError::NoSuchBall(id))?;
        if self.world.states[usize::from(id)].phase != Phase::OnBed {
            return Err(PlaceError::NotOnTable(id));
        }
        self.world.shoot(usize::from(id), ball, shot);
        self.look();
        Ok(())
    }

    fn check(&self, placements: &[Placement]) -> Result<(), PlaceError> {
        for (i, placement) in placements.iter().enumerate() {
            let ball = self
                .balls
                .get(usize::from(placement.id))
                .ok_or(PlaceError::NoSuchBall(placement.id))?;
            let at = DVec2::from_array(placement.position_mm);
            // A ball may touch the nose, which is above its middle.
            let reach = 0.96 * ball.radius_mm;
            if self.table.depth_beyond_noses(at) > -reach || self.table.pocket_at(at).is_some() {
                return Err(PlaceError::OffTheBed(placement.id));
            }
            for other in &placements[..i] {
                let touch = ball.radius_mm + self.balls[usize::from(other.id)].radius_mm;
                if other.id == placement.id
                    || at.distance(DVec2::from_array(other.position_mm)) < touch - 1e-6
                {
                    return Err(PlaceError::Overlap(other.id, placement.id));
                }
            }
        }
        Ok(())
    }

    fn look(&mut self) {
        let game = Game {
            set: self.scene.ball_set,
            balls: &self.balls,
            table: &self.table,
        };
        let player = self.scene.person.then_some(&self.player);
        let now = crate::observe::Now {
            time_us: self.time_us,
            frame: self.frame,
            world: &self.world,
            player,
            loose_cue: self.loose_cue.as_ref(),
        };
        self.observer.look(&now, &game, &mut self.truth);
    }
}

/// A cue that lies across the table, on the cushions.
fn lay_cue(table: &Table, random: &mut Random) -> Cue {
    let angle = random.range(0.0, core::f64::consts::TAU);
    let way = DVec3::new(libm::cos(angle), libm::sin(angle), 0.0);
    let middle = DVec3::new(
        random.range(0.1, 0.9) * table.size.length_mm,
        random.range(0.1, 0.9) * table.size.width_mm,
        table.nose_height_mm + 10.0,
    );
    let style = crate::person::PersonStyle::random(random);
    Cue::laid(middle - way * (CUE_LENGTH_MM / 2.0), way, &style)
}
