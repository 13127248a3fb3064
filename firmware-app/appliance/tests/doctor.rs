//! `baize doctor`, the program itself, on configurations of which something is missing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use baize::calibration_file::{Fit, Method, StoredCalibration};
use baize::calibration_store::CalibrationStore;
use baize_table_vision::geometry::{Calibration, TableSize};
use serde_json::Value;

/// An empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("doctor").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder of the test's own");
    folder
}

/// A broker that answers every connection with these bytes; its URL.
fn broker(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("mqtt://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            std::thread::spawn(move || {
                let mut bytes = [0; 1024];
                // Reads until the client goes.
                while let Ok(1..) = stream.read(&mut bytes) {
                    let _ = stream.write_all(answer);
                }
            });
        }
    });
    url
}

/// A CONNACK that accepts, and one for a wrong user name or password.
const ACCEPTED: &[u8] = &[0x20, 2, 0, 0];
const BAD_PASSWORD: &[u8] = &[0x20, 2, 0, 4];

/// A configuration with nothing missing but what `changes` replaces.
fn config(folder: &Path, broker: &str, changes: &[(&str, &str)]) -> PathBuf {
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../hal/accelerator/tests/fixtures/spots"
    );
    let mut text = format!(
        "[camera]\nsource = 'sim:prerendered=1'\nwidth = 640\nheight = 480\n\
         [detector]\nbackend = 'rten'\nmodel = '{model}'\n\
         [calibration]\nfolder = '{}'\n\
         [realtime]\nenabled = false\nlock_memory = false\n\
         [broker]\nurl = '{broker}'\n",
        folder.join("calibration").display()
    );
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let file = folder.join("baize.toml");
    fs::write(&file, text).expect("the configuration");
    file
}

fn doctor(config: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baize"))
        .args(["doctor", "--config"])
        .arg(config)
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// What it says of everything, and whether it can serve.
fn examined(config: &Path) -> (Vec<Value>, bool) {
    let output = doctor(config, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let can_serve = report["can_serve"].as_bool().expect("a verdict");
    assert_eq!(output.status.code(), Some(if can_serve { 0 } else { 1 }));
    (
        report["findings"].as_array().expect("findings").clone(),
        can_serve,
    )
}

/// The finding about one thing, as `verdict: found`.
fn about(findings: &[Value], subject: &str) -> String {
    let finding = findings.iter().find(|finding| finding["subject"] == subject);
    let finding = finding.unwrap_or_else(|| panic!("nothing about {subject}: {findings:?}"));
    let text = |key: &str| finding[key].as_str().expect("a text").to_owned();
    format!("{}: {}", text("verdict"), text("found"))
}

#[test]
fn a_machine_that_has_everything_can_serve() {
    let folder = folder("everything");
    let (findings, can_serve) = examined(&config(&folder, &broker(ACCEPTED), &[]));
    assert!(can_serve, "{findings:?}");
    for (subject, found) in [
        ("camera", "good: "),
        ("detector", "good: spots on rten"),
        ("broker", "lets us in"),
        ("button", "does_without: none configured"),
        ("led", "does_without: none configured"),
        ("clock", "good: set"),
        ("calibration", "good: none yet"),
        ("scheduling", "good: ordinary, as configured"),
        ("memory", "good: not locked, as configured"),
    ] {
        let about = about(&findings, subject);
        assert!(about.contains(found), "{about}");
    }
    assert!(!folder.join("calibration").exists(), "it only looks");
}

#[test]
fn each_thing_that_is_asked_for_and_missing_is_named_with_its_reason() {
    let folder = folder("missing");
    let accepted = broker(ACCEPTED);
    for (old, new, subject, expected) in [
        (
            "sim:prerendered=1",
            "v4l2:/dev/video-nowhere",
            "camera",
            "/dev/video-nowhere",
        ),
        (
            "sim:prerendered=1",
            "/nowhere/clip.mp4",
            "camera",
            "/nowhere/clip.mp4",
        ),
        ("sim:prerendered=1", "sim:unplug_after=0", "camera", ""),
        (
            "fixtures/spots",
            "fixtures/wrong-output",
            "detector",
            "output `cues` is f32",
        ),
        (
            "fixtures/spots",
            "fixtures/nothing",
            "detector",
            "fixtures/nothing",
        ),
        (
            "[detector]",
            "lens = '/nowhere/lens.json'\n[detector]",
            "calibration",
            "/nowhere/lens.json",
        ),
        (
            "[realtime]",
            "[board]\nbutton_line = 'no-such-line'\n[realtime]",
            "button",
            "no-such-line",
        ),
        (
            "[realtime]",
            "[board]\nled_line = 'no-such-line'\n[realtime]",
            "led",
            "no-such-line",
        ),
        (
            "[broker]",
            "[broker]\nca_file = '/nowhere/ca.pem'",
            "broker",
            "certificates are configured",
        ),
    ] {
        let (findings, can_serve) = examined(&config(&folder, &accepted, &[(old, new)]));
        let about = about(&findings, subject);
        assert!(
            !can_serve && about.starts_with("missing: ") && about.contains(expected),
            "{new}: {about}"
        );
        let others = findings
            .iter()
            .filter(|finding| finding["verdict"] == "missing")
            .count();
        assert_eq!(others, 1, "{new}: {findings:?}");
    }
}

#[test]
fn a_broker_that_is_absent_or_lets_nobody_in_is_told_apart() {
    let folder = folder("brokers");
    let (findings, _) = examined(&config(&folder, &broker(BAD_PASSWORD), &[]));
    let refused = about(&findings, "broker");
    assert!(
        refused.contains("missing: ") && refused.contains("BadUserNamePassword"),
        "{refused}"
    );

    // Nobody listens on a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("its address")
        .port();
    let (findings, can_serve) = examined(&config(&folder, &format!("mqtt://127.0.0.1:{port}"), &[]));
    let absent = about(&findings, "broker");
    assert!(!can_serve && absent.contains("refused"), "{absent}");
}

#[test]
fn a_damaged_calibration_is_told_and_does_not_keep_the_machine_from_serving() {
    let folder = folder("damaged");
    fs::create_dir(folder.join("calibration")).expect("the folder of calibrations");
    fs::write(
        folder.join("calibration/slot-3"),
        b"baize-calibration 3 00000000\nnull\n",
    )
    .expect("a slot");
    let (findings, can_serve) = examined(&config(&folder, &broker(ACCEPTED), &[]));
    let about = about(&findings, "calibration");
    assert!(
        can_serve && about.starts_with("does_without: ") && about.contains("slot-3"),
        "{about}"
    );
}

#[test]
fn a_calibration_of_another_table_is_told_as_one_that_is_not_used() {
    let folder = folder("misfit");
    let stored = StoredCalibration::new(
        Calibration::seen_from_above(TableSize::FT8, 57.15),
        Method::Automatic,
        Fit::of(&[]),
        [None; 4],
    );
    CalibrationStore::at(&folder.join("calibration"))
        .keep(Some(&stored))
        .expect("a folder of the test's own");
    let (findings, can_serve) = examined(&config(&folder, &broker(ACCEPTED), &[]));
    let about = about(&findings, "calibration");
    assert!(
        can_serve && about.starts_with("does_without: ") && about.contains("table.size"),
        "{about}"
    );
}

#[test]
fn a_folder_of_calibrations_that_is_a_file_is_missing() {
    let folder = folder("no-folder");
    fs::write(folder.join("calibration"), b"").expect("a file in its place");
    let (findings, can_serve) = examined(&config(&folder, &broker(ACCEPTED), &[]));
    assert!(!can_serve);
    assert!(
        about(&findings, "calibration").contains("cannot be written to"),
        "{findings:?}"
    );
}

#[test]
fn a_person_gets_a_line_for_each_thing_and_a_sentence_about_what_is_missing() {
    let folder = folder("person");
    let changes = [("sim:prerendered=1", "/nowhere/clip.mp4")];
    let output = doctor(&config(&folder, &broker(ACCEPTED), &changes), &[]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with("NO  camera       /nowhere/clip.mp4"), "{said}");
    assert!(said.contains("\nok  detector     spots on rten\n"), "{said}");
    assert!(said.contains("\n--  button       none configured\n"), "{said}");
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(
        error.ends_with("cannot serve as configured, for lack of: camera\n"),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_gpu_is_asked_for_by_tensorrt_and_by_nothing_else() {
    let folder = folder("gpu");
    let accepted = broker(ACCEPTED);
    let nowhere = "[detector]\ntensorrt = '/nowhere/libnvinfer.so.10'";
    let (findings, can_serve) = examined(&config(&folder, &accepted, &[("[detector]", nowhere)]));
    assert!(can_serve, "{findings:?}");
    let found = about(&findings, "tensorrt");
    assert!(
        found.starts_with("does_without: ") && found.contains("/nowhere/libnvinfer.so.10"),
        "{found}"
    );

    let changes = [("[detector]", nowhere), ("'rten'", "'tensorrt'")];
    let (findings, can_serve) = examined(&config(&folder, &accepted, &changes));
    assert!(!can_serve);
    for subject in ["tensorrt", "engine", "detector"] {
        let found = about(&findings, subject);
        assert!(found.starts_with("missing: "), "{found}");
    }
}
