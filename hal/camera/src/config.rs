//! What is wished of a source. Everything has a default that suits an unknown camera.

use std::fmt;
use std::str::FromStr;

use crate::v4l2::{Encoding, FourCc, Unusable};

/// Wishes to the source of pictures. A V4L2 camera meets them as nearly as it can; what it cannot is warned of.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraConfig {
    /// Width and height in pixels. `None`: the offered size nearest to 1920x1080.
    pub size: Option<(u32, u32)>,
    /// Pictures per second. `None`: the most the camera offers at this size, up to 60. A folder of pictures, which has
    /// no times of its own, is played at this rate, or at 25 a second.
    pub rate_hz: Option<f32>,
    /// Pixel format of a V4L2 camera.
    pub pixels: PixelWish,
    /// Who owns the memory that a V4L2 driver writes into.
    pub buffers: BufferWish,
    /// Settings of a V4L2 camera to be locked.
    pub controls: ControlWishes,
    /// How fast a recording or the simulated table is played.
    pub pace: Pace,
    /// Starts a recording over when it ends.
    pub looped: bool,
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self {
            size: None,
            rate_hz: None,
            pixels: PixelWish::Auto,
            buffers: BufferWish::Auto,
            controls: ControlWishes::default(),
            pace: Pace::RealTime,
            looped: false,
        }
    }
}

/// Pixel format wished of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PixelWish {
    /// YUYV or NV12, which cost nothing to decode; else MJPEG, else GREY. MJPEG also where only it is offered at the
    /// wished size and rate.
    #[default]
    Auto,
    /// YUYV 4:2:2.
    Yuyv,
    /// NV12 4:2:0.
    Nv12,
    /// Luminance only: balls are found, their colours are not.
    Grey,
    /// Motion JPEG, decoded to RGB on the capture thread.
    Mjpeg,
}

impl FromStr for PixelWish {
    type Err = UnknownPixels;

    /// Takes `auto`, and what cameras call their formats: `YUYV`, `NV12`, `GREY`, `MJPG`, in letters of either case.
    fn from_str(text: &str) -> Result<Self, UnknownPixels> {
        let upper = text.to_ascii_uppercase();
        let name = match upper.as_str() {
            "AUTO" => return Ok(Self::Auto),
            "MJPEG" => "MJPG",
            name => name,
        };
        let refused = |reason| UnknownPixels {
            wish: text.to_owned(),
            reason,
        };
        let four_cc = name
            .as_bytes()
            .try_into()
            .map_err(|_| refused(Unusable::Unknown))?;
        Ok(match Encoding::try_from(FourCc(four_cc)).map_err(refused)? {
            Encoding::Yuyv => Self::Yuyv,
            Encoding::Nv12 => Self::Nv12,
            Encoding::Grey => Self::Grey,
            Encoding::Mjpeg => Self::Mjpeg,
        })
    }
}

/// A pixel format that cannot be wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPixels {
    /// What was wished.
    pub wish: String,
    /// Why it cannot be had.
    pub reason: Unusable,
}

impl fmt::Display for UnknownPixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pixel format `{}`: {}", self.wish, self.reason)
    }
}

impl std::error::Error for UnknownPixels {}

/// Who owns the memory that the driver writes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BufferWish {
    /// USERPTR where the driver takes it, else MMAP.
    #[default]
    Auto,
    /// The slots of our own pool.
    UserPtr,
    /// The driver's buffers, mapped.
    Mmap,
}

/// Settings to lock, so that the picture does not change while nobody touches anything. `None` leaves the camera's own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ControlWishes {
    /// Exposure time in microseconds; switches automatic exposure off.
    pub exposure_us: Option<u32>,
    /// Gain in the camera's own unit; switches automatic gain off.
    pub gain: Option<i32>,
    /// White balance in kelvin; switches automatic white balance off.
    pub white_balance_k: Option<i32>,
    /// Focus in the camera's own unit; switches autofocus off.
    pub focus: Option<i32>,
    /// Mains frequency in hertz, 50 or 60, against flicker; 0 switches the filter off.
    pub power_line_hz: Option<u32>,
}

/// How fast a recording or the simulated table is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// By its own time stamps. A picture is stamped with the moment it was due; one that finds no slot is dropped.
    #[default]
    RealTime,
    /// As fast as slots come back. Nothing is dropped; pictures are stamped with the recording's own time.
    AsFastAsPossible,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_wished_by_the_names_that_cameras_use() {
        assert_eq!("yuyv".parse(), Ok(PixelWish::Yuyv));
        assert_eq!("MJPEG".parse(), Ok(PixelWish::Mjpeg));
        assert_eq!("auto".parse(), Ok(PixelWish::Auto));
    }

    #[test]
    fn raw_bayer_is_refused_with_the_reason() {
        let words = "RG10".parse::<PixelWish>().expect_err("raw Bayer").to_string();
        assert!(
            words.contains("`RG10`: raw Bayer of 10 bits") && words.contains("ISP"),
            "{words}"
        );
        let words = "H264"
            .parse::<PixelWish>()
            .expect_err("no picture format")
            .to_string();
        assert!(words.contains("YUYV, NV12, MJPG and GREY"), "{words}");
    }
}
