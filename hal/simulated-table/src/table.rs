//! The table: sizes, cushions, pockets. Table frame of the project: millimetres, origin at a cushion-nose corner,
//! x along the long side, y along the short side, z up from the cloth.

use glam::DVec2;
use heapless::Vec;

use crate::outline::{JAW_STEPS, facing_end, inside, rounded};

/// How the pockets are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PocketStyle {
    /// American pool: wide mouths, straight facings (142 degrees at the corners, 104 degrees at the sides, as the
    /// World Pool-Billiard Association specifies them).
    Pool,
    /// Snooker and pub tables: narrow mouths with rounded jaws.
    Rounded,
    /// Carom tables have none.
    None,
}

/// What describes a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableSize {
    /// Bed length between cushion noses.
    pub length_mm: f64,
    /// Bed width between cushion noses.
    pub width_mm: f64,
    /// Cut of the pockets.
    pub pockets: PocketStyle,
    /// From the cushion nose to the wooden rail.
    pub cushion_depth_mm: f64,
    /// Width of the wooden rail.
    pub rail_width_mm: f64,
}

impl TableSize {
    /// A pool table with a bed of this size.
    pub const fn pool(length_mm: f64, width_mm: f64) -> Self {
        Self {
            length_mm,
            width_mm,
            pockets: PocketStyle::Pool,
            cushion_depth_mm: 50.0,
            rail_width_mm: 120.0,
        }
    }

    /// American 7-ft pool.
    pub const SEVEN_FOOT: Self = Self::pool(1981.2, 990.6);
    /// American 8-ft pool.
    pub const EIGHT_FOOT: Self = Self::pool(2235.2, 1117.6);
    /// American 9-ft pool.
    pub const NINE_FOOT: Self = Self::pool(2540.0, 1270.0);
    /// 12-ft snooker.
    pub const SNOOKER: Self = Self {
        length_mm: 3569.0,
        width_mm: 1778.0,
        pockets: PocketStyle::Rounded,
        cushion_depth_mm: 45.0,
        rail_width_mm: 110.0,
    };
    /// 7-ft English pub table.
    pub const PUB: Self = Self {
        length_mm: 1829.0,
        width_mm: 914.0,
        pockets: PocketStyle::Rounded,
        cushion_depth_mm: 45.0,
        rail_width_mm: 100.0,
    };
    /// Match carom table.
    pub const CAROM: Self = Self {
        length_mm: 2840.0,
        width_mm: 1420.0,
        pockets: PocketStyle::None,
        cushion_depth_mm: 50.0,
        rail_width_mm: 125.0,
    };
}

/// A hole in the bed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pocket {
    /// Middle of the hole.
    pub centre_mm: DVec2,
    /// A ball whose centre comes closer than this falls.
    pub radius_mm: f64,
}

/// Points of a cushion's outline: two facing ends, two rounded jaws, one line between.
pub const CUSHION_POINTS: usize = 2 + 2 * (JAW_STEPS + 1);

/// One cushion: the outline of its nose from facing end to facing end. The facing ends lie on the wooden rail, so the
/// closed outline is the cushion as seen from above.
#[derive(Debug, Clone, PartialEq)]
pub struct Cushion {
    /// The outline; the bed lies to the left of it.
    pub outline_mm: Vec<DVec2, CUSHION_POINTS>,
}

/// The table with everything that follows from its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it was made from.
    pub size: TableSize,
    /// The pockets, counter-clockwise from the origin.
    pub pockets: Vec<Pocket, 6>,
    /// The cushions, counter-clockwise from the origin.
    pub cushions: Vec<Cushion, 6>,
    /// Height of the cushion noses above the cloth: 63.5 % of a ball's diameter, as the World Pool-Billiard
    /// Association specifies it.
    pub nose_height_mm: f64,
}

/// Mouths and jaws of a pocket, in millimetres and degrees.
struct Mouth {
    width: f64,
    facing_deg: f64,
    jaw_radius: f64,
}

impl Table {
    /// The table of this size for balls of this radius.
    pub fn new(size: TableSize, ball_radius_mm: f64) -> Self {
        let diameter = 2.0 * ball_radius_mm;
        let (corner, side) = match size.pockets {
            PocketStyle::Pool => (
                Mouth {
                    width: 2.05 * diameter,
                    facing_deg: 142.0,
                    jaw_radius: 6.0,
                },
                Mouth {
                    width: 2.25 * diameter,
                    facing_deg: 104.0,
                    jaw_radius: 6.0,
                },
            ),
            PocketStyle::Rounded => (
                Mouth {
                    width: 1.75 * diameter,
                    facing_deg: 138.0,
                    jaw_radius: 45.0,
                },
                Mouth {
                    width: 1.9 * diameter,
                    facing_deg: 106.0,
                    jaw_radius: 30.0,
                },
            ),
            PocketStyle::None => {
                let mitre = || Mouth {
                    width: 0.0,
                    facing_deg: 135.0,
                    jaw_radius: 0.0,
                };
                (mitre(), mitre())
            }
        };
        let mut table = Self {
            size,
            pockets: Vec::new(),
            cushions: Vec::new(),
            nose_height_mm: 0.635 * diameter,
        };
        table.cut_pockets(&corner, &side);
        table.fit_cushions(&corner, &side);
        table
    }

    /// The four nose corners at bed level, counter-clockwise from the origin.
    pub fn corners_mm(&self) -> [[f64; 2]; 4] {
        let (l, w) = (self.size.length_mm, self.size.width_mm);
        [[0.0, 0.0], [l, 0.0], [l, w], [0.0, w]]
    }

    /// From the noses to the outer edge of the wooden rail.
    pub fn border_mm(&self) -> f64 {
        self.size.cushion_depth_mm + self.size.rail_width_mm
    }

    /// Whether a point at the height of the noses lies on a cushion.
    pub fn on_cushion(&self, point: DVec2) -> bool {
        if self.depth_beyond_noses(point) <= 0.0 {
            return false;
        }
        self.cushions
            .iter()
            .any(|cushion| inside(&cushion.outline_mm, point))
    }

    /// How far a point lies outside the rectangle of the noses; negative inside.
    pub fn depth_beyond_noses(&self, point: DVec2) -> f64 {
        let x = (-point.x).max(point.x - self.size.length_mm);
        let y = (-point.y).max(point.y - self.size.width_mm);
        x.max(y)
    }

    /// The pocket into whose hole this point falls.
    pub fn pocket_at(&self, point: DVec2) -> Option<usize> {
        self.pockets
            .iter()
            .position(|p| p.centre_mm.distance_squared(point) < p.radius_mm * p.radius_mm)
    }

    fn cut_pockets(&mut self, corner: &Mouth, side: &Mouth) {
        if self.size.pockets == PocketStyle::None {
            return;
        }
        let (l, w) = (self.size.length_mm, self.size.width_mm);
        // A corner hole covers the throat between the facing ends and reaches a third of its radius beyond.
        let end = facing_end(
            corner.width / core::f64::consts::SQRT_2,
            corner.facing_deg,
            self.size.cushion_depth_mm,
        );
        let corner_radius = 0.52 * corner.width;
        let out = -(end.x + end.y) / 2.0 + 0.25 * corner_radius;
        let side_radius = 0.48 * side.width;
        let side_out = side_radius + 3.0;
        let hole = |x: f64, y: f64, radius_mm: f64| Pocket {
            centre_mm: DVec2::new(x, y),
            radius_mm,
        };
        let holes = [
            hole(-out, -out, corner_radius),
            hole(l / 2.0, -side_out, side_radius),
            hole(l + out, -out, corner_radius),
            hole(l + out, w + out, corner_radius),
            hole(l / 2.0, w + side_out, side_radius),
            hole(-out, w + out, corner_radius),
        ];
        self.pockets.extend(holes);
    }

    fn fit_cushions(&mut self, corner: &Mouth, side: &Mouth) {
        let (l, w) = (self.size.length_mm, self.size.width_mm);
        let d = self.size.cushion_depth_mm;
        let a = corner.width / core::f64::consts::SQRT_2;
        let s = side.width / 2.0;
        // Each cushion in a frame of its own: along x from the first point of the nose, outside below.
        let mut fit = |from: DVec2, along: DVec2, length: f64, first: (f64, &Mouth), last: (f64, &Mouth)| {
            let outward = DVec2::new(along.y, -along.x);
            let place = |p: DVec2| from + along * p.x - outward * p.y;
            let mut outline = Vec::new();
            let start = DVec2::new(first.0, 0.0);
            let end = DVec2::new(length - last.0, 0.0);
            let start_facing = facing_end(first.0, first.1.facing_deg, d);
            let mirrored = facing_end(last.0, last.1.facing_deg, d);
            let end_facing = DVec2::new(length - mirrored.x, mirrored.y);
            let mut push = |p: DVec2| {
                outline
                    .push(place(p))
                    .expect("an outline has CUSHION_POINTS points")
            };
            push(start_facing);
            rounded(start_facing, start, end, first.1.jaw_radius, &mut push);
            rounded(start, end, end_facing, last.1.jaw_radius, &mut push);
            push(end_facing);
            self.cushions
                .push(Cushion { outline_mm: outline })
                .expect("a table has at most six cushions");
        };
        let (right, up, left, down) = (DVec2::X, DVec2::Y, -DVec2::X, -DVec2::Y);
        let corners = [
            DVec2::ZERO,
            DVec2::new(l, 0.0),
            DVec2::new(l, w),
            DVec2::new(0.0, w),
        ];
        if self.size.pockets == PocketStyle::None {
            fit(corners[0], right, l, (a, corner), (a, corner));
            fit(corners[1], up, w, (a, corner), (a, corner));
            fit(corners[2], left, l, (a, corner), (a, corner));
            fit(corners[3], down, w, (a, corner), (a, corner));
            return;
        }
        let half = l / 2.0;
        fit(corners[0], right, half, (a, corner), (s, side));
        fit(corners[0] + right * half, right, half, (s, side), (a, corner));
        fit(corners[1], up, w, (a, corner), (a, corner));
        fit(corners[2], left, half, (a, corner), (s, side));
        fit(corners[2] + left * half, left, half, (s, side), (a, corner));
        fit(corners[3], down, w, (a, corner), (a, corner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hole_covers_the_throat_behind_its_jaws() {
        for (size, radius) in [
            (TableSize::NINE_FOOT, 28.575),
            (TableSize::SNOOKER, 26.25),
            (TableSize::PUB, 25.4),
        ] {
            let table = Table::new(size, radius);
            let n = table.cushions.len();
            for (i, cushion) in table.cushions.iter().enumerate() {
                let end = *cushion.outline_mm.last().unwrap();
                let next = table.cushions[(i + 1) % n].outline_mm[0];
                assert!(
                    end.distance(next) > 2.0 * radius,
                    "the throat after cushion {i} is too narrow"
                );
                for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    assert!(
                        table.pocket_at(end.lerp(next, t)).is_some(),
                        "gap in the throat after cushion {i}"
                    );
                }
            }
        }
    }

    #[test]
    fn noses_lie_on_the_sides_of_the_bed() {
        let table = Table::new(TableSize::CAROM, 30.75);
        assert_eq!(table.cushions.len(), 4);
        assert!(table.pockets.is_empty());
        assert!(table.on_cushion(DVec2::new(700.0, -10.0)));
        assert!(!table.on_cushion(DVec2::new(700.0, 10.0)));
        assert!(!table.on_cushion(DVec2::new(700.0, -60.0)));
    }
}
