use heapless::Vec;
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::ball::{Ball, PackedBall};
use crate::calibration::CalibrationValidity;
use crate::codec::{Message, Wire};
use crate::cue::{Cue, CueAction, CueState, PackedCue};
use crate::flags::Flags;
use crate::identity::BallId;
use crate::key::{HEADER_BYTES, Header, STATE_KEY, SchemaKey, VARINT_U32_BYTES, VARINT_U64_BYTES};
use crate::limits::MAX_BALLS;

/// Everything on the table at the instant of one exposure. Topics `v1/state` and `v1/snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableState {
    /// Counts the camera's frames since the appliance started, dropped ones included; 0 before the first.
    pub frame_id: u64,
    /// Start of the exposure, on the appliance's monotonic clock, in us. Health gives the offset to wall-clock time and
    /// the boot id that the clock belongs to. 0 before the first frame.
    pub exposure_us: u64,
    /// The [`Calibration`](crate::Calibration) that the positions are based on; 0 if there is none.
    pub calibration_id: u32,
    /// How far that calibration is to be trusted.
    pub calibration_validity: CalibrationValidity,
    /// What holds for the whole table.
    pub flags: Flags,
    /// The balls, ids ascending. Whether none means "an empty table" is said by [`Flags::EMPTY_TABLE`].
    pub balls: Vec<Ball, MAX_BALLS>,
    /// The cue, if one is seen.
    pub cue: Option<Cue>,
    /// What the cue does. From minor 1 on; of an older message, only the state of a cue that is seen.
    pub cue_action: CueAction,
}

impl TableState {
    /// The state of a table that has no calibration yet.
    pub const fn uncalibrated(frame_id: u64, exposure_us: u64) -> Self {
        Self {
            frame_id,
            exposure_us,
            calibration_id: 0,
            calibration_validity: CalibrationValidity::NONE,
            flags: Flags::UNCALIBRATED,
            balls: Vec::new(),
            cue: None,
            cue_action: CueAction::UNKNOWN,
        }
    }

    /// The ball with this id.
    pub fn ball(&self, id: BallId) -> Option<&Ball> {
        self.balls.iter().find(|ball| ball.id == id)
    }
}

/// [`TableState`] on the wire as of minor 0, frozen for the major version: its fields and their order make the key.
#[derive(Serialize, Deserialize, Schema)]
pub struct StateMinor0 {
    header: Header,
    frame_id: u64,
    exposure_us: u64,
    calibration_id: u32,
    calibration_validity: u8,
    flags: u32,
    balls: Vec<PackedBall, MAX_BALLS>,
    cue: Option<PackedCue>,
}

/// What minor 1 appended to it.
#[derive(Serialize, Deserialize, Schema)]
pub struct StateMinor1 {
    cue_state: u8,
    addressed_ball: Option<u8>,
    tip_speed_mm_s: Option<[u8; 2]>,
}

impl From<&CueAction> for StateMinor1 {
    fn from(action: &CueAction) -> Self {
        Self {
            cue_state: action.state.code(),
            addressed_ball: action.addresses.map(BallId::get),
            tip_speed_mm_s: action.tip_speed_mm_s.map(i16::to_le_bytes),
        }
    }
}

impl TryFrom<StateMinor1> for CueAction {
    type Error = &'static str;

    fn try_from(wire: StateMinor1) -> Result<Self, Self::Error> {
        let addressed = |id| BallId::new(id).ok_or("a ball's id is above 127");
        Ok(Self {
            state: CueState::from_code(wire.cue_state),
            addresses: wire.addressed_ball.map(addressed).transpose()?,
            tip_speed_mm_s: wire.tip_speed_mm_s.map(i16::from_le_bytes),
        })
    }
}

impl Message for TableState {
    const KEY: SchemaKey = STATE_KEY;
    const MINOR: u8 = 1;
    const MAX_BYTES: usize = HEADER_BYTES
        + 2 * VARINT_U64_BYTES
        + 2 * VARINT_U32_BYTES
        + 1
        + (1 + MAX_BALLS * PackedBall::BYTES)
        + (1 + PackedCue::BYTES)
        + 1
        + (1 + 1)
        + (1 + 2);
}

impl Wire for TableState {
    type Minor0 = StateMinor0;
    type Appended = StateMinor1;

    fn to_wire(&self) -> (StateMinor0, StateMinor1) {
        let minor_0 = StateMinor0 {
            header: Header::of::<Self>(),
            frame_id: self.frame_id,
            exposure_us: self.exposure_us,
            calibration_id: self.calibration_id,
            calibration_validity: self.calibration_validity.code(),
            flags: self.flags.bits(),
            balls: self.balls.iter().map(PackedBall::from).collect(),
            cue: self
                .cue
                .as_ref()
                .map(|cue| PackedCue::of(cue, self.cue_action.state)),
        };
        (minor_0, StateMinor1::from(&self.cue_action))
    }

    fn from_wire(wire: StateMinor0, appended: Option<StateMinor1>) -> Result<Self, &'static str> {
        let cue_action = match appended {
            Some(minor_1) => minor_1.try_into()?,
            None => wire
                .cue
                .as_ref()
                .map_or(CueAction::UNKNOWN, |cue| CueAction::only(cue.state())),
        };
        let mut balls = Vec::new();
        for packed in wire.balls {
            balls.push(packed.try_into()?).map_err(|_| "too many balls")?;
        }
        Ok(Self {
            frame_id: wire.frame_id,
            exposure_us: wire.exposure_us,
            calibration_id: wire.calibration_id,
            calibration_validity: CalibrationValidity::from_code(wire.calibration_validity),
            flags: Flags::from_bits(wire.flags),
            balls,
            cue: wire.cue.map(Cue::try_from).transpose()?,
            cue_action,
        })
    }
}
