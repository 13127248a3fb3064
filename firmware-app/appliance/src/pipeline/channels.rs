//! The static channels between the stages: one pipeline a process.

use baize_accelerator::Detector;
use baize_camera::{Camera, Frame};
use baize_frame::Detections;
use baize_realtime::pi_mutex::{LockStatistics, Named, PiRawMutex};
use baize_table_state::{ShotPrediction, TableEvent, TableState};
use baize_table_vision::Calibration;
use embassy_sync::channel::Channel;

use super::flow::Cell;
use crate::limits::{EVENT_QUEUE, STATE_BYTES};

/// What is known of a frame's way so far.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// Number of the frame since start, dropped ones counted.
    pub frame_id: u64,
    /// Start of exposure, monotonic (or the recording's).
    pub exposure_us: u64,
    /// Time spent on this frame by our own code.
    pub own_us: u32,
}

/// Why a detector serves no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// Another one took over.
    Replaced,
    /// Its hardware is out of order.
    Lost,
}

/// A captured frame.
pub struct Shot {
    pub frame: Frame,
    pub trace: Trace,
}

/// A frame and what was detected in it.
pub struct Seen {
    pub frame: Frame,
    pub detections: Detections,
    pub trace: Trace,
}

/// A picture to calibrate with.
pub struct Photo {
    /// The picture; gives its slot back when dropped.
    pub frame: Frame,
    /// What was detected in it.
    pub detections: Detections,
}

/// A state of the table.
pub struct Judged {
    pub state: TableState,
    /// `None` for a turn without a frame.
    pub trace: Option<Trace>,
}

/// A state as it goes onto the wire.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The postcard bytes.
    pub bytes: heapless::Vec<u8, STATE_BYTES>,
    /// Start of exposure of the frame; the newest one's for a turn without a frame.
    pub exposure_us: u64,
    /// When it was encoded, monotonic.
    pub encoded_us: u64,
    /// Whether a frame stands behind it.
    pub from_frame: bool,
}

macro_rules! locks {
    ($($name:ident = $text:literal;)+) => {
        $(
            /// Names the lock of a channel.
            pub enum $name {}
            impl Named for $name {
                fn statistics() -> &'static LockStatistics {
                    static STATISTICS: LockStatistics = LockStatistics::new($text);
                    &STATISTICS
                }
            }
        )+

        /// The locks of all channels, for health.
        pub fn lock_statistics() -> [&'static LockStatistics; [$($text),+].len()] {
            [$($name::statistics()),+]
        }
    };
}

locks! {
    Frames = "frames";
    Detected = "detections";
    States = "states";
    Encodeds = "encoded";
    Events = "events";
    Predictions = "predictions";
    Cameras = "cameras";
    Detectors = "detectors";
    Calibrations = "calibrations";
    Pictures = "pictures";
    Bells = "bells";
}

/// capture → detect.
pub static FRAMES: Cell<Shot, Frames> = Channel::new();
/// detect → table.
pub static SEEN: Cell<Seen, Detected> = Channel::new();
/// table → encode.
pub static STATES: Cell<Judged, States> = Channel::new();
/// encode → publisher.
pub static ENCODED: Cell<Encoded, Encodeds> = Channel::new();
/// table → publisher.
pub static EVENTS: Channel<PiRawMutex<Events>, TableEvent, EVENT_QUEUE> = Channel::new();
/// table → publisher: the newest predicted shot.
pub static PREDICTIONS: Cell<ShotPrediction, Predictions> = Channel::new();
/// camera keeper → capture: a camera that was opened.
pub static OPENED: Cell<Box<dyn Camera>, Cameras> = Channel::new();
/// capture → camera keeper: a camera that failed, and why.
pub static FAILED: Cell<(Box<dyn Camera>, super::Failure), Cameras> = Channel::new();
/// supervisor → detect: a detector to take over from the one that serves.
pub static DETECTORS: Cell<Box<dyn Detector>, Detectors> = Channel::new();
/// detect → supervisor: a detector that serves no more, and why.
pub static RETIRED: Cell<(Box<dyn Detector>, Retired), Detectors> = Channel::new();
/// supervisor → table: the calibration from now on, or that there is none.
pub static CALIBRATION: Cell<Option<Calibration>, Calibrations> = Channel::new();
/// table → supervisor: a picture to calibrate with, when one was asked for.
pub static PICTURES: Cell<Photo, Pictures> = Channel::new();
