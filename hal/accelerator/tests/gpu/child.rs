//! Tests on the driver that stands in for NVIDIA's. Which driver a process has is settled once, so each such test runs in
//! a process of its own: this program again, with only that test.

use std::process::Command;
use std::sync::Arc;

use baize_accelerator::gpu::Device;

use crate::fakes::{folder_of_the_driver, folder_of_the_management};

const IN_CHILD: &str = "BAIZE_TEST_ON_FAKE_CUDA";

/// Runs `test`, whose full name is `name`, on the fake driver with these faults.
pub fn on_the_fake(name: &str, faults: &str, test: impl FnOnce(Arc<Device>)) {
    in_a_child(name, faults, || {
        test(Device::first().expect("the fake driver has a GPU"))
    });
}

/// The same for a test that opens the GPU itself.
pub fn in_a_child(name: &str, faults: &str, test: impl FnOnce()) {
    let folder = folder_of_the_driver().expect("g++ is installed: ci/setup test installs it");
    let environment = [
        ("BAIZE_FAKE_CUDA", faults),
        ("LD_LIBRARY_PATH", folder.to_str().expect("a path in letters")),
    ];
    in_a_child_with(name, &environment, test);
}

/// The same on the fake driver without faults, beside the fake management library with these.
pub fn beside_the_management(name: &str, faults: &str, test: impl FnOnce(Arc<Device>)) {
    let folders = [folder_of_the_driver(), folder_of_the_management()];
    let folders = folders.map(|folder| folder.expect("g++ is installed: ci/setup test installs it"));
    let [driver, management] = folders.map(|folder| folder.to_string_lossy().into_owned());
    let environment = [
        ("BAIZE_FAKE_NVML", faults),
        ("LD_LIBRARY_PATH", &format!("{driver}:{management}")),
    ];
    in_a_child_with(name, &environment, || {
        test(Device::first().expect("the fake driver has a GPU"));
    });
}

/// Runs `test` with these variables of the environment.
pub fn in_a_child_with(name: &str, environment: &[(&str, &str)], test: impl FnOnce()) {
    if std::env::var_os(IN_CHILD).is_some() {
        return test();
    }
    let this = std::env::current_exe().expect("the test's own program");
    let child = Command::new(this)
        .args(["--exact", name, "--nocapture"])
        .env(IN_CHILD, "1")
        .envs(environment.iter().copied())
        .output()
        .expect("the test's own program runs");
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");
    assert!(
        said.contains("1 passed"),
        "the child ran no test named {name}: {said}"
    );
}
