//! A device node and the requests we make of it. Each request number is paired here, once, with the struct it takes.

use std::fs::{File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use v4l::v4l_sys as kernel;
use v4l::v4l2::vidioc;

use super::encoding::FourCc;

pub(super) use kernel::{
    v4l2_buffer, v4l2_capability, v4l2_captureparm, v4l2_control, v4l2_fmtdesc, v4l2_format, v4l2_fract,
    v4l2_frmivalenum, v4l2_frmsizeenum, v4l2_pix_format, v4l2_query_ext_ctrl, v4l2_requestbuffers,
    v4l2_streamparm,
};

pub(super) const VIDEO_CAPTURE: u32 = kernel::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;

/// A struct of the kernel's header for which all zeros are a value.
///
/// # Safety
/// The type must consist of numbers, arrays, unions of such, and pointers only.
pub(super) unsafe trait Plain: Copy {
    fn zeroed() -> Self {
        // SAFETY: by the contract of this trait all zeros are a value.
        unsafe { std::mem::zeroed() }
    }
}

macro_rules! plain {
    ($($name:ty),*) => {
        $(
            // SAFETY: a struct of the kernel's header: numbers, arrays, unions and pointers.
            unsafe impl Plain for $name {}
        )*
    };
}

plain!(
    v4l2_buffer,
    v4l2_capability,
    v4l2_control,
    v4l2_fmtdesc,
    v4l2_format,
    v4l2_frmivalenum,
    v4l2_frmsizeenum,
    v4l2_pix_format,
    v4l2_query_ext_ctrl,
    v4l2_requestbuffers,
    v4l2_streamparm,
    i32
);

/// A request number and the struct that it reads and writes.
pub(super) struct Request<T> {
    number: vidioc::_IOC_TYPE,
    takes: PhantomData<T>,
}

impl<T> Request<T> {
    const fn new(number: vidioc::_IOC_TYPE) -> Self {
        Self {
            number,
            takes: PhantomData,
        }
    }
}

const QUERYCAP: Request<v4l2_capability> = Request::new(vidioc::VIDIOC_QUERYCAP);
const ENUM_FMT: Request<v4l2_fmtdesc> = Request::new(vidioc::VIDIOC_ENUM_FMT);
const ENUM_FRAMESIZES: Request<v4l2_frmsizeenum> = Request::new(vidioc::VIDIOC_ENUM_FRAMESIZES);
const ENUM_FRAMEINTERVALS: Request<v4l2_frmivalenum> = Request::new(vidioc::VIDIOC_ENUM_FRAMEINTERVALS);
const S_FMT: Request<v4l2_format> = Request::new(vidioc::VIDIOC_S_FMT);
const G_PARM: Request<v4l2_streamparm> = Request::new(vidioc::VIDIOC_G_PARM);
const S_PARM: Request<v4l2_streamparm> = Request::new(vidioc::VIDIOC_S_PARM);
const QUERY_EXT_CTRL: Request<v4l2_query_ext_ctrl> = Request::new(vidioc::VIDIOC_QUERY_EXT_CTRL);
const G_CTRL: Request<v4l2_control> = Request::new(vidioc::VIDIOC_G_CTRL);
const S_CTRL: Request<v4l2_control> = Request::new(vidioc::VIDIOC_S_CTRL);
pub(super) const REQBUFS: Request<v4l2_requestbuffers> = Request::new(vidioc::VIDIOC_REQBUFS);
pub(super) const QUERYBUF: Request<v4l2_buffer> = Request::new(vidioc::VIDIOC_QUERYBUF);
pub(super) const DQBUF: Request<v4l2_buffer> = Request::new(vidioc::VIDIOC_DQBUF);
pub(super) const STREAMON: Request<i32> = Request::new(vidioc::VIDIOC_STREAMON);
pub(super) const STREAMOFF: Request<i32> = Request::new(vidioc::VIDIOC_STREAMOFF);
/// Makes the driver write to the address in the struct: to be used by `Buffers` alone.
pub(super) const QBUF: Request<v4l2_buffer> = Request::new(vidioc::VIDIOC_QBUF);

/// An open device node.
pub(super) struct Device(File);

impl Device {
    pub(super) fn open(node: &Path) -> io::Result<Self> {
        // Non-blocking: waiting is done with poll(), which has a time limit.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(node)?;
        Ok(Self(file))
    }

    /// Makes a request, again when a signal interrupted it.
    pub(super) fn call<T: Plain>(&self, request: Request<T>, argument: &mut T) -> io::Result<()> {
        loop {
            let argument = std::ptr::from_mut(argument).cast();
            // SAFETY: the request's number stands for exactly this struct, which outlives the call. No struct holds an
            // address that the kernel keeps, but for QBUF's, which `Buffers` answers for.
            match unsafe { v4l::v4l2::ioctl(self.0.as_raw_fd(), request.number, argument) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    pub(super) fn capabilities(&self) -> io::Result<v4l2_capability> {
        let mut answer = v4l2_capability::zeroed();
        self.call(QUERYCAP, &mut answer)?;
        Ok(answer)
    }

    /// The pixel format at this place of the driver's list; `None` beyond its end.
    pub(super) fn pixel_format(&self, index: u32) -> Option<FourCc> {
        let mut answer = v4l2_fmtdesc {
            index,
            type_: VIDEO_CAPTURE,
            ..v4l2_fmtdesc::zeroed()
        };
        self.call(ENUM_FMT, &mut answer).ok()?;
        Some(FourCc(answer.pixelformat.to_le_bytes()))
    }

    pub(super) fn frame_size(&self, pixels: FourCc, index: u32) -> Option<v4l2_frmsizeenum> {
        let pixel_format = u32::from_le_bytes(pixels.0);
        let mut answer = v4l2_frmsizeenum {
            index,
            pixel_format,
            ..v4l2_frmsizeenum::zeroed()
        };
        self.call(ENUM_FRAMESIZES, &mut answer).ok().map(|()| answer)
    }

    pub(super) fn frame_interval(
        &self,
        pixels: FourCc,
        width: u32,
        height: u32,
        index: u32,
    ) -> Option<v4l2_frmivalenum> {
        let pixel_format = u32::from_le_bytes(pixels.0);
        let mut answer = v4l2_frmivalenum {
            index,
            pixel_format,
            width,
            height,
            ..v4l2_frmivalenum::zeroed()
        };
        self.call(ENUM_FRAMEINTERVALS, &mut answer).ok().map(|()| answer)
    }

    /// Asks for a format; returns the one that the driver chose.
    pub(super) fn set_format(&self, pixels: FourCc, width: u32, height: u32) -> io::Result<v4l2_pix_format> {
        let mut format = v4l2_format {
            type_: VIDEO_CAPTURE,
            ..v4l2_format::zeroed()
        };
        format.fmt.pix = v4l2_pix_format {
            width,
            height,
            pixelformat: u32::from_le_bytes(pixels.0),
            field: kernel::v4l2_field_V4L2_FIELD_NONE,
            // SAFETY: `format` was zeroed, so every member of its union is a value.
            ..unsafe { format.fmt.pix }
        };
        self.call(S_FMT, &mut format)?;
        // SAFETY: for this type of buffer the driver fills in this member.
        Ok(unsafe { format.fmt.pix })
    }

    /// The interval between pictures, if the driver tells it.
    pub(super) fn interval(&self) -> Option<v4l2_fract> {
        let mut answer = v4l2_streamparm {
            type_: VIDEO_CAPTURE,
            ..v4l2_streamparm::zeroed()
        };
        self.call(G_PARM, &mut answer).ok()?;
        // SAFETY: for this type of buffer the driver fills in this member.
        let interval = unsafe { answer.parm.capture }.timeperframe;
        (interval.numerator > 0 && interval.denominator > 0).then_some(interval)
    }

    pub(super) fn set_interval(&self, timeperframe: v4l2_fract) -> io::Result<()> {
        let mut request = v4l2_streamparm {
            type_: VIDEO_CAPTURE,
            ..v4l2_streamparm::zeroed()
        };
        // SAFETY: `request` was zeroed, so every member of its union is a value.
        let zeroed = unsafe { request.parm.capture };
        request.parm.capture = v4l2_captureparm {
            timeperframe,
            ..zeroed
        };
        self.call(S_PARM, &mut request)
    }

    pub(super) fn query_control(&self, id: u32) -> io::Result<v4l2_query_ext_ctrl> {
        let mut answer = v4l2_query_ext_ctrl {
            id,
            ..v4l2_query_ext_ctrl::zeroed()
        };
        self.call(QUERY_EXT_CTRL, &mut answer)?;
        Ok(answer)
    }

    pub(super) fn control(&self, id: u32) -> io::Result<i32> {
        let mut answer = v4l2_control { id, value: 0 };
        self.call(G_CTRL, &mut answer)?;
        Ok(answer.value)
    }

    pub(super) fn set_control(&self, id: u32, value: i32) -> io::Result<()> {
        self.call(S_CTRL, &mut v4l2_control { id, value })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Text of the kernel's: ends at the first zero, and need not be UTF-8.
pub(super) fn kernel_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    // Sizes of the kernel's interface on 64-bit machines, which is part of every request number.
    #[test]
    fn the_structs_have_the_sizes_of_the_kernel_interface() {
        assert_eq!(size_of::<v4l2_buffer>(), 88);
        assert_eq!(size_of::<v4l2_requestbuffers>(), 20);
        assert_eq!(size_of::<v4l2_format>(), 208);
        assert_eq!(size_of::<v4l2_pix_format>(), 48);
        assert_eq!(size_of::<v4l2_capability>(), 104);
        assert_eq!(size_of::<v4l2_fmtdesc>(), 64);
        assert_eq!(size_of::<v4l2_frmsizeenum>(), 44);
        assert_eq!(size_of::<v4l2_frmivalenum>(), 52);
        assert_eq!(size_of::<v4l2_streamparm>(), 204);
        assert_eq!(size_of::<v4l2_control>(), 8);
        assert_eq!(size_of::<v4l2_query_ext_ctrl>(), 232);
    }

    #[test]
    fn the_request_numbers_are_those_of_the_kernel_interface() {
        assert_eq!(QBUF.number, 0xC058_560F);
        assert_eq!(DQBUF.number, 0xC058_5611);
        assert_eq!(REQBUFS.number, 0xC014_5608);
        assert_eq!(S_FMT.number, 0xC0D0_5605);
        assert_eq!(STREAMON.number, 0x4004_5612);
    }

    #[test]
    fn names_that_are_not_utf8_are_shown_all_the_same() {
        assert_eq!(kernel_text(b"Cam\xAE\0rest"), "Cam\u{FFFD}");
        assert_eq!(kernel_text(b"no zero"), "no zero");
    }
}
