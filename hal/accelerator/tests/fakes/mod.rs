//! Libraries of our own that stand for NVIDIA's, built with the C++ compiler when a test first needs them. Processes share
//! what is built.
#![allow(dead_code, reason = "not every test uses every fake")]

pub mod nvinfer;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The folder with the fake driver, `libcuda.so.1`, for `LD_LIBRARY_PATH`. No other library lies there.
pub fn folder_of_the_driver() -> Option<PathBuf> {
    Some(library("cuda.cpp", "libcuda.so.1", &[])?.parent()?.to_owned())
}

/// The folder with the fake of the library that tells of the GPU's temperature, `libnvidia-ml.so.1`.
pub fn folder_of_the_management() -> Option<PathBuf> {
    Some(
        library("nvml.cpp", "libnvidia-ml.so.1", &[])?
            .parent()?
            .to_owned(),
    )
}

/// Folder of these sources, from whichever package's tests.
fn fakes() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above
        .flat_map(|folder| ["tests/fakes", "hal/accelerator/tests/fakes"].map(|fakes| folder.join(fakes)));
    let folder = folders.find(|folder| folder.join("cuda.cpp").is_file());
    folder.expect("the sources lie where the tests were built")
}

/// Path of the library `name`, compiled from `source` with these definitions; `None`, and a skip, where there is no C++
/// compiler.
pub fn library(source: &str, name: &str, definitions: &[&str]) -> Option<PathBuf> {
    let source = fakes().join(source);
    let stem = source.file_stem().expect("a file's name").to_string_lossy();
    let variant = [&[&*stem, std::env::consts::ARCH], definitions]
        .concat()
        .join("-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fakes").join(variant);
    let library = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder for the library");
    // Of several processes the first builds it; the others wait for that.
    let lock = File::create(folder.join("lock")).expect("a file in that folder");
    lock.lock().expect("the file can be locked");
    if changed(&library) < newest_source() {
        // Renamed when it is whole: a test that was stopped leaves none that cannot be loaded.
        let unfinished = folder.join("unfinished");
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
                .arg(format!("-Wl,-soname,{name}"))
                .args(definitions.iter().map(|definition| format!("-D{definition}")))
                .arg("-o")
                .arg(&unfinished)
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
        fs::rename(&unfinished, &library).expect("the library's place is free");
    }
    Some(library)
}

/// When the newest of the fakes or of the kernels that they run was changed.
fn newest_source() -> Option<SystemTime> {
    let folders = ["", "../kernels", "../../src/gpu/kernels"].map(|folder| fakes().join(folder));
    let files = folders
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder of sources"));
    files
        .map(|file| changed(&file.expect("a file").path()))
        .max()
        .flatten()
}

/// `None`, which is before everything else, where there is no such file.
fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
