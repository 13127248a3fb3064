//! The four sides of the bed, as lines to walk along and to measure from.

use baize_table_vision::geometry::TableSize;
use baize_table_vision::geometry::linear::{dot2, sub2};

/// Profiles along a side.
pub(crate) const PROFILES: usize = 160;
/// Length of side, from each pocket's middle, where cushions bend into the pocket's mouth.
const POCKET_CLEARANCE_MM: f64 = 150.0;

/// One side of the bed, in the nose plane.
pub(crate) struct Side {
    start: [f64; 2],
    along: [f64; 2],
    inward: [f64; 2],
    length_mm: f64,
    is_long: bool,
}

impl Side {
    pub fn all(table: TableSize) -> [Self; 4] {
        let (length, width) = (table.length_mm, table.width_mm);
        let side = |start, along, inward, is_long| Self {
            start,
            along,
            inward,
            length_mm: if is_long { length } else { width },
            is_long,
        };
        [
            side([0.0, 0.0], [1.0, 0.0], [0.0, 1.0], true),
            side([length, 0.0], [0.0, 1.0], [-1.0, 0.0], false),
            side([length, width], [-1.0, 0.0], [0.0, -1.0], true),
            side([0.0, width], [0.0, -1.0], [1.0, 0.0], false),
        ]
    }

    pub fn point(&self, t: f64, depth_mm: f64) -> [f64; 2] {
        [0, 1].map(|i| self.start[i] + t * self.length_mm * self.along[i] + depth_mm * self.inward[i])
    }

    /// The point so far along, and so far inwards.
    pub fn point_at_mm(&self, along_mm: f64, depth_mm: f64) -> [f64; 2] {
        self.point(along_mm / self.length_mm, depth_mm)
    }

    /// A point moved along this side and inwards.
    pub fn moved(&self, point: [f64; 2], along_mm: f64, inwards_mm: f64) -> [f64; 2] {
        [0, 1].map(|i| point[i] + along_mm * self.along[i] + inwards_mm * self.inward[i])
    }

    /// How far along this side a point lies.
    pub fn along_mm(&self, point: [f64; 2]) -> f64 {
        dot2(sub2(point, self.start), self.along)
    }

    /// The parts of the way along at which every table's diamonds are: eighths of a long side, quarters of a short one.
    /// In the middle of a long side most tables have a pocket.
    pub fn diamonds(&self) -> &'static [f64] {
        if self.is_long {
            &[0.125, 0.25, 0.375, 0.625, 0.75, 0.875]
        } else {
            &[0.25, 0.5, 0.75]
        }
    }

    /// Whether a place so far along is between the side's ends.
    pub fn is_on_it(&self, along_mm: f64) -> bool {
        (0.0..=self.length_mm).contains(&along_mm)
    }

    /// How far along a part of the way is.
    pub fn part_mm(&self, part: f64) -> f64 {
        part * self.length_mm
    }

    /// How far inside of this side a point of the nose plane lies.
    pub fn depth_mm(&self, point: [f64; 2]) -> f64 {
        dot2(sub2(point, self.start), self.inward)
    }

    /// The parts of the way along, 0 to 1, that are clear of pockets.
    pub fn stations(&self) -> impl Iterator<Item = f64> + '_ {
        let clearance = (POCKET_CLEARANCE_MM / self.length_mm).min(0.2);
        (0..PROFILES)
            .map(|i| (i as f64 + 0.5) / PROFILES as f64)
            .filter(move |&t| {
                let clear_of_corners = t > clearance && t < 1.0 - clearance;
                clear_of_corners && !(self.is_long && (t - 0.5).abs() < clearance)
            })
    }
}
