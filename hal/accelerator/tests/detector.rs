//! Whole detectors on tiny networks whose function is known (`fixtures/generate.py`).

mod common;

use std::path::{Path, PathBuf};
use std::{fs, process};

use baize_accelerator::{
    Backend, CpuOptions, DetectError, Detector, FallbackReason, LoadError, ModelFiles, open_cpu,
};
use baize_frame::{BallKind, Detections, FrameFormat, ImageView, PixelFormat, Region};
use common::{Disc, fixture, picture, spots_on_rten};

const WHITE: [u8; 3] = [255; 3];

fn white_discs(centres_px: &[[f32; 2]], radius_px: f32) -> Vec<Disc> {
    centres_px
        .iter()
        .map(|&centre_px| Disc {
            centre_px,
            radius_px,
            rgb: WHITE,
        })
        .collect()
}

fn detect(detector: &mut dyn Detector, bytes: &[u8], format: FrameFormat, region: Region) -> Detections {
    let image = ImageView::new(bytes, format).expect("a picture");
    let mut found = Detections::new();
    detector.detect(&image, region, &mut found).expect("a detection");
    found
}

/// Every expected centre is found, within `tolerance_px`, and nothing else.
fn assert_found(found: &Detections, expected_px: &[[f32; 2]], tolerance_px: f32) {
    assert_eq!(found.balls.len(), expected_px.len(), "{found:?}");
    for expected in expected_px {
        let nearest = found
            .balls
            .iter()
            .map(|ball| f32::hypot(ball.centre_px[0] - expected[0], ball.centre_px[1] - expected[1]))
            .fold(f32::INFINITY, f32::min);
        assert!(
            nearest <= tolerance_px,
            "{expected:?} is missed by {nearest} px: {found:?}"
        );
    }
}

#[test]
fn bright_discs_are_found_at_their_pixels_in_every_format() {
    let centres = [[300.0, 200.0], [1000.5, 700.25], [1700.0, 1000.0], [960.0, 40.0]];
    let mut detector = spots_on_rten();
    for pixels in [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::Grey,
        PixelFormat::Rgb24,
    ] {
        let format = FrameFormat::packed(1920, 1080, pixels);
        let bytes = picture(format, &white_discs(&centres, 18.0));
        let whole = Region {
            x: 0,
            y: 0,
            width: 1920,
            height: 1080,
        };
        let found = detect(&mut *detector, &bytes, format, whole);
        assert_found(&found, &centres, 0.75);
        // The network says 12 by 16 input pixels, each three of the picture.
        let [width, height] = found.balls[0].size_px;
        assert!(
            (width - 36.0).abs() < 0.01 && (height - 48.0).abs() < 0.01,
            "{width} {height}"
        );
        assert!(found.balls.iter().all(|ball| ball.kind == BallKind::Cue));
    }
}

#[test]
fn a_region_shows_the_same_discs_larger_and_no_others() {
    let inside = [[700.0, 500.0], [820.5, 640.25]];
    let outside = [[300.0, 200.0], [1500.0, 700.0]];
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
    let bytes = picture(format, &white_discs(&[inside, outside].concat(), 9.0));
    let region = Region {
        x: 601,
        y: 401,
        width: 500,
        height: 333,
    };
    let found = detect(&mut *spots_on_rten(), &bytes, format, region);
    assert_found(&found, &inside, 0.3);
}

#[test]
fn an_upright_picture_smaller_than_the_input_grows() {
    let centres = [[60.0, 50.0], [90.5, 200.0]];
    let format = FrameFormat::packed(160, 240, PixelFormat::Grey);
    let bytes = picture(format, &white_discs(&centres, 4.5));
    let whole = Region {
        x: 0,
        y: 0,
        width: 160,
        height: 240,
    };
    assert_found(
        &detect(&mut *spots_on_rten(), &bytes, format, whole),
        &centres,
        0.3,
    );
}

#[test]
fn colours_arrive_as_red_green_and_blue() {
    let discs: Vec<_> = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
        .into_iter()
        .enumerate()
        .map(|(index, rgb)| Disc {
            centre_px: [100.0 + 150.0 * index as f32, 200.0],
            radius_px: 6.0,
            rgb,
        })
        .collect();
    let format = FrameFormat::packed(640, 384, PixelFormat::Rgb24);
    let bytes = picture(format, &discs);
    let whole = Region {
        x: 0,
        y: 0,
        width: 640,
        height: 384,
    };
    let mut found = detect(&mut *spots_on_rten(), &bytes, format, whole);
    found
        .balls
        .sort_unstable_by(|a, b| a.centre_px[0].total_cmp(&b.centre_px[0]));
    let kinds: Vec<_> = found.balls.iter().map(|ball| ball.kind).collect();
    assert_eq!(kinds, [BallKind::Solid, BallKind::Stripe, BallKind::Ball]);
}

#[test]
fn a_blue_bar_is_a_cue_between_known_ends() {
    let format = FrameFormat::packed(640, 384, PixelFormat::Rgb24);
    let mut bytes = vec![0; format.size_bytes()];
    for y in 64..80 {
        for x in 320..480 {
            bytes[(y * 640 + x) * 3 + 2] = 255;
        }
    }
    let whole = Region {
        x: 0,
        y: 0,
        width: 640,
        height: 384,
    };
    let found = detect(&mut *spots_on_rten(), &bytes, format, whole);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    // From the middle of its first cell to that of its last.
    let rounded = [cue.tip_px, cue.butt_px].map(|end| end.map(f32::round));
    assert_eq!(rounded, [[328.0, 72.0], [472.0, 72.0]]);
}

#[test]
fn an_empty_picture_shows_nothing() {
    let format = FrameFormat::packed(320, 240, PixelFormat::Grey);
    let bytes = vec![20; format.size_bytes()];
    let whole = Region {
        x: 0,
        y: 0,
        width: 320,
        height: 240,
    };
    assert_eq!(
        detect(&mut *spots_on_rten(), &bytes, format, whole),
        Detections::new()
    );
}

#[test]
fn a_bad_region_is_refused_and_leaves_nothing_of_the_picture_before() {
    let format = FrameFormat::packed(640, 384, PixelFormat::Grey);
    let bytes = picture(format, &white_discs(&[[100.0, 100.0]], 6.0));
    let image = ImageView::new(&bytes, format).expect("a picture");
    let mut detector = spots_on_rten();
    let mut found = Detections::new();
    detector
        .detect(&image, image.whole(), &mut found)
        .expect("a detection");
    assert_eq!(found.balls.len(), 1);
    let outside = Region {
        x: 1,
        ..image.whole()
    };
    assert_eq!(
        detector.detect(&image, outside, &mut found),
        Err(DetectError::BadRegion)
    );
    assert_eq!(found, Detections::new());
}

#[test]
fn an_embedded_model_is_as_good_as_a_file() {
    let onnx = include_bytes!("fixtures/spots/baize-spots.onnx");
    let manifest = include_str!("fixtures/spots/baize-spots.json");
    let model = ModelFiles::embedded(onnx, manifest).expect("the fixture is good");
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    let (detector, fallback) = open_cpu(&model, &options).expect("rten takes it");
    assert_eq!(fallback, None);
    assert_eq!(
        (detector.info().backend, &detector.info().model[..]),
        ("rten", "spots")
    );
    assert_eq!(detector.info().input_px, [640, 384]);
}

#[test]
fn without_its_library_onnxruntime_falls_back_to_rten_and_says_why() {
    let model = ModelFiles::from_dir(&fixture("spots")).expect("the fixture is good");
    for library in [
        PathBuf::from("/nowhere/libonnxruntime.so"),
        fixture("spots").join("baize-spots.onnx"),
    ] {
        let options = CpuOptions {
            backend: Backend::Onnxruntime,
            onnxruntime: Some(library.clone()),
            ..CpuOptions::default()
        };
        let (detector, reason) = open_cpu(&model, &options).expect("rten takes over");
        assert_eq!(detector.info().backend, "rten");
        let reason = reason.expect("a reason");
        if cfg!(feature = "ort") {
            assert!(matches!(reason, FallbackReason::NotFound(_)), "{reason:?}");
            assert!(
                reason.to_string().contains(&*library.to_string_lossy()),
                "{reason}"
            );
        } else {
            assert_eq!(reason, FallbackReason::NotBuiltIn);
        }
    }
}

/// The error of opening what lies in a folder.
fn refusal(folder: &Path) -> LoadError {
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    match ModelFiles::from_dir(folder).and_then(|model| open_cpu(&model, &options).map(|_| ())) {
        Ok(()) => panic!("{} was taken", folder.display()),
        Err(error) => error,
    }
}

#[test]
fn a_model_with_another_input_is_refused_with_the_difference() {
    let error = refusal(&fixture("wrong-input"));
    assert!(matches!(error, LoadError::WrongInterface { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("input `image` is f32 [1, 3, 320, 320], expected f32 [1, 3, 384, 640]"),
        "{text}"
    );
    assert!(
        text.contains("output `balls` is f32 [1, 10, 40, 40], expected f32 [1, 10, 48, 80]"),
        "{text}"
    );
}

#[test]
fn a_model_without_an_output_is_refused_with_what_it_has() {
    let text = refusal(&fixture("missing-output")).to_string();
    assert!(
        text.contains("output `cues` is missing, there is `balls`, `sticks`"),
        "{text}"
    );
    assert!(text.contains("output `sticks` is not in the manifest"), "{text}");
}

#[test]
fn a_model_with_an_output_of_another_size_is_refused() {
    let text = refusal(&fixture("wrong-output")).to_string();
    assert!(
        text.contains("output `cues` is f32 [1, 10, 24, 40], expected f32 [1, 11, 24, 40]"),
        "{text}"
    );
}

/// A folder with the manifest of `spots`, and whatever else a test puts there; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, manifest: &str, onnx: Option<&[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("baize-accelerator-{}-{name}", process::id()));
        fs::create_dir_all(&path).expect("a writable folder for temporary files");
        fs::write(path.join("baize-spots.json"), manifest).expect("a writable folder");
        if let Some(onnx) = onnx {
            fs::write(path.join("baize-spots.onnx"), onnx).expect("a writable folder");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spots() -> (String, Vec<u8>) {
    let read = |name: &str| fs::read(fixture("spots").join(name)).expect("the fixture is there");
    (
        String::from_utf8(read("baize-spots.json")).expect("text"),
        read("baize-spots.onnx"),
    )
}

/// The manifest with the hash that these bytes have, as the error of a first try names it.
fn with_hash_of(manifest: &str, onnx: &[u8]) -> String {
    let folder = Folder::with("hash", manifest, Some(onnx));
    let LoadError::WrongHash { expected, found, .. } = refusal(&folder.0) else {
        panic!("a good hash already")
    };
    manifest.replace(&expected, &found)
}

#[test]
fn a_truncated_or_changed_model_is_told_by_its_hash() {
    let (manifest, onnx) = spots();
    let mut changed = onnx.clone();
    changed[onnx.len() / 2] ^= 1;
    for (name, bytes) in [
        ("truncated", &onnx[..onnx.len() / 2]),
        ("changed", &changed),
        ("empty", &[]),
    ] {
        let folder = Folder::with(name, &manifest, Some(bytes));
        let error = refusal(&folder.0);
        assert!(matches!(error, LoadError::WrongHash { .. }), "{error:?}");
        assert!(
            error.to_string().contains(&format!("({} bytes)", bytes.len())),
            "{error}"
        );
    }
}

#[test]
fn bytes_that_are_no_model_are_refused_also_with_the_right_hash() {
    let (manifest, onnx) = spots();
    let noise: Vec<u8> = (0..5000u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for bytes in [&onnx[..onnx.len() / 2], &onnx[..100], &noise[..], &[0; 64]] {
        let manifest = with_hash_of(&manifest, bytes);
        let folder = Folder::with("noise", &manifest, Some(bytes));
        let error = refusal(&folder.0);
        assert!(
            matches!(
                error,
                LoadError::Engine { backend: "rten", .. } | LoadError::WrongInterface { .. }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    let (manifest, onnx) = spots();
    let folder = Folder::with("without-onnx", &manifest, None);
    let text = refusal(&folder.0).to_string();
    assert!(text.contains("baize-spots.onnx"), "{text}");

    let folder = Folder::with("two", &manifest, Some(&onnx));
    fs::write(folder.0.join("baize-other.json"), "{}").expect("a writable folder");
    let text = refusal(&folder.0).to_string();
    assert!(text.contains("baize-other.json, baize-spots.json"), "{text}");

    let text = refusal(&fixture("")).to_string();
    assert!(text.contains("holds no model"), "{text}");
    let text = refusal(&fixture("nowhere")).to_string();
    assert!(text.contains("cannot read") && text.contains("nowhere"), "{text}");

    let folder = Folder::with("broken", "{\"format\": 1,", Some(&onnx));
    let text = refusal(&folder.0).to_string();
    assert!(
        text.contains("baize-spots.json") && text.contains("line 1"),
        "{text}"
    );
}
