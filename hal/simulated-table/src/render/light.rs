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

    /// The light near a place that sees these parts of the lamps.
    pub fn near(&self, place: DVec3, seen: &Seen) -> LocalLight<'_> {
        let beam = |(lamp, &seen): (&'_ LampLight, &f32)| {
            let to_lamp = lamp.position - place;
            let distance = to_lamp.length();
            let straight = lamp.position.z / distance;
            Beam {
                to_lamp: to_lamp / distance,
                // Light leaves the lamp at an angle to it, and fades with the square of the distance.
                strength: lamp.strength * seen * (to_lamp.z / distance * straight * straight) as f32,
                radiance: lamp.radiance * seen,
                // A lamp of some size lights a little beyond the horizon.
                wrap: 0.7 * lamp.radius / distance,
            }
        };
        LocalLight {
            light: self,
            level: self.on_level(place),
            beams: self.lamps.iter().zip(seen).map(beam).collect(),
        }
    }
}

/// The light near one place: lamps are far enough to shine in one direction there.
pub struct LocalLight<'a> {
    light: &'a Lighting,
    /// On a horizontal surface, unhindered.
    level: f32,
    beams: heapless::Vec<Beam, MAX_LAMPS>,
}

struct Beam {
    to_lamp: DVec3,
    strength: f32,
    radiance: f32,
    wrap: f64,
}

impl LocalLight<'_> {
    /// Light from a matt surface with this normal. `openness` is the part of the surroundings that it sees.
    pub fn matt(&self, normal: DVec3, albedo: Rgb, openness: f32) -> Rgb {
        let up = (0.5 + 0.5 * normal.z) as f32;
        let mut white = self.light.ambient * up * openness;
        for beam in &self.beams {
            let cosine = (normal.dot(beam.to_lamp) + beam.wrap) / (1.0 + beam.wrap);
            white += beam.strength * cosine.max(0.0) as f32;
        }
        let bounce = scale(self.light.cloth, 0.75 * self.level * (1.0 - up) * openness);
        multiply(albedo, add([white; 3], bounce))
    }

    /// Light that a polished surface mirrors towards the eye. `to_eye` is normalised.
    pub fn mirrored(&self, point: DVec3, normal: DVec3, to_eye: DVec3, roughness: f64) -> Rgb {
        let facing = normal.dot(to_eye).max(0.0);
        let slant = 1.0 - facing;
        let slant2 = slant * slant;
        // Schlick's approximation for phenolic resin.
        let fresnel = (0.045 + 0.955 * slant2 * slant2 * slant) as f32;
        let way = normal * (2.0 * facing) - to_eye;
        if way.z <= 0.02 {
            return scale(self.light.cloth, fresnel * 0.8 * self.level);
        }
        let mut light = 0.25 * self.light.ambient;
        let per_height = 1.0 / way.z;
        for (lamp, beam) in self.light.lamps.iter().zip(&self.beams) {
            let reach = (lamp.position.z - point.z) * per_height;
            let soft = roughness * reach + 20.0;
            let off_x = (point.x + way.x * reach - lamp.position.x).abs() - lamp.half_size[0];
            let off_y = (point.y + way.y * reach - lamp.position.y).abs() - lamp.half_size[1];
            if off_x.max(off_y) < 0.5 * soft {
                let inside = |off: f64| (0.5 - off / soft).min(1.0);
                light += beam.radiance * (inside(off_x) * inside(off_y)) as f32;
            }
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
