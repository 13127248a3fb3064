//! Cameras that fill the slots of a static frame pool: V4L2 devices, replayed recordings, the simulated table.
//!
//! - One trait, [`Camera`]; [`open`] makes one from a [`SourceSpec`] and a [`CameraConfig`].
//! - A picture is in a [`Slot`]: memory that exists before the pipeline starts, with one owner at a time. The driver
//!   writes into it (USERPTR), or its own mapped buffer is the slot (MMAP); nothing copies a picture afterwards. Only
//!   MJPEG, PNG and JPEG must be decoded.
//! - [`Camera::capture`] neither allocates nor locks, and waits for nobody but the driver. [`open`] does all the rest.
//! - A picture's time is the start of its exposure on the monotonic clock. What is missing is counted by cause.
//! - A camera that is lost says so and is to be dropped; [`Backoff`] tells when to try [`open`] again.
//! - Limits: one V4L2 camera with mapped buffers at a time in a process; no multi-planar devices, no raw Bayer.

mod camera;
mod clock;
mod config;
mod frame;
mod jpeg;
pub mod limits;
mod paced;
mod picture;
mod pool;
mod reopen;
mod replay;
mod simulated;
mod source;
mod v4l2;

pub use camera::{Camera, CameraLost, Captured, DropCause};
pub use config::{BufferWish, CameraConfig, ControlWishes, Pace, PixelWish, UnknownPixels};
pub use frame::Frame;
pub use picture::{Picture, PictureError, load_picture};
pub use pool::{FramePool, Slot, the_pool};
pub use reopen::Backoff;
pub use replay::{ClipError, picture_files};
pub use simulated::{OptionError, Outage, SimulatedCamera, SimulatedError, SimulatedOptions};
pub use source::{OpenError, SourceSpec, SpecError, is_picture, open};
pub use v4l2::{
    CameraInfo, CameraName, Encoding, FormatOffer, FourCc, SizeOffer, Unusable, V4l2Error, list_cameras,
};
