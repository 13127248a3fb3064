//! What the projector is asked to show.

/// Discs along a line and lines: on a bed of nine feet a hand's breadth apart.
pub(super) const COLUMNS: usize = 14;
pub(super) const ROWS: usize = 8;

/// How far a disc is shaken off its place on the grid, in parts of the spacing: enough that a shifted or turned grid does
/// not fit, too little for two discs to meet.
const SHAKE: f64 = 0.22;

/// The disc's radius in parts of the picture's width: some 17 mm on a table that fills the picture, a dozen pixels
/// across for a camera that sees it all.
const RADIUS_PER_WIDTH: f64 = 1.0 / 150.0;

/// Bright discs on black.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Width and height of the projector's picture, pixels.
    pub size_px: [u16; 2],
    /// Radius of every disc, pixels.
    pub radius_px: f32,
    /// Centres, line by line; (0, 0) is the picture's top left corner.
    pub points_px: Vec<[f32; 2]>,
}

impl Pattern {
    /// The pattern that the mapping is made from.
    pub fn first(size_px: [u16; 2]) -> Self {
        Self::shaken(size_px, 1)
    }

    /// The pattern that it is checked on.
    pub fn second(size_px: [u16; 2]) -> Self {
        Self::shaken(size_px, 2)
    }

    fn shaken(size_px: [u16; 2], seed: u32) -> Self {
        let size = size_px.map(f64::from);
        let mut random = seed;
        let mut shake = || {
            // A step of a linear congruential generator, its upper bits.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(random >> 8) / f64::from(1 << 24) * 2.0 - 1.0) * SHAKE
        };
        let tenth = |pixel: f64| ((pixel * 10.0).round() / 10.0) as f32;
        let mut points_px = Vec::with_capacity(COLUMNS * ROWS);
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let x = (column as f64 + 0.5 + shake()) * size[0] / COLUMNS as f64;
                let y = (row as f64 + 0.5 + shake()) * size[1] / ROWS as f64;
                points_px.push([tenth(x), tenth(y)]);
            }
        }
        Self {
            size_px,
            radius_px: tenth(size[0] * RADIUS_PER_WIDTH),
            points_px,
        }
    }
}
