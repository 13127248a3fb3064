use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::units::{
    Confidence, Direction, PackedPosition, Position, Sigma, pack_certainty, unpack_certainty,
};

codes! {
    /// What the cue is doing.
    CueState {
        /// Not known.
        UNKNOWN = 0, "unknown";
        /// Over or on the table, aimed at nothing.
        PRESENT = 1, "present";
        /// Held behind the cue ball and pointing at it.
        AIMING = 2, "aiming";
        /// Aiming and moving to and fro along its own line.
        STROKING = 3, "stroking";
        /// The tip has just struck the cue ball.
        STRUCK = 4, "struck";
    }
}

/// The cue that matters: the one that aims, or else the one seen best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cue {
    /// The end that strikes, projected onto the plane of the balls' centres.
    pub tip: Position,
    /// From the butt towards the tip: where a straight shot would send the ball.
    pub direction: Direction,
    /// Standard deviation of the tip's position.
    pub sigma: Sigma,
    /// Probability that this is a cue.
    pub confidence: Confidence,
    /// What it is doing.
    pub state: CueState,
}

/// A [`Cue`] on the wire: 8 bytes. Frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedCue {
    tip: PackedPosition,
    direction_centidegrees: [u8; 2],
    sigma_confidence: u8,
    cue_state: u8,
}

impl PackedCue {
    pub(crate) const BYTES: usize = 8;
}

impl From<&Cue> for PackedCue {
    fn from(cue: &Cue) -> Self {
        Self {
            tip: cue.tip.into(),
            direction_centidegrees: cue.direction.centidegrees().to_le_bytes(),
            sigma_confidence: pack_certainty(cue.sigma, cue.confidence),
            cue_state: cue.state.code(),
        }
    }
}

impl TryFrom<PackedCue> for Cue {
    type Error = &'static str;

    fn try_from(packed: PackedCue) -> Result<Self, Self::Error> {
        let (sigma, confidence) = unpack_certainty(packed.sigma_confidence);
        Ok(Self {
            tip: packed.tip.into(),
            direction: Direction::from_centidegrees(u16::from_le_bytes(packed.direction_centidegrees))
                .ok_or("the cue's direction is a full turn or more")?,
            sigma,
            confidence,
            state: CueState::from_code(packed.cue_state),
        })
    }
}
