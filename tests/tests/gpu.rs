//! The appliance on a GPU that is not there: the driver and TensorRT are libraries of our own, built from the accelerator's
//! tests.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use baize_skips::skipped;
use baize_table_state::Topic;
use baize_tests::{Mosquitto, Program, SMALL_MODEL, Scratch, Subscriber, TABLE, wait};

/// What the stand-in for trtexec builds: an engine that computes what the small model does.
const TRTEXEC: &str = r#"#!/bin/sh
for argument; do
    case $argument in --saveEngine=*) plan=${argument#*=} ;; esac
done
cat >"$plan" <<END
baize-fake-plan
input image f32 1x3x384x640
output balls f32 1x10x48x80
output cues f32 1x11x24x40
compute spots
scratch 4096
END
"#;

/// Everything around an appliance that believes in its GPU.
struct Machine {
    scratch: Scratch,
    driver: PathBuf,
    config: PathBuf,
    /// Stands for the service manager that starts the appliance again.
    _supervisor: UnixDatagram,
}

impl Machine {
    /// `None`, and a skip, where there is no C++ compiler.
    fn with_a_gpu(broker: &str, backend: &str) -> Option<Self> {
        let scratch = Scratch::new();
        let folder = scratch.path();
        let driver = folder.join("driver");
        std::fs::create_dir(&driver).expect("the folder is ours");
        build("cuda.cpp", &driver.join("libcuda.so.1"))?;
        let tensorrt = folder.join("libnvinfer.so.10");
        build("nvinfer.cpp", &tensorrt)?;
        let trtexec = scratch.write("trtexec", TRTEXEC);
        std::fs::set_permissions(&trtexec, PermissionsExt::from_mode(0o755)).expect("the file is ours");
        let config = scratch.write(
            "baize.toml",
            format!(
                "[table]\nname = '{TABLE}'\n[camera]\nsource = 'sim:size=640x384,fps=5,balls=5,prerendered=10'\n\
                 [realtime]\nenabled = false\nlock_memory = false\n\
                 [detector]\nbackend = '{backend}'\nmodel = '{SMALL_MODEL}'\ntensorrt = '{}'\n\
                 trtexec = '{}'\nengines = '{}'\n[calibration]\nfolder = '{}'\n[broker]\nurl = '{broker}'\n",
                tensorrt.display(),
                trtexec.display(),
                folder.join("engines").display(),
                folder.join("calibration").display(),
            ),
        );
        let supervisor = UnixDatagram::bind(folder.join("supervisor")).expect("the folder is ours");
        Some(Self {
            driver,
            config,
            _supervisor: supervisor,
            scratch,
        })
    }

    fn start(&self, faults: &str) -> Program {
        let arguments = [OsStr::new("run"), OsStr::new("--config"), self.config.as_os_str()];
        let supervisor = self.scratch.path().join("supervisor");
        let environment = [
            ("LD_LIBRARY_PATH", self.driver.as_os_str()),
            ("BAIZE_FAKE_CUDA", OsStr::new(faults)),
            ("NOTIFY_SOCKET", supervisor.as_os_str()),
        ];
        Program::start_in(arguments, &environment)
    }

    fn restarts(&self) -> usize {
        let noted = std::fs::read_to_string(self.scratch.path().join("engines/gpu-restarts"));
        noted.map_or(0, |noted| noted.lines().count())
    }
}

fn build(source: &str, library: &Path) -> Option<()> {
    let fakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hal/accelerator/tests/fakes");
    let built = Command::new("g++")
        .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-o"])
        .arg(library)
        .arg(fakes.join(source))
        .args(["-ldl", "-pthread"])
        .status();
    let Ok(status) = built else {
        skipped("g++");
        return None;
    };
    assert!(status.success(), "g++ takes {source}");
    Some(())
}

/// Waits until health says so of the GPU, and which detector serves then.
fn wait_for_gpu(subscriber: &Subscriber, state: &str) -> String {
    let health = subscriber.wait_for(Topic::Health, state, |message| {
        message.json()["gpu"]["state"] == state
    });
    health.json()["detector"].as_str().expect("a text").to_owned()
}

#[test]
fn the_cpu_serves_until_the_engine_is_built_and_again_when_the_gpu_is_lost_then_the_process_ends_for_a_restart()
 {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::with_a_gpu(&broker.url(), "auto") else {
        return;
    };

    let mut first = machine.start("");
    assert_eq!(wait_for_gpu(&subscriber, "serves"), "spots on tensorrt");
    let said = first.err().join("\n");
    assert!(
        said.contains("the CPU serves until the GPU's engine is built"),
        "{said}"
    );
    subscriber.forget();
    subscriber.wait_for(Topic::Health, "pictures on the GPU", |message| {
        message.json()["gpu"]["state"] == "serves" && message.json()["detector_fails"] == false
    });
    assert!(first.is_running());
    first.signal("TERM");
    assert!(first.finish().status.success());
    assert_eq!(machine.restarts(), 0);

    // The engine lies ready now. The GPU hangs some seconds after the start.
    subscriber.forget();
    let second = machine.start("stuck-at=30");
    assert_eq!(wait_for_gpu(&subscriber, "serves"), "spots on tensorrt");
    let ended = second.finish();
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.err);
    let said = ended.err.join("\n");
    for words in [
        "the GPU is out of order, the CPU takes over",
        "did not finish within 1000 ms",
        "the detector is spots on",
        "out of order until the program is started anew",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(machine.restarts(), 1);
}

#[test]
fn a_gpu_that_is_lost_again_and_again_is_left_alone_and_the_cpu_serves() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::with_a_gpu(&broker.url(), "auto") else {
        return;
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("the clock is set").as_secs();
    machine.scratch.write("restarts", format!("{now}\n").repeat(3));
    let engines = machine.scratch.path().join("engines");
    std::fs::create_dir(&engines).expect("the folder is ours");
    std::fs::copy(
        machine.scratch.path().join("restarts"),
        engines.join("gpu-restarts"),
    )
    .expect("a file");

    let mut program = machine.start("stuck-at=30");
    let detector = wait_for_gpu(&subscriber, "out of order");
    subscriber.forget();
    subscriber.wait_for(Topic::Health, "the CPU to serve", |message| {
        let health = message.json();
        health["detector"] != "spots on tensorrt" && health["detector_fails"] == false
    });
    wait::until("the reason", || {
        let said = program.err().join("\n");
        said.contains("too many restarts within an hour").then_some(())
    });
    assert!(program.is_running(), "{detector}");
    assert_eq!(machine.restarts(), 3);
}

#[test]
fn a_configuration_that_demands_the_gpu_ends_where_there_is_none() {
    let Some(machine) = Machine::with_a_gpu("mqtt://127.0.0.1:1", "tensorrt") else {
        return;
    };
    machine
        .start("no-device")
        .finish()
        .refused_with(&["CUDA_ERROR_NO_DEVICE", "detector.backend"]);
}
