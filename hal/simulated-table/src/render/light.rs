//! The light of the room on cloth, balls and limbs.

use glam::DVec3;

use crate::colour::{Rgb, add, multiply, scale};
use crate::scene::{Lamp, Lights, MAX_LAMPS};
use crate::table::TableSize;

/// A lamp with what follows from its shape.
#[derive(Debug, Clone, Copy)]
pub struct LampLight {
    pub position: DVec3,
    pub half_size: [f64; 2],
    pub strength: f32,
    /// Radius of a disc of the lamp's area, for soft shadows.
    pub radius: f64,
    /// Radiance of the lamp itself, as seen in reflections.
    radiance: f32,
}

impl LampLight {
    fn new(lamp: &Lamp) -> Self {
        let area = 4.0 * lamp.half_size_mm[0] * lamp.half_size_mm[1];
        let height = lamp.position_mm[2];
        Self {
            position: DVec3::from_array(lamp.position_mm),
            half_size: lamp.half_size_mm,
            strength: lamp.strength,
            radius: (area / core::f64::consts::PI).sqrt(),
            radiance: lamp.strength * (core::f64::consts::PI * height * height / area) as f32,
        }
    }

    /// Light that falls on a horizontal surface at `point`, unhindered.
    pub fn on_level(&self, point: DVec3) -> f32 {
        let to_lamp = self.position - point;
        let d2 = to_lamp.length_squared();
        let straight = self.position.z * self.position.z;
        // Light leaves the lamp and meets the surface at the same angle: the fourth power of its cosine.
        self.strength * (to_lamp.z * to_lamp.z * straight / (d2 * d2)) as f32
    }
}

/// All light.
pub struct Lighting {
    pub ambient: f32,
    pub lamps: heapless::Vec<LampLight, MAX_LAMPS>,
    cloth: Rgb,
}

/// Which part of each lamp a place sees: 0 to 1.
pub type Seen = [f32; MAX_LAMPS];

impl Lighting {
    pub fn new(lights: &Lights, cloth: Rgb) -> Self {
        Self {
            ambient: lights.ambient,
            lamps: lights.lamps.iter().map(LampLight::new).collect(),
            cloth,
        }
    }

    /// All light on a horizontal surface, unhindered.
    pub fn on_level(&self, point: DVec3) -> f32 {
        self.ambient + self.lamps.iter().map(|lamp| lamp.on_level(point)).sum::<f32>()
    }

    /// Mean light on a bed.
    pub fn mean_on_bed(&self, table: &TableSize) -> f32 {
        let at = |i: usize| (i as f64 + 0.5) / 4.0;
        let points =
            (0..16).map(|i| DVec3::new(table.length_mm * at(i % 4), table.width_mm * at(i / 4), 0.0));
        points.map(|point| self.on_level(point)).sum::<f32>() / 16.0
    }

    /// Light from a matt surface at `point` with this normal. `openness` is the part of the surroundings it sees.
    pub fn matt(&self, point: DVec3, normal: DVec3, albedo: Rgb, seen: &Seen, openness: f32) -> Rgb {
        let up = (0.5 + 0.5 * normal.z) as f32;
        let mut direct = 0.0;
        for (lamp, seen) in self.lamps.iter().zip(seen) {
            let to_lamp = lamp.position - point;
            let d2 = to_lamp.length_squared();
            let distance = d2.sqrt();
            // A lamp of some size lights a little beyond the horizon.
            let wrap = lamp.radius / distance * 0.7;
            let cosine = ((normal.dot(to_lamp) / distance + wrap) / (1.0 + wrap)).max(0.0);
            let straight = lamp.position.z * lamp.position.z;
            direct += lamp.strength * seen * (cosine * (to_lamp.z / distance) * straight / d2) as f32;
        }
        let level = self.on_level(point);
        let bounce = scale(self.cloth, 0.75 * level * (1.0 - up) * openness);
        let white = direct + self.ambient * up * openness;
        multiply(albedo, add([white; 3], bounce))
    }

    /// Light that a polished surface mirrors towards the eye. `to_eye` is normalised.
    pub fn mirrored(&self, point: DVec3, normal: DVec3, to_eye: DVec3, roughness: f64, seen: &Seen) -> Rgb {
        let facing = normal.dot(to_eye).max(0.0);
        let slant = 1.0 - facing;
        let slant2 = slant * slant;
        // Schlick's approximation for phenolic resin.
        let fresnel = (0.045 + 0.955 * slant2 * slant2 * slant) as f32;
        let way = normal * (2.0 * facing) - to_eye;
        if way.z <= 0.02 {
            return scale(self.cloth, fresnel * 0.8 * self.on_level(point));
        }
        let mut light = 0.25 * self.ambient;
        for (lamp, seen) in self.lamps.iter().zip(seen) {
            let reach = (lamp.position.z - point.z) / way.z;
            let hit = point + way * reach;
            let soft = roughness * reach + 20.0;
            let inside =
                |from_middle: f64, half: f64| ((half - from_middle.abs()) / soft + 0.5).clamp(0.0, 1.0);
            let part = inside(hit.x - lamp.position.x, lamp.half_size[0])
                * inside(hit.y - lamp.position.y, lamp.half_size[1]);
            light += lamp.radiance * seen * part as f32;
        }
        [fresnel * light; 3]
    }
}

/// Which part of a round lamp (apparent radius `lamp`) a round thing (radius `thing`) hides when their middles are
/// `apart`; all measured where the thing is.
#[inline]
pub fn hidden(thing: f64, lamp: f64, apart: f64) -> f32 {
    let outer = thing + lamp;
    if apart >= outer {
        return 0.0;
    }
    let inner = (thing - lamp).abs();
    let most = if thing >= lamp {
        1.0
    } else {
        (thing * thing) / (lamp * lamp)
    };
    if apart <= inner {
        return most as f32;
    }
    let t = (outer - apart) / (outer - inner);
    (most * t * t * (3.0 - 2.0 * t)) as f32
}
