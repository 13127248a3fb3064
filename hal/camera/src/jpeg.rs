//! JPEG, from files and from cameras.

use std::io::Cursor;

use baize_frame::{FrameFormat, PixelFormat};
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::limits::MAX_PICTURE_SIDE;
use crate::picture::{PictureError, damaged, fitting};

/// Cameras leave out the Huffman tables, which MJPEG fixes once and for all. This segment, put behind the start
/// marker, tells the decoder to use those.
const MJPEG_SEGMENT: [u8; 10] = *b"\xFF\xE0\x00\x08AVI1\0\0";

/// Bytes that a picture without tables grows by.
pub(crate) const ADDED_BYTES: usize = MJPEG_SEGMENT.len();

const START_MARKER: [u8; 2] = [0xFF, 0xD8];
const END_MARKER: [u8; 2] = [0xFF, 0xD9];

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_max_width(MAX_PICTURE_SIDE)
        .set_max_height(MAX_PICTURE_SIDE)
        .set_strict_mode(false)
        .jpeg_set_out_colorspace(ColorSpace::RGB)
}

/// The shape that a JPEG decodes to, from its header.
pub(crate) fn jpeg_format(encoded: &[u8]) -> Result<FrameFormat, PictureError> {
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(encoded), options());
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or(PictureError::CutShort)?;
    Ok(FrameFormat::packed(
        width as u32,
        height as u32,
        PixelFormat::Rgb24,
    ))
}

/// Decodes a JPEG to RGB. `scratch` is used where its Huffman tables are missing.
pub(crate) fn decode_jpeg(
    encoded: &[u8],
    scratch: &mut Vec<u8>,
    pixels: &mut [u8],
) -> Result<FrameFormat, PictureError> {
    let outline = Outline::of(encoded).ok_or(PictureError::CutShort)?;
    // The decoder fills up what is missing with grey: only the end marker tells whether the picture is whole.
    if !encoded[outline.scan_at..]
        .windows(2)
        .rev()
        .any(|marker| marker == END_MARKER)
    {
        return Err(PictureError::CutShort);
    }
    let mut whole = encoded;
    if !outline.has_huffman_tables {
        scratch.clear();
        scratch.extend_from_slice(&START_MARKER);
        scratch.extend_from_slice(&MJPEG_SEGMENT);
        scratch.extend_from_slice(&encoded[START_MARKER.len()..]);
        whole = scratch;
    }
    let format = jpeg_format(whole)?;
    let needed = fitting(format, pixels)?;
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(whole), options());
    decoder.decode_into(&mut pixels[..needed]).map_err(damaged)?;
    Ok(format)
}

/// What stands before the pixels.
struct Outline {
    has_huffman_tables: bool,
    /// Where the first scan begins. A preview picture, with an end marker of its own, stands before it.
    scan_at: usize,
}

impl Outline {
    /// `None`: there is no scan.
    fn of(encoded: &[u8]) -> Option<Self> {
        let mut has_huffman_tables = false;
        let mut at = encoded.starts_with(&START_MARKER).then_some(START_MARKER.len())?;
        loop {
            let marker = *encoded.get(at + 1)?;
            match (encoded[at], marker) {
                (0xFF, 0xFF) => {
                    at += 1;
                    continue;
                }
                (0xFF, 0xDA) => {
                    return Some(Self {
                        has_huffman_tables,
                        scan_at: at,
                    });
                }
                (0xFF, _) => {}
                // Between segments a lenient decoder skips what does not belong there.
                _ => {
                    at += 1;
                    continue;
                }
            }
            has_huffman_tables |= marker == 0xC4;
            let length = [*encoded.get(at + 2)?, *encoded.get(at + 3)?];
            at += 2 + usize::from(u16::from_be_bytes(length)).max(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &[u8] = include_bytes!("../tests/fixtures/standard_tables.jpg");

    fn without_huffman_tables(jpeg: &[u8]) -> Vec<u8> {
        let mut stripped = jpeg[..2].to_vec();
        let mut at = 2;
        while jpeg[at + 1] != 0xDA {
            let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] != 0xC4 {
                stripped.extend_from_slice(&jpeg[at..at + length]);
            }
            at += length;
        }
        stripped.extend_from_slice(&jpeg[at..]);
        stripped
    }

    fn decode(jpeg: &[u8]) -> Result<Vec<u8>, PictureError> {
        let mut pixels = vec![0; 24 * 16 * 3];
        decode_jpeg(jpeg, &mut Vec::new(), &mut pixels).map(|_| pixels)
    }

    #[test]
    fn a_camera_that_leaves_out_the_huffman_tables_is_decoded_as_if_it_had_sent_them() {
        let stripped = without_huffman_tables(PICTURE);
        assert!(stripped.len() < PICTURE.len());
        assert_eq!(
            decode(&stripped).expect("decoded"),
            decode(PICTURE).expect("decoded")
        );
    }

    #[test]
    fn a_picture_without_its_end_is_refused_wherever_it_was_cut() {
        for length in 0..PICTURE.len() - 2 {
            assert!(decode(&PICTURE[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_picture_larger_than_its_place_is_refused() {
        let mut small = vec![0; 24 * 16 * 3 - 1];
        let refused = decode_jpeg(PICTURE, &mut Vec::new(), &mut small);
        assert!(matches!(
            refused,
            Err(PictureError::LargerThanSlot {
                width: 24,
                height: 16
            })
        ));
    }
}
