//! Everything that can be chosen about a simulated table before it is built.

use heapless::Vec;

use crate::balls::{BallSet, BallStyle};
use crate::camera::CameraPose;
use crate::colour::{Rgb, from_picture};
use crate::layout::Layout;
use crate::table::TableSize;

/// The most lamps above a table.
pub const MAX_LAMPS: usize = 3;

/// A rectangular lamp that shines down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lamp {
    /// Its middle.
    pub position_mm: [f64; 3],
    /// Half its extent along x and y.
    pub half_size_mm: [f64; 2],
    /// Light on the cloth straight below.
    pub strength: f32,
}

/// The light of the room.
#[derive(Debug, Clone, PartialEq)]
pub struct Lights {
    /// Light from everywhere.
    pub ambient: f32,
    /// The lamps.
    pub lamps: Vec<Lamp, MAX_LAMPS>,
}

/// What covers a rail's corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Corners {
    /// The wood of the rail.
    Wood,
    /// Castings of metal or plastic.
    Castings(Rgb),
}

/// Shape of the marks on the rails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diamonds {
    /// No marks.
    None,
    /// Discs.
    Round,
    /// Rhombi.
    Rhombic,
}

/// What the furniture looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looks {
    /// Cloth of bed and cushions.
    pub cloth: Rgb,
    /// Depth of the cloth's texture: 0 none, 1 coarse.
    pub cloth_texture: f32,
    /// Colour of the rails.
    pub rail: Rgb,
    /// Contrast of the wood's grain: 0 plain, 1 strong.
    pub grain: f32,
    /// Gloss of the rails: 0 matt, 1 mirror-like.
    pub gloss: f32,
    /// Corners of the rails.
    pub corners: Corners,
    /// Rings around the pockets.
    pub pocket_ring: Rgb,
    /// What lies in the pockets: black plastic, leather, white nets.
    pub pocket_lining: Rgb,
    /// Marks on the rails.
    pub diamonds: Diamonds,
    /// The floor.
    pub floor: Rgb,
    /// Boards or tiles of the floor, 0 for none.
    pub floor_board_mm: f64,
    /// Small white stickers with a dark ring on the spots.
    pub spot_stickers: bool,
    /// A line across the bed, behind which the cue ball is placed.
    pub baulk_line: bool,
    /// Cubes of chalk on the rails.
    pub chalks: u8,
}

/// The camera's sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensor {
    /// Exposure time.
    pub exposure_us: u32,
    /// Brightness of the picture of a perfect white; above 1 it is clipped.
    pub gain: f32,
    /// Factors of red, green and blue.
    pub white_balance: Rgb,
    /// Standard deviation of the noise in 8-bit steps.
    pub noise: f32,
    /// Loss of light in the corners of the picture: 0 none, 1 black.
    pub vignetting: f32,
    /// Standard deviation of the lens's blur; 0 for a perfect lens.
    pub blur_px: f32,
}

/// What the balls do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// They lie where they were put, until somebody shoots.
    Still,
    /// A player racks, breaks and plays on for ever.
    Random,
}

/// A table, its room and its camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Decides everything that is random later: noise, texture, play.
    pub seed: u64,
    /// The table.
    pub table: TableSize,
    /// The balls.
    pub ball_set: BallSet,
    /// Their paint.
    pub ball_style: BallStyle,
    /// Where they lie at first.
    pub layout: Layout,
    /// What they do.
    pub play: Play,
    /// Whether a player is seen with the cue: always when aiming for `Play::Still`, when it is time for `Play::Random`.
    pub person: bool,
    /// A second cue that lies across the table.
    pub loose_cue: bool,
    /// Furniture.
    pub looks: Looks,
    /// Lamps.
    pub lights: Lights,
    /// Camera.
    pub camera: CameraPose,
    /// Sensor.
    pub sensor: Sensor,
}

impl Scene {
    /// The table of the demonstrations: 9-ft pool under a wide camera that sees all of it, played for ever.
    pub fn standard() -> Self {
        let lamp = |x: f64| Lamp {
            position_mm: [x, 560.0, 1500.0],
            half_size_mm: [170.0, 70.0],
            strength: 0.42,
        };
        let mut lamps = Vec::new();
        lamps.extend([lamp(640.0), lamp(1900.0)]);
        Self {
            seed: 1,
            table: TableSize::NINE_FOOT,
            ball_set: BallSet::American,
            ball_style: BallStyle::default(),
            layout: Layout::Rack,
            play: Play::Random,
            person: true,
            loose_cue: false,
            looks: Looks {
                cloth: from_picture(34, 138, 112),
                cloth_texture: 0.4,
                rail: from_picture(92, 48, 30),
                grain: 0.6,
                gloss: 0.5,
                corners: Corners::Castings(from_picture(150, 152, 156)),
                pocket_ring: from_picture(34, 33, 34),
                pocket_lining: from_picture(38, 34, 32),
                diamonds: Diamonds::Round,
                floor: from_picture(168, 158, 144),
                floor_board_mm: 190.0,
                spot_stickers: true,
                baulk_line: false,
                chalks: 1,
            },
            lights: Lights { ambient: 0.28, lamps },
            camera: CameraPose {
                position_mm: [1285.0, 600.0, 2600.0],
                tilt_deg: 2.0,
                tilt_towards_deg: 80.0,
                roll_deg: 0.8,
                hfov_deg: 75.0,
                distortion: [-0.11, 0.022, 0.0004, -0.0003, 0.0],
            },
            sensor: Sensor {
                exposure_us: 4000,
                gain: 1.05,
                white_balance: [1.0, 1.0, 1.0],
                noise: 1.6,
                vignetting: 0.18,
                blur_px: 0.0,
            },
        }
    }
}
