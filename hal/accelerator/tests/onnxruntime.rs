//! The detector on onnxruntime, where the environment's `ORT_DYLIB_PATH` or the system's loader has its library. A file
//! of its own: the first library that a process finds stays.
#![cfg(feature = "ort")]

mod common;

use baize_accelerator::{Backend, CpuOptions, Detector, LoadError, ModelFiles, open_cpu};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat};
use common::{Disc, fixture, picture, spots_on_rten};

const AUTO: CpuOptions = CpuOptions {
    backend: Backend::Auto,
    threads: std::num::NonZeroUsize::MIN,
    onnxruntime: None,
};

/// `None`, and a line that says so, where the library is missing.
fn spots_on_onnxruntime() -> Option<Box<dyn Detector>> {
    let model = ModelFiles::from_dir(&fixture("spots")).expect("the fixture is good");
    let (detector, fallback) = open_cpu(&model, &AUTO).expect("an engine takes the fixture");
    if let Some(reason) = fallback {
        println!("{reason}");
        baize_skips::skipped("onnxruntime");
        return None;
    }
    assert_eq!(detector.info().backend, "onnxruntime");
    Some(detector)
}

#[test]
fn onnxruntime_and_rten_find_the_same() {
    let Some(mut onnxruntime) = spots_on_onnxruntime() else {
        return;
    };
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Rgb24);
    let colours = [
        [255, 255, 255],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [200, 210, 180],
    ];
    let discs = colours.into_iter().enumerate().map(|(index, rgb)| {
        let index = index as f32;
        Disc {
            centre_px: [200.3 + 311.0 * index, 150.7 + 177.0 * index],
            radius_px: 17.0,
            rgb,
        }
    });
    let bytes = picture(format, &discs.collect::<Vec<_>>());
    let image = ImageView::new(&bytes, format).expect("a picture");
    let found = [&mut onnxruntime, &mut spots_on_rten()].map(|detector| {
        let mut found = Detections::new();
        detector
            .detect(&image, image.whole(), &mut found)
            .expect("a detection");
        found
            .balls
            .sort_unstable_by(|a, b| a.centre_px[0].total_cmp(&b.centre_px[0]));
        found
    });
    let [a, b] = &found;
    assert_eq!((a.balls.len(), b.balls.len()), (5, 5), "{a:?} {b:?}");
    for (a, b) in a.balls.iter().zip(&b.balls) {
        assert_eq!(a.kind, b.kind);
        let numbers = |ball: &baize_frame::BallDetection| {
            [
                ball.centre_px[0],
                ball.centre_px[1],
                ball.size_px[0],
                ball.size_px[1],
                ball.score,
                ball.kind_score(),
            ]
        };
        assert!(
            numbers(a)
                .iter()
                .zip(numbers(b))
                .all(|(a, b)| (a - b).abs() < 1e-2),
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn onnxruntime_refuses_a_model_that_differs_from_its_manifest() {
    if spots_on_onnxruntime().is_none() {
        return;
    }
    for (name, difference) in [
        (
            "wrong-input",
            "input `image` is f32 [1, 3, 320, 320], expected f32 [1, 3, 384, 640]",
        ),
        (
            "missing-output",
            "output `cues` is missing, there is `balls`, `sticks`",
        ),
        (
            "wrong-output",
            "output `cues` is f32 [1, 10, 24, 40], expected f32 [1, 11, 24, 40]",
        ),
    ] {
        let model = ModelFiles::from_dir(&fixture(name)).expect("hash and manifest are good");
        match open_cpu(&model, &AUTO) {
            Err(error @ LoadError::WrongInterface { .. }) => {
                assert!(error.to_string().contains(difference), "{error}");
            }
            Err(error) => panic!("{error:?}"),
            Ok(_) => panic!("{name} was taken"),
        }
    }
}
