use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::identity::{BallId, BallName, Identity};
use crate::units::{
    Confidence, PackedPosition, PackedVelocity, Position, Sigma, Velocity, pack_certainty, unpack_certainty,
};

/// A ball on the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ball {
    /// The same from state to state for as long as the ball stays on the table.
    pub id: BallId,
    /// Kind, number, colour.
    pub identity: Identity,
    /// The ball's centre at the instant of the exposure.
    pub position: Position,
    /// The centre's velocity; zero for a ball at rest.
    pub velocity: Velocity,
    /// Standard deviation of the position.
    pub sigma: Sigma,
    /// Probability that the ball is there and is the ball it is said to be.
    pub confidence: Confidence,
    /// Whether it moves. Steadier than comparing the velocity with zero.
    pub moving: bool,
    /// Exposures since the ball was last seen; 0 if this exposure shows it, 255 for that many or more. Where it is not 0,
    /// the position is predicted.
    pub age_exposures: u8,
}

impl Ball {
    /// Whether this very exposure shows the ball; otherwise its position is predicted.
    pub const fn seen(&self) -> bool {
        self.age_exposures == 0
    }

    /// Id and identity.
    pub const fn name(&self) -> BallName {
        BallName {
            id: self.id,
            identity: self.identity,
        }
    }
}

const MOVING: u16 = 1 << 14;
const SEEN: u16 = 1 << 15;

/// A [`Ball`] on the wire: 12 bytes whatever its values. Frozen for the major version.
#[derive(Serialize, Deserialize, Schema)]
pub struct PackedBall {
    tag: [u8; 2],
    position: PackedPosition,
    velocity: PackedVelocity,
    sigma_confidence: u8,
    age_exposures: u8,
}

impl PackedBall {
    pub(crate) const BYTES: usize = 12;
}

impl From<&Ball> for PackedBall {
    fn from(ball: &Ball) -> Self {
        let moving = if ball.moving { MOVING } else { 0 };
        let seen = if ball.seen() { SEEN } else { 0 };
        Self {
            tag: (ball.name().to_bits() | moving | seen).to_le_bytes(),
            position: ball.position.into(),
            velocity: ball.velocity.into(),
            sigma_confidence: pack_certainty(ball.sigma, ball.confidence),
            age_exposures: ball.age_exposures,
        }
    }
}

impl TryFrom<PackedBall> for Ball {
    type Error = &'static str;

    fn try_from(packed: PackedBall) -> Result<Self, Self::Error> {
        let tag = u16::from_le_bytes(packed.tag);
        let BallName { id, identity } = BallName::from_bits(tag);
        let (sigma, confidence) = unpack_certainty(packed.sigma_confidence);
        if (tag & SEEN != 0) != (packed.age_exposures == 0) {
            return Err("a ball is said to be seen and predicted at once");
        }
        Ok(Self {
            id,
            identity,
            position: packed.position.into(),
            velocity: packed.velocity.into(),
            sigma,
            confidence,
            moving: tag & MOVING != 0,
            age_exposures: packed.age_exposures,
        })
    }
}
