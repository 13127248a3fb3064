//! What is really there, beside every frame.

use baize_frame::BallKind;
use heapless::Vec;

use crate::balls::MAX_BALLS;
use crate::camera::Camera;

/// The most cues in a scene: the player's and one that lies about.
pub const MAX_CUES: usize = 2;

/// Everything that the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Start of the exposure, since the simulation began.
    pub exposure_us: u64,
    /// Length of the exposure. Positions are those of its middle.
    pub exposure_time_us: u32,
    /// Pictures rendered before this one.
    pub frame: u64,
    /// Balls of the set, by id.
    pub balls: Vec<BallTruth, MAX_BALLS>,
    /// Cues in the scene.
    pub cues: Vec<CueTruth, MAX_CUES>,
    /// The camera.
    pub camera: Camera,
    /// Images of the four cushion-nose corners at the height of the noses, counter-clockwise from the origin of the
    /// table frame, as a careful person would mark them. Where pockets cut the corners: where the noses would meet.
    pub nose_corners_px: [[f64; 2]; 4],
    /// Images of the same corners at the level of the cloth, the plane of the table frame.
    pub bed_corners_px: [[f64; 2]; 4],
}

/// A ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BallTruth {
    /// Index in the set; 0 is the cue ball.
    pub id: u8,
    /// What a detector should call it.
    pub kind: BallKind,
    /// The number painted on it.
    pub number: Option<u8>,
    /// Radius.
    pub radius_mm: f64,
    /// Centre in the table frame.
    pub position_mm: [f64; 3],
    /// Velocity of the centre.
    pub velocity_mm_s: [f64; 3],
    /// Whether it moves or spins.
    pub moving: bool,
    /// Fell into a pocket, or never was on the table.
    pub pocketed: bool,
    /// Image of the centre; may lie outside the picture. Zeros for a ball that is gone.
    pub centre_px: [f64; 2],
    /// Bounding box of the ball's image: left, top, right, bottom; may reach outside the picture.
    /// Zeros for a ball that is gone.
    pub box_px: [f64; 4],
    /// Part of the ball's image that is inside the picture and that nothing hides: 0 to 1. Exact to a pixel in a
    /// rendered frame; 1 for every ball on the table before the first is rendered.
    pub visible: f64,
}

/// What a player does with a cue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CueState {
    /// Nobody holds it.
    Lying,
    /// Comes to the table, or leaves it.
    Moving,
    /// Aims at the cue ball.
    Aiming,
    /// Swings.
    Striking,
}

/// A cue stick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CueTruth {
    /// The end that strikes.
    pub tip_mm: [f64; 3],
    /// The other end.
    pub butt_mm: [f64; 3],
    /// Image of the tip; may lie outside the picture.
    pub tip_px: [f64; 2],
    /// Image of the butt; may lie outside the picture.
    pub butt_px: [f64; 2],
    /// What happens to it.
    pub state: CueState,
}
