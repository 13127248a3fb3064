//! Capacities of the pipeline, each with its reason. Those of pictures stand in `baize_frame::limits`, those of the
//! wire contract in `baize_table_state`.

use baize_camera::limits::{MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH};
use baize_table_state::{Message, TableState};

/// States and frames between two stages: the newest replaces the one that waits, so there is never more than one.
pub const LATEST: usize = 1;

/// Events between the table stage and the publisher. A break makes about 60 contacts within a second; four such seconds
/// of a publisher that stands still.
pub const EVENT_QUEUE: usize = 256;

/// Events and results that wait for the broker to acknowledge them. What comes on top is dropped and counted: a client
/// that reconnects after minutes wants the table, not its history.
pub const OUTBOX: usize = 256;

/// Commands that wait for the supervisor, which looks twenty times a second. Who sends more is not served.
pub const COMMANDS: usize = 64;

/// Bytes of an encoded state, at most.
pub const STATE_BYTES: usize = <TableState as Message>::MAX_BYTES;

/// The largest pictures that a slot of the frame pool holds, width and height.
pub const MAX_PICTURE_PX: [u32; 2] = [MAX_FRAME_WIDTH, MAX_FRAME_HEIGHT];

/// The longest time between two published states: five a second are promised.
pub const STATE_INTERVAL_MAX_US: u64 = 200_000;

/// How long a stage waits for work before it makes a turn without. Half of [`STATE_INTERVAL_MAX_US`]: a table that
/// repeats its state through two stages must not be late.
pub const IDLE_TURN_MS: u64 = 100;

/// So long a fast camera may take to catch its breath.
pub const FRAME_AGE_MIN_US: u64 = 600_000;

/// A camera whose newest frame is older than this is not online: three of its intervals, and not less than
/// [`FRAME_AGE_MIN_US`].
pub const fn frame_age_max_us(interval_us: u32) -> u64 {
    let frames_us = 3 * interval_us as u64;
    if frames_us > FRAME_AGE_MIN_US {
        frames_us
    } else {
        FRAME_AGE_MIN_US
    }
}

/// A driver that has said nothing for so long has hung; opening the camera again often helps. Five intervals, and not
/// less than three seconds.
pub const fn driver_hung_us(interval_us: u32) -> u64 {
    let frames_us = 5 * interval_us as u64;
    if frames_us > 3_000_000 {
        frames_us
    } else {
        3_000_000
    }
}

/// After so many frames in a row that the detector failed on, states say so; one may be a picture's own fault.
pub const DETECTOR_FAILURES_MAX: u32 = 3;

/// A camera that was opened again is recovering until pictures have come for so long: one that comes and goes is not
/// to flicker between lost and online, and who listens is to see the word.
pub const RECOVERY_MS: u64 = 1000;
