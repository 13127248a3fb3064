use std::fmt;

use baize_frame::PixelFormat;

/// Four characters that name a pixel format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            // The uppermost bit tells the byte order of some formats.
            let letter = char::from(byte & 0x7F);
            write!(f, "{}", if letter.is_ascii_graphic() { letter } else { ' ' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Pixel formats that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// YUYV 4:2:2.
    Yuyv,
    /// NV12 4:2:0.
    Nv12,
    /// Luminance.
    Grey,
    /// Motion JPEG.
    Mjpeg,
}

/// Why a pixel format is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// The sensor's own mosaic, with this many bits a sample.
    RawBayer {
        /// Bits of a sample.
        bits: u8,
    },
    /// Anything else.
    Unknown,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RawBayer { bits } => write!(
                f,
                "raw Bayer of {bits} bits, straight from the sensor: it needs an image processor (ISP) before it is a \
                 picture; give the node behind the ISP, or a USB camera"
            ),
            Self::Unknown => f.write_str("not understood; YUYV, NV12, MJPG and GREY are"),
        }
    }
}

impl Encoding {
    /// Its four characters when it is asked for.
    pub const fn four_cc(self) -> FourCc {
        FourCc(match self {
            Self::Yuyv => *b"YUYV",
            Self::Nv12 => *b"NV12",
            Self::Grey => *b"GREY",
            Self::Mjpeg => *b"MJPG",
        })
    }

    /// What the pixels become in a frame.
    pub const fn pixels(self) -> PixelFormat {
        match self {
            Self::Yuyv => PixelFormat::Yuyv,
            Self::Nv12 => PixelFormat::Nv12,
            Self::Grey => PixelFormat::Grey,
            Self::Mjpeg => PixelFormat::Rgb24,
        }
    }
}

impl TryFrom<FourCc> for Encoding {
    type Error = Unusable;

    fn try_from(four_cc: FourCc) -> Result<Self, Unusable> {
        Ok(match &four_cc.0 {
            b"YUYV" => Self::Yuyv,
            b"NV12" => Self::Nv12,
            b"GREY" => Self::Grey,
            b"MJPG" | b"JPEG" => Self::Mjpeg,
            b"BA81" | b"GBRG" | b"GRBG" | b"RGGB" => return Err(Unusable::RawBayer { bits: 8 }),
            // Names of ten and twelve bits spell the order of the mosaic; packed ones begin with p.
            b"RG10" | b"BG10" | b"GB10" | b"BA10" | b"pRAA" | b"pBAA" | b"pGAA" | b"pgAA" => {
                return Err(Unusable::RawBayer { bits: 10 });
            }
            b"RG12" | b"BG12" | b"GB12" | b"BA12" | b"pRCC" | b"pBCC" | b"pGCC" | b"pgCC" => {
                return Err(Unusable::RawBayer { bits: 12 });
            }
            b"RG14" | b"BG14" | b"GB14" | b"GR14" => return Err(Unusable::RawBayer { bits: 14 }),
            b"RG16" | b"BYR2" | b"GB16" | b"GR16" => return Err(Unusable::RawBayer { bits: 16 }),
            _ => return Err(Unusable::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood_when_it_is_offered() {
        for encoding in [Encoding::Yuyv, Encoding::Nv12, Encoding::Grey, Encoding::Mjpeg] {
            assert_eq!(Encoding::try_from(encoding.four_cc()), Ok(encoding));
        }
    }

    #[test]
    fn raw_bayer_is_recognised_and_refused_as_such() {
        assert_eq!(
            Encoding::try_from(FourCc(*b"RG10")),
            Err(Unusable::RawBayer { bits: 10 })
        );
        assert_eq!(
            Encoding::try_from(FourCc(*b"BA81")),
            Err(Unusable::RawBayer { bits: 8 })
        );
        assert_eq!(Encoding::try_from(FourCc(*b"H264")), Err(Unusable::Unknown));
    }
}
