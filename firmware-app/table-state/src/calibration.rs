use heapless::Vec;
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::codec::{Message, Wire};
use crate::key::{
    CALIBRATION_KEY, HEADER_BYTES, Header, SchemaKey, VARINT_U16_BYTES, VARINT_U32_BYTES, VARINT_U64_BYTES,
};
use crate::limits::MAX_POCKETS;
use crate::units::{PackedPosition, Position};

codes! {
    /// How far the calibration in use is to be trusted.
    CalibrationValidity {
        /// There is none.
        NONE = 0, "none";
        /// It agrees with what is seen.
        VALID = 1, "valid";
        /// What is seen speaks against it: the camera or the table may have been moved. Positions may be off.
        SUSPECT = 2, "suspect";
    }
}

codes! {
    /// Where a calibration came from.
    CalibrationMethod {
        /// Not known.
        UNKNOWN = 0, "unknown";
        /// The table was found in the picture.
        AUTOMATIC = 1, "automatic";
        /// A person gave the corners in the config.
        CONFIGURED = 2, "configured";
        /// The exact geometry of a simulated table.
        SIMULATED = 3, "simulated";
    }
}

codes! {
    /// Which set of balls is on the table.
    Game {
        /// Not known.
        UNKNOWN = 0, "unknown";
        /// Solids, stripes, eight.
        POOL = 1, "pool";
        /// Fifteen reds and six colours.
        SNOOKER = 2, "snooker";
        /// Reds, yellows, eight.
        PUB = 3, "pub";
        /// Three balls, no pockets.
        CAROM = 4, "carom";
    }
}

codes! {
    /// Where in the upright camera picture the origin of the table frame lies.
    OriginCorner {
        /// Bottom left: x runs to the right in the picture.
        BOTTOM_LEFT = 0, "bottom_left";
        /// Bottom right: x runs upwards.
        BOTTOM_RIGHT = 1, "bottom_right";
        /// Top right: x runs to the left.
        TOP_RIGHT = 2, "top_right";
        /// Top left: x runs downwards.
        TOP_LEFT = 3, "top_left";
    }
}

codes! {
    /// What kind of pocket.
    PocketKind {
        /// Not known.
        UNKNOWN = 0, "unknown";
        /// In a corner.
        CORNER = 1, "corner";
        /// In the middle of a long side.
        MIDDLE = 2, "middle";
    }
}

/// A pocket of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pocket {
    /// Corner or middle.
    pub kind: PocketKind,
    /// Where a falling ball's centre goes: the middle of the hole.
    pub position: Position,
    /// Radius of the hole, in 0.1 mm.
    pub radius_tenth_mm: u16,
}

/// From the table to the pixels of a projector above it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProjectorMapping {
    width_px: u16,
    height_px: u16,
    homography: [f32; 9],
    residual_um: u32,
}

impl ProjectorMapping {
    /// The mapping of a projector of this size: the homography, row by row, takes the millimetres (x, y, 1) of a place on
    /// the cloth to the homogeneous pixels (u, v, w), (0, 0) being the top left corner of the picture. `residual_um` is
    /// the root mean square error on the cloth. `None` unless all nine numbers are finite.
    pub fn new(width_px: u16, height_px: u16, homography: [f32; 9], residual_um: u32) -> Option<Self> {
        homography.iter().all(|value| value.is_finite()).then_some(Self {
            width_px,
            height_px,
            homography,
            residual_um,
        })
    }

    /// Width of the projector's picture.
    pub const fn width_px(&self) -> u16 {
        self.width_px
    }

    /// Height of the projector's picture.
    pub const fn height_px(&self) -> u16 {
        self.height_px
    }

    /// Row by row, from (x, y, 1) in mm on the cloth to homogeneous pixels. All finite.
    pub const fn homography(&self) -> &[f32; 9] {
        &self.homography
    }

    /// Root mean square error on the cloth, in um.
    pub const fn residual_um(&self) -> u32 {
        self.residual_um
    }

    /// The pixel that lights this place on the cloth; `None` where the mapping has no finite pixel.
    pub fn to_pixel(&self, place: Position) -> Option<[f32; 2]> {
        let [a, b, c, d, e, f, g, h, i] = self.homography;
        let (x, y) = (place.x_mm(), place.y_mm());
        let w = g * x + h * y + i;
        let pixel = [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
        pixel.iter().all(|value| value.is_finite()).then_some(pixel)
    }
}

/// The table as it was measured, and how well. Topic `v1/calibration`; an empty payload there means that there is none.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration {
    /// What the states refer to. From 1; a new calibration has a new one.
    pub calibration_id: u32,
    /// When it was accepted, in ms since 1970 UTC; `None` if the clock was not set.
    pub accepted_unix_ms: Option<u64>,
    /// Where it came from.
    pub method: CalibrationMethod,
    /// Which balls are played.
    pub game: Game,
    /// Which corner is the origin, to overlay the table on the camera's picture.
    pub origin: OriginCorner,
    /// Between the cushion noses of the short sides, in 0.1 mm: the extent of x.
    pub length_tenth_mm: u32,
    /// Between the cushion noses of the long sides, in 0.1 mm: the extent of y.
    pub width_tenth_mm: u32,
    /// Diameter of a ball, in um.
    pub ball_diameter_um: u32,
    /// Root mean square distance on the cloth between where points were seen and where they belong, in um.
    pub residual_um: u32,
    /// The largest such distance, in um.
    pub residual_max_um: u32,
    /// Points that were compared.
    pub points: u32,
    /// The pockets, counter-clockwise from the origin's corner; none on a carom table.
    pub pockets: Vec<Pocket, MAX_POCKETS>,
    /// How a projector lights the table; `None` without a calibrated projector.
    pub projector: Option<ProjectorMapping>,
}

/// A [`Pocket`] on the wire: 7 bytes. Frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedPocket {
    pocket_kind: u8,
    position: PackedPosition,
    radius_tenth_mm: [u8; 2],
}

/// A [`ProjectorMapping`] on the wire. Frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedProjector {
    width_px: u16,
    height_px: u16,
    homography: [f32; 9],
    residual_um: u32,
}

/// [`Calibration`] on the wire as of minor 0, frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct CalibrationMinor0 {
    header: Header,
    calibration_id: u32,
    accepted_unix_ms: Option<u64>,
    calibration_method: u8,
    game: u8,
    origin_corner: u8,
    length_tenth_mm: u32,
    width_tenth_mm: u32,
    ball_diameter_um: u32,
    residual_um: u32,
    residual_max_um: u32,
    points: u32,
    pockets: Vec<PackedPocket, MAX_POCKETS>,
    projector: Option<PackedProjector>,
}

impl Message for Calibration {
    const KEY: SchemaKey = CALIBRATION_KEY;
    const MINOR: u8 = 0;
    const MAX_BYTES: usize = HEADER_BYTES
        + (1 + VARINT_U64_BYTES)
        + 3
        + 7 * VARINT_U32_BYTES
        + (1 + MAX_POCKETS * 7)
        + (1 + 2 * VARINT_U16_BYTES + 9 * 4 + VARINT_U32_BYTES);
}

impl Wire for Calibration {
    type Minor0 = CalibrationMinor0;
    type Appended = ();

    fn to_wire(&self) -> (CalibrationMinor0, ()) {
        let pack_pocket = |pocket: &Pocket| PackedPocket {
            pocket_kind: pocket.kind.code(),
            position: pocket.position.into(),
            radius_tenth_mm: pocket.radius_tenth_mm.to_le_bytes(),
        };
        let minor_0 = CalibrationMinor0 {
            header: Header::of::<Self>(),
            calibration_id: self.calibration_id,
            accepted_unix_ms: self.accepted_unix_ms,
            calibration_method: self.method.code(),
            game: self.game.code(),
            origin_corner: self.origin.code(),
            length_tenth_mm: self.length_tenth_mm,
            width_tenth_mm: self.width_tenth_mm,
            ball_diameter_um: self.ball_diameter_um,
            residual_um: self.residual_um,
            residual_max_um: self.residual_max_um,
            points: self.points,
            pockets: self.pockets.iter().map(pack_pocket).collect(),
            projector: self.projector.map(|projector| PackedProjector {
                width_px: projector.width_px,
                height_px: projector.height_px,
                homography: projector.homography,
                residual_um: projector.residual_um,
            }),
        };
        (minor_0, ())
    }

    fn from_wire(wire: CalibrationMinor0, _: Option<()>) -> Result<Self, &'static str> {
        let unpack_pocket = |packed: PackedPocket| Pocket {
            kind: PocketKind::from_code(packed.pocket_kind),
            position: packed.position.into(),
            radius_tenth_mm: u16::from_le_bytes(packed.radius_tenth_mm),
        };
        let projector = match wire.projector {
            None => None,
            Some(packed) => Some(
                ProjectorMapping::new(
                    packed.width_px,
                    packed.height_px,
                    packed.homography,
                    packed.residual_um,
                )
                .ok_or("the projector's homography is not finite")?,
            ),
        };
        Ok(Self {
            calibration_id: wire.calibration_id,
            accepted_unix_ms: wire.accepted_unix_ms,
            method: CalibrationMethod::from_code(wire.calibration_method),
            game: Game::from_code(wire.game),
            origin: OriginCorner::from_code(wire.origin_corner),
            length_tenth_mm: wire.length_tenth_mm,
            width_tenth_mm: wire.width_tenth_mm,
            ball_diameter_um: wire.ball_diameter_um,
            residual_um: wire.residual_um,
            residual_max_um: wire.residual_max_um,
            points: wire.points,
            pockets: wire.pockets.into_iter().map(unpack_pocket).collect(),
            projector,
        })
    }
}
