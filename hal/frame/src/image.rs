use crate::Chroma;

/// How the bytes of a picture make pixels. Limited to what the pipeline handles without a copy; what a camera sends
/// otherwise (MJPEG) is decoded into one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PixelFormat {
    /// 4:2:2, bytes Y0 Cb Y1 Cr. Even widths only.
    Yuyv,
    /// 4:2:0: a plane of Y, then a plane of interleaved Cb Cr at half size, both with the same stride. Even sizes only.
    Nv12,
    /// Luminance only.
    Grey,
    /// Bytes R G B.
    Rgb24,
}

impl PixelFormat {
    /// The shortest line that holds `width` pixels, in bytes.
    pub const fn min_stride(self, width: u32) -> u32 {
        match self {
            Self::Yuyv => width * 2,
            Self::Nv12 | Self::Grey => width,
            Self::Rgb24 => width * 3,
        }
    }
}

/// Shape of a picture in memory. YCbCr formats are BT.601, limited range for NV12 and YUYV, as USB cameras send them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameFormat {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// Meaning of the bytes.
    pub pixels: PixelFormat,
}

impl FrameFormat {
    /// A picture without padding at the end of its lines.
    pub const fn packed(width: u32, height: u32, pixels: PixelFormat) -> Self {
        Self {
            width,
            height,
            stride: pixels.min_stride(width),
            pixels,
        }
    }

    /// Bytes that a picture of this shape takes.
    pub const fn size_bytes(&self) -> usize {
        let plane = self.stride as usize * self.height as usize;
        match self.pixels {
            PixelFormat::Nv12 => plane + self.stride as usize * (self.height as usize).div_ceil(2),
            _ => plane,
        }
    }
}

/// Where pictures lie, for hardware that reads them in place: memory that stays there for the rest of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotMemory {
    /// Address of the first byte, the first of a page.
    pub address: usize,
    /// Bytes from there on.
    pub bytes: usize,
}

/// Why bytes are not a picture of the shape claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageError {
    /// Width or height is zero, or odd where the format needs it even.
    BadSize,
    /// A line is shorter than its pixels.
    StrideTooShort,
    /// Fewer bytes than the shape needs.
    TooFewBytes,
}

impl core::fmt::Display for ImageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BadSize => "the picture's size is zero, or odd where its pixel format needs it even",
            Self::StrideTooShort => "a line of the picture is shorter than its pixels",
            Self::TooFewBytes => "the picture has fewer bytes than its size needs",
        })
    }
}

impl core::error::Error for ImageError {}

/// A picture that somebody else owns; its shape is known to fit its bytes.
#[derive(Debug, Clone, Copy)]
pub struct ImageView<'a> {
    bytes: &'a [u8],
    format: FrameFormat,
}

impl<'a> ImageView<'a> {
    /// Checks that `bytes` hold a picture of this `format`.
    pub fn new(bytes: &'a [u8], format: FrameFormat) -> Result<Self, ImageError> {
        let FrameFormat {
            width,
            height,
            stride,
            pixels,
        } = format;
        let odd = match pixels {
            PixelFormat::Yuyv => width % 2 != 0,
            PixelFormat::Nv12 => width % 2 != 0 || height % 2 != 0,
            PixelFormat::Grey | PixelFormat::Rgb24 => false,
        };
        if width == 0 || height == 0 || odd {
            return Err(ImageError::BadSize);
        }
        if stride < pixels.min_stride(width) {
            return Err(ImageError::StrideTooShort);
        }
        if bytes.len() < format.size_bytes() {
            return Err(ImageError::TooFewBytes);
        }
        Ok(Self { bytes, format })
    }

    /// The picture's bytes; at least `format().size_bytes()` of them.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The picture's shape.
    pub const fn format(&self) -> FrameFormat {
        self.format
    }

    /// The whole picture as a region.
    pub const fn whole(&self) -> Region {
        Region {
            x: 0,
            y: 0,
            width: self.format.width,
            height: self.format.height,
        }
    }

    /// The picture's luminance, read in place.
    pub const fn luminance(&self) -> Luminance<'a> {
        Luminance { image: *self }
    }
}

/// The luminance of a picture, pixel by pixel, read from its bytes in place.
#[derive(Debug, Clone, Copy)]
pub struct Luminance<'a> {
    image: ImageView<'a>,
}

impl<'a> Luminance<'a> {
    /// The colour of the same picture.
    pub const fn chroma(&self) -> Chroma<'a> {
        Chroma { image: self.image }
    }

    /// Pixels in a line.
    pub const fn width(&self) -> u32 {
        self.image.format.width
    }

    /// Lines.
    pub const fn height(&self) -> u32 {
        self.image.format.height
    }

    /// Luminance of the pixel in column `x` of line `y`; `None` outside the picture.
    #[inline]
    pub fn get(&self, x: u32, y: u32) -> Option<u8> {
        if x >= self.width() || y >= self.height() {
            return None;
        }
        let line = y as usize * self.image.format.stride as usize;
        let bytes = self.image.bytes;
        Some(match self.image.format.pixels {
            PixelFormat::Yuyv => bytes[line + 2 * x as usize],
            PixelFormat::Nv12 | PixelFormat::Grey => bytes[line + x as usize],
            PixelFormat::Rgb24 => {
                let at = line + 3 * x as usize;
                let [r, g, b] = [bytes[at], bytes[at + 1], bytes[at + 2]].map(u32::from);
                ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8
            }
        })
    }

    /// Luminance at a place between the middles of four pixels, interpolated; `None` where one of the four is outside
    /// the picture.
    #[inline]
    pub fn between(&self, [u, v]: [f32; 2]) -> Option<f32> {
        let (u, v) = (u - 0.5, v - 0.5);
        // A place left of or above the first middles has no pixel before it; NaN has none at all.
        if !(u >= 0.0 && v >= 0.0) {
            return None;
        }
        let (x, y) = (u as u32, v as u32);
        let four = match self.image.format.pixels {
            PixelFormat::Yuyv => self.four_bytes(x, y, 2)?,
            PixelFormat::Nv12 | PixelFormat::Grey => self.four_bytes(x, y, 1)?,
            PixelFormat::Rgb24 => {
                let (right, below) = (x.saturating_add(1), y.saturating_add(1));
                [
                    self.get(x, y)?,
                    self.get(right, y)?,
                    self.get(x, below)?,
                    self.get(right, below)?,
                ]
            }
        };
        let [a, b, c, d] = four.map(f32::from);
        let (right, down) = (u - x as f32, v - y as f32);
        let above = a + (b - a) * right;
        let below = c + (d - c) * right;
        Some(above + (below - above) * down)
    }

    /// The pixel in column `x` of line `y`, its right neighbour, and the two below, where a pixel's luminance is the
    /// first of its `step` bytes.
    #[inline]
    fn four_bytes(&self, x: u32, y: u32, step: usize) -> Option<[u8; 4]> {
        if x >= self.width() - 1 || y >= self.height() - 1 {
            return None;
        }
        let stride = self.image.format.stride as usize;
        let at = y as usize * stride + x as usize * step;
        let above = self.image.bytes.get(at..=at + step)?;
        let below = self.image.bytes.get(at + stride..=at + stride + step)?;
        Some([above[0], above[step], below[0], below[step]])
    }
}

/// A rectangle of whole pixels within a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Region {
    /// First column.
    pub x: u32,
    /// First line.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_between_pixels_is_interpolated_in_every_format() {
        // Two lines of four pixels whose luminance is 10 x + 40 y.
        let level = |i: usize| (10 * (i % 4) + 40 * (i / 4)) as u8;
        let grey: [u8; 8] = core::array::from_fn(level);
        let yuyv: [u8; 16] = core::array::from_fn(|i| if i % 2 == 0 { level(i / 2) } else { 255 });
        let nv12: [u8; 12] = core::array::from_fn(|i| if i < 8 { level(i) } else { 255 });
        let rgb: [u8; 24] = core::array::from_fn(|i| level(i / 3));
        let pictures: [(&[u8], PixelFormat); 4] = [
            (&grey, PixelFormat::Grey),
            (&yuyv, PixelFormat::Yuyv),
            (&nv12, PixelFormat::Nv12),
            (&rgb, PixelFormat::Rgb24),
        ];
        for (bytes, pixels) in pictures {
            let image = ImageView::new(bytes, FrameFormat::packed(4, 2, pixels)).expect("the sizes fit");
            let luminance = image.luminance();
            assert_eq!(luminance.between([0.5, 0.5]), Some(0.0), "{pixels:?}");
            assert_eq!(luminance.between([1.75, 1.0]), Some(12.5 + 20.0), "{pixels:?}");
            for outside in [
                [0.4, 1.0],
                [3.6, 1.0],
                [1.0, 0.4],
                [1.0, 1.6],
                [f32::NAN, 1.0],
                [1.0, f32::INFINITY],
            ] {
                assert_eq!(luminance.between(outside), None, "{pixels:?} {outside:?}");
            }
        }
    }
}
