//! Where the samples of a pixel lie in each pixel format, and what each adds to red, green and blue. All that the rest
//! of the preprocessing knows of pixel formats stands here.

use baize_frame::{FrameFormat, PixelFormat};

/// One sample of a pixel: the byte `step * (x >> shift) + offset` of its line.
pub(crate) struct Sample {
    pub step: u32,
    /// 1 where two neighbouring pixels share the sample.
    pub shift: u32,
    pub offset: u32,
    /// What a level of this sample adds to the levels of red, green and blue.
    pub rgb: [f64; 3],
}

impl Sample {
    pub fn byte_of(&self, x: u32) -> u32 {
        self.step * (x >> self.shift) + self.offset
    }
}

/// Samples that lie together in lines of their own.
pub(crate) struct Plane {
    pub samples: &'static [Sample],
    /// 1 where two neighbouring lines share a line of this plane.
    pub row_shift: u32,
}

/// A pixel format as planes, and the levels of red, green and blue of an all-zero picture.
pub(crate) struct Layout {
    pub planes: &'static [Plane],
    pub bias_rgb: [f64; 3],
}

/// No format has more.
pub(super) const MAX_PLANES: usize = 2;

// BT.601, limited range: Y 16..235, Cb and Cr 16..240 around 128.
const Y: f64 = 255.0 / 219.0;
const CB_TO_GREEN: f64 = -2.0 * (255.0 / 224.0) * (1.0 - 0.114) * 0.114 / 0.587;
const CB_TO_BLUE: f64 = 2.0 * (255.0 / 224.0) * (1.0 - 0.114);
const CR_TO_RED: f64 = 2.0 * (255.0 / 224.0) * (1.0 - 0.299);
const CR_TO_GREEN: f64 = -2.0 * (255.0 / 224.0) * (1.0 - 0.299) * 0.299 / 0.587;

const Y_RGB: [f64; 3] = [Y; 3];
const CB_RGB: [f64; 3] = [0.0, CB_TO_GREEN, CB_TO_BLUE];
const CR_RGB: [f64; 3] = [CR_TO_RED, CR_TO_GREEN, 0.0];
const YCBCR_BIAS_RGB: [f64; 3] = [
    -16.0 * Y - 128.0 * CR_TO_RED,
    -16.0 * Y - 128.0 * (CB_TO_GREEN + CR_TO_GREEN),
    -16.0 * Y - 128.0 * CB_TO_BLUE,
];

const fn sample(step: u32, shift: u32, offset: u32, rgb: [f64; 3]) -> Sample {
    Sample {
        step,
        shift,
        offset,
        rgb,
    }
}

const GREY: Layout = Layout {
    planes: &[Plane {
        samples: &[sample(1, 0, 0, [1.0; 3])],
        row_shift: 0,
    }],
    bias_rgb: [0.0; 3],
};

const RGB24: Layout = Layout {
    planes: &[Plane {
        samples: &[
            sample(3, 0, 0, [1.0, 0.0, 0.0]),
            sample(3, 0, 1, [0.0, 1.0, 0.0]),
            sample(3, 0, 2, [0.0, 0.0, 1.0]),
        ],
        row_shift: 0,
    }],
    bias_rgb: [0.0; 3],
};

const YUYV: Layout = Layout {
    planes: &[Plane {
        samples: &[
            sample(2, 0, 0, Y_RGB),
            sample(4, 1, 1, CB_RGB),
            sample(4, 1, 3, CR_RGB),
        ],
        row_shift: 0,
    }],
    bias_rgb: YCBCR_BIAS_RGB,
};

const NV12: Layout = Layout {
    planes: &[
        Plane {
            samples: &[sample(1, 0, 0, Y_RGB)],
            row_shift: 0,
        },
        Plane {
            samples: &[sample(2, 1, 0, CB_RGB), sample(2, 1, 1, CR_RGB)],
            row_shift: 1,
        },
    ],
    bias_rgb: YCBCR_BIAS_RGB,
};

impl Layout {
    pub const fn of(pixels: PixelFormat) -> &'static Self {
        match pixels {
            PixelFormat::Grey => &GREY,
            PixelFormat::Rgb24 => &RGB24,
            PixelFormat::Yuyv => &YUYV,
            PixelFormat::Nv12 => &NV12,
        }
    }
}

/// The first byte of plane number `index` of a picture.
pub(crate) const fn plane_start(format: &FrameFormat, index: usize) -> usize {
    index * format.stride as usize * format.height as usize
}
