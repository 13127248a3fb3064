//! What is missing, cut off, of the wrong kind, or noise: one clear sentence, and nothing panics. [`Finished`] checks the
//! latter for every process.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use baize_simulated_table::Random;
use baize_table_state::Topic;
use baize_tests::{
    Appliance, CALIBRATIONS, Finished, Mosquitto, Program, Scratch, Subscriber, TABLE, pictures, run, wait,
};
use serde_json::{Value, json};

const SOURCE: &str = "sim:size=640x384,fps=10,balls=9";

fn text(path: &Path) -> &str {
    path.to_str().expect("the temporary folder's name is text")
}

fn baize(args: &[&str]) -> Finished {
    run(args)
}

fn picture(scratch: &Scratch) -> PathBuf {
    pictures::record(scratch.path(), pictures::scene(1, 5), (320, 180), 1).remove(0)
}

fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::new(seed, 0);
    (0..bytes).map(|_| random.range(0.0, 256.0) as u8).collect()
}

/// Every command that reads pictures, on one that it cannot.
fn refused_as_picture(file: &Path, parts: &[&str]) {
    let mut parts = parts.to_vec();
    parts.push(
        file.file_name()
            .and_then(|name| name.to_str())
            .expect("it has a name"),
    );
    for command in ["detect", "replay", "calibrate"] {
        baize(&[command, text(file)]).refused_with(&parts);
    }
}

#[test]
fn a_picture_that_is_missing_cut_off_or_no_picture_is_named() {
    let scratch = Scratch::new();
    refused_as_picture(&scratch.path().join("missing.png"), &["No such file"]);
    let whole = std::fs::read(picture(&scratch)).expect("it was just written");
    refused_as_picture(&scratch.write("cut.png", &whole[..whole.len() / 2]), &[]);
    refused_as_picture(&scratch.write("empty.png", ""), &[]);
    refused_as_picture(&scratch.write("text.jpg", "no picture"), &[]);
    refused_as_picture(&scratch.write("noise.png", noise(1, 4096)), &[]);
    let mut lying = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    lying.extend_from_slice(&[
        0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 8, 2, 0, 0, 0, 0, 0, 0, 0,
    ]);
    refused_as_picture(&scratch.write("enormous.png", lying), &[]);
}

#[test]
fn one_bad_picture_in_a_folder_does_not_hide_the_others() {
    let scratch = Scratch::new();
    pictures::record(scratch.path(), pictures::scene(1, 5), (320, 180), 2);
    scratch.write("0000a.png", "no picture");
    let finished = baize(&["detect", text(scratch.path()), "--json"]);
    finished.refused_with(&["0000a.png", "1 of 3"]);
    assert_eq!(finished.json().len(), 2);
}

#[test]
fn a_folder_without_pictures_is_said_to_have_none() {
    let scratch = Scratch::new();
    scratch.write("notes.txt", "no picture");
    for command in ["detect", "replay"] {
        baize(&[command, text(scratch.path())]).refused_with(&["no PNG and no JPEG"]);
    }
}

#[test]
fn a_clip_that_is_none_or_cut_off_is_refused() {
    let scratch = Scratch::new();
    for (name, bytes) in [
        ("text.mp4", b"no clip".to_vec()),
        ("noise.mp4", noise(2, 50_000)),
        ("empty.mp4", Vec::new()),
    ] {
        let file = scratch.write(name, bytes);
        baize(&["replay", text(&file)]).refused_with(&[name]);
        baize(&["run", "--source", text(&file), "--table", "t"]).refused_with(&[name]);
    }
    baize(&["replay", text(&scratch.path().join("missing.mp4"))])
        .refused_with(&["missing.mp4", "No such file"]);
}

#[test]
fn a_configuration_with_a_mistake_names_it_and_what_would_be_right() {
    let scratch = Scratch::new();
    for (lines, parts) in [
        ("[camera]\nwidht = 1280\n", &["camera.widht", "camera.width"][..]),
        ("[brocker]\nurl = \"mqtt://h\"\n", &["brocker", "did you mean"]),
        ("[table]\nsize = \"nine feet\"\n", &["table.size", "9ft"]),
        ("[table]\nname = \"a/b\"\n", &["table.name", "'/'"]),
        ("[camera]\nfps = \"many\"\n", &["fps", "line 2"]),
        ("[camera]\nfps = 0\n", &["camera.fps", "1 and 500"]),
        ("[camera]\npower_line_hz = 55\n", &["camera.power_line_hz", "50"]),
        (
            "[realtime]\ncapture_core = -7\n",
            &["realtime.capture_core", "-1"],
        ),
        (
            "[broker]\npassword_file = \"/nowhere\"\n",
            &["broker.password_file", "broker.user"],
        ),
        ("[camera\n", &["line 1"]),
        (
            "[calibration]\ncorners_px = [[1.0, 2.0]]\n",
            &["calibration.corners_px", "four"],
        ),
    ] {
        let file = scratch.write("baize.toml", lines);
        baize(&["run", "--config", text(&file), "--source", "sim:"]).refused_with(parts);
    }
    let noise = scratch.write("noise.toml", noise(3, 2000));
    baize(&["run", "--config", text(&noise)]).refused_with(&["noise.toml"]);
    let missing = scratch.path().join("missing.toml");
    baize(&["run", "--config", text(&missing)]).refused_with(&["missing.toml", "No such file"]);
}

#[test]
fn what_is_no_source_no_broker_no_table_and_no_engine_is_refused_with_what_would_be() {
    let scratch = Scratch::new();
    let file = picture(&scratch);
    baize(&["run", "--source", "sim:sed=3", "--table", "t"]).refused_with(&["sed=3", "seed=N"]);
    baize(&["run", "--source", "", "--table", "t"]).refused_with(&["sim:"]);
    baize(&["run", "--source", "sim:", "--broker", "http://h", "--table", "t"])
        .refused_with(&["http://h", "mqtt://HOST:PORT"]);
    baize(&["run", "--source", "sim:", "--table", "a b"]).refused_with(&["a b", "' '"]);
    baize(&["bench", "--source", "sim:balls=99"]).refused_with(&["balls=99", "22"]);
    baize(&["watch", "--broker", "nowhere"]).refused_with(&["nowhere", "mqtt://HOST:PORT"]);
    baize(&["watch", "--table", "#"]).refused_with(&["'#'"]);
    baize(&["calibrate", text(&file), "--table", "huge"]).refused_with(&["9ft"]);
    baize(&["calibrate", text(&file), "--corners", "1,2", "3,4", "5,6", "x"]).refused_with(&["--corners"]);
    baize(&["calibrate", text(&file), "--fov", "500"]).refused_with(&["--fov", "170"]);
    baize(&["calibrations", "--folder", "/nowhere", "list"]).refused_with(&["/nowhere", "No such file"]);
    baize(&["replay", text(&file), "--table", "0x0"]).refused_with(&["cushion noses"]);
    baize(&["detect", text(&file), "--backend", "rtne"]).refused_with(&["rtne", "rten"]);
    baize(&[
        "detect",
        text(&file),
        "--backend",
        "rten",
        "--draw",
        "/proc/nowhere",
    ])
    .refused_with(&["/proc/nowhere"]);
}

#[test]
fn a_file_that_is_no_lens_of_these_pictures_is_refused_by_name() {
    let scratch = Scratch::new();
    let file = picture(&scratch);
    for content in ["", "{", "[]", r#"{"width_px": 10}"#, r#"{"fx": "wide"}"#] {
        let lens = scratch.write("lens.json", content);
        baize(&["calibrate", text(&file), "--lens", text(&lens)]).refused_with(&["lens.json"]);
    }
    baize(&["calibrate", text(&file), "--lens", "/dev/zero"]).refused_with(&["too large for a lens"]);
    let of_another_camera = r#"{"width_px": 99, "height_px": 99, "fx": 90, "fy": 90, "cx": 49, "cy": 49,
        "k1": 0, "k2": 0, "p1": 0, "p2": 0, "k3": 0}"#;
    let lens = scratch.write("lens.json", of_another_camera);
    baize(&["calibrate", text(&file), "--lens", text(&lens)]).refused_with(&["another size"]);
}

#[test]
fn pictures_without_a_checkerboard_make_no_lens_and_a_lens_that_is_not_there_is_named() {
    let scratch = Scratch::new();
    let file = picture(&scratch);
    let lens = scratch.path().join("lens.json");
    baize(&["lens", text(&file), "--output", text(&lens)]).refused_with(&["0 pictures", "6 are needed"]);
    assert!(!lens.exists());
    let config = scratch.write("baize.toml", "[camera]\nlens = '/proc/nowhere'\n");
    baize(&["replay", text(&file), "--config", text(&config)]).refused_with(&["/proc/nowhere"]);
}

#[test]
fn a_picture_without_a_table_is_no_calibration() {
    let scratch = Scratch::new();
    let file = scratch.path().join("grey.png");
    pictures::write_png(&file, &vec![120; 640 * 360 * 3], (640, 360));
    let output = scratch.path().join("calibration.json");
    let finished = baize(&["calibrate", text(&file), "--json", "--output", text(&output)]);
    finished.refused_with(&["refused"]);
    let result = &finished.json()[0];
    assert_eq!(result["accepted"], false);
    assert!(
        result["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
        "{result}"
    );
    assert!(!output.exists(), "a refused calibration is not written");
}

#[test]
fn a_calibration_file_that_cannot_be_used_is_refused_by_replay_and_survived_by_the_appliance() {
    let scratch = Scratch::new();
    let file = picture(&scratch);
    for content in [
        "",
        "{",
        "[]",
        r#"{"format": 2}"#,
        r#"{"format": 999, "calibration": {}}"#,
    ] {
        let calibration = scratch.write("bad.json", content);
        baize(&["replay", text(&file), "--calibration", text(&calibration)])
            .refused_with(&["bad.json", "baize calibrate"]);
    }
    let missing = scratch.path().join("missing.json");
    baize(&["replay", text(&file), "--calibration", text(&missing)]).refused_with(&["missing.json"]);

    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let folder = scratch.path().join(CALIBRATIONS);
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    std::fs::write(folder.join("slot-3"), noise(4, 1000)).expect("a folder of our own");
    let appliance = Appliance::start_with(scratch, SOURCE, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    assert!(
        appliance.program.err().join("\n").contains("slot-3"),
        "{:#?}",
        appliance.program.err()
    );
}

/// The model that is inside the program, changed in its folder.
fn refused_as_model(change: impl Fn(&Path, &mut Value), parts: &[&str]) {
    let scratch = Scratch::new();
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/nano");
    for file in ["baize-nano.onnx", "baize-nano.json"] {
        std::fs::copy(original.join(file), scratch.path().join(file))
            .expect("the model is in the repository");
    }
    let file = scratch.path().join("baize-nano.json");
    let text_before = std::fs::read_to_string(&file).expect("it was just copied");
    let mut manifest: Value = serde_json::from_str(&text_before).expect("it is JSON");
    change(scratch.path(), &mut manifest);
    if file.exists() && !manifest.is_null() {
        scratch.write("baize-nano.json", manifest.to_string());
    }
    let pictures = Scratch::new();
    let picture = picture(&pictures);
    for backend in ["rten", "auto"] {
        baize(&[
            "detect",
            text(&picture),
            "--model",
            text(scratch.path()),
            "--backend",
            backend,
        ])
        .refused_with(parts);
    }
}

#[test]
fn a_model_that_is_not_what_its_manifest_says_is_refused_with_the_difference() {
    refused_as_model(
        |folder, _| {
            let file = folder.join("baize-nano.onnx");
            let bytes = std::fs::read(&file).expect("it was just copied");
            std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("the folder can be written");
        },
        &["baize-nano.onnx", "SHA-256"],
    );
    refused_as_model(
        |_, manifest| manifest["sha256"] = json!("00".repeat(32)),
        &["SHA-256"],
    );
    refused_as_model(
        |_, manifest| manifest["input"]["width"] = json!(320),
        &["320", "640"],
    );
    refused_as_model(
        |_, manifest| manifest["input"]["name"] = json!("pixels"),
        &["pixels", "image"],
    );
    refused_as_model(
        |_, manifest| manifest["outputs"]["cues"]["name"] = json!("sticks"),
        &["sticks"],
    );
    refused_as_model(|_, manifest| manifest["format"] = json!(2), &["format"]);
    refused_as_model(
        |_, manifest| *manifest = json!("no manifest"),
        &["baize-nano.json"],
    );
    refused_as_model(
        |folder, manifest| {
            std::fs::remove_file(folder.join("baize-nano.json")).expect("it is there");
            *manifest = Value::Null;
        },
        &["manifest"],
    );
}

#[test]
fn a_broker_that_speaks_garbage_or_nothing_does_not_disturb_the_table() {
    for words in [
        noise(5, 300),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0x20, 0x02, 0x00, 0xFF],
        vec![0xFF; 9],
    ] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let speaker = words.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(&speaker);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let mut appliance = Appliance::start(SOURCE, &format!("mqtt://127.0.0.1:{port}"));
        wait::until("a word about the broker", || {
            appliance
                .program
                .err()
                .iter()
                .any(|line| line.contains("trying again"))
                .then_some(())
        });
        std::thread::sleep(Duration::from_secs(1));
        assert!(
            appliance.program.is_running(),
            "{words:?}: {:#?}",
            appliance.program.err()
        );
        appliance.program.signal("TERM");
        assert_eq!(appliance.program.finish().status.code(), Some(0));
    }
}

#[test]
fn noise_on_the_command_topic_is_refused_and_the_table_goes_on() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let command = format!("baize/{TABLE}/cmd/recalibrate");
    for seed in 0..20 {
        subscriber.publish(&command, false, noise(seed, seed as usize * 7));
    }
    // Deeper than any parser should go, and larger than any command.
    subscriber.publish(&command, false, "[".repeat(10_000));
    subscriber.publish(&command, false, noise(6, 50_000));
    subscriber.wait_for(Topic::RecalibrateResult, "a refusal", |message| {
        message.json()["accepted"] == false
    });
    subscriber.publish(
        &command,
        false,
        r#"{"id": "after the noise", "what": "projector"}"#,
    );
    subscriber.wait_for(Topic::RecalibrateResult, "an answer", |message| {
        message.json()["id"] == "after the noise"
    });
    subscriber.forget();
    let health = subscriber.wait_for(Topic::Health, "health", |message| {
        message.json()["connections"] != 0
    });
    assert_eq!(
        health.json()["connections"],
        1,
        "noise is no reason to lose the link"
    );
    appliance.program.signal("TERM");
    assert_eq!(appliance.program.finish().status.code(), Some(0));
}

#[test]
fn a_command_too_large_to_receive_does_not_keep_the_table_from_its_broker() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    // Kept by the broker: it comes again with every connection.
    subscriber.publish(&format!("baize/{TABLE}/cmd/recalibrate"), true, noise(7, 200_000));
    std::thread::sleep(Duration::from_secs(2));
    let begin = baize_realtime::clock::monotonic_us();
    wait::until("a second of states", || {
        let states = subscriber.on(Topic::State);
        let fresh = states.iter().filter(|message| message.arrival_us > begin).count();
        (fresh >= 10).then_some(())
    });
    let status = subscriber.on(Topic::Status);
    assert_eq!(
        status.last().map(|message| message.text().to_string()).as_deref(),
        Some("online")
    );
}

#[test]
fn watch_says_once_what_it_cannot_read_and_goes_on() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let mut watch = Program::start(["watch", "--broker", &broker.url(), "--table", "noise", "--json"]);
    // Retained, so that it does not matter which comes first.
    for (seed, topic) in [
        "v1/state",
        "v1/event",
        "v1/calibration",
        "v1/snapshot",
        "status",
        "status/camera",
    ]
    .iter()
    .enumerate()
    {
        subscriber.publish(&format!("baize/noise/{topic}"), true, noise(seed as u64, 64));
    }
    wait::until("a word about the noise", || {
        watch
            .err()
            .iter()
            .any(|line| line.contains("v1/state") && line.contains("schema key"))
            .then_some(())
    });
    for seed in 0..30 {
        subscriber.publish("baize/noise/v1/state", false, noise(seed, seed as usize));
    }
    subscriber.publish("baize/noise/status", true, "online");
    wait::until("what can be read", || {
        watch
            .out()
            .iter()
            .any(|line| line.contains(r#""status":"online""#))
            .then_some(())
    });
    assert!(watch.is_running());
    let said = watch
        .err()
        .iter()
        .filter(|line| line.contains("v1/calibration"))
        .count();
    assert_eq!(said, 1, "{:#?}", watch.err());
    watch.signal("KILL");
    assert!(
        watch
            .finish()
            .out
            .iter()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
}
