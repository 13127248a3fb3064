//! Pictures that show no table, or hardly a picture: a refusal with a reason, never a panic.

use baize_frame::{FrameFormat, ImageView, PixelFormat};
use baize_table_calibration::{Reason, Request, calibrate, draw};
use baize_table_vision::geometry::TableSize;

const REQUEST: fn() -> Request<'static> = || Request::new(TableSize::FT9, 57.15);

/// Bytes that look random and are the same every time.
fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11) as u8
        })
        .collect()
}

fn reason(bytes: &[u8], format: FrameFormat) -> Reason {
    calibrate(&[ImageView::new(bytes, format).unwrap()], &REQUEST()).reason
}

#[test]
fn an_even_picture_is_no_table() {
    let format = FrameFormat::packed(640, 360, PixelFormat::Grey);
    for light in [0, 90, 255] {
        let refusal = reason(&vec![light; format.size_bytes()], format);
        assert!(matches!(refusal, Reason::NoTable | Reason::CutOff), "{refusal}");
    }
}

#[test]
fn noise_of_any_size_and_format_is_no_table() {
    let sizes = [
        (2, 2),
        (4, 2),
        (16, 2),
        (2, 90),
        (64, 48),
        (642, 362),
        (1280, 720),
    ];
    for (seed, (width, height)) in (1..).zip(sizes) {
        for pixels in [
            PixelFormat::Grey,
            PixelFormat::Rgb24,
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
        ] {
            let format = FrameFormat::packed(width, height, pixels);
            let refusal = reason(&noise(seed, format.size_bytes()), format);
            assert_ne!(refusal, Reason::Accepted);
        }
    }
}

#[test]
fn a_plain_green_rectangle_has_no_noses() {
    let (width, height) = (960, 540);
    let format = FrameFormat::packed(width, height, PixelFormat::Rgb24);
    let rgb: Vec<u8> = (0..width * height)
        .flat_map(|at| {
            let (x, y) = (at % width, at / width);
            let inside = (80..880).contains(&x) && (60..460).contains(&y);
            if inside { [20, 120, 60] } else { [120, 90, 70] }
        })
        .collect();
    let refusal = reason(&rgb, format);
    assert!(matches!(refusal, Reason::NosesNotFound { .. }), "{refusal}");
}

#[test]
fn impossible_requests_are_refused() {
    let bytes = vec![0; 64 * 64];
    let view = ImageView::new(&bytes, FrameFormat::packed(64, 64, PixelFormat::Grey)).unwrap();
    let other = ImageView::new(&bytes, FrameFormat::packed(32, 64, PixelFormat::Grey)).unwrap();
    assert_eq!(calibrate(&[], &REQUEST()).reason, Reason::NoCommonPicture);
    assert_eq!(
        calibrate(&[view, other], &REQUEST()).reason,
        Reason::NoCommonPicture
    );
    let no_table = Request::new(TableSize::new(1000.0, f64::NAN), 57.15);
    assert_eq!(calibrate(&[view], &no_table).reason, Reason::BadTable);
    let no_ball = Request::new(TableSize::FT9, f64::NAN);
    assert_eq!(calibrate(&[view], &no_ball).reason, Reason::BadTable);
}

#[test]
fn corners_by_hand_that_make_no_table_are_refused() {
    let bytes = noise(7, 640 * 360);
    let view = ImageView::new(&bytes, FrameFormat::packed(640, 360, PixelFormat::Grey)).unwrap();
    for corners in [
        [[0.0; 2]; 4],
        [[f64::NAN; 2]; 4],
        [[0.0, 0.0], [1e300, 0.0], [1e300, 1e300], [0.0, 1e300]],
        [[10.0, 10.0], [20.0, 20.0], [30.0, 30.0], [40.0, 40.0]],
        [[300.0, 20.0], [340.0, 20.0], [340.0, 340.0], [300.0, 340.0]],
    ] {
        let mut request = REQUEST();
        request.hints.corners_px = Some(corners);
        let outcome = calibrate(&[view], &request);
        assert!(!outcome.accepted, "{corners:?}");
        draw(&mut vec![0; 3 * 640 * 360], 640, 360, &outcome);
    }
}
