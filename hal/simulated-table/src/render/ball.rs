//! Balls: the exact image of a sphere.

use glam::{DQuat, DVec3};

use crate::balls::{Ball, BallStyle};
use crate::camera::Camera;
use crate::colour::{Rgb, add, scale};
use crate::render::Stage;
use crate::render::canvas::Area;
use crate::render::light::{LocalLight, Seen};
use crate::render::paint::paint;

/// Where a ball is at one instant.
#[derive(Debug, Clone, Copy)]
pub struct BallPose {
    pub centre: DVec3,
    pub rotation: DQuat,
}

/// A ball to draw: where it is at some instants of the exposure, and what light reaches it.
pub struct BallView<'a> {
    pub id: usize,
    pub ball: &'a Ball,
    pub poses: &'a [BallPose],
    pub seen: Seen,
    /// Neighbours that take light away.
    pub neighbours: &'a [DVec3],
}

/// Points on the edge of a ball's image.
const OUTLINE_POINTS: usize = 48;

/// The outline of a sphere's image; `None` when part of it is not in front of the camera.
pub fn outline(camera: &Camera, centre: DVec3, radius: f64) -> Option<[[f64; 2]; OUTLINE_POINTS]> {
    let eye = DVec3::from_array(camera.position_mm());
    let to_eye = eye - centre;
    let distance = to_eye.length();
    // The eye sees the sphere as far as this circle.
    let middle = centre + to_eye * (radius * radius / (distance * distance));
    let circle = radius * libm::sqrt(1.0 - (radius / distance) * (radius / distance));
    let across = to_eye.normalize().any_orthonormal_pair();
    let mut points = [[0.0; 2]; OUTLINE_POINTS];
    for (i, point) in points.iter_mut().enumerate() {
        let angle = core::f64::consts::TAU * i as f64 / OUTLINE_POINTS as f64;
        let on_circle = middle + (across.0 * libm::cos(angle) + across.1 * libm::sin(angle)) * circle;
        *point = camera.project(on_circle.to_array())?;
    }
    Some(points)
}

/// Left, top, right, bottom of an outline.
pub fn bounds(outline: &[[f64; 2]]) -> [f64; 4] {
    outline
        .iter()
        .fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, p| {
            [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]
        })
}

/// Area of an outline.
pub fn area(outline: &[[f64; 2]]) -> f64 {
    let mut twice = 0.0;
    let mut previous = outline[outline.len() - 1];
    for &point in outline {
        twice += previous[0] * point[1] - point[0] * previous[1];
        previous = point;
    }
    (twice / 2.0).abs()
}

/// Draws a ball. Adds the part of each pixel that it takes to `shown`, and takes it away from the ball that was there.
pub fn draw(stage: &mut Stage, style: &BallStyle, view: &BallView) {
    let radius = view.ball.radius_mm;
    let mut reach: Option<Area> = None;
    for pose in view.poses {
        let Some(outline) = outline(stage.camera, pose.centre, radius) else {
            return;
        };
        let [left, top, right, bottom] = bounds(&outline);
        let here = Area::around(left - 0.5, top - 0.5, right + 0.5, bottom + 0.5);
        reach = Some(reach.map_or(here, |r| r.union(here)));
    }
    let Some(reach) = reach.map(|r| r.within(stage.canvas.width, stage.canvas.height)) else {
        return;
    };
    if reach.is_empty() {
        return;
    }
    let share = 1.0 / view.poses.len() as f32;
    let lighting = stage.lighting;
    let light_here = lighting.near(view.poses[0].centre, &view.seen);
    for y in reach.y0..reach.y1 {
        stage.canvas.touch(y, reach.x0, reach.x1);
        for x in reach.x0..reach.x1 {
            let at = stage.canvas.index(x, y);
            let floor = stage.surfaces[at].height(stage.nose_height);
            let mut light = [0.0; 3];
            let mut coverage = 0.0;
            for pose in view.poses {
                let part = share * cover(stage, pose.centre, radius, x, y);
                if part > 0.0
                    && let Some(colour) = shade(stage, style, view, &light_here, pose, [x, y], floor)
                {
                    light = add(light, scale(colour, part));
                    coverage += part;
                }
            }
            if coverage > 0.0 {
                let light = stage.sensed(scale(light, 1.0 / coverage), x, y);
                stage.cover(at, light, coverage, Some(view.id));
            }
        }
    }
}

/// Distance of a ball's centre from the line of sight through a point of the picture.
fn distance_from_sight(stage: &Stage, centre: DVec3, x: f64, y: f64) -> f64 {
    let direction = stage.rays.direction(x, y);
    libm::sqrt((centre - stage.rays.eye).cross(direction).length_squared() / direction.length_squared())
}

/// The part of a pixel that a ball covers.
fn cover(stage: &Stage, centre: DVec3, radius: f64, x: i32, y: i32) -> f32 {
    const SAMPLES: usize = 4;
    let (x, y) = (f64::from(x), f64::from(y));
    let inwards = radius - distance_from_sight(stage, centre, x + 0.5, y + 0.5);
    // Nowhere does a pixel see more than this much of the ball.
    let pixel = 1.5 * centre.distance(stage.rays.eye) / stage.camera.focal_px[0];
    if inwards.abs() > pixel {
        return if inwards > 0.0 { 1.0 } else { 0.0 };
    }
    let mut inside = 0;
    for i in 0..SAMPLES * SAMPLES {
        let sx = x + ((i % SAMPLES) as f64 + 0.5) / SAMPLES as f64;
        let sy = y + ((i / SAMPLES) as f64 + 0.5) / SAMPLES as f64;
        inside += usize::from(distance_from_sight(stage, centre, sx, sy) < radius);
    }
    inside as f32 / (SAMPLES * SAMPLES) as f32
}

/// Light from the ball at a pixel; `None` where something higher than `floor` hides it.
fn shade(
    stage: &Stage,
    style: &BallStyle,
    view: &BallView,
    light: &LocalLight,
    pose: &BallPose,
    [x, y]: [i32; 2],
    floor: f64,
) -> Option<Rgb> {
    let radius = view.ball.radius_mm;
    let direction = stage
        .rays
        .direction(f64::from(x) + 0.5, f64::from(y) + 0.5)
        .normalize();
    let to_centre = pose.centre - stage.rays.eye;
    let nearest = to_centre.dot(direction);
    let depth = (radius * radius - (to_centre.length_squared() - nearest * nearest)).max(0.0);
    let hit = stage.rays.eye + direction * (nearest - depth.sqrt());
    if hit.z <= floor {
        return None;
    }
    let normal = (hit - pose.centre).normalize();
    let mut openness = 1.0;
    for neighbour in view.neighbours {
        let towards = *neighbour - pose.centre;
        let d2 = towards.length_squared();
        let facing = (normal.dot(towards) / d2.sqrt()).max(0.0);
        openness -= (0.85 * facing * facing * 4.0 * radius * radius / d2).min(0.8) as f32;
    }
    // What is below the rim of a pocket lies in the dark.
    let sunk = (1.0 + (pose.centre.z - radius) / 70.0).clamp(0.12, 1.0) as f32;
    let openness = openness.max(0.15);
    let sharpness = radius * stage.camera.focal_px[0] / nearest;
    let albedo = paint(view.ball, style, pose.rotation.conjugate() * normal, sharpness);
    let matt = light.matt(normal, albedo, openness);
    let shine = light.mirrored(hit, normal, -direction, 0.012);
    Some(scale(add(matt, shine), sunk))
}
