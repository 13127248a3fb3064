//! Tests on the driver that stands in for NVIDIA's. Which driver a process has is settled once, so each such test runs in
//! a process of its own: this program again, with only that test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use baize_accelerator::gpu::Device;

const IN_CHILD: &str = "BAIZE_TEST_ON_FAKE_CUDA";

/// Runs `test`, whose full name is `name`, on the fake driver with these faults.
pub fn on_the_fake(name: &str, faults: &str, test: impl FnOnce(Arc<Device>)) {
    in_a_child(name, faults, || {
        test(Device::first().expect("the fake driver has a GPU"))
    });
}

/// The same for a test that opens the GPU itself.
pub fn in_a_child(name: &str, faults: &str, test: impl FnOnce()) {
    if std::env::var_os(IN_CHILD).is_some() {
        return test();
    }
    let this = std::env::current_exe().expect("the test's own program");
    let child = Command::new(this)
        .args(["--exact", name, "--nocapture"])
        .env(IN_CHILD, "1")
        .env("BAIZE_FAKE_CUDA", faults)
        .env("LD_LIBRARY_PATH", folder_of_the_fake())
        .output()
        .expect("the test's own program runs");
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");
    assert!(
        said.contains("1 passed"),
        "the child ran no test named {name}: {said}"
    );
}

/// The folder with the fake `libcuda.so.1`, built once a process.
fn folder_of_the_fake() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/cuda.cpp");
        // Each process builds its own: tests run in several at a time.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fake-cuda-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder in the target folder");
        let built = Command::new("g++")
            .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-o"])
            .arg(folder.join("libcuda.so.1"))
            .arg(source)
            .output()
            .expect("g++ is installed: ci/setup test installs it");
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        folder
    })
}
