use crate::code::codes;
use crate::limits::MAX_BALL_ID;

codes! {
    /// The class of a ball.
    BallKind {
        /// A ball of unknown kind, or of a set that knows no solids and stripes; its colour may be known.
        BALL = 0, "ball";
        /// The cue ball.
        CUE = 1, "cue";
        /// The black eight, also of a pub set.
        EIGHT = 2, "eight";
        /// A solid (numbers 1 to 7).
        SOLID = 3, "solid";
        /// A stripe (numbers 9 to 15).
        STRIPE = 4, "stripe";
    }
}

codes! {
    /// The colour of a ball; of a stripe, that of its band.
    Colour {
        /// Not known.
        UNKNOWN = 0, "unknown";
        /// White.
        WHITE = 1, "white";
        /// Yellow.
        YELLOW = 2, "yellow";
        /// Red.
        RED = 3, "red";
        /// Green.
        GREEN = 4, "green";
        /// Brown.
        BROWN = 5, "brown";
        /// Blue.
        BLUE = 6, "blue";
        /// Pink.
        PINK = 7, "pink";
        /// Black.
        BLACK = 8, "black";
        /// Orange.
        ORANGE = 9, "orange";
        /// Purple.
        PURPLE = 10, "purple";
        /// Maroon.
        MAROON = 11, "maroon";
    }
}

/// What keeps a ball apart from the others for as long as it stays on the table: 0 to [`MAX_BALL_ID`]. The id of a ball
/// that left is given again, as late as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BallId(u8);

impl BallId {
    /// The id of this number; `None` above [`MAX_BALL_ID`].
    pub const fn new(id: u8) -> Option<Self> {
        if id <= MAX_BALL_ID { Some(Self(id)) } else { None }
    }

    /// The id's number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Which ball of its set a ball is, as far as known: its kind, and its number or its colour.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identity {
    kind: BallKind,
    /// The number of a solid, a stripe or an eight; the colour of any other ball. 0 is unknown, 15 the largest.
    face: u8,
}

impl Identity {
    /// A ball of which nothing is known.
    pub const BALL: Self = Self::of(BallKind::BALL, 0);
    /// A cue ball of unknown colour.
    pub const CUE: Self = Self::of(BallKind::CUE, 0);
    /// The black eight.
    pub const EIGHT: Self = Self::of(BallKind::EIGHT, 8);
    /// A solid of unknown number.
    pub const SOLID: Self = Self::of(BallKind::SOLID, 0);
    /// A stripe of unknown number.
    pub const STRIPE: Self = Self::of(BallKind::STRIPE, 0);

    const fn of(kind: BallKind, face: u8) -> Self {
        Self { kind, face }
    }

    /// The pool ball with this number, 1 to 15; `None` for any other number.
    pub const fn numbered(number: u8) -> Option<Self> {
        match number {
            1..=7 => Some(Self::of(BallKind::SOLID, number)),
            8 => Some(Self::EIGHT),
            9..=15 => Some(Self::of(BallKind::STRIPE, number)),
            _ => None,
        }
    }

    /// A cue ball of this colour: white, or one of the two of a carom table.
    pub const fn cue(colour: Colour) -> Self {
        Self::of(BallKind::CUE, Self::face_of(colour))
    }

    /// A ball of a set without numbers (snooker, pub, carom), by its colour.
    pub const fn coloured(colour: Colour) -> Self {
        Self::of(BallKind::BALL, Self::face_of(colour))
    }

    const fn face_of(colour: Colour) -> u8 {
        if colour.code() <= 0xF {
            colour.code()
        } else {
            Colour::UNKNOWN.code()
        }
    }

    /// The kind. One that this version does not know is to be treated as [`BallKind::BALL`].
    pub const fn kind(self) -> BallKind {
        self.kind
    }

    /// The number on the ball, 1 to 15, if it has one and it is known.
    pub const fn number(self) -> Option<u8> {
        match (self.kind, self.face) {
            (BallKind::EIGHT, _) => Some(8),
            (BallKind::SOLID, 1..=7) | (BallKind::STRIPE, 9..=15) => Some(self.face),
            _ => None,
        }
    }

    /// The colour, where it is known or follows from the number.
    pub const fn colour(self) -> Colour {
        match self.kind {
            BallKind::BALL | BallKind::CUE => Colour::from_code(self.face),
            _ => match self.number() {
                Some(1 | 9) => Colour::YELLOW,
                Some(2 | 10) => Colour::BLUE,
                Some(3 | 11) => Colour::RED,
                Some(4 | 12) => Colour::PURPLE,
                Some(5 | 13) => Colour::ORANGE,
                Some(6 | 14) => Colour::GREEN,
                Some(7 | 15) => Colour::MAROON,
                Some(8) => Colour::BLACK,
                _ => Colour::UNKNOWN,
            },
        }
    }
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Identity({self})")
    }
}

impl core::fmt::Display for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.kind.fmt(f)?;
        match (self.number(), self.colour()) {
            (Some(number), _) => write!(f, " {number}"),
            (None, Colour::UNKNOWN) => Ok(()),
            (None, colour) => write!(f, " {colour}"),
        }
    }
}

/// A ball's id together with which ball it is: enough to speak of a ball without the state at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BallName {
    /// The id in the states.
    pub id: BallId,
    /// Which ball it is.
    pub identity: Identity,
}

// A name in the low 14 bits of a u16: id 7 bits, kind 3, face 4. The upper two bits are the holder's.
const KIND_SHIFT: u16 = 7;
const FACE_SHIFT: u16 = 10;

impl BallName {
    pub(crate) const fn to_bits(self) -> u16 {
        self.id.0 as u16
            | (self.identity.kind.code() as u16) << KIND_SHIFT
            | (self.identity.face as u16) << FACE_SHIFT
    }

    /// Reads the low 14 bits; every pattern has a meaning, even if this version does not know it.
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self {
            id: BallId((bits & 0x7F) as u8),
            identity: Identity::of(
                BallKind::from_code((bits >> KIND_SHIFT & 0x7) as u8),
                (bits >> FACE_SHIFT & 0xF) as u8,
            ),
        }
    }
}
