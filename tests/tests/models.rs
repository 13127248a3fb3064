//! The models in the repository are what their manifests say.

use std::path::Path;

use baize_accelerator::{Manifest, ModelFiles};

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
