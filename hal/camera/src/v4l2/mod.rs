//! Cameras behind the Linux interface V4L2: USB (UVC) and whatever else has a single-planar capture node.
//!
//! The structs and request numbers are those that `v4l` generates from the kernel's own header. Its safe layer is not
//! used: it panics on names that are not UTF-8 and on control types it does not know, holds one frame at most, and takes
//! no memory of ours.

mod buffers;
mod camera;
mod controls;
mod device;
mod encoding;
mod error;
mod list;
mod negotiate;
mod open;
mod stamp;

pub use encoding::{Encoding, FourCc, Unusable};
pub use error::{CameraName, V4l2Error};
pub use list::{CameraInfo, list_cameras};
pub use negotiate::{FormatOffer, SizeOffer};
pub(crate) use open::open_camera;
