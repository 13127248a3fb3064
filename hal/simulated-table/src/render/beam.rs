//! A projector's light on cloth, cushions and balls. What lies in a ball's way throws a shadow. Arms and cues are drawn
//! over it: the light that falls on them is left out.

use glam::DVec3;

use crate::balls::{Ball, MAX_BALLS};
use crate::projector::{Discs, Projector};
use crate::render::canvas::Area;
use crate::render::{Actors, Stage};

/// Points of a disc's edge that say where its light is seen.
const EDGE_POINTS: usize = 12;
/// Samples of a pixel along each side.
const SAMPLES: usize = 3;
/// The projector is in focus to about this many of its own pixels.
const SOFTNESS_PX: f64 = 1.5;

/// The spheres in the light's way.
struct Obstacles {
    spheres: heapless::Vec<(usize, DVec3, f64), MAX_BALLS>,
}

impl Obstacles {
    /// Where a ray from `from` first meets a sphere, and which.
    fn hit(&self, from: DVec3, direction: DVec3) -> Option<(usize, f64)> {
        let mut first: Option<(usize, f64)> = None;
        for &(id, centre, radius) in &self.spheres {
            let along = (centre - from).dot(direction);
            let depth = radius * radius - ((centre - from).length_squared() - along * along);
            if depth > 0.0 && along > 0.0 {
                let distance = along - libm::sqrt(depth);
                if first.is_none_or(|(_, nearest)| distance < nearest) {
                    first = Some((id, distance));
                }
            }
        }
        first
    }
}

/// Adds the light of all discs to what is on the canvas.
pub fn draw(stage: &mut Stage, projector: &Projector, discs: &Discs, balls: &[Ball], actors: &Actors) {
    let mut obstacles = Obstacles {
        spheres: heapless::Vec::new(),
    };
    for (id, ball) in balls.iter().enumerate() {
        if let Some(pose) = actors.balls[id].first() {
            // There are no more balls than room.
            let _ = obstacles.spheres.push((id, pose.centre, ball.radius_mm));
        }
    }
    for &centre_px in &discs.points_px {
        let Some(area) = area(stage, projector, discs.radius_px, centre_px, &obstacles) else {
            continue;
        };
        for y in area.y0..area.y1 {
            stage.canvas.touch(y, area.x0, area.x1);
            for x in area.x0..area.x1 {
                let part = part(stage, projector, discs.radius_px, centre_px, &obstacles, [x, y]);
                if part > 0.0 {
                    let at = stage.canvas.index(x, y);
                    stage
                        .canvas
                        .brighten(at, 1.0 + projector.strength * part, stage.tone);
                }
            }
        }
    }
}

/// Where the camera may see a disc's light.
fn area(
    stage: &Stage,
    projector: &Projector,
    radius_px: f64,
    centre_px: [f64; 2],
    obstacles: &Obstacles,
) -> Option<Area> {
    let from = DVec3::from_array(projector.optics.position_mm());
    let mut reach: Option<Area> = None;
    for k in 0..=EDGE_POINTS {
        let angle = core::f64::consts::TAU * k as f64 / EDGE_POINTS as f64;
        let radius = if k == EDGE_POINTS { 0.0 } else { radius_px };
        let pixel = [
            centre_px[0] + radius * libm::cos(angle),
            centre_px[1] + radius * libm::sin(angle),
        ];
        let direction = DVec3::from_array(projector.optics.ray(pixel)).normalize();
        if direction.z > -1e-3 {
            continue;
        }
        // On the cloth, on a cushion as high as the noses, on a ball.
        let levels = [0.0, stage.nose_height].map(|height| (height - from.z) / direction.z);
        let ball = obstacles.hit(from, direction).map(|(_, distance)| distance);
        for distance in levels.into_iter().chain(ball) {
            if let Some([x, y]) = stage.camera.project((from + direction * distance).to_array()) {
                let here = Area::around(x - 1.5, y - 1.5, x + 1.5, y + 1.5);
                reach = Some(reach.map_or(here, |reach| reach.union(here)));
            }
        }
    }
    reach.map(|reach| reach.within(stage.canvas.width, stage.canvas.height))
}

/// The part of the disc's light that a pixel shows.
fn part(
    stage: &Stage,
    projector: &Projector,
    radius_px: f64,
    centre_px: [f64; 2],
    obstacles: &Obstacles,
    [x, y]: [i32; 2],
) -> f32 {
    let at = stage.canvas.index(x, y);
    let ball = match stage.canvas.owner[at] {
        0 => None,
        owner => Some(usize::from(owner) - 1),
    };
    let height = stage.surfaces[at].height(stage.nose_height);
    if ball.is_none() && !height.is_finite() {
        return 0.0;
    }
    let from = DVec3::from_array(projector.optics.position_mm());
    let mut sum = 0.0;
    for sample in 0..SAMPLES * SAMPLES {
        let sx = f64::from(x) + ((sample % SAMPLES) as f64 + 0.5) / SAMPLES as f64;
        let sy = f64::from(y) + ((sample / SAMPLES) as f64 + 0.5) / SAMPLES as f64;
        let direction = stage.rays.direction(sx, sy).normalize();
        let (point, normal) = match ball {
            None => match stage.rays.meet(direction, height) {
                Some(point) => (point, DVec3::Z),
                None => continue,
            },
            Some(id) => match on_ball(stage, obstacles, id, direction) {
                Some(there) => there,
                None => continue,
            },
        };
        let Some(pixel) = projector.optics.project(point.to_array()) else {
            continue;
        };
        let off = libm::hypot(pixel[0] - centre_px[0], pixel[1] - centre_px[1]);
        let inside = ((radius_px - off) / SOFTNESS_PX + 0.5).clamp(0.0, 1.0);
        if inside > 0.0 && is_lit(from, point, ball, obstacles) {
            sum += inside * normal.dot((from - point).normalize()).max(0.0);
        }
    }
    (sum / (SAMPLES * SAMPLES) as f64) as f32
}

/// The point of a ball's surface that a line of sight meets, and its normal.
fn on_ball(stage: &Stage, obstacles: &Obstacles, id: usize, direction: DVec3) -> Option<(DVec3, DVec3)> {
    let &(_, centre, _) = obstacles.spheres.iter().find(|sphere| sphere.0 == id)?;
    let (hit, distance) = obstacles.hit(stage.rays.eye, direction)?;
    let point = stage.rays.eye + direction * distance;
    (hit == id).then(|| (point, (point - centre).normalize()))
}

/// Whether no other ball is in the light's way.
fn is_lit(from: DVec3, point: DVec3, own: Option<usize>, obstacles: &Obstacles) -> bool {
    let way = point - from;
    match obstacles.hit(from, way.normalize()) {
        None => true,
        Some((id, distance)) => Some(id) == own || distance > way.length(),
    }
}
