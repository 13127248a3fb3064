//! The detector on TensorRT, as a whole: a libnvinfer of our own on a driver of our own.

use baize_accelerator::tensorrt::{LibraryError, PlanError, StartError, TensorRt};
use baize_accelerator::{DetectError, Detector as _};
use baize_frame::{FrameFormat, PixelFormat};

use crate::child::in_a_child;
use crate::common::{spots, spots_on_rten};
use crate::detector::{detect, white_disc};
use crate::fakes::nvinfer;

/// `None` where there is no compiler for the fake.
fn tensorrt() -> Option<TensorRt> {
    let library = nvinfer::library(&[])?;
    Some(TensorRt::start(Some(&library)).expect("the fakes start"))
}

#[test]
fn an_engine_in_a_graph_finds_what_rten_finds_in_place_and_copied() {
    for faults in ["integrated", ""] {
        let name = "tensorrt::an_engine_in_a_graph_finds_what_rten_finds_in_place_and_copied";
        in_a_child(name, faults, || {
            let Some(tensorrt) = tensorrt() else { return };
            let plan = nvinfer::SPOTS.as_bytes();
            let mut ours = tensorrt.detector(&spots(), plan).expect("a good plan");
            // A detector needs nothing of what made it.
            drop(tensorrt);
            assert_eq!(ours.info().backend, "tensorrt");
            let mut theirs = spots_on_rten();
            for pixels in [PixelFormat::Yuyv, PixelFormat::Rgb24] {
                let format = FrameFormat::packed(960, 540, pixels);
                for turn in 0..4 {
                    let centre_px = [150.0 + 210.3 * turn as f32, 60.7 + 120.0 * turn as f32];
                    let bytes = white_disc(format, centre_px, 9.0);
                    let found = [
                        detect(&mut ours, &bytes, format, None).expect("a detection"),
                        detect(theirs.as_mut(), &bytes, format, None).expect("a detection"),
                    ];
                    let [ours, theirs] = &found;
                    assert_eq!((ours.balls.len(), theirs.balls.len()), (1, 1));
                    let [ours, theirs] = [ours.balls[0].centre_px, theirs.balls[0].centre_px];
                    let off_px = f32::hypot(ours[0] - theirs[0], ours[1] - theirs[1]);
                    assert!(off_px < 0.1, "{ours:?} {theirs:?}");
                }
            }
        });
    }
}

#[test]
fn a_run_that_fails_while_it_is_captured_fails_the_pictures_in_tensorrts_words() {
    let name = "tensorrt::a_run_that_fails_while_it_is_captured_fails_the_pictures_in_tensorrts_words";
    in_a_child(name, "", || {
        let Some(tensorrt) = tensorrt() else { return };
        // The first run is not captured.
        let plan = format!("{}fail-at 2\n", nvinfer::SPOTS);
        let mut detector = tensorrt.detector(&spots(), plan.as_bytes()).expect("a good plan");
        let format = FrameFormat::packed(960, 540, PixelFormat::Grey);
        let bytes = white_disc(format, [300.0, 300.0], 9.0);
        let failed = detect(&mut detector, &bytes, format, None).expect_err("the capture fails");
        assert_eq!(failed, DetectError::Inference);
        let trouble = detector.trouble().expect("the reason").to_string();
        assert!(trouble.contains("TensorRT failed to start a run"), "{trouble}");
        detect(&mut detector, &bytes, format, None).expect("the next picture captures anew");
    });
}

#[test]
fn a_plan_that_is_not_the_models_never_runs() {
    let name = "tensorrt::a_plan_that_is_not_the_models_never_runs";
    in_a_child(name, "", || {
        let Some(tensorrt) = tensorrt() else { return };
        let Err(junk) = tensorrt.detector(&spots(), b"junk") else {
            panic!("junk was taken");
        };
        assert!(matches!(junk, PlanError::Engine(_)), "{junk:?}");
        let other = nvinfer::SPOTS.replacen("1x10x48x80", "1x9x48x80", 1);
        let Err(other) = tensorrt.detector(&spots(), other.as_bytes()) else {
            panic!("another network was taken");
        };
        assert!(
            other.to_string().contains("output `balls` is f32 [1, 9, 48, 80]"),
            "{other}"
        );
        let refusing = format!("{}refuse-context\n", nvinfer::SPOTS);
        let Err(refused) = tensorrt.detector(&spots(), refusing.as_bytes()) else {
            panic!("there was no context");
        };
        assert!(
            refused.to_string().contains("no memory for a context"),
            "{refused}"
        );
    });
}

#[test]
fn a_gpu_without_the_library_says_so() {
    let name = "tensorrt::a_gpu_without_the_library_says_so";
    in_a_child(name, "", || {
        let missing = std::path::Path::new("/nowhere/libnvinfer.so.10");
        let error = TensorRt::start(Some(missing)).expect_err("there is none");
        assert!(
            matches!(error, StartError::Library(LibraryError::NotLoaded { .. })),
            "{error:?}"
        );
    });
}

#[test]
fn without_a_gpu_tensorrt_is_not_even_loaded() {
    let name = "tensorrt::without_a_gpu_tensorrt_is_not_even_loaded";
    in_a_child(name, "no-device", || {
        let missing = std::path::Path::new("/nowhere/libnvinfer.so.10");
        let error = TensorRt::start(Some(missing)).expect_err("there is no GPU");
        assert!(matches!(error, StartError::Gpu(_)), "{error:?}");
    });
}
