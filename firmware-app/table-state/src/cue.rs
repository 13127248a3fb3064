use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::identity::BallId;
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
        /// Held behind a ball that may be struck, and pointing at it.
        AIMING = 2, "aiming";
        /// Aiming and moving to and fro along its own line.
        STROKING = 3, "stroking";
        /// The tip has just struck a ball. Said for 200 ms, whether the cue is seen or not.
        STRIKING = 4, "striking";
        /// The table is watched, and no cue is to be seen.
        HIDDEN = 5, "hidden";
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
}

/// What the cue does, whether this exposure shows it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CueAction {
    /// What it is doing.
    pub state: CueState,
    /// The ball that it aims at, or has struck.
    pub addresses: Option<BallId>,
    /// Speed of the tip along the cue, in mm/s, positive towards the ball: while aiming and stroking that of the moment,
    /// while striking that of the strike. None where too little was seen of it.
    pub tip_speed_mm_s: Option<i16>,
}

impl CueAction {
    /// Nobody looked.
    pub const UNKNOWN: Self = Self::only(CueState::UNKNOWN);

    /// This state, and nothing known beside it.
    pub const fn only(state: CueState) -> Self {
        Self {
            state,
            addresses: None,
            tip_speed_mm_s: None,
        }
    }
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

    pub(crate) fn of(cue: &Cue, state: CueState) -> Self {
        Self {
            tip: cue.tip.into(),
            direction_centidegrees: cue.direction.centidegrees().to_le_bytes(),
            sigma_confidence: pack_certainty(cue.sigma, cue.confidence),
            cue_state: state.code(),
        }
    }

    pub(crate) const fn state(&self) -> CueState {
        CueState::from_code(self.cue_state)
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
        })
    }
}
