//! Limbs and cues: cones with round ends.

use glam::{DVec2, DVec3};

use crate::camera::Camera;
use crate::colour::{Rgb, from_picture, mix};
use crate::person::{CUE_LENGTH_MM, Limb, LimbPaint};
use crate::render::Stage;
use crate::render::light::{LocalLight, Seen};
use crate::scene::MAX_LAMPS;

/// A straight strip of the picture that holds a thing drawn on it.
#[derive(Debug, Clone, Copy)]
pub struct Strip {
    from: DVec2,
    to: DVec2,
    margin: f64,
}

impl Strip {
    /// The strip around the image of a straight thing `radius` wide; `None` when an end is not in front of the camera.
    pub fn new(camera: &Camera, from: DVec3, to: DVec3, radius: f64) -> Option<Self> {
        let image = |p: DVec3| camera.project(p.to_array()).map(DVec2::from_array);
        let (a, b) = (image(from)?, image(to)?);
        // A lens bends the line: its middle tells by how much.
        let bow = image((from + to) / 2.0)?.distance((a + b) / 2.0);
        let nearest = from
            .distance(DVec3::from_array(camera.position_mm()))
            .min(to.distance(DVec3::from_array(camera.position_mm())));
        let thickness = 1.25 * radius * camera.focal_px[0] / (nearest - radius).max(50.0);
        Some(Self {
            from: a,
            to: b,
            margin: bow + thickness + 1.5,
        })
    }

    /// The lines that the strip crosses, within a picture of this height.
    pub fn lines(&self, height: i32) -> core::ops::Range<i32> {
        let top = self.from.y.min(self.to.y) - self.margin;
        let bottom = self.from.y.max(self.to.y) + self.margin;
        (top.floor() as i32).clamp(0, height)..(bottom.ceil() as i32).clamp(0, height)
    }

    /// The pixels of line `y` that the strip crosses, within a picture of this width.
    pub fn pixels(&self, y: i32, width: i32) -> core::ops::Range<i32> {
        let along = self.to - self.from;
        let mut left = self.from.x.min(self.to.x);
        let mut right = self.from.x.max(self.to.x);
        if along.y.abs() > 1e-3 {
            let on_line = self.from.x + along.x * ((f64::from(y) + 0.5 - self.from.y) / along.y);
            // As far to the side as the strip reaches across; half a line for the line's own height.
            let aside = (self.margin + 0.5) * along.length() / along.y.abs() - self.margin;
            left = left.max(on_line - aside);
            right = right.min(on_line + aside);
        }
        let left = (left - self.margin).floor() as i32;
        let right = (right + self.margin).ceil() as i32;
        left.clamp(0, width)..right.clamp(0, width)
    }
}

/// Where a line of sight passes a limb.
pub struct Pass {
    /// 0 at the limb's beginning, 1 at its end.
    pub along: f64,
    /// Distance between the line and the limb's axis.
    pub apart: f64,
    /// From the axis to the line.
    pub offset: DVec3,
    /// Distance from the line's origin.
    pub distance: f64,
}

/// Closest approach of the line from `origin` along `direction` (normalised) to the axis of a limb.
pub fn pass(limb: &Limb, origin: DVec3, direction: DVec3) -> Pass {
    let axis = limb.to - limb.from;
    let to_origin = origin - limb.from;
    let b = direction.dot(axis);
    let c = axis.length_squared();
    let d = direction.dot(to_origin);
    let e = axis.dot(to_origin);
    let denominator = c - b * b;
    let along = if denominator > 1e-9 {
        ((e - b * d) / denominator).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let on_axis = limb.from + axis * along;
    let distance = (on_axis - origin).dot(direction);
    let offset = origin + direction * distance - on_axis;
    Pass {
        along,
        apart: offset.length(),
        offset,
        distance,
    }
}

/// Draws a limb as it is at some instants of the exposure.
pub fn draw(stage: &mut Stage, poses: &[Limb]) {
    let share = 1.0 / poses.len() as f32;
    for limb in poses {
        let thickest = limb.from_radius.max(limb.to_radius);
        let Some(strip) = Strip::new(stage.camera, limb.from, limb.to, thickest) else {
            continue;
        };
        let seen: Seen = [1.0; MAX_LAMPS];
        let lighting = stage.lighting;
        let light = lighting.near((limb.from + limb.to) / 2.0, &seen);
        for y in strip.lines(stage.canvas.height) {
            let pixels = strip.pixels(y, stage.canvas.width);
            if pixels.is_empty() {
                continue;
            }
            stage.canvas.touch(y, pixels.start, pixels.end);
            for x in pixels {
                draw_pixel(stage, limb, &light, share, x, y);
            }
        }
    }
}

fn draw_pixel(stage: &mut Stage, limb: &Limb, light: &LocalLight, share: f32, x: i32, y: i32) {
    let direction = stage
        .rays
        .direction(f64::from(x) + 0.5, f64::from(y) + 0.5)
        .normalize();
    let pass = pass(limb, stage.rays.eye, direction);
    let radius = limb.from_radius + (limb.to_radius - limb.from_radius) * pass.along;
    let pixel = pass.distance / stage.camera.focal_px[0];
    let coverage = ((radius - pass.apart) / pixel + 0.5).clamp(0.0, 1.0) as f32;
    if coverage <= 0.0 {
        return;
    }
    let towards_eye = libm::sqrt((radius * radius - pass.apart * pass.apart).max(0.0));
    let normal = ((pass.offset - direction * towards_eye) / radius).normalize();
    let point = stage.rays.eye + direction * (pass.distance - towards_eye);
    let (albedo, gloss) = colour(limb, pass.along);
    let matt = light.matt(normal, albedo, 1.0);
    let light_out = if gloss > 0.0 {
        let shine = light.mirrored(point, normal, -direction, 0.3);
        core::array::from_fn(|i| matt[i] + gloss * shine[i])
    } else {
        matt
    };
    let colour = stage.sensed(light_out, x, y);
    let at = stage.canvas.index(x, y);
    stage.cover(at, colour, coverage * share, None);
}

/// Colour and gloss.
fn colour(limb: &Limb, along: f64) -> (Rgb, f32) {
    match limb.paint {
        LimbPaint::Plain(colour) => (colour, 0.0),
        LimbPaint::Cue { shaft, butt } => {
            let from_tip = along * CUE_LENGTH_MM;
            let colour = match from_tip {
                t if t < 10.0 => from_picture(52, 92, 140),
                t if t < 34.0 => from_picture(236, 234, 226),
                t if t < 720.0 => shaft,
                t if t < 735.0 => from_picture(230, 226, 214),
                t if t < 1100.0 => mix(butt, shaft, 0.15),
                t if t < 1380.0 => butt,
                _ => from_picture(24, 24, 24),
            };
            (colour, 0.35)
        }
    }
}
