//! The models in the repository are what their manifests say.

use std::path::Path;

use baize_accelerator::{Manifest, ModelFiles};
use baize_tests::{Scratch, pictures, run};
use serde_json::Value;

#[test]
fn every_model_in_the_repository_goes_with_its_manifest() {
    for folder in ["nano", "nano-fp16", "nano-int8"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../models")
            .join(folder);
        let model = ModelFiles::<Manifest>::from_dir(&folder);
        assert!(
            model.is_ok(),
            "{}: {}",
            folder.display(),
            model.expect_err("it failed")
        );
    }
}

#[test]
fn detect_prints_boxes_wider_by_the_margin_of_the_model() {
    let scratch = Scratch::new();
    let pictures = scratch.path().join("pictures");
    pictures::record(&pictures, pictures::scene(5, 9), (1280, 720), 1);
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/nano");
    let manifest = std::fs::read_to_string(models.join("baize-nano.json")).expect("the manifest");
    let mut manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let mut boxes = |margin: f64| -> Vec<(Value, f64)> {
        manifest["box_margin"] = margin.into();
        let folder = scratch.path().join(format!("model-{margin}"));
        std::fs::create_dir(&folder).expect("a new folder");
        std::fs::copy(models.join("baize-nano.onnx"), folder.join("baize-nano.onnx")).expect("a copy");
        std::fs::write(folder.join("baize-nano.json"), manifest.to_string()).expect("written");
        let [pictures, folder] = [&pictures, &folder].map(|path| path.to_str().expect("text"));
        let args = [
            "detect",
            pictures,
            "--model",
            folder,
            "--backend",
            "rten",
            "--json",
        ];
        let found = run(args).succeeded().json().remove(0);
        let balls = found["detections"].as_array().expect("a list").iter();
        balls
            .filter(|thing| thing["class"] != "cue_stick")
            .map(|ball| (ball["x"].clone(), ball["w"].as_f64().expect("px")))
            .collect()
    };
    let (own, wide) = (boxes(1.0), boxes(1.5));
    assert!(!own.is_empty(), "the picture shows balls");
    assert_eq!(own.len(), wide.len());
    for ((x, width), (same_x, wider)) in own.iter().zip(&wide) {
        assert_eq!(x, same_x);
        assert!((wider / width - 1.5).abs() < 1e-3, "{width} became {wider}");
    }
}
