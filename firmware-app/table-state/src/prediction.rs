use heapless::Vec;
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::codec::{Message, Wire};
use crate::identity::BallId;
use crate::key::{
    HEADER_BYTES, Header, PREDICTION_KEY, SchemaKey, VARINT_U16_BYTES, VARINT_U32_BYTES, VARINT_U64_BYTES,
};
use crate::limits::MAX_LEGS;
use crate::units::{
    Confidence, Direction, PackedPosition, Position, Sigma, pack_certainty, unpack_certainty,
};

codes! {
    /// What ends a leg of a predicted path.
    LegEnd {
        /// Nothing that is told: a curve's next piece follows, or the prediction goes no further.
        OPEN = 0, "open";
        /// The ball comes to rest.
        REST = 1, "rest";
        /// It hits a cushion.
        CUSHION = 2, "cushion";
        /// It hits the ball with the id `target`.
        BALL = 3, "ball";
        /// It falls into the pocket with the index `target`.
        POCKET = 4, "pocket";
    }
}

/// A straight piece of the way that a ball is predicted to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Leg {
    /// The ball that moves.
    pub ball: BallId,
    /// Where its centre starts.
    pub from: Position,
    /// Where its centre arrives.
    pub to: Position,
    /// When it arrives, in ms after the strike; 65535 for that or later.
    pub arrives_ms: u16,
    /// What happens there.
    pub end: LegEnd,
    /// A ball's id or a pocket's index, as `end` says.
    pub target: Option<u8>,
    /// Standard deviation of `to`.
    pub sigma: Sigma,
    /// Probability that the leg is run at all.
    pub confidence: Confidence,
}

/// What would happen if the shot being aimed were played now. Topic `v1/prediction`, while a cue is aiming and, after
/// the strike, until the cue ball's first contact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ShotPrediction {
    /// The frame it is based on.
    pub frame_id: u64,
    /// Start of that frame's exposure, on the clock of [`TableState::exposure_us`](crate::TableState::exposure_us).
    pub exposure_us: u64,
    /// The calibration that positions are based on.
    pub calibration_id: u32,
    /// Whither the cue ball would be sent.
    pub direction: Direction,
    /// The cue ball's speed that was assumed, in mm/s: before the strike nobody knows it.
    pub assumed_speed_mm_s: u16,
    /// The pieces of each ball join end to end. After its first contact the cue ball's way is given twice, each from the
    /// contact on: as if it had come rolling, then as if it had come without spin. Its way will lie between the two.
    pub legs: Vec<Leg, MAX_LEGS>,
}

/// A [`Leg`] on the wire: 14 bytes. Frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedLeg {
    ball_id: u8,
    from: PackedPosition,
    to: PackedPosition,
    arrives_ms: [u8; 2],
    leg_end: u8,
    /// 255 for none.
    target: u8,
    sigma_confidence: u8,
}

const NO_TARGET: u8 = u8::MAX;

impl From<&Leg> for PackedLeg {
    fn from(leg: &Leg) -> Self {
        Self {
            ball_id: leg.ball.get(),
            from: leg.from.into(),
            to: leg.to.into(),
            arrives_ms: leg.arrives_ms.to_le_bytes(),
            leg_end: leg.end.code(),
            target: leg.target.unwrap_or(NO_TARGET),
            sigma_confidence: pack_certainty(leg.sigma, leg.confidence),
        }
    }
}

impl TryFrom<PackedLeg> for Leg {
    type Error = &'static str;

    fn try_from(packed: PackedLeg) -> Result<Self, Self::Error> {
        let (sigma, confidence) = unpack_certainty(packed.sigma_confidence);
        Ok(Self {
            ball: BallId::new(packed.ball_id).ok_or("a ball's id is above 127")?,
            from: packed.from.into(),
            to: packed.to.into(),
            arrives_ms: u16::from_le_bytes(packed.arrives_ms),
            end: LegEnd::from_code(packed.leg_end),
            target: (packed.target != NO_TARGET).then_some(packed.target),
            sigma,
            confidence,
        })
    }
}

/// [`ShotPrediction`] on the wire as of minor 0, frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PredictionMinor0 {
    header: Header,
    frame_id: u64,
    exposure_us: u64,
    calibration_id: u32,
    direction_centidegrees: u16,
    assumed_speed_mm_s: u16,
    legs: Vec<PackedLeg, MAX_LEGS>,
}

impl Message for ShotPrediction {
    const KEY: SchemaKey = PREDICTION_KEY;
    const MINOR: u8 = 0;
    const MAX_BYTES: usize =
        HEADER_BYTES + 2 * VARINT_U64_BYTES + VARINT_U32_BYTES + 2 * VARINT_U16_BYTES + (1 + MAX_LEGS * 14);
}

impl Wire for ShotPrediction {
    type Minor0 = PredictionMinor0;
    type Appended = ();

    fn to_wire(&self) -> (PredictionMinor0, ()) {
        let minor_0 = PredictionMinor0 {
            header: Header::of::<Self>(),
            frame_id: self.frame_id,
            exposure_us: self.exposure_us,
            calibration_id: self.calibration_id,
            direction_centidegrees: self.direction.centidegrees(),
            assumed_speed_mm_s: self.assumed_speed_mm_s,
            legs: self.legs.iter().map(PackedLeg::from).collect(),
        };
        (minor_0, ())
    }

    fn from_wire(wire: PredictionMinor0, _: Option<()>) -> Result<Self, &'static str> {
        let mut legs = Vec::new();
        for packed in wire.legs {
            legs.push(packed.try_into()?).map_err(|_| "too many legs")?;
        }
        Ok(Self {
            frame_id: wire.frame_id,
            exposure_us: wire.exposure_us,
            calibration_id: wire.calibration_id,
            direction: Direction::from_centidegrees(wire.direction_centidegrees)
                .ok_or("the shot's direction is a full turn or more")?,
            assumed_speed_mm_s: wire.assumed_speed_mm_s,
            legs,
        })
    }
}
