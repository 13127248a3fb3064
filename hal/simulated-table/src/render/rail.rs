//! The wooden rails and what is on them: diamonds, castings, chalk.

use glam::DVec2;

use crate::colour::{Rgb, from_picture, scale};
use crate::random::value_noise;
use crate::render::background::{Background, Surface};
use crate::scene::{Corners, Diamonds};
use crate::table::PocketStyle;

impl Background<'_> {
    /// Surface, colour and gloss of a point of the rail, `depth` beyond the noses.
    pub fn rail_paint(&self, p: DVec2, depth: f64) -> (Surface, Rgb, f32) {
        let size = &self.table.size;
        let looks = self.looks;
        let (l, w, border) = (size.length_mm, size.width_mm, self.table.border_mm());
        let from_end = (p.x + border).min(l + border - p.x);
        let from_side = (p.y + border).min(w + border - p.y);
        let reach = 1.25 * border;
        if let Corners::Castings(colour) = looks.corners
            && from_end.max(from_side) < reach
            && size.pockets != PocketStyle::None
        {
            return (Surface::Casting, colour, 0.9);
        }
        let along_x = from_side < from_end;
        for chalk in 0..looks.chalks {
            let at = DVec2::new(
                l * (0.17 + 0.37 * f64::from(chalk)),
                if chalk % 2 == 0 {
                    w + 0.8 * border
                } else {
                    -0.8 * border
                },
            );
            let offset = (p - at).abs();
            if offset.max_element() < 11.0 {
                let hollow = offset.length() < 7.0;
                let blue = if hollow {
                    from_picture(70, 130, 190)
                } else {
                    from_picture(30, 84, 160)
                };
                return (Surface::Chalk, blue, 0.0);
            }
        }
        if looks.diamonds != Diamonds::None && self.on_diamond(p, depth, along_x) {
            return (Surface::Diamond, from_picture(232, 228, 214), 0.3);
        }
        let (along, across) = if along_x { (p.x, p.y) } else { (p.y, p.x) };
        let wave = value_noise(along / 260.0, across / 50.0, self.seed ^ 4);
        let grain = value_noise(along / 120.0, across / 5.0 + 4.0 * f64::from(wave), self.seed ^ 5);
        let fine = value_noise(along / 40.0, across / 1.8, self.seed ^ 6);
        let tint = 1.0 + looks.grain * (0.9 * (grain - 0.5) + 0.4 * (fine - 0.5) + 0.5 * (wave - 0.5));
        (Surface::Rail, scale(looks.rail, tint.max(0.1)), looks.gloss)
    }

    fn on_diamond(&self, p: DVec2, depth: f64, along_x: bool) -> bool {
        let size = &self.table.size;
        let (along, length, count) = if along_x {
            (p.x, size.length_mm, 8.0)
        } else {
            (p.y, size.width_mm, 4.0)
        };
        let number = (along / length * count).round();
        let at_pocket = size.pockets != PocketStyle::None && along_x && number == 4.0;
        if number < 1.0 || number > count - 1.0 || at_pocket {
            return false;
        }
        // 3 11/16 inches from the nose, as the World Pool-Billiard Association places them.
        let middle = 93.7f64.max(size.cushion_depth_mm + 20.0);
        let (a, b) = (along - number * length / count, depth - middle);
        match self.looks.diamonds {
            Diamonds::None => false,
            Diamonds::Round => a * a + b * b < 6.0 * 6.0,
            Diamonds::Rhombic => a.abs() / 6.5 + b.abs() / 12.0 < 1.0,
        }
    }
}
