use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

/// Rounds half away from zero and saturates; NaN gives 0. (`f32::round` needs `std`.)
fn round(value: f32) -> i32 {
    let towards_zero_from = if value < 0.0 { value - 0.5 } else { value + 0.5 };
    towards_zero_from as i32
}

/// A place in the table frame, in 0.1 mm, each coordinate from [`MIN_TENTH_MM`](Self::MIN_TENTH_MM) to
/// [`MAX_TENTH_MM`](Self::MAX_TENTH_MM): the largest table with a metre and more around it. Values beyond are clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Position {
    x_tenth_mm: i32,
    y_tenth_mm: i32,
}

impl Position {
    /// The smallest coordinate: -1000.0 mm.
    pub const MIN_TENTH_MM: i32 = -10_000;
    /// The largest coordinate: 5553.5 mm.
    pub const MAX_TENTH_MM: i32 = Self::MIN_TENTH_MM + u16::MAX as i32;

    /// The place at these 0.1 mm, clamped to the range.
    pub fn from_tenth_mm(x: i32, y: i32) -> Self {
        Self {
            x_tenth_mm: x.clamp(Self::MIN_TENTH_MM, Self::MAX_TENTH_MM),
            y_tenth_mm: y.clamp(Self::MIN_TENTH_MM, Self::MAX_TENTH_MM),
        }
    }

    /// The place at these millimetres, rounded to 0.1 mm and clamped to the range. NaN gives 0.
    pub fn from_mm(x: f32, y: f32) -> Self {
        Self::from_tenth_mm(round(x * 10.0), round(y * 10.0))
    }

    /// Along the long side, in 0.1 mm.
    pub const fn x_tenth_mm(self) -> i32 {
        self.x_tenth_mm
    }

    /// Along the short side, in 0.1 mm.
    pub const fn y_tenth_mm(self) -> i32 {
        self.y_tenth_mm
    }

    /// Along the long side, in millimetres.
    pub fn x_mm(self) -> f32 {
        self.x_tenth_mm as f32 / 10.0
    }

    /// Along the short side, in millimetres.
    pub fn y_mm(self) -> f32 {
        self.y_tenth_mm as f32 / 10.0
    }
}

/// A [`Position`] on the wire: each coordinate in 0.1 mm above -1000.0 mm, two bytes, the low one first.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedPosition {
    x_tenth_mm: [u8; 2],
    y_tenth_mm: [u8; 2],
}

impl From<Position> for PackedPosition {
    fn from(position: Position) -> Self {
        let pack = |tenth_mm: i32| ((tenth_mm - Position::MIN_TENTH_MM) as u16).to_le_bytes();
        Self {
            x_tenth_mm: pack(position.x_tenth_mm),
            y_tenth_mm: pack(position.y_tenth_mm),
        }
    }
}

impl From<PackedPosition> for Position {
    fn from(packed: PackedPosition) -> Self {
        let unpack = |bytes| i32::from(u16::from_le_bytes(bytes)) + Position::MIN_TENTH_MM;
        Self {
            x_tenth_mm: unpack(packed.x_tenth_mm),
            y_tenth_mm: unpack(packed.y_tenth_mm),
        }
    }
}

/// A velocity in the table frame, in mm/s: up to 32.7 m/s along each side, three times a break shot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Velocity {
    /// Along the long side, in mm/s.
    pub x_mm_s: i16,
    /// Along the short side, in mm/s.
    pub y_mm_s: i16,
}

impl Velocity {
    /// Standing still.
    pub const ZERO: Self = Self { x_mm_s: 0, y_mm_s: 0 };

    /// The velocity of these mm/s, rounded and saturated. NaN gives 0.
    pub fn from_mm_s(x: f32, y: f32) -> Self {
        let saturate = |value| round(value).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        Self {
            x_mm_s: saturate(x),
            y_mm_s: saturate(y),
        }
    }
}

/// A [`Velocity`] on the wire: two's complement, two bytes each, the low one first.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedVelocity {
    x_mm_s: [u8; 2],
    y_mm_s: [u8; 2],
}

impl From<Velocity> for PackedVelocity {
    fn from(velocity: Velocity) -> Self {
        Self {
            x_mm_s: velocity.x_mm_s.to_le_bytes(),
            y_mm_s: velocity.y_mm_s.to_le_bytes(),
        }
    }
}

impl From<PackedVelocity> for Velocity {
    fn from(packed: PackedVelocity) -> Self {
        Self {
            x_mm_s: i16::from_le_bytes(packed.x_mm_s),
            y_mm_s: i16::from_le_bytes(packed.y_mm_s),
        }
    }
}

/// A direction in the table frame, counter-clockwise from +x, in 0.01 degree: 0 to 359.99 degrees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Direction(u16);

impl Direction {
    /// Hundredths of a degree in a full turn.
    pub const FULL_TURN_CENTIDEGREES: u16 = 36_000;

    /// The direction of this many 0.01 degree; `None` for a full turn or more.
    pub const fn from_centidegrees(centidegrees: u16) -> Option<Self> {
        if centidegrees < Self::FULL_TURN_CENTIDEGREES {
            Some(Self(centidegrees))
        } else {
            None
        }
    }

    /// The direction of this angle in degrees, any number of turns, rounded to 0.01 degree. NaN gives 0.
    pub fn from_degrees(degrees: f32) -> Self {
        let centidegrees = round((degrees % 360.0) * 100.0).rem_euclid(Self::FULL_TURN_CENTIDEGREES.into());
        Self(centidegrees as u16)
    }

    /// The direction of this angle in radians, any number of turns, rounded to 0.01 degree. NaN gives 0.
    pub fn from_radians(radians: f32) -> Self {
        Self::from_degrees(radians.to_degrees())
    }

    /// In 0.01 degree: 0 to 35999.
    pub const fn centidegrees(self) -> u16 {
        self.0
    }

    /// In degrees: 0 to 359.99.
    pub fn degrees(self) -> f32 {
        f32::from(self.0) / 100.0
    }
}

/// How far off a position may be: one standard deviation along each axis, in sixteen steps of about 1.6 from 0.1 mm to
/// 125 mm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sigma(u8);

impl Sigma {
    /// The sixteen steps, in 0.1 mm. The last means "this or worse".
    pub const STEPS_TENTH_MM: [u16; 16] = [1, 2, 3, 5, 8, 12, 20, 32, 50, 80, 125, 200, 320, 500, 800, 1250];
    /// The worst step: 125 mm or more, or not known.
    pub const WORST: Self = Self(15);

    /// The smallest step that is not below these millimetres, so that what is published is never better than what was known; NaN
    /// gives [`WORST`](Self::WORST).
    pub fn from_mm(sigma_mm: f32) -> Self {
        // The tolerance keeps a step's own value, which is not exact in binary, at that step.
        let fits = |step: &u16| sigma_mm * 10.0 <= f32::from(*step) * 1.000_01;
        match Self::STEPS_TENTH_MM.iter().position(fits) {
            Some(code) => Self(code as u8),
            None => Self::WORST,
        }
    }

    /// The step that is nearest by ratio: where many are published, as many lie within their sigmas as should; NaN gives
    /// [`WORST`](Self::WORST).
    pub fn nearest(sigma_mm: f32) -> Self {
        let is_nearer_than_next = |steps: &[u16]| {
            let tenth_mm = sigma_mm * 10.0;
            tenth_mm * tenth_mm <= f32::from(steps[0]) * f32::from(steps[1])
        };
        match Self::STEPS_TENTH_MM.windows(2).position(is_nearer_than_next) {
            Some(code) => Self(code as u8),
            None => Self::WORST,
        }
    }

    /// In 0.1 mm: one of the steps.
    pub fn tenth_mm(self) -> u16 {
        Self::STEPS_TENTH_MM[usize::from(self.0)]
    }

    /// In millimetres.
    pub fn mm(self) -> f32 {
        f32::from(self.tenth_mm()) / 10.0
    }
}

/// How sure the appliance is that something is there and is what it is said to be: a probability in fifteenths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Confidence(u8);

impl Confidence {
    /// Certain.
    pub const FULL: Self = Self(15);

    /// The nearest fifteenth of a probability from 0 to 1, clamped. NaN gives 0.
    pub fn from_ratio(ratio: f32) -> Self {
        Self(round(ratio * 15.0).clamp(0, 15) as u8)
    }

    /// This many fifteenths; `None` above 15.
    pub const fn from_fifteenths(fifteenths: u8) -> Option<Self> {
        if fifteenths <= 15 {
            Some(Self(fifteenths))
        } else {
            None
        }
    }

    /// In fifteenths: 0 to 15.
    pub const fn fifteenths(self) -> u8 {
        self.0
    }

    /// As a probability: 0 to 1.
    pub fn ratio(self) -> f32 {
        f32::from(self.0) / 15.0
    }
}

/// Sigma's step in the low four bits, confidence in the high four.
pub(crate) const fn pack_certainty(sigma: Sigma, confidence: Confidence) -> u8 {
    sigma.0 | confidence.0 << 4
}

/// Reverses [`pack_certainty`]; every byte has a meaning.
pub(crate) const fn unpack_certainty(byte: u8) -> (Sigma, Confidence) {
    (Sigma(byte & 0xF), Confidence(byte >> 4))
}
