//! The fields of every message and element, in the order of the wire. A test holds them against the types that encode.

use crate::calibration::{
    Calibration, CalibrationMethod, CalibrationValidity, Game, OriginCorner, PocketKind,
};
use crate::codec::Message;
use crate::cue::CueState;
use crate::event::{EventKind, TableEvent};
use crate::flags::Flags;
use crate::identity::{BallKind, Colour};
use crate::key::SchemaKey;
use crate::prediction::{LegEnd, ShotPrediction};
use crate::state::TableState;
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

const fn field(name: &'static str, wire: &'static str, unit: &'static str, about: &'static str) -> Field {
    Field {
        name,
        wire,
        unit,
        offset: 0,
        codes: "",
        bits: &[],
        about,
    }
}

const fn coded(name: &'static str, codes: &'static str, about: &'static str) -> Field {
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
const BALL_NAME: &[Bits] = &[ID, KIND, FACE, bits("reserved", 14, 2, "ignore")];
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

const HEADER: Field = field("header", "Header", "", "opens every message");
const FRAME_ID: Field = field(
    "frame_id",
    "u64",
    "",
    "the camera's frame since the start; 0 before the first",
);
const EXPOSURE: Field = field(
    "exposure_us",
    "u64",
    "us",
    "start of the exposure, monotonic; boot id and offset to wall-clock time are in health",
);
const CALIBRATION_ID: Field = field(
    "calibration_id",
    "u32",
    "",
    "the calibration it is based on; 0 for none",
);
const DIRECTION: &str = "counter-clockwise from +x; 0 to 35999";

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

/// A message with its topics.
pub(super) struct Layout {
    pub name: &'static str,
    pub topics: &'static [&'static str],
    pub key: SchemaKey,
    pub minor: u8,
    pub max_bytes: usize,
    pub fields: &'static [Field],
}

const fn layout<M: Message>(
    name: &'static str,
    topics: &'static [&'static str],
    fields: &'static [Field],
) -> Layout {
    Layout {
        name,
        topics,
        key: M::KEY,
        minor: M::MINOR,
        max_bytes: M::MAX_BYTES,
        fields,
    }
}

/// The messages.
pub(super) const MESSAGES: &[Layout] = &[
    layout::<TableState>(
        "state",
        &["v1/state", "v1/snapshot"],
        &[
            HEADER,
            FRAME_ID,
            EXPOSURE,
            CALIBRATION_ID,
            coded(
                "calibration_validity",
                "calibration_validity",
                "how far it is to be trusted",
            ),
            Field {
                codes: "flags",
                ..field(
                    "flags",
                    "u32",
                    "",
                    "set of flags; a name in codes belongs to a bit number",
                )
            },
            field("balls", "list<Ball>", "", "ids ascending"),
            field("cue", "option<Cue>", "", "the cue, if one is seen"),
        ],
    ),
    layout::<TableEvent>(
        "event",
        &["v1/event"],
        &[
            HEADER,
            field(
                "sequence",
                "u64",
                "",
                "counts from 1 at each start; a gap means events lost",
            ),
            FRAME_ID,
            EXPOSURE,
            CALIBRATION_ID,
            coded("event_kind", "event_kind", "what happened"),
            field("confidence_fifteenths", "u8", "1/15", "probability that it did"),
            Field {
                bits: BALL_NAME,
                ..field("ball_name", "option<u16le>", "", "the ball it happened to")
            },
            Field {
                bits: BALL_NAME,
                ..field(
                    "other_name",
                    "option<u16le>",
                    "",
                    "the second ball, or what the first was taken for",
                )
            },
            field("position", "option<Position>", "", "centre of the ball"),
            field("speed_mm_s", "option<u16>", "mm/s", "of the ball"),
            field("direction_centidegrees", "option<u16>", "0.01 degree", DIRECTION),
            field("pocket", "option<u8>", "", "index into the calibration's pockets"),
        ],
    ),
    layout::<Calibration>(
        "calibration",
        &["v1/calibration"],
        &[
            HEADER,
            field("calibration_id", "u32", "", "what states refer to; from 1"),
            field(
                "accepted_unix_ms",
                "option<u64>",
                "ms",
                "since 1970 UTC; none if the clock was not set",
            ),
            coded("calibration_method", "calibration_method", "where it came from"),
            coded("game", "game", "which balls are played"),
            coded(
                "origin_corner",
                "origin_corner",
                "the origin's corner in the upright camera picture",
            ),
            field(
                "length_tenth_mm",
                "u32",
                "0.1 mm",
                "extent of x between cushion noses",
            ),
            field(
                "width_tenth_mm",
                "u32",
                "0.1 mm",
                "extent of y between cushion noses",
            ),
            field("ball_diameter_um", "u32", "um", "diameter of a ball"),
            field("residual_um", "u32", "um", "root mean square error on the cloth"),
            field("residual_max_um", "u32", "um", "largest error on the cloth"),
            field("points", "u32", "", "points compared"),
            field(
                "pockets",
                "list<Pocket>",
                "",
                "counter-clockwise from the origin's corner",
            ),
            field(
                "projector",
                "option<Projector>",
                "",
                "how a projector lights the table",
            ),
        ],
    ),
    layout::<ShotPrediction>(
        "prediction",
        &["v1/prediction"],
        &[
            HEADER,
            FRAME_ID,
            EXPOSURE,
            CALIBRATION_ID,
            field("direction_centidegrees", "u16", "0.01 degree", DIRECTION),
            field(
                "assumed_speed_mm_s",
                "u16",
                "mm/s",
                "the cue ball's speed that was assumed",
            ),
            field("legs", "list<Leg>", "", "in order of arrival"),
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
