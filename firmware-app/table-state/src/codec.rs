use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::{HEADER_BYTES, SchemaKey};

/// A message of the wire contract. Implemented by this crate's messages only.
///
/// To append a field in a new minor version: add it to the public type and to `Wire::Appended`, which stands behind the
/// fields of minor 0, and say in `Wire::from_wire` what a message of an older minor means by its absence.
pub trait Message: Wire {
    /// The first eight bytes of the message.
    const KEY: SchemaKey;
    /// The ninth byte: the minor version that this crate writes.
    const MINOR: u8;
    /// No message of this type is longer, whatever its values.
    const MAX_BYTES: usize;
}

/// How a message stands on the wire. In a private module, so that nobody else implements it.
pub trait Wire: Sized {
    /// The frozen layout of minor 0.
    type Minor0: Serialize + DeserializeOwned;

    /// The frozen layout of what minor 1 appended; `()` for a message that is as it was.
    type Appended: Serialize + DeserializeOwned;

    /// Packs the message.
    fn to_wire(&self) -> (Self::Minor0, Self::Appended);

    /// Unpacks the message, or says which value cannot be. A message of minor 0 has nothing appended.
    fn from_wire(wire: Self::Minor0, appended: Option<Self::Appended>) -> Result<Self, &'static str>;
}

/// Why a message could not be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EncodeError {
    /// The buffer is too short.
    BufferTooSmall {
        /// A buffer of this many bytes always suffices.
        suffices_bytes: usize,
    },
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self::BufferTooSmall { suffices_bytes } = self;
        write!(
            f,
            "the buffer is too short for the message; {suffices_bytes} bytes always suffice"
        )
    }
}

impl core::error::Error for EncodeError {}

/// A message as far as this version knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decoded<M> {
    /// The message.
    pub message: M,
    /// The sender's minor version if it is newer than this crate's: it may have said more than is given here.
    pub newer_minor: Option<u8>,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DecodeError {
    /// No bytes at all: how a retained MQTT message is withdrawn. There is none at present.
    Empty,
    /// Another message, or another major version. Say it once and ignore those that follow.
    ForeignKey {
        /// The key of the bytes.
        found: SchemaKey,
    },
    /// The bytes end before the message does.
    Truncated,
    /// The key is right, but what follows is not what it promises.
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("the payload is empty: the message was withdrawn"),
            Self::ForeignKey { found } => write!(
                f,
                "schema key {found} is another message or major version; subscribe to a topic of this version or update the reader"
            ),
            Self::Truncated => f.write_str("the message is cut off"),
            Self::Malformed { what } => write!(f, "the message is damaged: {what}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Writes `message` to the start of `buffer` and returns the bytes written. [`Message::MAX_BYTES`] always suffice.
///
/// # Errors
/// If the buffer is too short; what it then holds is of no use.
pub fn encode<'b, M: Message>(message: &M, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    // The layouts are plain data of known length: a full buffer is all that can fail.
    postcard::to_slice(&message.to_wire(), buffer)
        .map(|written| &*written)
        .map_err(|_| EncodeError::BufferTooSmall {
            suffices_bytes: M::MAX_BYTES,
        })
}

/// Reads a message from a whole payload. Never panics, whatever the bytes.
///
/// # Errors
/// Tells apart an empty payload, a foreign key, a message cut off, and garbage. A newer minor version is no error.
pub fn decode<M: Message>(payload: &[u8]) -> Result<Decoded<M>, DecodeError> {
    if payload.is_empty() {
        return Err(DecodeError::Empty);
    }
    let Some((header, _)) = payload.split_first_chunk::<HEADER_BYTES>() else {
        return Err(DecodeError::Truncated);
    };
    let [key @ .., minor] = *header;
    if key != M::KEY.0 {
        return Err(DecodeError::ForeignKey {
            found: SchemaKey(key),
        });
    }
    let (wire, rest) = take::<M::Minor0>(payload)?;
    let (appended, rest) = match minor {
        0 => (None, rest),
        _ => take::<M::Appended>(rest).map(|(appended, rest)| (Some(appended), rest))?,
    };
    if minor <= M::MINOR && !rest.is_empty() {
        return Err(DecodeError::Malformed {
            what: "bytes follow the end of the message",
        });
    }
    Ok(Decoded {
        message: M::from_wire(wire, appended).map_err(|what| DecodeError::Malformed { what })?,
        newer_minor: (minor > M::MINOR).then_some(minor),
    })
}

fn take<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), DecodeError> {
    postcard::take_from_bytes(bytes).map_err(|error| match error {
        postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated,
        postcard::Error::DeserializeBadVarint => DecodeError::Malformed {
            what: "an integer is longer than its type",
        },
        postcard::Error::DeserializeBadOption => DecodeError::Malformed {
            what: "an optional field is neither there nor absent",
        },
        _ => DecodeError::Malformed {
            what: "a list is longer than it can be",
        },
    })
}
