use baize_frame::{ImageView, PixelFormat, Region};

use super::{FILL, Letterbox};

/// The meaning of the preprocessing, written to be read: every other implementation, on the CPU and on a GPU, is
/// compared with this one. Slow.
///
/// Fills `input`, three planes (R, G, B) of `input_px` (width, height), with `region` of `image`, which lies inside
/// the picture and is not empty.
///
/// # Panics
/// Where `input` has another length, or `region` leaves the picture.
pub fn golden(image: &ImageView<'_>, region: Region, input_px: [u32; 2], input: &mut [f32]) {
    let pixel = |x, y| samples(image, x, y).map(f64::from);
    average(region, input_px, input, pixel, |mean| {
        match image.format().pixels {
            PixelFormat::Yuyv | PixelFormat::Nv12 => rgb_from_ycbcr(mean),
            PixelFormat::Grey | PixelFormat::Rgb24 => mean,
        }
    });
}

/// Fills `input` with the means of the pixels of `region`, each turned into levels of red, green and blue.
pub(super) fn average(
    region: Region,
    input_px: [u32; 2],
    input: &mut [f32],
    pixel: impl Fn(u32, u32) -> [f64; 3],
    rgb: impl Fn([f64; 3]) -> [f64; 3],
) {
    let [width, height] = input_px.map(|size| size as usize);
    assert_eq!(
        input.len(),
        3 * width * height,
        "the network's input has three planes"
    );
    let letterbox = Letterbox::fit(region, input_px);
    input.fill(FILL);
    for y in 0..letterbox.height() {
        let (first_row, row_weights) = weights(y, region.height, letterbox.height());
        for x in 0..letterbox.width() {
            let (first_column, column_weights) = weights(x, region.width, letterbox.width());
            let mut mean = [0.0; 3];
            for (row, row_weight) in (region.y + first_row..).zip(&row_weights) {
                for (column, column_weight) in (region.x + first_column..).zip(&column_weights) {
                    for (mean, sample) in mean.iter_mut().zip(pixel(column, row)) {
                        *mean += row_weight * column_weight * sample;
                    }
                }
            }
            let at = (letterbox.top() + y) as usize * width + (letterbox.left() + x) as usize;
            for (channel, level) in rgb(mean).into_iter().enumerate() {
                input[channel * width * height + at] = (level / 255.0).clamp(0.0, 1.0) as f32;
            }
        }
    }
}

/// The first source pixel of destination pixel `index` and the weights from there on.
fn weights(index: u32, source: u32, destination: u32) -> (u32, Vec<f64>) {
    let scale = f64::from(source) / f64::from(destination);
    if source >= destination {
        let (begin, end) = (f64::from(index) * scale, f64::from(index + 1) * scale);
        let first = (begin.floor() as u32).min(source - 1);
        let last = (end.ceil() as u32).clamp(first + 1, source);
        let covered = (first..last).map(|tap| {
            let overlap = end.min(f64::from(tap + 1)) - begin.max(f64::from(tap));
            overlap.max(0.0) / scale
        });
        (first, covered.collect())
    } else {
        let middle = ((f64::from(index) + 0.5) * scale - 0.5).clamp(0.0, f64::from(source - 1));
        let first = middle.floor();
        let fraction = middle - first;
        let weights = if fraction > 0.0 {
            vec![1.0 - fraction, fraction]
        } else {
            vec![1.0]
        };
        (first as u32, weights)
    }
}

/// The samples of one pixel: Y Cb Cr, R G B, or three times the luminance. Pixels that share a chroma sample all have it.
fn samples(image: &ImageView<'_>, x: u32, y: u32) -> [u8; 3] {
    let format = image.format();
    let bytes = image.bytes();
    let (x, y, stride) = (x as usize, y as usize, format.stride as usize);
    assert!(
        x < format.width as usize && y < format.height as usize,
        "the region lies in the picture"
    );
    match format.pixels {
        PixelFormat::Yuyv => {
            let pair = y * stride + x / 2 * 4;
            [bytes[y * stride + 2 * x], bytes[pair + 1], bytes[pair + 3]]
        }
        PixelFormat::Nv12 => {
            let chroma = (format.height as usize + y / 2) * stride + x / 2 * 2;
            [bytes[y * stride + x], bytes[chroma], bytes[chroma + 1]]
        }
        PixelFormat::Grey => [bytes[y * stride + x]; 3],
        PixelFormat::Rgb24 => {
            let at = y * stride + 3 * x;
            [bytes[at], bytes[at + 1], bytes[at + 2]]
        }
    }
}

/// BT.601, limited range, with the coefficients everybody prints.
fn rgb_from_ycbcr([y, cb, cr]: [f64; 3]) -> [f64; 3] {
    let luma = 1.164_383_56 * (y - 16.0);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [
        luma + 1.596_026_79 * cr,
        luma - 0.391_762_29 * cb - 0.812_967_65 * cr,
        luma + 2.017_232_14 * cb,
    ]
}

#[cfg(test)]
mod tests {
    use baize_frame::FrameFormat;

    use super::*;

    fn run(bytes: &[u8], format: FrameFormat, region: Region, input_px: [u32; 2]) -> Vec<f32> {
        let image = ImageView::new(bytes, format).expect("a picture");
        let mut input = vec![f32::NAN; 3 * (input_px[0] * input_px[1]) as usize];
        golden(&image, region, input_px, &mut input);
        input
    }

    fn levels(input: &[f32], plane_px: usize, at: usize) -> [u8; 3] {
        [0, 1, 2].map(|channel| (input[channel * plane_px + at] * 255.0).round() as u8)
    }

    #[test]
    fn the_colours_of_a_test_card_come_out_right() {
        // 75 % colour bars in BT.601: white, yellow, red, blue.
        let pairs = [
            ([180, 128, 180, 128], [191, 191, 191]),
            ([162, 44, 162, 142], [191, 191, 0]),
            ([65, 100, 65, 212], [191, 0, 0]),
            ([35, 212, 35, 114], [0, 0, 191]),
        ];
        for (bytes, expected) in pairs {
            let format = FrameFormat::packed(2, 1, PixelFormat::Yuyv);
            let whole = Region {
                x: 0,
                y: 0,
                width: 2,
                height: 1,
            };
            let found = levels(&run(&bytes, format, whole, [2, 1]), 2, 0);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(
                    found.abs_diff(expected) <= 1,
                    "{bytes:?} gave {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn three_by_three_pixels_make_their_mean() {
        let bytes: Vec<u8> = (0..54).map(|at| (at * 37 % 251) as u8).collect();
        let format = FrameFormat::packed(9, 6, PixelFormat::Grey);
        let input = run(
            &bytes,
            format,
            Region {
                x: 3,
                y: 3,
                width: 3,
                height: 3,
            },
            [1, 1],
        );
        let block = [30, 31, 32, 39, 40, 41, 48, 49, 50].map(|at| f32::from(bytes[at]));
        let mean = block.iter().sum::<f32>() / 9.0 / 255.0;
        assert!((input[0] - mean).abs() < 1e-6, "{} is not {mean}", input[0]);
    }

    #[test]
    fn what_the_region_does_not_cover_is_filled() {
        let format = FrameFormat::packed(4, 2, PixelFormat::Grey);
        let input = run(
            &[255; 8],
            format,
            Region {
                x: 0,
                y: 0,
                width: 4,
                height: 2,
            },
            [4, 4],
        );
        assert_eq!(input[..4], [FILL; 4]);
        assert_eq!(input[4..12], [1.0; 8]);
        assert_eq!(input[12..16], [FILL; 4]);
    }

    #[test]
    fn both_chroma_formats_show_the_same_picture() {
        let yuyv = [50, 90, 60, 200, 70, 90, 80, 200];
        let nv12 = [50, 60, 70, 80, 90, 200];
        let whole = Region {
            x: 0,
            y: 0,
            width: 2,
            height: 2,
        };
        let a = run(&yuyv, FrameFormat::packed(2, 2, PixelFormat::Yuyv), whole, [5, 5]);
        let b = run(&nv12, FrameFormat::packed(2, 2, PixelFormat::Nv12), whole, [5, 5]);
        assert_eq!(a, b);
    }
}
