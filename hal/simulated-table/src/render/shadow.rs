//! Soft shadows on cloth and cushions.

use glam::DVec3;

use crate::person::Limb;
use crate::render::Stage;
use crate::render::ball::BallView;
use crate::render::canvas::Area;
use crate::render::light::{LampLight, Seen, hidden};
use crate::render::limb::{Strip, pass};
use crate::scene::MAX_LAMPS;

/// Beyond so many radii a ball hides less than 2 % of the room's light.
const CONTACT_REACH: f64 = 2.6;

/// Dims the canvas under a ball.
pub fn of_ball(stage: &mut Stage, view: &BallView) {
    let radius = view.ball.radius_mm;
    let mut reach: Option<Area> = None;
    for pose in view.poses {
        let mut include = |middle: DVec3, half: f64| {
            for (dx, dy) in [(-half, -half), (half, -half), (half, half), (-half, half)] {
                if let Some([x, y]) = stage
                    .camera
                    .project((middle + DVec3::new(dx, dy, 0.0)).to_array())
                {
                    let here = Area::around(x, y, x, y);
                    reach = Some(reach.map_or(here, |r| r.union(here)));
                }
            }
        };
        include(pose.centre.with_z(0.0), CONTACT_REACH * radius);
        for lamp in &stage.lighting.lamps {
            let below = pose.centre.z / (lamp.position.z - pose.centre.z);
            let middle = pose.centre + (pose.centre - lamp.position) * below;
            include(middle, 1.2 * (radius * (1.0 + below) + lamp.radius * below));
        }
    }
    let Some(reach) = reach.map(|r| r.within(stage.canvas.width, stage.canvas.height)) else {
        return;
    };
    let lamps: [Option<Beam>; MAX_LAMPS] = core::array::from_fn(|i| {
        stage
            .lighting
            .lamps
            .get(i)
            .map(|lamp| Beam::new(lamp, view.poses[0].centre, view.seen[i]))
    });
    let total = stage.lighting.on_level(view.poses[0].centre);
    let ambient = stage.lighting.ambient / total;
    let share = 1.0 / view.poses.len() as f32;
    for y in reach.y0..reach.y1 {
        stage.canvas.touch(y, reach.x0, reach.x1);
        for x in reach.x0..reach.x1 {
            let at = stage.canvas.index(x, y);
            let surface = stage.surfaces[at];
            if !surface.takes_shadow() {
                continue;
            }
            let direction = stage.rays.direction(f64::from(x) + 0.5, f64::from(y) + 0.5);
            let Some(point) = stage.rays.meet(direction, surface.height(stage.nose_height)) else {
                continue;
            };
            let mut lost = 0.0;
            for pose in view.poses {
                let to_ball = pose.centre - point;
                let d2 = to_ball.length_squared();
                let contact = radius * radius * to_ball.z.max(0.0) / (d2 * d2.sqrt());
                lost += share * ambient * contact.min(1.0) as f32;
                for beam in lamps.iter().flatten() {
                    lost += share * beam.weight / total * beam.hidden(to_ball, d2, radius);
                }
            }
            if lost > 0.004 {
                stage.canvas.dim(at, 1.0 - lost, stage.tone);
            }
        }
    }
}

/// The light of a lamp near a ball: parallel but for the lamp's size.
struct Beam {
    to_lamp: DVec3,
    spread: f64,
    weight: f32,
}

impl Beam {
    fn new(lamp: &LampLight, near: DVec3, seen: f32) -> Self {
        let to_lamp = lamp.position - near;
        let distance = to_lamp.length();
        Self {
            to_lamp: to_lamp / distance,
            spread: lamp.radius / distance,
            weight: seen * lamp.on_level(near),
        }
    }

    fn hidden(&self, to_ball: DVec3, d2: f64, radius: f64) -> f32 {
        let along = to_ball.dot(self.to_lamp);
        if along <= 0.0 {
            return 0.0;
        }
        let apart2 = d2 - along * along;
        let lamp = self.spread * along;
        let reach = radius + lamp;
        if apart2 >= reach * reach {
            return 0.0;
        }
        hidden(radius, lamp, apart2.max(0.0).sqrt())
    }
}

/// Which part of each lamp the limbs leave to a place.
pub fn seen_past(limbs: &[Limb], lamps: &[LampLight], place: DVec3) -> Seen {
    let mut seen = [1.0; MAX_LAMPS];
    for (lamp, seen) in lamps.iter().zip(&mut seen) {
        for limb in limbs {
            *seen *= 1.0 - hidden_by(limb, lamp, place);
        }
    }
    seen
}

/// Which part of a lamp a limb hides from a place.
pub fn hidden_by(limb: &Limb, lamp: &LampLight, place: DVec3) -> f32 {
    let to_lamp = lamp.position - place;
    let distance = to_lamp.length();
    let pass = pass(limb, place, to_lamp / distance);
    if pass.distance <= 0.0 || pass.distance >= distance {
        return 0.0;
    }
    let radius = limb.from_radius + (limb.to_radius - limb.from_radius) * pass.along;
    hidden(radius, lamp.radius * pass.distance / distance, pass.apart)
}

/// Dims the canvas under a thin, long limb (a cue), pixel by pixel.
pub fn of_cue(stage: &mut Stage, cue: &Limb) {
    for lamp in 0..stage.lighting.lamps.len() {
        let light = stage.lighting.lamps[lamp];
        let fall = |p: DVec3| {
            let below = p.z / (light.position.z - p.z);
            (p + (p - light.position) * below, below)
        };
        let ((from, near), (to, far)) = (fall(cue.from), fall(cue.to));
        let widest = (cue.to_radius + light.radius * near.max(far)) * 1.2;
        let Some(strip) = Strip::new(stage.camera, from, to, widest) else {
            continue;
        };
        for y in strip.lines(stage.canvas.height) {
            let pixels = strip.pixels(y, stage.canvas.width);
            if pixels.is_empty() {
                continue;
            }
            stage.canvas.touch(y, pixels.start, pixels.end);
            for x in pixels {
                let at = stage.canvas.index(x, y);
                let surface = stage.surfaces[at];
                if !surface.takes_shadow() {
                    continue;
                }
                let direction = stage.rays.direction(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let Some(point) = stage.rays.meet(direction, surface.height(stage.nose_height)) else {
                    continue;
                };
                let dark = hidden_by(cue, &light, point);
                if dark > 0.01 {
                    let part = light.on_level(point) / stage.lighting.on_level(point);
                    stage.canvas.dim(at, 1.0 - dark * part, stage.tone);
                }
            }
        }
    }
}
