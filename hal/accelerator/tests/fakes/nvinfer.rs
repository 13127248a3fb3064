//! The fake libnvinfer, built with the C++ compiler when a test first needs it; and plans for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A plan with the inputs, outputs and values of the network in `fixtures/spots`.
#[allow(dead_code, reason = "not every test runs this network")]
pub const SPOTS: &str = "baize-fake-plan\n\
    input image f32 1x3x384x640\noutput balls f32 1x10x48x80\noutput cues f32 1x11x24x40\n\
    compute spots\nscratch 4096\n";

/// Path of the library, compiled with these definitions; `None`, and a skip, where there is no C++ compiler.
pub fn library(definitions: &[&str]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/nvinfer.cpp");
    let variant = format!("{}-{}", std::env::consts::ARCH, definitions.join("-"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("fake-nvinfer")
        .join(variant);
    let library = folder.join("libnvinfer.so.10");
    if !is_older(&source, &library) {
        fs::create_dir_all(&folder).expect("a folder for the library");
        // Tests in several processes may build it at once; each renames its own into place.
        let own = folder.join(format!("built-by-{}", std::process::id()));
        let compiler = if cfg!(all(target_arch = "aarch64", not(target_env = "musl"))) {
            ["aarch64-linux-gnu-g++", "g++"]
        } else {
            ["g++", "c++"]
        };
        let built = compiler.into_iter().find_map(|compiler| {
            Command::new(compiler)
                .args([
                    "-std=c++17",
                    "-O2",
                    "-g",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-shared",
                    "-fPIC",
                ])
                .arg("-Wl,-soname,libnvinfer.so.10")
                .args(definitions.iter().map(|definition| format!("-D{definition}")))
                .arg("-o")
                .arg(&own)
                .arg(&source)
                .args(["-ldl", "-pthread"])
                .status()
                .ok()
        });
        let Some(status) = built else {
            baize_skips::skipped("g++");
            return None;
        };
        assert!(status.success(), "the compiler takes {}", source.display());
        fs::rename(&own, &library).expect("the library's place is free");
    }
    Some(library)
}

fn is_older(source: &Path, library: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    match (changed(source), changed(library)) {
        (Ok(source), Ok(library)) => source < library,
        _ => false,
    }
}
