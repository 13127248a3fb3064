//! From a name to a streaming camera.

use std::io;
use std::path::Path;

use baize_frame::FrameFormat;
use v4l::v4l_sys as kernel;

use super::buffers::{Buffers, Memory};
use super::camera::{Numbering, V4l2Camera};
use super::controls;
use super::device::{Device, STREAMON, VIDEO_CAPTURE, v4l2_fract, v4l2_pix_format};
use super::encoding::Encoding;
use super::error::{CameraName, V4l2Error};
use super::list::{CameraInfo, NoCamera, STABLE_FOLDERS, describe, list_cameras};
use super::negotiate::{Choice, choose, explain_refusal, fits_a_slot};
use super::stamp::Stamp;
use crate::camera::Camera;
use crate::config::{BufferWish, CameraConfig};
use crate::jpeg;
use crate::limits::MAX_ENCODED_BYTES;
use crate::pool::{prepare, the_pool};

/// Opens the camera and starts its stream.
pub(crate) fn open_camera(name: &CameraName, config: &CameraConfig) -> Result<Box<dyn Camera>, V4l2Error> {
    let (info, choice) = find(name, config)?;
    let device = Device::open(&info.node).map_err(|error| V4l2Error::Unopened(info.node.clone(), error))?;
    let driver = Driver {
        device,
        node: &info.node,
    };
    let (format, size_bytes) = driver.set_format(&choice)?;
    if let Some(rate_hz) = choice.rate_hz {
        driver.set_rate(rate_hz);
    }
    for warning in controls::lock(&driver.device, &config.controls) {
        log::warn!("camera {}: {warning}", info.node.display());
    }
    let mut buffers = driver.buffers(config.buffers, choice.encoding, size_bytes)?;
    if choice.encoding == Encoding::Mjpeg {
        prepare(the_pool(), format.size_bytes());
    } else if buffers.memory() == Memory::UserPtr {
        prepare(the_pool(), buffers.length());
    }
    let queued = buffers.queue_free_slots(&driver.device);
    queued.map_err(|error| driver.refused("take buffers (QBUF)", error))?;
    let started = driver.device.call(STREAMON, &mut (VIDEO_CAPTURE as i32));
    started.map_err(|error| driver.refused("start its stream (STREAMON)", error))?;

    let interval = driver.device.interval();
    let interval_us = interval
        .map(|of| (u64::from(of.numerator) * 1_000_000 / u64::from(of.denominator)).min(u64::from(u32::MAX)));
    let exposure_us = controls::locked_exposure_us(&driver.device);
    let description = format!(
        "{} at {}, {} {}x{}, {}, {}, {}",
        info.card,
        info.stable.as_ref().unwrap_or(&info.node).display(),
        choice.four_cc,
        format.width,
        format.height,
        interval_us.map_or("rate unknown".into(), |us| format!(
            "{:.2} Hz",
            1e6 / us.max(1) as f64
        )),
        buffers.memory().name(),
        Stamp::of(buffers.flags).meaning(exposure_us),
    );
    let scratch_bytes = if choice.encoding == Encoding::Mjpeg {
        buffers.length() + jpeg::ADDED_BYTES
    } else {
        0
    };
    Ok(Box::new(V4l2Camera {
        device: driver.device,
        buffers,
        encoding: choice.encoding,
        format,
        interval_us: interval_us.map(|us| us as u32),
        description,
        exposure_us,
        scratch: Vec::with_capacity(scratch_bytes.min(MAX_ENCODED_BYTES)),
        numbering: Numbering::default(),
        after_gap: None,
    }))
}

/// The camera that is meant, and what to ask it for.
fn find(name: &CameraName, config: &CameraConfig) -> Result<(CameraInfo, Choice), V4l2Error> {
    let node = match name {
        CameraName::Auto => return find_any(config),
        CameraName::Path(path) => path.clone(),
        CameraName::Stable(stable) => {
            let mut candidates = STABLE_FOLDERS.iter().map(|folder| Path::new(folder).join(stable));
            let found = candidates.find(|path| path.exists());
            found.ok_or_else(|| V4l2Error::NotFound(name.clone(), names_of(&list_cameras())))?
        }
    };
    let info = describe(&node).map_err(|reason| match reason {
        NoCamera::Unopened(error) => V4l2Error::Unopened(node.clone(), error),
        NoCamera::NotVideo => V4l2Error::NotACamera(node.clone(), "this is no video device".into()),
        NoCamera::NotCapture(card) => V4l2Error::NotACamera(
            node.clone(),
            format!(
                "this node of `{card}` does not capture pictures; there are:{}",
                names_of(&list_cameras())
            ),
        ),
        NoCamera::MultiPlanar(card) => V4l2Error::NotACamera(
            node.clone(),
            format!("`{card}` is a multi-planar device, which is not supported; use a USB camera"),
        ),
    })?;
    match choose(&info.offers, config) {
        Some(choice) => Ok((info, choice)),
        None => Err(V4l2Error::NoUsableFormat(
            info.node,
            explain_refusal(&info.offers, config.pixels),
        )),
    }
}

fn find_any(config: &CameraConfig) -> Result<(CameraInfo, Choice), V4l2Error> {
    let mut reasons = String::new();
    for info in list_cameras() {
        match choose(&info.offers, config) {
            Some(choice) => return Ok((info, choice)),
            None => {
                let reason = explain_refusal(&info.offers, config.pixels);
                reasons.push_str(&format!("\n{} ({}): {reason}", info.node.display(), info.card));
            }
        }
    }
    Err(if reasons.is_empty() {
        V4l2Error::NoCamera
    } else {
        V4l2Error::NoneUsable(reasons)
    })
}

fn names_of(cameras: &[CameraInfo]) -> String {
    if cameras.is_empty() {
        return " none".into();
    }
    let lines = cameras.iter().map(|camera| {
        let name = camera.stable.as_ref().unwrap_or(&camera.node);
        format!("\n  {} ({})", name.display(), camera.card)
    });
    lines.collect()
}

/// A device on its way to streaming, and its node for what may go wrong.
struct Driver<'a> {
    device: Device,
    node: &'a Path,
}

impl Driver<'_> {
    fn refused(&self, request: &'static str, error: io::Error) -> V4l2Error {
        if error.raw_os_error() == Some(libc::EBUSY) {
            return V4l2Error::Busy(self.node.into());
        }
        V4l2Error::Refused {
            node: self.node.into(),
            request,
            error,
        }
    }

    /// Returns the shape of the pictures, and the bytes of a buffer.
    fn set_format(&self, choice: &Choice) -> Result<(FrameFormat, usize), V4l2Error> {
        let answer = self
            .device
            .set_format(choice.four_cc, choice.width, choice.height);
        let answer = answer.map_err(|error| self.refused("set the format (S_FMT)", error))?;
        let format =
            usable(&answer, choice).map_err(|reason| V4l2Error::WrongFormat(self.node.into(), reason))?;
        if (format.width, format.height) != (choice.width, choice.height) {
            log::warn!(
                "camera {}: it gives {}x{} instead of {}x{}",
                self.node.display(),
                format.width,
                format.height,
                choice.width,
                choice.height
            );
        }
        Ok((format, answer.sizeimage as usize))
    }

    fn set_rate(&self, rate_hz: f32) {
        let interval = v4l2_fract {
            numerator: 1000,
            denominator: (rate_hz * 1000.0).round() as u32,
        };
        if let Err(error) = self.device.set_interval(interval) {
            log::warn!(
                "camera {}: it keeps its own rate, {rate_hz} Hz was refused: {error}",
                self.node.display()
            );
        }
    }

    fn buffers(&self, wish: BufferWish, encoding: Encoding, size_bytes: usize) -> Result<Buffers, V4l2Error> {
        // What has to be decoded is copied anyway; its compressed bytes may stay in the driver's memory.
        let user_pointers_make_sense = encoding != Encoding::Mjpeg;
        if wish == BufferWish::UserPtr && !user_pointers_make_sense {
            log::warn!(
                "camera {}: MJPEG is decoded out of mapped buffers, not USERPTR",
                self.node.display()
            );
        }
        if wish != BufferWish::Mmap && user_pointers_make_sense {
            match Buffers::user_pointers(&self.device, size_bytes) {
                Ok(buffers) => return Ok(buffers),
                Err(error) if wish == BufferWish::UserPtr => {
                    return Err(self.refused("write into our memory (USERPTR)", error));
                }
                Err(error) => {
                    log::info!(
                        "camera {}: no USERPTR ({error}), MMAP instead",
                        self.node.display()
                    );
                }
            }
        }
        Buffers::mapped(&self.device).map_err(|error| self.refused("share its buffers (MMAP)", error))
    }
}

/// The shape that the driver chose, if it can be used; else why not.
fn usable(answer: &v4l2_pix_format, choice: &Choice) -> Result<FrameFormat, String> {
    if answer.pixelformat.to_le_bytes() != choice.four_cc.0 {
        return Err(format!(
            "the driver offers {} and then does not give it",
            choice.four_cc
        ));
    }
    if !fits_a_slot(answer.width, answer.height) {
        return Err(format!(
            "asked for {}x{} it gives {}x{}, and 3840x2160 is the most there is room for; wish for a smaller size",
            choice.width, choice.height, answer.width, answer.height
        ));
    }
    let halves = [
        kernel::v4l2_field_V4L2_FIELD_TOP,
        kernel::v4l2_field_V4L2_FIELD_BOTTOM,
        kernel::v4l2_field_V4L2_FIELD_SEQ_TB,
        kernel::v4l2_field_V4L2_FIELD_SEQ_BT,
        kernel::v4l2_field_V4L2_FIELD_ALTERNATE,
    ];
    if halves.contains(&answer.field) {
        return Err("it sends half pictures (interlaced fields), which are not supported".into());
    }
    let packed = FrameFormat::packed(answer.width, answer.height, choice.encoding.pixels());
    if choice.encoding == Encoding::Mjpeg {
        return Ok(packed);
    }
    let format = FrameFormat {
        stride: answer.bytesperline.max(packed.stride),
        ..packed
    };
    if format.size_bytes() > answer.sizeimage as usize {
        return Err(format!(
            "a {}x{} picture takes {} bytes, the driver makes room for {}",
            format.width,
            format.height,
            format.size_bytes(),
            answer.sizeimage
        ));
    }
    Ok(format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v4l2::device::Plain as _;
    use crate::v4l2::encoding::FourCc;

    #[test]
    fn a_driver_that_gives_more_than_it_was_asked_for_is_refused_where_there_is_no_room() {
        let choice = Choice {
            encoding: Encoding::Yuyv,
            four_cc: FourCc(*b"YUYV"),
            width: 3840,
            height: 2160,
            rate_hz: None,
        };
        let answer = |width: u32, height: u32| v4l2_pix_format {
            width,
            height,
            pixelformat: u32::from_le_bytes(*b"YUYV"),
            bytesperline: width * 2,
            sizeimage: width * height * 2,
            ..v4l2_pix_format::zeroed()
        };
        assert!(usable(&answer(3840, 2160), &choice).is_ok());
        let refusal = usable(&answer(4096, 2160), &choice).expect_err("it is too wide");
        assert!(refusal.contains("4096x2160"), "{refusal}");
    }
}
