use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::codec::{Message, Wire};
use crate::identity::BallName;
use crate::key::{
    EVENT_KEY, HEADER_BYTES, Header, SchemaKey, VARINT_U16_BYTES, VARINT_U32_BYTES, VARINT_U64_BYTES,
};
use crate::units::{Confidence, Direction, PackedPosition, Position};

codes! {
    /// What happened.
    EventKind {
        /// Something that this version has no code for.
        UNKNOWN = 0, "unknown";
        /// The cue ball was struck: `ball` with speed and direction just after.
        SHOT_BEGAN = 1, "shot_began";
        /// `ball` hit `other`; the place is that of `ball` on contact.
        BALL_CONTACT = 2, "ball_contact";
        /// `ball` hit a cushion; speed and direction just after.
        CUSHION_CONTACT = 3, "cushion_contact";
        /// `ball`, not the cue ball, fell into `pocket`; speed and direction just before.
        POTTED = 4, "potted";
        /// The cue ball fell into `pocket`; speed and direction just before.
        CUE_BALL_POTTED = 5, "cue_ball_potted";
        /// `ball` left the table over a rail; where, how fast and whither it was last seen.
        BALL_OFF_TABLE = 6, "ball_off_table";
        /// `ball` is on the table and was not before: placed, spotted, or found again under a new id.
        BALL_APPEARED = 7, "ball_appeared";
        /// A person moved `ball` or took it away; where it is now, or was last seen.
        MOVED_BY_HAND = 8, "moved_by_hand";
        /// All balls have come to rest.
        ALL_AT_REST = 9, "all_at_rest";
        /// The last ball left the table.
        TABLE_CLEARED = 10, "table_cleared";
        /// The balls of a game stand in their opening places.
        RACK_SET_UP = 11, "rack_set_up";
        /// `ball` is another ball of its set than was published so far: `other` is what it was taken for, same id.
        IDENTITY_CORRECTED = 12, "identity_corrected";
    }
}

/// Something that happened on the table, in the order in which it happened. Topic `v1/event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableEvent {
    /// One more than the event before it, from 1 at each start of the appliance. A gap means events lost on the way. A
    /// number seen before is a repetition (MQTT delivers at least once) if `exposure_us` is the same too; else the
    /// appliance has started anew.
    pub sequence: u64,
    /// The frame that showed it.
    pub frame_id: u64,
    /// When it happened, on the clock of [`TableState::exposure_us`](crate::TableState::exposure_us): the instant of a
    /// strike or a contact, which lies between two exposures; of everything else, the start of that frame's exposure.
    pub exposure_us: u64,
    /// The calibration that place and speed are based on; 0 if there is none.
    pub calibration_id: u32,
    /// What happened.
    pub kind: EventKind,
    /// Probability that it did.
    pub confidence: Confidence,
    /// The ball it happened to.
    pub ball: Option<BallName>,
    /// The second ball, or the former name of the first; see [`EventKind`].
    pub other: Option<BallName>,
    /// Where: the centre of `ball`.
    pub position: Option<Position>,
    /// Speed of `ball`, in mm/s; of an impact, just afterwards, and only if it is known to a tenth.
    pub speed_mm_s: Option<u16>,
    /// Whither `ball` moved; of an impact, told with the speed.
    pub direction: Option<Direction>,
    /// Which pocket, as an index into [`Calibration::pockets`](crate::Calibration::pockets).
    pub pocket: Option<u8>,
}

/// [`TableEvent`] on the wire as of minor 0, frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct EventMinor0 {
    header: Header,
    sequence: u64,
    frame_id: u64,
    exposure_us: u64,
    calibration_id: u32,
    event_kind: u8,
    confidence_fifteenths: u8,
    ball_name: Option<[u8; 2]>,
    other_name: Option<[u8; 2]>,
    position: Option<PackedPosition>,
    speed_mm_s: Option<u16>,
    direction_centidegrees: Option<u16>,
    pocket: Option<u8>,
}

impl Message for TableEvent {
    const KEY: SchemaKey = EVENT_KEY;
    const MINOR: u8 = 0;
    const MAX_BYTES: usize = HEADER_BYTES
        + 3 * VARINT_U64_BYTES
        + VARINT_U32_BYTES
        + 2
        + 2 * (1 + 2)
        + (1 + 4)
        + 2 * (1 + VARINT_U16_BYTES)
        + (1 + 1);
}

/// The name of a ball in two bytes; the upper two bits are reserved and zero.
const fn unpack_name(bytes: [u8; 2]) -> BallName {
    BallName::from_bits(u16::from_le_bytes(bytes))
}

impl Wire for TableEvent {
    type Minor0 = EventMinor0;
    type Appended = ();

    fn to_wire(&self) -> (EventMinor0, ()) {
        let minor_0 = EventMinor0 {
            header: Header::of::<Self>(),
            sequence: self.sequence,
            frame_id: self.frame_id,
            exposure_us: self.exposure_us,
            calibration_id: self.calibration_id,
            event_kind: self.kind.code(),
            confidence_fifteenths: self.confidence.fifteenths(),
            ball_name: self.ball.map(|name| name.to_bits().to_le_bytes()),
            other_name: self.other.map(|name| name.to_bits().to_le_bytes()),
            position: self.position.map(PackedPosition::from),
            speed_mm_s: self.speed_mm_s,
            direction_centidegrees: self.direction.map(Direction::centidegrees),
            pocket: self.pocket,
        };
        (minor_0, ())
    }

    fn from_wire(wire: EventMinor0, _: Option<()>) -> Result<Self, &'static str> {
        let direction = match wire.direction_centidegrees {
            None => None,
            Some(angle) => {
                Some(Direction::from_centidegrees(angle).ok_or("a direction is a full turn or more")?)
            }
        };
        Ok(Self {
            sequence: wire.sequence,
            frame_id: wire.frame_id,
            exposure_us: wire.exposure_us,
            calibration_id: wire.calibration_id,
            kind: EventKind::from_code(wire.event_kind),
            confidence: Confidence::from_fifteenths(wire.confidence_fifteenths)
                .ok_or("a confidence is above 15 fifteenths")?,
            ball: wire.ball_name.map(unpack_name),
            other: wire.other_name.map(unpack_name),
            position: wire.position.map(Position::from),
            speed_mm_s: wire.speed_mm_s,
            direction,
            pocket: wire.pocket,
        })
    }
}
