//! The appliance on a GPU that is not there: the driver and TensorRT are libraries of our own, built from the accelerator's
//! tests.

#[path = "../../hal/accelerator/tests/fakes/mod.rs"]
mod fakes;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use baize_table_state::Topic;
use baize_tests::{Mosquitto, Program, SMALL_MODEL, Scratch, Subscriber, TABLE, wait};
use fakes::nvinfer::{MEAN_COLOURS, SPOTS};
use serde_json::Value;

/// A stand-in for trtexec: it builds an engine that computes what the small model does, and one that reads mean colours.
fn trtexec() -> String {
    format!(
        "#!/bin/sh\nfor argument; do\n\
         case $argument in --onnx=*) model=$argument ;; --saveEngine=*) plan=${{argument#*=}} ;; esac\ndone\n\
         case $model in\n*baize-reader*) cat >\"$plan\" <<END\n{MEAN_COLOURS}END\n;;\n\
         *) cat >\"$plan\" <<END\n{SPOTS}END\n;;\nesac\n"
    )
}

/// The same, but the reader's engine cannot be built.
fn trtexec_without_reader() -> String {
    trtexec().replace(
        "*baize-reader*)",
        "*baize-reader*) echo '[E] no kernel for this' && exit 1 ;;\n*never*)",
    )
}

/// Everything around an appliance that believes in its GPU.
struct Machine {
    scratch: Scratch,
    /// Where its libraries are looked for first: NVIDIA's are there.
    libraries: OsString,
    trtexec: PathBuf,
    config: PathBuf,
    /// Stands for the service manager that starts the appliance again.
    _supervisor: UnixDatagram,
}

impl Machine {
    /// `None`, and a skip, where there is no C++ compiler.
    fn with_a_gpu(broker: &str, backend: &str) -> Option<Self> {
        let scratch = Scratch::new();
        let folder = scratch.path();
        let folders = [fakes::folder_of_the_driver()?, fakes::folder_of_the_management()?];
        let tensorrt = fakes::nvinfer::library(&[])?;
        let trtexec = folder.join("trtexec");
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
        let machine = Self {
            libraries: std::env::join_paths(folders).expect("paths without colons"),
            trtexec,
            config,
            _supervisor: supervisor,
            scratch,
        };
        machine.install(&self::trtexec());
        Some(machine)
    }

    /// The same without a driver: what lies in its place is none.
    fn without_a_driver(broker: &str, backend: &str) -> Option<Self> {
        let mut machine = Self::with_a_gpu(broker, backend)?;
        for name in ["libcuda.so.1", "libcuda.so"] {
            machine.scratch.write(name, "no library");
        }
        machine.libraries = machine.scratch.path().as_os_str().to_owned();
        Some(machine)
    }

    fn install(&self, trtexec: &str) {
        std::fs::write(&self.trtexec, trtexec).expect("the folder is ours");
        std::fs::set_permissions(&self.trtexec, PermissionsExt::from_mode(0o755)).expect("the file is ours");
    }

    fn start(&self, faults: &str) -> Program {
        self.command(&["run"], faults)
    }

    fn command(&self, arguments: &[&str], faults: &str) -> Program {
        let config = [OsStr::new("--config"), self.config.as_os_str()];
        let arguments = arguments.iter().copied().map(OsStr::new).chain(config);
        let supervisor = self.scratch.path().join("supervisor");
        let environment = [
            ("LD_LIBRARY_PATH", self.libraries.as_os_str()),
            ("BAIZE_FAKE_CUDA", OsStr::new(faults)),
            ("BAIZE_FAKE_NVML", OsStr::new("hot")),
            ("NOTIFY_SOCKET", supervisor.as_os_str()),
        ];
        Program::start_in(arguments, &environment)
    }

    fn restarts(&self) -> usize {
        let noted = std::fs::read_to_string(self.scratch.path().join("engines/gpu-restarts"));
        noted.map_or(0, |noted| noted.lines().count())
    }
}

/// Waits until health says so of the GPU, and which detector serves then.
fn wait_for_gpu(subscriber: &Subscriber, state: &str) -> String {
    let health = wait_for_health(subscriber, state, |health| health["gpu"]["state"] == state);
    health["detector"].as_str().expect("a text").to_owned()
}

/// Waits until health is so.
fn wait_for_health(subscriber: &Subscriber, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let message = subscriber.wait_for(Topic::Health, what, |message| is(&message.json()));
    message.json()
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
        said.contains("the CPU serves until the GPU's engines are built"),
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
    let second = machine.start("stuck-at=80");
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

    let mut program = machine.start("stuck-at=80");
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
fn health_tells_how_the_gpu_is_that_serves_and_doctor_finds_it_good() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::with_a_gpu(&broker.url(), "tensorrt") else {
        return;
    };
    let appliance = machine.start("");
    let health = wait_for_health(&subscriber, "times and sensors of the GPU", |health| {
        health["gpu"]["times"]["work"]["p50_us"].as_u64() > Some(0) && health["gpu"]["temperature_c"] == 91.0
    });
    assert_eq!(health["reader"], "tensorrt");
    let gpu = &health["gpu"];
    assert!(gpu["times"]["queue"]["p50_us"].is_u64(), "{gpu}");
    assert_eq!(gpu["slowed_down_by"], serde_json::json!(["heat"]));
    let bytes = |key: &str| gpu["memory_bytes"][key].as_u64().expect("a number of bytes");
    assert!(bytes("used") > 0, "{gpu}");
    assert_eq!(bytes("used") + bytes("free"), bytes("total"));
    drop(appliance);

    let report = machine.command(&["doctor", "--json"], "").finish().json();
    let about = |subject: &str| {
        let findings = report[0]["findings"].as_array().expect("findings");
        let finding = findings
            .iter()
            .find(|finding| finding["subject"] == subject)
            .expect(subject);
        format!(
            "{}: {}",
            finding["verdict"].as_str().expect("a verdict"),
            finding["found"].as_str().expect("a text")
        )
    };
    assert_eq!(
        about("gpu"),
        "good: a GPU that is not there, sm_87, with a driver for CUDA 12.6"
    );
    assert_eq!(about("tensorrt"), "good: version 10.3.0");
    let engine = about("engine");
    assert!(
        engine.starts_with("good: that of spots, in ") && engine.ends_with("and the reader's"),
        "{engine}"
    );
    assert_eq!(about("detector"), "good: spots on tensorrt");
}

#[test]
fn a_reader_whose_engine_cannot_be_built_stays_on_the_cpu_and_the_detector_is_on_the_gpu_all_the_same() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::with_a_gpu(&broker.url(), "auto") else {
        return;
    };
    machine.install(&trtexec_without_reader());
    let first = machine.start("");
    let health = wait_for_health(&subscriber, "the GPU to serve", |health| {
        health["gpu"]["state"] == "serves"
    });
    assert_eq!(health["detector"], "spots on tensorrt");
    let reader = health["reader"].as_str().expect("an engine");
    assert!(["rten", "onnxruntime"].contains(&reader), "{reader}");
    let said = first.err().join("\n");
    assert!(
        said.contains("numbers and colours are read on the CPU") && said.contains("no kernel for this"),
        "{said}"
    );
    drop(first);

    // Its next try comes minutes later; until then no start waits for it.
    subscriber.forget();
    let second = machine.start("");
    assert_eq!(wait_for_gpu(&subscriber, "serves"), "spots on tensorrt");
    let said = second.err().join("\n");
    assert!(!said.contains("the CPU serves until"), "{said}");
}

#[test]
fn a_trtexec_that_is_installed_later_is_found() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::with_a_gpu(&broker.url(), "auto") else {
        return;
    };
    std::fs::remove_file(&machine.trtexec).expect("the file is ours");
    let appliance = machine.start("");
    let health = wait_for_health(&subscriber, "the reason", |health| {
        health["gpu"]["state"] == "not used"
    });
    let why = health["gpu"]["why"].as_str().expect("a reason");
    assert!(why.contains("no trtexec to build the engine with"), "{why}");
    machine.install(&trtexec());
    assert_eq!(wait_for_gpu(&subscriber, "serves"), "spots on tensorrt");
    let said = appliance.err();
    let complaints = said.iter().filter(|line| line.contains("no trtexec")).count();
    assert_eq!(complaints, 1, "{said:#?}");
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
    let config = std::fs::read_to_string(&machine.config).expect("the file is ours");
    let nowhere = config.replace("libnvinfer.so.10'", "nowhere.so.10'");
    std::fs::write(&machine.config, nowhere).expect("the file is ours");
    machine
        .start("")
        .finish()
        .refused_with(&["nowhere.so.10", "detector.backend"]);
}

#[test]
fn a_configuration_that_demands_the_gpu_ends_where_there_is_no_driver_in_the_loaders_words() {
    let Some(machine) = Machine::without_a_driver("mqtt://127.0.0.1:1", "tensorrt") else {
        return;
    };
    machine.start("").finish().refused_with(&[
        "no NVIDIA driver on this machine",
        "libcuda.so.1: file too short",
        "detector.backend",
    ]);
}

#[test]
fn where_the_gpu_is_not_demanded_one_line_says_why_the_cpu_serves() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let Some(machine) = Machine::without_a_driver(&broker.url(), "auto") else {
        return;
    };
    let appliance = machine.start("");
    let health = wait_for_health(&subscriber, "a CPU that serves", |health| {
        health["gpu"]["state"] == "not used" && health["frames"]["processed"].as_u64() > Some(0)
    });
    let why = health["gpu"]["why"].as_str().expect("a reason");
    assert!(why.contains("libcuda.so.1: file too short"), "{why}");
    assert_eq!(health["gpu"]["times"], Value::Null);
    let said = appliance.err();
    let lines: Vec<_> = said.iter().filter(|line| line.contains("libcuda")).collect();
    assert_eq!(lines.len(), 1, "{said:#?}");
    assert!(
        lines[0].contains("the detector runs on the CPU: no NVIDIA driver"),
        "{lines:?}"
    );
}
