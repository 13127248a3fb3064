//! Capacities of the machine side of the pipeline, each with its reason. The capacities of the wire contract stand in
//! `table-state`.

/// Balls that one picture may show: 22 on a snooker table, and as many again for false and double detections that
/// tracking is to sort out.
pub const MAX_BALL_DETECTIONS: usize = 48;

/// Places in one picture that may or may not show a ball, and are looked at closely.
pub const MAX_DOUBTFUL_DETECTIONS: usize = 16;

/// Cues that one picture may show: two players and a cue left on the table.
pub const MAX_CUE_DETECTIONS: usize = 3;
