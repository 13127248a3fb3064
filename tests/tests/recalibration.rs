//! Calibrating while the table is being watched: on demand, by itself, and the projector with its controller.

use std::path::Path;

use baize::calibration_file::{Fit, Method, StoredCalibration};
use baize::calibration_store::CalibrationStore;
use baize_table_state::{Calibration, CalibrationValidity, Flags, Topic, decode};
use baize_table_vision::geometry::{self, TableSize};
use baize_tests::{
    Appliance, CALIBRATIONS, Controller, Manner, Message, Mosquitto, Scratch, Subscriber, TABLE, pictures,
    run, wait,
};
use serde_json::{Value, json};

const SOURCE: &str = "sim:size=1280x720,fps=5,balls=9,still";

fn ask(subscriber: &Subscriber, id: &str, what: &str) {
    let request = json!({"id": id, "what": what}).to_string();
    subscriber.publish(&format!("baize/{TABLE}/cmd/recalibrate"), false, request);
}

fn answer(subscriber: &Subscriber, id: &str) -> Value {
    let is_it = |message: &Message| message.json()["id"] == id;
    subscriber
        .wait_for(Topic::RecalibrateResult, &format!("the answer to {id}"), is_it)
        .json()
}

fn calibration(message: &Message) -> Option<Calibration> {
    Some(decode::<Calibration>(&message.payload).ok()?.message)
}

/// No pipeline thread has allocated anything, so far.
fn assert_nothing_was_allocated(subscriber: &Subscriber) {
    subscriber.forget();
    let health = subscriber.wait_for(Topic::Health, "health", |_| true).json();
    for role in ["capture", "detect", "table", "encode"] {
        assert_eq!(health["allocations_after_sealing"][role], 0, "{role}: {health}");
    }
}

fn calibrations(folder: &Path, args: &[&str]) -> baize_tests::Finished {
    let folder = folder.to_str().expect("text");
    run([&["calibrations", "--folder", folder], args].concat())
}

#[test]
fn a_table_is_calibrated_again_while_it_is_watched_and_each_stage_is_told() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_calibration();
    ask(&subscriber, "again", "table");
    assert_eq!(answer(&subscriber, "again")["accepted"], true);
    let told = subscriber.on(Topic::RecalibrateProgress);
    let stages: Vec<(Value, Value)> = told
        .iter()
        .map(Message::json)
        .filter(|progress| progress["id"] == "again")
        .map(|progress| (progress["stage"].clone(), progress["done"].clone()))
        .collect();
    assert_eq!(
        stages.first(),
        Some(&(json!("collecting"), json!(0))),
        "{stages:?}"
    );
    assert_eq!(stages.last(), Some(&(json!("solving"), json!(5))), "{stages:?}");
    assert_nothing_was_allocated(&subscriber);
}

#[test]
fn live_calibration_shows_progress_and_result_and_fails_where_it_is_refused() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let scratch = Scratch::new();
    let folder = scratch.path().join(CALIBRATIONS);
    let appliance = Appliance::start_with(scratch, SOURCE, &broker.url(), "");
    subscriber.wait_for_calibration();
    let url = broker.url();
    let live =
        |more: &[&str]| run([&["calibrate", "--live", "--name", TABLE, "--broker", &url], more].concat());
    let lines = live(&["--json"]).succeeded().json();
    assert_eq!(lines[0]["stage"], "collecting", "{lines:?}");
    assert_eq!(lines.last().map(|line| &line["accepted"]), Some(&json!(true)));

    live(&["--what", "projector"]).refused_with(&["did not answer within 5 s"]);

    // Kept at commissioning, it is what is gone back to.
    let kept = wait::until("two calibrations", || {
        let kept = calibrations(&folder, &["list", "--json"]).succeeded().json();
        (kept.len() == 2).then_some(kept)
    });
    assert_eq!((&kept[0]["generation"], &kept[0]["id"]), (&json!(2), &json!(2)));
    let _ = calibrations(&folder, &["commission", "--generation", "1"]).succeeded();
    let _ = live(&["--what", "installation"]).succeeded();
    let kept = calibrations(&folder, &["list", "--json"]).succeeded().json();
    assert_eq!((&kept[0]["generation"], &kept[0]["id"]), (&json!(3), &json!(3)));
    assert_eq!(
        kept[0]["residual_mm"], kept[2]["residual_mm"],
        "the first one is back"
    );

    // An appliance of another folder takes an exported one over.
    let exported = folder.join("exported.json");
    let exported = exported.to_str().expect("text");
    let _ = calibrations(&folder, &["export", exported]).succeeded();
    let other = Scratch::new();
    let _ = calibrations(&other.path().join(CALIBRATIONS), &["import", exported]).succeeded();
    calibrations(
        &other.path().join(CALIBRATIONS),
        &["export", exported, "--generation", "9"],
    )
    .refused_with(&["no such calibration", "list"]);
    drop(appliance);
    subscriber.wait_for_text(Topic::Status, "offline");
    subscriber.forget();
    let _appliance = Appliance::start_with(other, SOURCE, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    let at_once = subscriber.wait_for(Topic::Calibration, "a calibration", |message| {
        !message.retained && !message.payload.is_empty()
    });
    let at_once = calibration(&at_once).expect("it can be decoded");
    assert_eq!(at_once.calibration_id, 1);
    assert!(
        at_once.points > 50 && at_once.residual_max_um > at_once.residual_um,
        "{at_once:?}"
    );
    run(["calibrate", "--live", "--name", "a b"]).refused_with(&["--name", "' '"]);
}

#[test]
fn a_worse_calibration_is_refused_with_its_residual_and_the_good_one_stays() {
    let Some(broker) = Mosquitto::start() else { return };
    let scratch = Scratch::new();
    let files = pictures::record(scratch.path(), pictures::scene(1, 9), (1280, 720), 1);
    let file = scratch.path().join("made.json");
    let [picture, output] = [&files[0], &file].map(|path| path.to_str().expect("text"));
    let _ = run(["calibrate", picture, "--output", output]).succeeded();
    // As if it had been far better.
    let text = std::fs::read_to_string(&file).expect("it was just written");
    let mut made: Value = serde_json::from_str(&text).expect("it is JSON");
    made["calibration"]["residual_mm"] = json!(0.0);
    std::fs::write(&file, made.to_string()).expect("a folder of our own");
    let folder = scratch.path().join(CALIBRATIONS);
    let _ = calibrations(&folder, &["import", output]).succeeded();

    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start_with(scratch, SOURCE, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    ask(&subscriber, "worse", "table");
    let verdict = answer(&subscriber, "worse");
    assert_eq!(
        (&verdict["accepted"], &verdict["calibration_id"]),
        (&json!(false), &json!(1))
    );
    assert!(
        verdict["residual_mm"].as_f64().is_some_and(|mm| mm > 0.5),
        "{verdict}"
    );
    let reason = verdict["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("worse than the current one"), "{verdict}");
}

#[test]
fn a_damaged_newest_calibration_falls_back_to_the_one_before_it_and_says_so() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_calibration();
    ask(&subscriber, "second", "table");
    let second = answer(&subscriber, "second");
    assert_eq!(second["calibration_id"], 2, "{second}");
    let newest = wait::until("the second to be kept", || {
        std::fs::read(appliance.calibrations().join("slot-2")).ok()
    });
    let scratch = Scratch::new();
    scratch.take_over(&appliance.calibrations());
    drop(appliance);
    let half = &newest[..newest.len() / 2];
    std::fs::write(scratch.path().join(CALIBRATIONS).join("slot-2"), half).expect("a folder of our own");
    subscriber.wait_for_text(Topic::Status, "offline");
    subscriber.forget();
    let appliance = Appliance::start_with(scratch, SOURCE, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    let used = subscriber.wait_for(Topic::Calibration, "a calibration", |message| {
        !message.retained && !message.payload.is_empty()
    });
    assert_eq!(
        calibration(&used).map(|calibration| calibration.calibration_id),
        Some(1)
    );
    let said = appliance.program.err().join("\n");
    assert!(said.contains("slot-2") && said.contains("checksum"), "{said}");
}

#[test]
fn a_camera_that_is_knocked_is_noticed_and_calibrated_anew() {
    // At thirty a second: long enough to be calibrated, and to be looked at three times.
    const BEFORE: usize = 600;
    const AFTER: usize = 1500;
    let Some(broker) = Mosquitto::start() else { return };
    let scratch = Scratch::new();
    let folder = scratch.path().join("pictures");
    let mut moved = pictures::scene(5, 9);
    moved.camera.position_mm[0] += 25.0;
    moved.camera.position_mm[1] += 15.0;
    for (scene, first, count) in [(pictures::scene(5, 9), 0, BEFORE), (moved, BEFORE, AFTER)] {
        let made = pictures::record(&scratch.path().join("one"), scene, (1280, 720), 1).remove(0);
        std::fs::create_dir_all(&folder).expect("a folder of our own");
        for number in first..first + count {
            std::fs::hard_link(&made, folder.join(format!("{number:04}.png"))).expect("a folder of our own");
        }
        std::fs::remove_file(made).expect("it is there");
    }
    let source = folder.to_str().expect("text").to_string();
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start_with(scratch, &source, &broker.url(), "");
    let first = subscriber.wait_for_calibration();
    let first_id = calibration(&first).expect("it is one").calibration_id;
    subscriber.wait_for(Topic::Health, "a watch that speaks against it", |message| {
        message.json()["calibration"]["watch"]["speaks_against"] == true
    });
    subscriber.wait_for(Topic::State, "a doubtful state", |message| {
        message.state().calibration_validity == CalibrationValidity::SUSPECT
    });
    let second = subscriber.wait_for(Topic::Calibration, "another calibration", |message| {
        calibration(message).is_some_and(|calibration| calibration.calibration_id > first_id)
    });
    assert!(second.arrival_us > first.arrival_us);
    subscriber.forget();
    subscriber.wait_for(Topic::State, "a state that is trusted again", |message| {
        message.state().calibration_validity == CalibrationValidity::VALID
    });
    let health = subscriber.wait_for(Topic::Health, "health", |_| true).json();
    assert_eq!(
        health["calibration"]["watch"]["speaks_against"], false,
        "{health}"
    );
}

#[test]
fn going_back_without_an_installation_leaves_the_table_uncalibrated() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_calibration();
    subscriber.forget();
    ask(&subscriber, "back", "installation");
    let verdict = answer(&subscriber, "back");
    assert_eq!(
        (&verdict["accepted"], &verdict["calibration_id"]),
        (&json!(true), &json!(0))
    );
    subscriber.wait_for(Topic::Calibration, "that there is none", |message| {
        message.payload.is_empty()
    });
    subscriber.forget();
    subscriber.wait_for(Topic::State, "an uncalibrated state", |message| {
        let state = message.state();
        state.flags.contains(Flags::UNCALIBRATED) && state.balls.is_empty()
    });
}

#[test]
fn an_installation_of_another_table_is_not_gone_back_to_and_the_calibration_in_use_stays() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let scratch = Scratch::new();
    let of_another = StoredCalibration::new(
        geometry::Calibration::seen_from_above(TableSize::FT8, 57.15),
        Method::Automatic,
        Fit::of(&[]),
        [None; 4],
    );
    CalibrationStore::at(&scratch.path().join(CALIBRATIONS))
        .commission(&of_another)
        .expect("a folder of ours");
    let _appliance = Appliance::start_with(scratch, SOURCE, &broker.url(), "");
    subscriber.wait_for_calibration();
    ask(&subscriber, "back", "installation");
    let verdict = answer(&subscriber, "back");
    assert_eq!(
        (&verdict["accepted"], &verdict["calibration_id"]),
        (&json!(false), &json!(1))
    );
    let reason = verdict["reason"].as_str().expect("a sentence");
    assert!(reason.contains("table.size"), "{reason}");
}

#[test]
fn a_projector_is_mapped_with_the_help_of_its_controller_and_refused_without() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let scratch = Scratch::new();
    let light = scratch.path().join("light");
    // Small, as the solver looks at nine pictures for each answer.
    let source = format!(
        "sim:size=960x540,fps=5,balls=9,still,projector={}",
        light.display()
    );
    let controller = Controller::start(broker.port(), &light);
    let _appliance = Appliance::start_with(scratch, &source, &broker.url(), "");
    subscriber.wait_for_calibration();

    let refused = |manner: Manner, id: &str, reason: &str| {
        controller.behave(manner);
        ask(&subscriber, id, "projector");
        let verdict = answer(&subscriber, id);
        assert_eq!(verdict["accepted"], false, "{manner:?}: {verdict}");
        let said = verdict["reason"].as_str().unwrap_or_default();
        let health = subscriber.on(Topic::Health).pop().map(|message| message.json());
        assert!(said.contains(reason), "{manner:?}: {verdict}; {health:?}");
    };
    refused(Manner::Silent, "silent", "did not answer within 5 s");
    refused(Manner::Fails, "fails", "the lamp is worn out");
    refused(Manner::SaysATinySize, "tiny", "320 to 16384 each way");
    refused(Manner::ShowsAnother, "another", "not the pattern asked for");

    controller.behave(Manner::Obeys);
    ask(&subscriber, "obeys", "projector");
    let verdict = answer(&subscriber, "obeys");
    assert_eq!(verdict["accepted"], true, "{verdict}");
    assert!(
        verdict["residual_mm"].as_f64().is_some_and(|mm| mm < 3.0),
        "{verdict}"
    );
    let with_projector = subscriber.wait_for(Topic::Calibration, "a mapping", |message| {
        calibration(message).is_some_and(|calibration| calibration.projector.is_some())
    });
    let mapping = calibration(&with_projector)
        .and_then(|calibration| calibration.projector)
        .expect("it is there");
    assert_eq!((mapping.width_px(), mapping.height_px()), (1280, 800));
    let last_request = subscriber.wait_for(Topic::PatternRequest, "the end", |message| {
        message.json()["kind"] == "end"
    });
    assert!(!last_request.retained);

    refused(Manner::IsBlocked, "blocked", "");
    subscriber.forget();
    // The last good one is kept: a table calibration does not lose it either.
    ask(&subscriber, "table", "table");
    assert_eq!(answer(&subscriber, "table")["accepted"], true);
    let kept = subscriber.wait_for_calibration();
    assert_eq!(
        calibration(&kept).and_then(|calibration| calibration.projector),
        Some(mapping)
    );
    assert_nothing_was_allocated(&subscriber);
}
