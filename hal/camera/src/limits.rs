//! Capacities of the camera side, each with its reason.

/// Slots of a frame pool. One is being handed over by the capture thread, one waits for the detector, one is being
/// detected, one waits for and one is in the table stage; three stay with the driver, so that a late return of a slot
/// costs no frame.
pub const FRAME_SLOTS: usize = 8;

/// Width of the largest picture that a camera may be asked for: 4K. The detector makes room for it before the start.
pub const MAX_FRAME_WIDTH: u32 = 3840;

/// Height of that picture.
pub const MAX_FRAME_HEIGHT: u32 = 2160;

/// Bytes of a slot: a 4K picture in RGB, which is what a 4K camera's MJPEG and a photograph decode to. Only the part
/// that a source uses is ever touched and locked; the rest is address space.
pub const MAX_FRAME_BYTES: usize = (MAX_FRAME_WIDTH * MAX_FRAME_HEIGHT * 3) as usize;

/// Bytes of a compressed picture that a driver or a file may hand over. An MJPEG frame of 4K in best quality takes
/// about 4 MB, a photograph of a telephone 12 MB.
pub const MAX_ENCODED_BYTES: usize = 32 * 1024 * 1024;

/// Width and height that a picture file may claim, in pixels. A decoder allocates what a file claims.
pub const MAX_PICTURE_SIDE: usize = 16_384;

/// Pictures of the simulated table that may be rendered beforehand: 10 s at 30 Hz; in YUYV at 1080p 1.2 GB.
pub const MAX_PRERENDERED: usize = 300;
