use core::str::FromStr;

use super::linear::{Vec2, add2, dot2, norm2, scale2, sub2};

/// The bed that the cushion noses enclose.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TableSize {
    /// Nose to nose along the long side.
    pub length_mm: f64,
    /// Nose to nose along the short side.
    pub width_mm: f64,
}

/// A hole that balls fall into.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pocket {
    /// The middle of the hole, in the table frame: a little outside the bed.
    pub centre_mm: Vec2,
    /// Within this distance of the middle there is no bed any more.
    pub radius_mm: f64,
    /// In a corner, or else in the middle of a long side.
    pub in_corner: bool,
}

impl Pocket {
    /// How close to the pocket's rim the straight way between two places comes; negative where it crosses the hole.
    pub fn distance_from_way_mm(&self, from_mm: Vec2, to_mm: Vec2) -> f64 {
        let way = sub2(to_mm, from_mm);
        let length_squared = dot2(way, way);
        let part = if length_squared > 0.0 {
            (dot2(sub2(self.centre_mm, from_mm), way) / length_squared).clamp(0.0, 1.0)
        } else {
            0.0
        };
        norm2(sub2(add2(from_mm, scale2(way, part)), self.centre_mm)) - self.radius_mm
    }
}

/// Why a text is not a size of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ParseTableSizeError {
    /// Neither a known standard nor `LENGTHxWIDTH`.
    Unknown,
    /// A side is outside the range of tables that exist.
    OutOfRange,
    /// The second side is longer than the first.
    WidthExceedsLength,
}

impl core::fmt::Display for ParseTableSizeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => {
                "not a table size: give one of 7ft, 8ft, 9ft, snooker10, snooker12, carom, pub, or LENGTHxWIDTH in mm, as 2540x1270"
            }
            Self::OutOfRange => "no table has such a size: give the bed between the cushion noses in mm, 300 to 5000",
            Self::WidthExceedsLength => "the table's width exceeds its length: give the long side first",
        })
    }
}

impl core::error::Error for ParseTableSizeError {}

/// The middle of a corner pocket lies this far outside the corner of the noses, along each side.
const CORNER_POCKET_OFFSET_MM: f64 = 30.0;
/// The middle of a middle pocket lies this far behind the nose.
const MIDDLE_POCKET_OFFSET_MM: f64 = 65.0;
/// Half of a usual pocket's width; differences between makers do not matter where balls are watched to vanish.
const POCKET_RADIUS_MM: f64 = 62.0;

impl TableSize {
    /// Seven-foot pool table.
    pub const FT7: Self = Self::new(1981.2, 990.6);
    /// Eight-foot pool table.
    pub const FT8: Self = Self::new(2235.2, 1117.6);
    /// Nine-foot pool table.
    pub const FT9: Self = Self::new(2540.0, 1270.0);
    /// Ten-foot snooker table: ten twelfths of the twelve-foot one. No rule fixes it, and makers differ by some cm:
    /// measure, and give mm where they are others.
    pub const SNOOKER10: Self = Self::new(2974.2, 1481.7);
    /// Twelve-foot snooker table.
    pub const SNOOKER12: Self = Self::new(3569.0, 1778.0);
    /// Carom match table. It has no pockets.
    pub const CAROM: Self = Self::new(2840.0, 1420.0);

    /// Table of English pool, "7 ft" over all: a bed of 6 by 3 ft (BAPTO's standard; makers may differ by 2 inches).
    pub const PUB: Self = Self::new(1828.8, 914.4);

    /// The named standards.
    pub const STANDARDS: [(&'static str, Self); 7] = [
        ("7ft", Self::FT7),
        ("8ft", Self::FT8),
        ("9ft", Self::FT9),
        ("snooker10", Self::SNOOKER10),
        ("snooker12", Self::SNOOKER12),
        ("carom", Self::CAROM),
        ("pub", Self::PUB),
    ];

    /// The sides that a table may have, toys and the largest included.
    pub const SIDE_RANGE_MM: core::ops::RangeInclusive<f64> = 300.0..=5000.0;

    /// A bed of this size.
    pub const fn new(length_mm: f64, width_mm: f64) -> Self {
        Self { length_mm, width_mm }
    }

    /// Whether the sides are those of a table, the long one first.
    pub fn check(&self) -> Result<(), ParseTableSizeError> {
        if ![self.length_mm, self.width_mm]
            .iter()
            .all(|side| Self::SIDE_RANGE_MM.contains(side))
        {
            return Err(ParseTableSizeError::OutOfRange);
        }
        if self.width_mm > self.length_mm {
            return Err(ParseTableSizeError::WidthExceedsLength);
        }
        Ok(())
    }

    /// The corners of the noses, from the origin along x first: counter-clockwise seen from above.
    pub fn corners_mm(&self) -> [Vec2; 4] {
        let (length, width) = (self.length_mm, self.width_mm);
        [[0.0, 0.0], [length, 0.0], [length, width], [0.0, width]]
    }

    /// The six pockets, counter-clockwise from the origin's corner: corner, middle, corner, corner, middle, corner.
    /// None on a carom table.
    pub fn pockets(&self) -> heapless::Vec<Pocket, 6> {
        if *self == Self::CAROM {
            return heapless::Vec::new();
        }
        let (length, width) = (self.length_mm, self.width_mm);
        let corner = |x_mm, y_mm| Pocket {
            centre_mm: [x_mm, y_mm],
            radius_mm: POCKET_RADIUS_MM,
            in_corner: true,
        };
        let middle = |y_mm| Pocket {
            centre_mm: [length / 2.0, y_mm],
            radius_mm: POCKET_RADIUS_MM,
            in_corner: false,
        };
        let out = CORNER_POCKET_OFFSET_MM;
        heapless::Vec::from_array([
            corner(-out, -out),
            middle(-MIDDLE_POCKET_OFFSET_MM),
            corner(length + out, -out),
            corner(length + out, width + out),
            middle(width + MIDDLE_POCKET_OFFSET_MM),
            corner(-out, width + out),
        ])
    }

    /// Whether a place lies within the noses, or at most `margin_mm` outside of them.
    pub fn is_on_bed(&self, [x, y]: Vec2, margin_mm: f64) -> bool {
        (-margin_mm..=self.length_mm + margin_mm).contains(&x)
            && (-margin_mm..=self.width_mm + margin_mm).contains(&y)
    }
}

impl FromStr for TableSize {
    type Err = ParseTableSizeError;

    /// A named standard, or `LENGTHxWIDTH` in mm.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, size)) = Self::STANDARDS.iter().find(|(name, _)| *name == text) {
            return Ok(*size);
        }
        let side = |text: &str| {
            text.trim()
                .parse::<f64>()
                .map_err(|_| ParseTableSizeError::Unknown)
        };
        let (length, width) = text.split_once('x').ok_or(ParseTableSizeError::Unknown)?;
        let size = Self::new(side(length)?, side(width)?);
        size.check().map(|()| size)
    }
}
