//! Every implementation of the preprocessing against the golden.

use baize_accelerator::DetectError;
use baize_accelerator::preprocess::{FILL, Preprocessor, Simd, golden};
use baize_frame::{FrameFormat, ImageView, PixelFormat, Region};
use proptest::prelude::*;

/// A quarter of a level; where more than 25 lines make one, a hundredth for each, as each is rounded to a 128th and its colour weighs up
/// to twice.
fn tolerance(region: Region, input_px: [u32; 2]) -> f32 {
    let shrunk = (region.width as f32 / input_px[0] as f32).max(region.height as f32 / input_px[1] as f32);
    (0.01 * shrunk).max(0.25) / 255.0
}

const FORMATS: [PixelFormat; 4] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::Grey,
    PixelFormat::Rgb24,
];

/// Bytes that look like noise, or like edges of full contrast.
fn bytes(format: FrameFormat, seed: u32, hard: bool) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let byte = (state >> 8) as u8;
        if hard {
            if byte < 128 { 0 } else { 255 }
        } else {
            byte
        }
    };
    (0..format.size_bytes()).map(|_| next()).collect()
}

fn preprocessors(input_px: [u32; 2]) -> Vec<(Simd, Preprocessor)> {
    Simd::available()
        .map(|simd| (simd, Preprocessor::with_simd(input_px, simd).expect("available")))
        .collect()
}

/// Compares every implementation with the golden and with the first implementation.
fn compare(image: &ImageView<'_>, region: Region, input_px: [u32; 2]) {
    let mut expected = vec![0.0; 3 * (input_px[0] * input_px[1]) as usize];
    golden(image, region, input_px, &mut expected);
    let mut portable: Option<Vec<f32>> = None;
    for (simd, mut preprocessor) in preprocessors(input_px) {
        let input = preprocessor.run(image, region).expect("a region in the picture");
        let worst = input
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(
            worst <= tolerance(region, input_px),
            "{simd:?} is {} levels off",
            worst * 255.0
        );
        let portable = portable.get_or_insert_with(|| input.to_vec());
        assert!(input == portable, "{simd:?} differs from {:?}", Simd::Portable);
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    format: FrameFormat,
    region: Region,
    input_px: [u32; 2],
    seed: u32,
    hard: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let picture = (0..FORMATS.len(), 1u32..=90, 1u32..=70, 0u32..40);
    let input = (1u32..=70, 1u32..=50);
    let shares = [0.0f64..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0];
    (picture, input, shares, any::<u32>(), any::<bool>()).prop_map(|(picture, input, shares, seed, hard)| {
        let (pixels, width, height, padding) = picture;
        let pixels = FORMATS[pixels];
        let even = |size: u32, needed: bool| if needed { size.next_multiple_of(2) } else { size };
        let width = even(width, matches!(pixels, PixelFormat::Yuyv | PixelFormat::Nv12));
        let height = even(height, pixels == PixelFormat::Nv12);
        let stride = pixels.min_stride(width) + padding;
        let part = |size: u32, from: f64, to: f64| {
            let first = (from * f64::from(size)) as u32;
            (first, 1 + (to * f64::from(size - first)) as u32)
        };
        let (x, region_width) = part(width, shares[0], shares[1]);
        let (y, region_height) = part(height, shares[2], shares[3]);
        Case {
            format: FrameFormat {
                width,
                height,
                stride,
                pixels,
            },
            region: Region {
                x,
                y,
                width: region_width.min(width - x),
                height: region_height.min(height - y),
            },
            input_px: [input.0, input.1],
            seed,
            hard,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_implementation_gives_the_golden_for_every_format_size_stride_and_region(case in cases()) {
        let bytes = bytes(case.format, case.seed, case.hard);
        let image = ImageView::new(&bytes, case.format).expect("a picture");
        compare(&image, case.region, case.input_px);
    }
}

#[test]
fn fifty_lines_in_one_are_rounded_fifty_times() {
    let format = FrameFormat {
        width: 2,
        height: 52,
        stride: 11,
        pixels: PixelFormat::Yuyv,
    };
    let bytes = bytes(format, 1_526_741_256, true);
    let image = ImageView::new(&bytes, format).expect("a picture");
    let region = Region {
        x: 0,
        y: 0,
        width: 1,
        height: 50,
    };
    compare(&image, region, [1, 1]);
}

#[test]
fn pictures_of_real_size_give_the_golden() {
    let whole = |width, height| Region {
        x: 0,
        y: 0,
        width,
        height,
    };
    for (index, pixels) in FORMATS.into_iter().enumerate() {
        let format = FrameFormat::packed(1920, 1080, pixels);
        let bytes = bytes(format, index as u32 + 7, index % 2 == 0);
        let image = ImageView::new(&bytes, format).expect("a picture");
        for region in [
            whole(1920, 1080),
            Region {
                x: 131,
                y: 57,
                width: 1501,
                height: 903,
            },
        ] {
            compare(&image, region, [640, 384]);
        }
    }
}

#[test]
fn a_large_photo_stays_within_a_quarter_of_a_level() {
    let format = FrameFormat::packed(5000, 700, PixelFormat::Rgb24);
    let bytes = bytes(format, 3, true);
    let image = ImageView::new(&bytes, format).expect("a picture");
    compare(&image, image.whole(), [320, 64]);
}

#[test]
fn white_is_one_and_black_is_zero() {
    for (level, expected) in [(16, 0.0), (235, 1.0)] {
        let format = FrameFormat::packed(96, 54, PixelFormat::Nv12);
        let mut bytes = vec![128; format.size_bytes()];
        bytes[..96 * 54].fill(level);
        let image = ImageView::new(&bytes, format).expect("a picture");
        for (simd, mut preprocessor) in preprocessors([32, 18]) {
            let input = preprocessor.run(&image, image.whole()).expect("a good region");
            let worst = input
                .iter()
                .map(|level| (level - expected).abs())
                .fold(0.0, f32::max);
            assert!(worst < 1e-3, "{simd:?}: {level} gave {worst} off {expected}");
        }
    }
}

#[test]
fn a_new_region_leaves_nothing_of_the_one_before() {
    let format = FrameFormat::packed(64, 64, PixelFormat::Grey);
    let bytes = vec![255; format.size_bytes()];
    let image = ImageView::new(&bytes, format).expect("a picture");
    let mut preprocessor = Preprocessor::new([32, 32]);
    let wide = Region {
        x: 0,
        y: 0,
        width: 64,
        height: 16,
    };
    let high = Region {
        x: 8,
        y: 0,
        width: 16,
        height: 64,
    };
    preprocessor.run(&image, wide).expect("a good region");
    let input = preprocessor.run(&image, high).expect("a good region");
    let filled = input.iter().filter(|&&level| level == FILL).count();
    assert_eq!(filled, 3 * 32 * 24, "all but a strip of 8 columns is filled");
}

#[test]
fn regions_outside_the_picture_are_refused() {
    let format = FrameFormat::packed(64, 48, PixelFormat::Yuyv);
    let bytes = vec![0; format.size_bytes()];
    let image = ImageView::new(&bytes, format).expect("a picture");
    let mut preprocessor = Preprocessor::new([32, 32]);
    let bad = [
        (0, 0, 65, 48),
        (0, 0, 64, 49),
        (64, 0, 1, 1),
        (0, 0, 0, 5),
        (5, 5, 5, 0),
        (u32::MAX, 0, 2, 1),
    ];
    for (x, y, width, height) in bad {
        let region = Region { x, y, width, height };
        assert_eq!(
            preprocessor.run(&image, region).err(),
            Some(DetectError::BadRegion),
            "{region:?}"
        );
    }
}
