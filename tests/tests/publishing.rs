//! What a subscriber gets from `baize run`, with a real broker between them.

use std::time::Duration;

use baize_table_state::{Calibration, CalibrationValidity, Flags, Topic, decode};
use baize_tests::{Appliance, CALIBRATIONS, Message, Mosquitto, Scratch, Subscriber, TABLE, pictures, wait};
use serde_json::json;

const SOURCE: &str = "sim:size=640x384,fps=10,balls=9";

/// Topics up to the first `online`, in the order in which they came.
fn birth(heard: &[Message]) -> Vec<Topic> {
    let online = heard
        .iter()
        .position(|message| message.payload == b"online" && message.topic() == Topic::Status);
    let until_online = &heard[..=online.expect("it is online")];
    until_online.iter().map(Message::topic).collect()
}

#[test]
fn a_connection_begins_with_schema_calibration_camera_and_a_state_before_online() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    assert_eq!(
        birth(&subscriber.heard()),
        [
            Topic::Schema,
            Topic::Calibration,
            Topic::CameraStatus,
            Topic::State,
            Topic::Status
        ]
    );
    let none = &subscriber.on(Topic::Calibration)[0];
    assert!(none.payload.is_empty(), "there is none yet, and that is said");
}

#[test]
fn states_decode_and_grow_newer_and_snapshots_are_seldom() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let states = subscriber.wait_for_count(Topic::State, 40);
    for pair in states.windows(2) {
        let (earlier, later) = (pair[0].state(), pair[1].state());
        assert!(
            earlier.exposure_us <= later.exposure_us,
            "{earlier:?} came before {later:?}"
        );
        assert!(
            earlier.frame_id <= later.frame_id,
            "{earlier:?} came before {later:?}"
        );
    }
    for message in &states {
        assert!(
            message.state().exposure_us <= message.arrival_us,
            "nothing is seen before it happens"
        );
        assert_eq!((message.qos, message.retained), (0, false));
    }
    let snapshots = subscriber.on(Topic::Snapshot);
    let span_us = snapshots.last().expect("one came with the birth").arrival_us - snapshots[0].arrival_us;
    assert!(
        snapshots.len() as u64 <= span_us / 1_000_000 + 2,
        "snapshots are for late joiners, at most one a second: {} in {span_us} us",
        snapshots.len()
    );
}

#[test]
fn who_joins_late_finds_the_table_as_it_is() {
    let Some(broker) = Mosquitto::start() else { return };
    let early = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    early.wait_for_calibration();
    early.wait_for(Topic::Snapshot, "a snapshot with balls", |message| {
        !message.state().balls.is_empty()
    });
    early.wait_for(Topic::Health, "health", |_| true);

    let late = Subscriber::of(broker.port());
    late.wait_for(Topic::Health, "health", |message| message.retained);
    let kept: Vec<Message> = late
        .heard()
        .into_iter()
        .filter(|message| message.retained)
        .collect();
    let payload = |topic: Topic| {
        let mut on_topic = kept.iter().filter(|message| message.topic() == topic);
        on_topic
            .next()
            .unwrap_or_else(|| panic!("nothing was kept on {}", topic.suffix()))
            .clone()
    };
    assert_eq!(payload(Topic::Status).text(), "online");
    assert_eq!(payload(Topic::CameraStatus).text(), "online");
    assert!(!payload(Topic::Snapshot).state().balls.is_empty());
    assert!(payload(Topic::Schema).json().is_object());
    let calibration =
        decode::<Calibration>(&payload(Topic::Calibration).payload).expect("it is a calibration");
    assert_eq!(
        (
            calibration.message.length_tenth_mm,
            calibration.message.width_tenth_mm
        ),
        (25_400, 12_700),
        "the simulated table measures nine feet"
    );
    for topic in [Topic::State, Topic::Event, Topic::RecalibrateResult] {
        assert!(
            kept.iter().all(|message| message.topic() != topic),
            "{} was kept",
            topic.suffix()
        );
    }
}

#[test]
fn a_stop_says_stopped_and_nothing_after_it() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    appliance.program.signal("TERM");
    let finished = appliance.program.finish();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.said());
    subscriber.wait_for_text(Topic::Status, "stopped");
    // A last will after that would take the word back.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        subscriber
            .on(Topic::Status)
            .last()
            .expect("there were some")
            .text(),
        "stopped"
    );
}

#[test]
fn an_appliance_that_is_killed_is_offline() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    appliance.program.signal("KILL");
    subscriber.wait_for_text(Topic::Status, "offline");
    let late = Subscriber::of(broker.port());
    assert!(late.wait_for_text(Topic::Status, "offline").retained);
}

/// Most of the nine: how many exactly is a matter of the weights, which have tests of their own.
fn many_balls(message: &Message) -> bool {
    message.state().balls.len() >= 6
}

#[test]
fn the_table_is_found_without_help_and_found_again_after_a_restart() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let source = "sim:size=1280x720,fps=5,balls=9,still";
    let scratch = Scratch::new();
    let folder = scratch.path().to_path_buf();
    let first = Appliance::start_with(scratch, source, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    let begin = subscriber
        .on(Topic::State)
        .first()
        .expect("a state comes before `online`")
        .state();
    assert!(
        begin.flags.contains(Flags::UNCALIBRATED) && begin.balls.is_empty(),
        "{begin:?}"
    );
    let found = subscriber.wait_for(Topic::State, "balls", many_balls);
    assert!(!found.state().flags.contains(Flags::UNCALIBRATED));
    for ball in &found.state().balls {
        let (x, y) = (ball.position.x_mm(), ball.position.y_mm());
        assert!(
            (-30.0..2570.0).contains(&x) && (-30.0..1300.0).contains(&y),
            "{ball:?} is not on the bed"
        );
    }
    wait::until("the calibration to be kept", || {
        first.calibrations().join("slot-1").is_file().then_some(())
    });

    let copy = Scratch::new();
    copy.take_over(&folder.join(CALIBRATIONS));
    drop(first);
    subscriber.wait_for_text(Topic::Status, "offline");
    subscriber.forget();
    let _second = Appliance::start_with(copy, source, &broker.url(), "");
    subscriber.wait_for_text(Topic::Status, "online");
    assert_eq!(
        birth(&subscriber.heard()),
        [
            Topic::Schema,
            Topic::Calibration,
            Topic::CameraStatus,
            Topic::State,
            Topic::Status
        ]
    );
    subscriber.wait_for(Topic::State, "balls again", many_balls);
}

#[test]
fn while_the_camera_moves_balls_are_told_with_a_doubtful_calibration() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let scratch = Scratch::new();
    let folder = scratch.path().join("pictures");
    pictures::record_sliding(&folder, pictures::scene(5, 9), (1280, 720), 40, 2);
    let source = folder.to_str().expect("text").to_string();
    let appliance = Appliance::start_with(scratch, &source, &broker.url(), "");
    let state = subscriber.wait_for(Topic::State, "balls", many_balls).state();
    assert_eq!(state.calibration_validity, CalibrationValidity::SUSPECT);
    let result = subscriber
        .wait_for(Topic::RecalibrateResult, "a result", |_| true)
        .json();
    assert_eq!(result["accepted"], true, "{result}");
    assert!(
        result["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("positions may be off")),
        "{result}"
    );
    assert!(!appliance.calibrations().exists(), "not kept");
}

#[test]
fn the_publisher_sleeps_while_there_is_nothing_to_say() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let appliance = Appliance::start_with_a_small_model(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let ticks = || appliance.program.thread_ticks("baize-publish");
    let before = ticks();
    std::thread::sleep(Duration::from_secs(3));
    // A thread that turns for ever takes all it gets: some 300 of 300, a third of that on a busy machine.
    let used = ticks() - before;
    assert!(used < 60, "{used} ticks of 300");
}

#[test]
fn health_tells_how_the_pipeline_is() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    let health = subscriber.wait_for_count(Topic::Health, 4);
    let (early, late) = (health[0].json(), health[3].json());
    assert_eq!(early["boot_id"], late["boot_id"]);
    assert!(late["seq"].as_u64() > early["seq"].as_u64());
    assert!(late["frames"]["processed"].as_u64() > early["frames"]["processed"].as_u64());
    assert!(
        late["camera"]["frame_age_ms"]
            .as_u64()
            .is_some_and(|age_ms| age_ms < 5_000),
        "{late}"
    );
    for role in ["capture", "detect", "table", "encode"] {
        assert_eq!(
            late["allocations_after_sealing"][role],
            json!(0),
            "{role} allocated: {late}"
        );
    }
    assert!(late["locks"]["frames"]["longest_hold_us"].is_number(), "{late}");
}

#[test]
fn a_request_to_recalibrate_is_answered_under_its_id() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start("sim:size=1280x720,fps=5,balls=9,still", &broker.url());
    subscriber.wait_for_calibration();
    let command = format!("baize/{TABLE}/cmd/recalibrate");
    let answer = |id: serde_json::Value| {
        subscriber.wait_for(
            Topic::RecalibrateResult,
            &format!("the answer to {id}"),
            |message| message.json()["id"] == id,
        )
    };

    subscriber.publish(&command, false, r#"{"id": "again", "what": "table"}"#);
    let verdict = answer(json!("again")).json();
    assert_eq!(verdict["what"], "table");
    assert_eq!(
        verdict["accepted"], true,
        "the same table from the same place: {verdict}"
    );
    assert!(
        verdict["residual_mm"].as_f64().is_some_and(|mm| mm < 20.0),
        "{verdict}"
    );
    assert_eq!(verdict["calibration_id"], 2);

    subscriber.publish(&command, false, r#"{"id": 7, "what": "projector"}"#);
    let verdict = answer(json!(7)).json();
    assert_eq!(verdict["accepted"], false);
    assert_eq!(verdict["calibration_id"], 2, "the one in use stays: {verdict}");

    subscriber.publish(&command, false, r#"{"id": "?", "wat": 1}"#);
    let verdict = answer(json!("?")).json();
    assert_eq!(verdict["accepted"], false);
    assert!(
        verdict["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(r#""what": "table""#)),
        "{verdict}"
    );
}

#[test]
fn a_flood_of_commands_is_answered_and_leaves_the_connection_alone() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let command = format!("baize/{TABLE}/cmd/recalibrate");
    let long = "x".repeat(100_000);
    subscriber.publish(&command, false, format!(r#"{{"id": "{long}", "what": "table"}}"#));
    let commands = 40;
    for id in 0..commands {
        subscriber.publish(&command, false, format!(r#"{{"id": {id}, "what": "projector"}}"#));
    }
    // The long one without an id, and every other one under its own.
    let answers = subscriber.wait_for_count(Topic::RecalibrateResult, commands + 1);
    for id in 0..commands {
        assert!(
            answers.iter().any(|answer| answer.json()["id"] == id),
            "no answer to {id}"
        );
    }
    let births = subscriber.on(Topic::Schema).len();
    assert_eq!(births, 1, "the connection broke");
}

#[test]
fn a_command_that_the_broker_kept_from_before_is_not_run() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let command = format!("baize/{TABLE}/cmd/recalibrate");
    subscriber.publish(&command, true, r#"{"id": "kept", "what": "projector"}"#);
    subscriber.wait_for(Topic::Recalibrate, "the command itself", |_| true);
    let appliance = Appliance::start(SOURCE, &broker.url());
    wait::until("a word about the kept command", || {
        let said = appliance.program.err();
        said.iter()
            .any(|line| line.contains("retained command"))
            .then_some(())
    });
    subscriber.publish(&command, false, r#"{"id": "new", "what": "projector"}"#);
    subscriber.wait_for(Topic::RecalibrateResult, "the answer to the new one", |answer| {
        answer.json()["id"] == "new"
    });
    assert_eq!(subscriber.on(Topic::RecalibrateResult).len(), 1);
}

#[test]
fn a_calibration_of_another_table_is_not_used_and_said() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let source = "sim:size=1280x720,fps=5,balls=9,still";
    let first = Appliance::start(source, &broker.url());
    subscriber.wait_for_calibration();
    let made = Scratch::new();
    wait::until("the calibration to be kept", || {
        first.calibrations().join("slot-1").is_file().then_some(())
    });
    made.take_over(&first.calibrations());
    subscriber.forget();
    drop(first);
    // Its last states are on their way until the broker says that it is gone.
    let _ = subscriber.wait_for(Topic::Status, "its end", |message| message.text() != "online");
    for (table, source, reason) in [
        ("size = \"8ft\"", source, "table.size"),
        ("turned = true", source, "table.turned"),
        ("ball_diameter_mm = 61.5", source, "ball_diameter_mm"),
        (
            "size = \"9ft\"",
            "sim:size=640x360,fps=5,balls=9,still",
            "pictures of 1280 x 720",
        ),
    ] {
        let scratch = Scratch::new();
        scratch.take_over(&made.path().join(CALIBRATIONS));
        subscriber.forget();
        let appliance = Appliance::start_at_table(scratch, source, &broker.url(), table);
        wait::until(reason, || {
            let said = appliance.program.err();
            let of_it = |line: &String| line.contains("is not used") && line.contains(reason);
            said.iter().any(of_it).then_some(())
        });
        let state = subscriber.wait_for(Topic::State, "a state", |_| true).state();
        assert!(state.flags.contains(Flags::UNCALIBRATED), "{reason}: {state:?}");
    }
}

#[test]
fn an_absent_broker_is_waited_for() {
    let Some(mut broker) = Mosquitto::start() else {
        return;
    };
    broker.kill();
    let appliance = Appliance::start(SOURCE, &broker.url());
    wait::until("a word about the broker", || {
        appliance
            .program
            .err()
            .iter()
            .any(|line| line.contains("broker cannot be reached"))
            .then_some(())
    });
    broker.start_again();
    let subscriber = Subscriber::of(broker.port());
    subscriber.wait_for_text(Topic::Status, "online");
}
