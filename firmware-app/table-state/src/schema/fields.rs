//! How a field is described, the fields of the element types, and the names of codes.

use crate::calibration::{CalibrationMethod, CalibrationValidity, Game, OriginCorner, PocketKind};
use crate::cue::CueState;
use crate::event::EventKind;
use crate::flags::Flags;
use crate::identity::{BallKind, Colour};
use crate::prediction::LegEnd;
use crate::units::Position;

/// How the wire types named in [`Field::wire`] are read.
pub(super) const ENCODINGS: &[(&str, &str)] = &[
    ("u8", "one byte"),
    (
        "u16, u32, u64",
        "LEB128 varint: seven bits a byte, the low ones first, the top bit set on all but the last",
    ),
    ("u16le", "two bytes, the low one first"),
    ("i16le", "two bytes, the low one first, two's complement"),
    ("bytes8", "eight bytes"),
    ("f32x9", "nine IEEE 754 floats of four bytes, the low byte first"),
    ("option<T>", "a byte 0 for none, or a byte 1 and then T"),
    ("list<T>", "the number of elements as a varint, then the elements"),
    (
        "Name",
        "the fields of the element type of that name, one after the other",
    ),
];

/// What a reader must do to survive the next version.
pub(super) const RULES: &[&str] = &[
    "The first eight bytes are the key. Say another key once and ignore the message.",
    "The ninth byte is the minor version. If it is newer, read the fields known here and ignore the bytes after them.",
    "A field with since_minor is absent from messages of an older minor version.",
    "Element types are frozen for the major version; what is new is appended to the messages.",
    "A code or flag without a name here is unknown: keep the message, ignore the code. Reserved bits are to be ignored.",
];

/// A field of a message or an element.
pub(super) struct Field {
    pub name: &'static str,
    /// Its type on the wire.
    pub wire: &'static str,
    /// The unit of the integer; empty where there is none.
    pub unit: &'static str,
    /// To be added to the integer read.
    pub offset: i32,
    /// The table in [`CODES`] that names the values, or the bits of the flags; empty where none does.
    pub codes: &'static str,
    /// What is packed into the integer; empty where nothing is.
    pub bits: &'static [Bits],
    /// The minor version that appended it to its message.
    pub since_minor: u8,
    pub about: &'static str,
}

/// A few bits of an integer.
pub(super) struct Bits {
    pub name: &'static str,
    /// Position of the lowest bit.
    pub at: u8,
    pub width: u8,
    pub about: &'static str,
}

pub(super) const fn field(
    name: &'static str,
    wire: &'static str,
    unit: &'static str,
    about: &'static str,
) -> Field {
    Field {
        name,
        wire,
        unit,
        offset: 0,
        codes: "",
        bits: &[],
        since_minor: 0,
        about,
    }
}

pub(super) const fn coded(name: &'static str, codes: &'static str, about: &'static str) -> Field {
    Field {
        codes,
        ..field(name, "u8", "", about)
    }
}

const fn coordinate(name: &'static str, about: &'static str) -> Field {
    Field {
        offset: Position::MIN_TENTH_MM,
        ..field(name, "u16le", "0.1 mm", about)
    }
}

const fn packed(name: &'static str, wire: &'static str, bits: &'static [Bits], about: &'static str) -> Field {
    Field {
        bits,
        ..field(name, wire, "", about)
    }
}

const fn bits(name: &'static str, at: u8, width: u8, about: &'static str) -> Bits {
    Bits {
        name,
        at,
        width,
        about,
    }
}

const ID: Bits = bits("id", 0, 7, "stable id of the ball");
const KIND: Bits = bits("kind", 7, 3, "code of ball_kind");
const FACE: Bits = bits(
    "face",
    10,
    4,
    "solid, stripe, eight: the number; other kinds: code of colour; 0 unknown",
);
const TAG: &[Bits] = &[
    ID,
    KIND,
    FACE,
    bits("moving", 14, 1, "the ball moves"),
    bits(
        "seen",
        15,
        1,
        "this exposure shows the ball; otherwise it is predicted",
    ),
];
pub(super) const BALL_NAME: &[Bits] = &[ID, KIND, FACE, bits("reserved", 14, 2, "ignore")];
const CERTAINTY: Field = packed(
    "sigma_confidence",
    "u8",
    &[
        bits(
            "sigma_step",
            0,
            4,
            "standard deviation: index into sigma_tenth_mm",
        ),
        bits("confidence_fifteenths", 4, 4, "probability in fifteenths"),
    ],
    "how sure",
);

pub(super) const HEADER: Field = field("header", "Header", "", "opens every message");
pub(super) const FRAME_ID: Field = field(
    "frame_id",
    "u64",
    "",
    "the camera's frame since the start; 0 before the first",
);
pub(super) const EXPOSURE: Field = field(
    "exposure_us",
    "u64",
    "us",
    "start of the exposure, monotonic (of an event that is a strike or a contact: its own instant); boot id and offset to wall-clock time are in health",
);
pub(super) const CALIBRATION_ID: Field = field(
    "calibration_id",
    "u32",
    "",
    "the calibration it is based on; 0 for none",
);
pub(super) const DIRECTION: &str = "counter-clockwise from +x; 0 to 35999";

/// The element types.
pub(super) const TYPES: &[(&str, &[Field])] = &[
    (
        "Header",
        &[
            field("key", "bytes8", "", "schema key of the message"),
            field("minor", "u8", "", "minor version"),
        ],
    ),
    (
        "Position",
        &[
            coordinate("x_tenth_mm", "along the long side, from the origin's corner"),
            coordinate("y_tenth_mm", "along the short side, from the origin's corner"),
        ],
    ),
    (
        "Velocity",
        &[
            field("x_mm_s", "i16le", "mm/s", "along the long side"),
            field("y_mm_s", "i16le", "mm/s", "along the short side"),
        ],
    ),
    (
        "Ball",
        &[
            packed("tag", "u16le", TAG, "which ball, and how it is known"),
            field("position", "Position", "", "the ball's centre at the exposure"),
            field("velocity", "Velocity", "", "the centre's velocity; zero at rest"),
            CERTAINTY,
            field(
                "age_exposures",
                "u8",
                "exposures",
                "since last seen; 255 for that many or more",
            ),
        ],
    ),
    (
        "Cue",
        &[
            field("tip", "Position", "", "the end that strikes"),
            field("direction_centidegrees", "u16le", "0.01 degree", DIRECTION),
            CERTAINTY,
            coded("cue_state", "cue_state", "what it is doing"),
        ],
    ),
    (
        "Pocket",
        &[
            coded("pocket_kind", "pocket_kind", "corner or middle"),
            field("position", "Position", "", "middle of the hole"),
            field("radius_tenth_mm", "u16le", "0.1 mm", "radius of the hole"),
        ],
    ),
    (
        "Projector",
        &[
            field("width_px", "u16", "pixels", "width of its picture"),
            field("height_px", "u16", "pixels", "height of its picture"),
            field(
                "homography",
                "f32x9",
                "",
                "row by row, from (x mm, y mm, 1) on the cloth to homogeneous pixels, (0, 0) top left",
            ),
            field("residual_um", "u32", "um", "root mean square error on the cloth"),
        ],
    ),
    (
        "Leg",
        &[
            field("ball_id", "u8", "", "the ball that moves"),
            field("from", "Position", "", "where its centre starts"),
            field("to", "Position", "", "where its centre arrives"),
            field(
                "arrives_ms",
                "u16le",
                "ms",
                "after the strike; 65535 for that or later",
            ),
            coded("leg_end", "leg_end", "what happens there"),
            field(
                "target",
                "u8",
                "",
                "id of the ball or index of the pocket there; 255 for none",
            ),
            CERTAINTY,
        ],
    ),
];

/// The names of codes; those of flags are by bit number.
pub(super) const CODES: &[(&str, &[(u8, &str)])] = &[
    ("ball_kind", BallKind::NAMES),
    ("colour", Colour::NAMES),
    ("flags", Flags::NAMES),
    ("calibration_validity", CalibrationValidity::NAMES),
    ("cue_state", CueState::NAMES),
    ("event_kind", EventKind::NAMES),
    ("calibration_method", CalibrationMethod::NAMES),
    ("game", Game::NAMES),
    ("origin_corner", OriginCorner::NAMES),
    ("pocket_kind", PocketKind::NAMES),
    ("leg_end", LegEnd::NAMES),
];
