//! The schema keys: eight bytes that open every message and are constant for a major version.
//!
//! A key hashes the message as of minor 0, field names and types, together with its path. Appended fields change the
//! minor version and leave the key alone, so that old readers keep reading. If a build fails here, a frozen type was
//! changed: either undo that and append a field instead, or begin a new major version with new topics and new keys.

use postcard_schema::Schema;
use postcard_schema::key::Key;
use serde::{Deserialize, Serialize};

use crate::calibration::CalibrationMinor0;
use crate::codec::Message;
use crate::event::EventMinor0;
use crate::prediction::PredictionMinor0;
use crate::state::{StateMinor0, StateMinor1};

/// The major version: the `v1` of the topics.
pub const MAJOR: u8 = 1;

/// Eight bytes that say which message of which major version follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Schema)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SchemaKey(pub [u8; 8]);

impl core::fmt::Display for SchemaKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for SchemaKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SchemaKey({self})")
    }
}

pub(crate) const STATE_KEY: SchemaKey = SchemaKey([0x60, 0x47, 0xc1, 0xf6, 0x2f, 0xa0, 0x80, 0x7f]);
pub(crate) const EVENT_KEY: SchemaKey = SchemaKey([0xe7, 0x3c, 0x6c, 0xdb, 0xf1, 0x13, 0xe9, 0x76]);
pub(crate) const CALIBRATION_KEY: SchemaKey = SchemaKey([0x87, 0x24, 0xe5, 0x6a, 0x0b, 0x1a, 0x2d, 0xf4]);
pub(crate) const PREDICTION_KEY: SchemaKey = SchemaKey([0xac, 0x88, 0x0e, 0xce, 0xc7, 0x00, 0xb8, 0x42]);

/// The key computed from the frozen type.
const fn computed<T: Schema>(path: &str) -> Key {
    Key::for_path::<T>(path)
}

const fn assert_key(key: SchemaKey, computed: Key) {
    let computed = computed.to_bytes();
    let mut at = 0;
    while at < 8 {
        assert!(
            key.0[at] == computed[at],
            "a frozen message type changed: see the top of key.rs"
        );
        at += 1;
    }
}

const _: () = {
    assert_key(STATE_KEY, computed::<StateMinor0>("baize/v1/state"));
    assert_key(EVENT_KEY, computed::<EventMinor0>("baize/v1/event"));
    assert_key(
        CALIBRATION_KEY,
        computed::<CalibrationMinor0>("baize/v1/calibration"),
    );
    assert_key(
        PREDICTION_KEY,
        computed::<PredictionMinor0>("baize/v1/prediction"),
    );
};

/// Hash of the full schema: all messages with everything appended to them so far.
pub(crate) const FULL_SCHEMA_HASH: [u8; 8] = Key::for_path::<(
    (StateMinor0, StateMinor1),
    EventMinor0,
    CalibrationMinor0,
    PredictionMinor0,
)>("baize/v1")
.to_bytes();

/// What opens every message.
#[derive(Serialize, Deserialize, Schema)]
pub struct Header {
    key: [u8; 8],
    minor: u8,
}

/// Bytes of a [`Header`].
pub(crate) const HEADER_BYTES: usize = 9;
/// The longest LEB128 varint of 16 bits, in bytes.
pub(crate) const VARINT_U16_BYTES: usize = 3;
/// The longest LEB128 varint of 32 bits, in bytes.
pub(crate) const VARINT_U32_BYTES: usize = 5;
/// The longest LEB128 varint of 64 bits, in bytes.
pub(crate) const VARINT_U64_BYTES: usize = 10;

impl Header {
    pub(crate) const fn of<M: Message>() -> Self {
        Self {
            key: M::KEY.0,
            minor: M::MINOR,
        }
    }
}
