use core::fmt;
use core::ops::{BitOr, BitOrAssign};

macro_rules! flags {
    ($($(#[$meaning:meta])* $constant:ident = $bit:literal, $word:literal;)+) => {
        impl Flags {
            $($(#[$meaning])* pub const $constant: Self = Self(1 << $bit);)+

            /// Every flag of this version with its bit and name, as published in the schema.
            pub const NAMES: &'static [(u8, &'static str)] = &[$(($bit, $word)),+];
        }
    };
}

/// What holds for the whole table. Bits that this version does not know are kept as they came.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Flags(u32);

flags! {
    /// No ball moves. Not set while the camera is lost or the table uncalibrated.
    ALL_AT_REST = 0, "all_at_rest";
    /// The table was looked at and no ball lies on it. An empty list of balls without this flag says nothing.
    EMPTY_TABLE = 1, "empty_table";
    /// A part of the table is hidden, by a person for instance; balls there are predicted.
    OCCLUDED = 2, "occluded";
    /// There is no calibration yet: no balls and no cue can be given.
    UNCALIBRATED = 3, "uncalibrated";
    /// A calibration is running; positions are those of the one before it.
    RECALIBRATING = 4, "recalibrating";
    /// No fresh picture comes from the camera: what is given is as old as its exposure says.
    CAMERA_LOST = 5, "camera_lost";
    /// More balls were tracked than a state can hold; the least certain are missing.
    BALLS_OMITTED = 6, "balls_omitted";
    /// Pictures come, but cannot be searched: what is given is as old as its exposure says.
    DETECTOR_FAILED = 7, "detector_failed";
}

impl Flags {
    /// No flag set.
    pub const NONE: Self = Self(0);

    /// The flags with these bits, known or not.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the flags of `other`, or clears them.
    pub const fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }

    /// The names of the flags set; bits that this version does not know have none.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .iter()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|&(_, name)| name)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#x}:", self.0)?;
        for name in self.names() {
            write!(f, " {name}")?;
        }
        f.write_str(")")
    }
}
