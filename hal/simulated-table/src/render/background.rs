//! What never moves: bed, cushions, rails, pockets, floor. Looked at once per camera.

use glam::{DVec2, DVec3};

use crate::colour::{Rgb, from_picture, mix, multiply, scale};
use crate::random::value_noise;
use crate::render::light::{Lighting, Seen};
use crate::render::rays::Rays;
use crate::scene::Looks;
use crate::table::Table;

const FLOOR_HEIGHT_MM: f64 = -790.0;
const ALL_SEEN: Seen = [1.0; crate::scene::MAX_LAMPS];

/// What a pixel of the background shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Surface {
    Bed,
    Line,
    Sticker,
    Pocket,
    Cushion,
    Underside,
    Rail,
    Casting,
    Ring,
    Diamond,
    Chalk,
    Outside,
}

impl Surface {
    /// Height of the surface that hides what is lower; nothing on the table is below the outside and the pockets.
    pub fn height(self, nose_height: f64) -> f64 {
        match self {
            Self::Bed | Self::Line | Self::Sticker | Self::Underside => 0.0,
            Self::Pocket | Self::Outside => f64::NEG_INFINITY,
            _ => nose_height,
        }
    }

    /// Whether shadows of balls are drawn on it.
    pub fn takes_shadow(self) -> bool {
        !matches!(self, Self::Pocket | Self::Outside)
    }
}

/// Looks at the still parts of the scene.
pub struct Background<'a> {
    pub table: &'a Table,
    pub looks: &'a Looks,
    pub lighting: &'a Lighting,
    pub seed: u32,
}

impl Background<'_> {
    /// What a ray meets, and its light.
    pub fn look(&self, rays: &Rays, direction: DVec3) -> (Surface, Rgb) {
        let table = self.table;
        let Some(top) = rays.meet(direction, table.nose_height_mm) else {
            return (Surface::Outside, [0.02; 3]);
        };
        let depth = table.depth_beyond_noses(top.truncate());
        if depth > table.border_mm() {
            return (Surface::Outside, self.outside(rays, direction));
        }
        if depth > 0.0 && !self.open_above(top.truncate(), depth) {
            return self.on_top(top, depth, -direction.normalize());
        }
        match rays.meet(direction, 0.0) {
            Some(bed) => self.on_bed(bed, direction),
            None => (Surface::Outside, [0.02; 3]),
        }
    }

    fn open_above(&self, top: DVec2, depth: f64) -> bool {
        if self.table.pocket_at(top).is_some() {
            return true;
        }
        depth <= self.table.size.cushion_depth_mm && !self.table.on_cushion(top)
    }

    fn on_bed(&self, point: DVec3, direction: DVec3) -> (Surface, Rgb) {
        let flat = point.truncate();
        if let Some(pocket) = self.table.pocket_at(flat) {
            return (Surface::Pocket, self.in_pocket(pocket, point, direction));
        }
        let depth = self.table.depth_beyond_noses(flat);
        if let Some(pocket) = self.behind_pocket(flat, depth) {
            return (Surface::Pocket, self.in_pocket(pocket, point, direction));
        }
        if depth > 10.0 && self.table.on_cushion(flat) {
            return (Surface::Underside, scale(self.looks.cloth, 0.18));
        }
        let (surface, albedo) = self.bed_paint(flat);
        let weave = value_noise(point.x / 2.3, point.y / 2.3, self.seed) - 0.5;
        let nap = value_noise(point.x / 90.0, point.y / 60.0, self.seed ^ 1) - 0.5;
        let specks = value_noise(point.x / 6.0, point.y / 6.0, self.seed ^ 2);
        let dust = if specks > 0.965 { 0.12 } else { 0.0 };
        let texture = 1.0 + self.looks.cloth_texture * (0.16 * weave + 0.10 * nap + dust);
        (surface, scale(albedo, texture * self.light_on_bed(point, depth)))
    }

    /// The pocket whose back wall a ray hits that passed over its hole and would meet the bed's plane here.
    fn behind_pocket(&self, flat: DVec2, depth: f64) -> Option<usize> {
        if depth <= 0.0 {
            return None;
        }
        let beyond = |centre: DVec2| depth > self.table.depth_beyond_noses(centre);
        let near = |centre: DVec2, radius: f64| centre.distance(flat) < 1.6 * radius;
        self.table
            .pockets
            .iter()
            .position(|p| beyond(p.centre_mm) && near(p.centre_mm, p.radius_mm))
    }

    fn bed_paint(&self, p: DVec2) -> (Surface, Rgb) {
        let (l, w) = (self.table.size.length_mm, self.table.size.width_mm);
        if self.looks.spot_stickers {
            for spot in [DVec2::new(0.25 * l, 0.5 * w), DVec2::new(0.75 * l, 0.5 * w)] {
                let distance = p.distance(spot);
                if distance < 9.0 {
                    let dark = (4.0..7.0).contains(&distance);
                    return (
                        Surface::Sticker,
                        if dark {
                            [0.02; 3]
                        } else {
                            from_picture(222, 222, 214)
                        },
                    );
                }
            }
        }
        if self.looks.baulk_line {
            let baulk = l * 737.0 / 3569.0;
            let on_line = (p.x - baulk).abs() < 1.5;
            let from_middle = p.distance(DVec2::new(baulk, 0.5 * w));
            let on_d = p.x < baulk && (from_middle - w * 292.0 / 1778.0).abs() < 1.5;
            if on_line || on_d {
                return (Surface::Line, mix(self.looks.cloth, [0.8; 3], 0.55));
            }
        }
        (Surface::Bed, self.looks.cloth)
    }

    /// Light on the cloth, with the shadows of the cushions.
    fn light_on_bed(&self, point: DVec3, depth: f64) -> f32 {
        let nose = self.table.nose_height_mm;
        // A cushion hides up to half of the sky from the cloth at its foot.
        let wall = (0.5 * (1.0 + depth.min(0.0) / (2.2 * nose))).clamp(0.0, 0.5) as f32;
        let mut light = self.lighting.ambient * (1.0 - wall);
        for lamp in &self.lighting.lamps {
            let t = nose / lamp.position.z;
            let over = point.lerp(lamp.position, t).truncate();
            let soft = (lamp.radius * t).max(1.0);
            let beyond = self.table.depth_beyond_noses(over);
            let near_pocket = self
                .table
                .pockets
                .iter()
                .any(|p| p.centre_mm.distance(over) < 1.25 * p.radius_mm);
            let seen = if near_pocket {
                1.0
            } else {
                (0.5 - beyond / (2.0 * soft)).clamp(0.0, 1.0) as f32
            };
            light += lamp.on_level(point) * seen;
        }
        light
    }

    fn in_pocket(&self, pocket: usize, point: DVec3, direction: DVec3) -> Rgb {
        let pocket = &self.table.pockets[pocket];
        let deep = point + direction * (-70.0 / direction.z).abs();
        let offset = deep.truncate() - pocket.centre_mm;
        let outwards = offset.length() / pocket.radius_mm;
        let wall = ((outwards - 0.55) / 0.5).clamp(0.0, 1.0) as f32;
        let folds = value_noise(
            libm::atan2(offset.y, offset.x) * 2.6,
            deep.x / 60.0,
            self.seed ^ 7,
        );
        scale(
            self.looks.pocket_lining,
            (0.10 + 0.45 * wall) * (0.5 + folds) * self.lighting.on_level(point),
        )
    }

    fn on_top(&self, point: DVec3, depth: f64, to_eye: DVec3) -> (Surface, Rgb) {
        let p = point.truncate();
        let light = self.lighting.on_level(point);
        if depth <= self.table.size.cushion_depth_mm {
            // The nose is rounded, the top slopes up a little towards the rail.
            let edge = (depth / 9.0).clamp(0.0, 1.0) as f32;
            let weave = value_noise(p.x / 2.3, p.y / 2.3, self.seed ^ 3) - 0.5;
            let seam = ((self.table.size.cushion_depth_mm - depth) / 4.0).clamp(0.0, 1.0) as f32;
            let shade =
                (0.62 + 0.46 * edge) * (0.6 + 0.4 * seam) * (1.0 + 0.12 * self.looks.cloth_texture * weave);
            return (Surface::Cushion, scale(self.looks.cloth, shade * light));
        }
        let near = self
            .table
            .pockets
            .iter()
            .map(|k| k.centre_mm.distance(p) - k.radius_mm)
            .fold(f64::MAX, f64::min);
        if near < 13.0 {
            let round = (1.0 - libm::fabs(near - 6.5) / 9.0) as f32;
            let shine = self
                .lighting
                .near(point, &ALL_SEEN)
                .mirrored(point, DVec3::Z, to_eye, 0.25);
            return (
                Surface::Ring,
                lit(self.looks.pocket_ring, light * (0.6 + 0.6 * round), shine, 0.6),
            );
        }
        let (surface, albedo, gloss) = self.rail_paint(p, depth);
        let edge = ((self.table.border_mm() - depth) / 16.0).clamp(0.0, 1.0) as f32;
        let shine = self
            .lighting
            .near(point, &ALL_SEEN)
            .mirrored(point, DVec3::Z, to_eye, 0.10);
        (surface, lit(albedo, light * (0.55 + 0.45 * edge), shine, gloss))
    }

    fn outside(&self, rays: &Rays, direction: DVec3) -> Rgb {
        let Some(floor) = rays.meet(direction, FLOOR_HEIGHT_MM) else {
            return [0.02; 3];
        };
        let beyond = self.table.depth_beyond_noses(floor.truncate()) - self.table.border_mm();
        if beyond < 0.0 {
            // The ray passes the rail's edge and then goes under it: the table's side.
            return scale(self.looks.rail, 0.16);
        }
        let looks = self.looks;
        let mut tint = 0.8 + 0.25 * value_noise(floor.x / 300.0, floor.y / 35.0, self.seed ^ 8);
        if looks.floor_board_mm > 0.0 {
            let row = (floor.y / looks.floor_board_mm).floor();
            let shift = 4.0 * looks.floor_board_mm;
            let column = ((floor.x + row * 0.37 * shift) / shift).floor();
            tint *= 0.82 + 0.3 * value_noise(row * 7.3 + 0.5, column * 5.1 + 0.5, self.seed ^ 9);
            let seam_y =
                (floor.y - row * looks.floor_board_mm).min((row + 1.0) * looks.floor_board_mm - floor.y);
            if seam_y < 2.5 {
                tint *= 0.72;
            }
        } else {
            tint *= 0.85 + 0.3 * value_noise(floor.x / 9.0, floor.y / 9.0, self.seed ^ 10);
        }
        let under = 0.35 + 0.65 * ((beyond / 500.0).clamp(0.0, 1.0) as f32);
        let light = self.lighting.ambient + 0.45 * (self.lighting.on_level(floor) - self.lighting.ambient);
        scale(looks.floor, tint * under * light)
    }
}

fn lit(albedo: Rgb, light: f32, shine: Rgb, gloss: f32) -> Rgb {
    let shine = multiply(shine, [gloss; 3]);
    core::array::from_fn(|i| albedo[i] * light + shine[i])
}
