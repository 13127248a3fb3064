//! The fields of every message, in the order of the wire.

use super::fields::{BALL_NAME, CALIBRATION_ID, DIRECTION, EXPOSURE, FRAME_ID, Field, HEADER, coded, field};
use crate::calibration::Calibration;
use crate::codec::Message;
use crate::event::TableEvent;
use crate::key::SchemaKey;
use crate::prediction::ShotPrediction;
use crate::state::TableState;

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
            Field {
                since_minor: 1,
                ..coded(
                    "cue_state",
                    "cue_state",
                    "what the cue is doing, whether it is seen or not",
                )
            },
            Field {
                since_minor: 1,
                ..field(
                    "addressed_ball",
                    "option<u8>",
                    "",
                    "id of the ball that the cue aims at or has struck",
                )
            },
            Field {
                since_minor: 1,
                ..field(
                    "tip_speed_mm_s",
                    "option<i16le>",
                    "mm/s",
                    "of the tip along the cue, positive towards the ball; while striking, at the strike",
                )
            },
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
                "counts from 1 at each start; a gap means events lost; seen before with the same exposure_us, a repetition",
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
