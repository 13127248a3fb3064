//! PNG and JPEG pictures, told apart by their first bytes, decoded to RGB or to luminance.

use std::fmt;
use std::io::Cursor;
use std::path::Path;

use baize_frame::{FrameFormat, ImageView, PixelFormat};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_png::PngDecoder;

use crate::jpeg::{decode_jpeg, jpeg_format};
use crate::limits::{MAX_ENCODED_BYTES, MAX_PICTURE_SIDE};

/// A picture in memory of its own, for commands that look at one picture without a pipeline.
#[derive(Debug, Clone)]
pub struct Picture {
    format: FrameFormat,
    bytes: Vec<u8>,
}

impl Picture {
    /// A copy of a picture that lies elsewhere.
    pub fn copy_of(image: &ImageView<'_>) -> Self {
        Self {
            format: image.format(),
            bytes: image.bytes().to_vec(),
        }
    }

    /// The picture's shape.
    pub const fn format(&self) -> FrameFormat {
        self.format
    }

    /// The picture.
    pub fn image(&self) -> ImageView<'_> {
        ImageView::new(&self.bytes, self.format).expect("the bytes were made for this shape")
    }
}

/// Why a picture cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read.
    File(std::io::Error),
    /// The file is larger than any picture of use.
    TooLarge,
    /// The file begins like neither PNG nor JPEG.
    NeitherPngNorJpeg,
    /// The file ends before its picture does.
    CutShort,
    /// The decoder's own words.
    Damaged(String),
    /// Pixels of the picture do not fit a slot of the frame pool.
    LargerThanSlot {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::TooLarge => {
                write!(
                    f,
                    "the file has more than {} MB; give a smaller picture",
                    MAX_ENCODED_BYTES >> 20
                )
            }
            Self::NeitherPngNorJpeg => {
                f.write_str("this is neither a PNG nor a JPEG; convert it to one of them")
            }
            Self::CutShort => f.write_str("the file ends in the middle of its picture; copy it again"),
            Self::Damaged(reason) => write!(f, "the picture is damaged ({reason}); copy it again"),
            Self::LargerThanSlot { width, height } => write!(
                f,
                "{width}x{height} pixels are more than a frame of the pipeline holds (3840x2160); make it smaller"
            ),
        }
    }
}

impl std::error::Error for PictureError {}

/// Reads and decodes a PNG or JPEG file.
///
/// # Errors
/// The file cannot be read, or is no whole picture.
pub fn load_picture(path: &Path) -> Result<Picture, PictureError> {
    let mut encoded = Vec::new();
    read_file(path, &mut encoded)?;
    let format = picture_format(&encoded)?;
    let mut bytes = vec![0; format.size_bytes()];
    let format = decode_into(&encoded, &mut Vec::new(), &mut bytes)?;
    Ok(Picture { format, bytes })
}

/// Reads a file into `encoded`, whose capacity is kept.
pub(crate) fn read_file(path: &Path, encoded: &mut Vec<u8>) -> Result<(), PictureError> {
    use std::io::Read as _;
    encoded.clear();
    let file = std::fs::File::open(path).map_err(PictureError::File)?;
    let limit = MAX_ENCODED_BYTES as u64 + 1;
    file.take(limit)
        .read_to_end(encoded)
        .map_err(PictureError::File)?;
    if encoded.len() > MAX_ENCODED_BYTES {
        Err(PictureError::TooLarge)
    } else {
        Ok(())
    }
}

/// The shape that [`decode_into`] gives this picture.
pub(crate) fn picture_format(encoded: &[u8]) -> Result<FrameFormat, PictureError> {
    match encoded {
        [0xFF, 0xD8, ..] => jpeg_format(encoded),
        [0x89, b'P', b'N', b'G', ..] => png_format(&png_headers(encoded)?),
        _ => Err(PictureError::NeitherPngNorJpeg),
    }
}

/// Decodes a PNG or JPEG into `pixels`; `scratch` is used where the file's pixels are not those we want.
pub(crate) fn decode_into(
    encoded: &[u8],
    scratch: &mut Vec<u8>,
    pixels: &mut [u8],
) -> Result<FrameFormat, PictureError> {
    match encoded {
        [0xFF, 0xD8, ..] => decode_jpeg(encoded, scratch, pixels),
        [0x89, b'P', b'N', b'G', ..] => decode_png(encoded, scratch, pixels),
        _ => Err(PictureError::NeitherPngNorJpeg),
    }
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_max_width(MAX_PICTURE_SIDE)
        .set_max_height(MAX_PICTURE_SIDE)
        .png_set_strip_to_8bit(true)
}

fn png_headers(encoded: &[u8]) -> Result<PngDecoder<Cursor<&[u8]>>, PictureError> {
    let mut decoder = PngDecoder::new_with_options(Cursor::new(encoded), options());
    decoder.decode_headers().map_err(damaged)?;
    Ok(decoder)
}

fn png_format(decoder: &PngDecoder<Cursor<&[u8]>>) -> Result<FrameFormat, PictureError> {
    let (width, height) = decoder.dimensions().ok_or(PictureError::CutShort)?;
    let pixels = match decoder.colorspace() {
        Some(ColorSpace::Luma | ColorSpace::LumaA) => PixelFormat::Grey,
        _ => PixelFormat::Rgb24,
    };
    Ok(FrameFormat::packed(width as u32, height as u32, pixels))
}

fn decode_png(encoded: &[u8], scratch: &mut Vec<u8>, pixels: &mut [u8]) -> Result<FrameFormat, PictureError> {
    let mut decoder = png_headers(encoded)?;
    let format = png_format(&decoder)?;
    let needed = fitting(format, pixels)?;
    let channels = decoder.colorspace().map_or(0, |space| space.num_components());
    // Sixteen bits a sample are brought to eight while decoding.
    if !matches!(decoder.depth(), Some(BitDepth::Eight | BitDepth::Sixteen)) {
        return Err(PictureError::Damaged("unknown depth of its samples".into()));
    }
    let wanted = if format.pixels == PixelFormat::Grey { 1 } else { 3 };
    if channels == wanted {
        decoder.decode_into(&mut pixels[..needed]).map_err(damaged)?;
        return Ok(format);
    }
    scratch.resize(decoder.output_buffer_size().unwrap_or(0), 0);
    decoder.decode_into(scratch).map_err(damaged)?;
    for (out, sample) in pixels[..needed]
        .chunks_exact_mut(wanted)
        .zip(scratch.chunks_exact(channels.max(1)))
    {
        out.copy_from_slice(&sample[..wanted]);
    }
    Ok(format)
}

/// Bytes of the picture, if they fit.
pub(crate) fn fitting(format: FrameFormat, pixels: &[u8]) -> Result<usize, PictureError> {
    let needed = format.size_bytes();
    if needed == 0 {
        return Err(PictureError::Damaged("it has no pixels".into()));
    }
    if needed > pixels.len() {
        return Err(PictureError::LargerThanSlot {
            width: format.width,
            height: format.height,
        });
    }
    Ok(needed)
}

pub(crate) fn damaged(reason: impl fmt::Debug) -> PictureError {
    PictureError::Damaged(format!("{reason:?}"))
}
