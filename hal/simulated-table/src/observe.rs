//! What the camera's exposure catches of the moving world: the actors to draw, and the truth about them.

use glam::DVec3;

use crate::balls::{Ball, MAX_BALLS};
use crate::camera::Camera;
use crate::person::Cue;
use crate::physics::{BallState, Phase, TICK_US, World};
use crate::play::{Game, Player};
use crate::render::{Actors, BallPose, MAX_MOMENTS, area, bounds, outline};
use crate::scene::Sensor;
use crate::table::Table;
use crate::truth::{BallTruth, CueState, CueTruth, Truth};

/// Movement during the exposure that one drawn instant may stand for.
const PIXELS_PER_MOMENT: f64 = 1.5;
/// A ball that moves less during the exposure is drawn once.
const SHARP_PX: f64 = 0.4;

/// The world when an exposure begins.
pub struct Now<'a> {
    pub time_us: u64,
    pub frame: u64,
    pub world: &'a World,
    pub player: Option<&'a Player>,
    pub loose_cue: Option<&'a Cue>,
}

/// Watches the world through the camera.
pub struct Observer {
    camera: Camera,
    exposure_time_us: u32,
    nose_corners_px: [[f64; 2]; 4],
    bed_corners_px: [[f64; 2]; 4],
    actors: Actors,
    /// Area of each ball's whole image.
    image_px: [f64; MAX_BALLS],
}

impl Observer {
    pub fn new(table: &Table, camera: Camera, sensor: &Sensor) -> Self {
        let corners = |height: f64| {
            table
                .corners_mm()
                .map(|[x, y]| camera.project([x, y, height]).unwrap_or([f64::NAN; 2]))
        };
        Self {
            camera,
            exposure_time_us: sensor.exposure_us,
            nose_corners_px: corners(table.nose_height_mm),
            bed_corners_px: corners(0.0),
            actors: Actors::default(),
            image_px: [0.0; MAX_BALLS],
        }
    }

    /// What to draw, after `look`.
    pub fn actors(&self) -> &Actors {
        &self.actors
    }

    /// Truth about an empty table.
    pub fn blank(&self, balls: &[Ball]) -> Truth {
        let unseen = |(id, ball): (usize, &Ball)| BallTruth {
            id: id as u8,
            kind: ball.kind,
            number: ball.number,
            radius_mm: ball.radius_mm,
            position_mm: [0.0; 3],
            velocity_mm_s: [0.0; 3],
            moving: false,
            pocketed: true,
            centre_px: [0.0; 2],
            box_px: [0.0; 4],
            visible: 0.0,
        };
        Truth {
            exposure_us: 0,
            exposure_time_us: self.exposure_time_us,
            frame: 0,
            balls: balls.iter().enumerate().map(unseen).collect(),
            cues: heapless::Vec::new(),
            camera: self.camera,
            nose_corners_px: self.nose_corners_px,
            bed_corners_px: self.bed_corners_px,
        }
    }

    /// Watches one exposure.
    pub fn look(&mut self, now: &Now, game: &Game, truth: &mut Truth) {
        truth.exposure_us = now.time_us;
        truth.frame = now.frame;
        let middle_us = u64::from(self.exposure_time_us) / 2;
        let middle = Instant::new(now, game, middle_us);
        self.look_at_balls(now, game, &middle, truth);
        self.look_at_cues(now, game, middle_us, truth);
    }

    /// Corrects `visible` by what a renderer counted.
    pub fn count_shown(&self, truth: &mut Truth, shown: &[f64; MAX_BALLS]) {
        for ball in &mut truth.balls {
            let id = usize::from(ball.id);
            let whole = self.image_px[id];
            ball.visible = if whole > 0.0 {
                (shown[id] / whole).clamp(0.0, 1.0)
            } else {
                0.0
            };
        }
    }

    fn look_at_balls(&mut self, now: &Now, game: &Game, middle: &Instant, truth: &mut Truth) {
        let exposure_s = f64::from(self.exposure_time_us) * 1e-6;
        let mut fastest_px = 0.0f64;
        for (id, truth) in truth.balls.iter_mut().enumerate() {
            let ball = &game.balls[id];
            let state = middle.state(id);
            let image = outline(&self.camera, state.position_mm, ball.radius_mm);
            let centre = self.camera.project(state.position_mm.to_array());
            let poses = &mut self.actors.balls[id];
            poses.clear();
            self.image_px[id] = 0.0;
            truth.moving = state.is_moving();
            truth.pocketed = state.phase != Phase::OnBed;
            truth.position_mm = state.position_mm.to_array();
            truth.velocity_mm_s = state.velocity_mm_s.to_array();
            truth.visible = 0.0;
            truth.centre_px = [0.0; 2];
            truth.box_px = [0.0; 4];
            let (Some(image), Some(centre), true) = (image, centre, state.phase != Phase::Absent) else {
                continue;
            };
            truth.centre_px = centre;
            truth.box_px = bounds(&image);
            truth.visible = if truth.pocketed { 0.0 } else { 1.0 };
            self.image_px[id] = area(&image);
            push(poses, &state);
            fastest_px = fastest_px.max(self.shift_px(&state, exposure_s));
        }
        let moments = (fastest_px / PIXELS_PER_MOMENT).ceil().min(MAX_MOMENTS as f64) as u64;
        if moments < 2 {
            return;
        }
        for id in 0..game.balls.len() {
            if self.shift_px(&middle.state(id), exposure_s) > SHARP_PX {
                self.actors.balls[id].clear();
            }
        }
        for moment in 0..moments {
            let after = u64::from(self.exposure_time_us) * (2 * moment + 1) / (2 * moments);
            let instant = Instant::new(now, game, after);
            for id in 0..game.balls.len() {
                let state = instant.state(id);
                if state.phase != Phase::Absent && self.shift_px(&middle.state(id), exposure_s) > SHARP_PX {
                    push(&mut self.actors.balls[id], &state);
                }
            }
        }
    }

    /// How far a ball's image moves during the exposure, nearly.
    fn shift_px(&self, state: &BallState, exposure_s: f64) -> f64 {
        let distance = DVec3::from_array(self.camera.position_mm())
            .distance(state.position_mm)
            .max(1.0);
        state.velocity_mm_s.length() * exposure_s * self.camera.focal_px[0] / distance
    }

    fn look_at_cues(&mut self, now: &Now, game: &Game, middle_us: u64, truth: &mut Truth) {
        truth.cues.clear();
        self.actors.cues.clear();
        self.actors.limbs.clear();
        self.actors.under_cue = 0;
        let tick_us = now.time_us % TICK_US;
        let pose_at = |after_us: u64| {
            now.player
                .and_then(|player| player.pose(game, tick_us + after_us))
        };
        if let Some(pose) = pose_at(middle_us) {
            let mut moments = heapless::Vec::new();
            let ends = (pose_at(0), pose_at(u64::from(self.exposure_time_us)));
            let shift = match &ends {
                (Some(first), Some(last)) => first.cue.tip.distance(last.cue.tip),
                _ => 0.0,
            };
            let count = if shift > 2.0 { MAX_MOMENTS as u64 } else { 1 };
            for moment in 0..count {
                let after = u64::from(self.exposure_time_us) * (2 * moment + 1) / (2 * count);
                if let Some(pose) = pose_at(after) {
                    let _ = moments.push(pose.cue.limb());
                }
            }
            let _ = self.actors.cues.push(moments);
            self.actors.limbs = pose.body.clone();
            self.actors.under_cue = pose.under_cue;
            self.report_cue(&pose.cue, pose.state, truth);
        }
        if let Some(cue) = now.loose_cue {
            let mut moments = heapless::Vec::new();
            let _ = moments.push(cue.limb());
            let _ = self.actors.cues.push(moments);
            self.report_cue(cue, CueState::Lying, truth);
        }
    }

    fn report_cue(&self, cue: &Cue, state: CueState, truth: &mut Truth) {
        let image = |p: DVec3| self.camera.project(p.to_array());
        if let (Some(tip_px), Some(butt_px)) = (image(cue.tip), image(cue.butt)) {
            let cue = CueTruth {
                tip_mm: cue.tip.to_array(),
                butt_mm: cue.butt.to_array(),
                tip_px,
                butt_px,
                state,
            };
            let _ = truth.cues.push(cue);
        }
    }
}

fn push(poses: &mut heapless::Vec<BallPose, MAX_MOMENTS>, state: &BallState) {
    let _ = poses.push(BallPose {
        centre: state.position_mm,
        rotation: state.rotation,
    });
}

/// The world a little later.
struct Instant {
    world: World,
    /// Since the last tick.
    rest_s: f64,
}

impl Instant {
    fn new(now: &Now, game: &Game, after_us: u64) -> Self {
        let since_tick = now.time_us % TICK_US + after_us;
        let mut world = now.world.clone();
        for _ in 0..since_tick / TICK_US {
            world.tick(game.balls, game.table);
        }
        Self {
            world,
            rest_s: (since_tick % TICK_US) as f64 * 1e-6,
        }
    }

    fn state(&self, id: usize) -> BallState {
        let mut state = self.world.states[id];
        state.position_mm += state.velocity_mm_s * self.rest_s;
        state
    }
}
