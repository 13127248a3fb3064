//! What a person sees: `baize watch` and `baize demo` without a terminal.

use std::process::{Command, Stdio};

use baize_table_state::Topic;
use baize_tests::{Appliance, Mosquitto, Program, Subscriber, TABLE, binary, run, wait};
use serde_json::Value;

const SOURCE: &str = "sim:size=640x384,fps=10,balls=9";

#[test]
fn watch_prints_a_line_a_second_that_names_the_balls() {
    let Some(broker) = Mosquitto::start() else { return };
    let _appliance = Appliance::start(SOURCE, &broker.url());
    let watch = Program::start(["watch", "--broker", &broker.url()]);
    let line = wait::until("a line that names balls", || {
        watch
            .out()
            .into_iter()
            .find(|line| line.contains("online, camera online") && line.contains(" balls: "))
    });
    assert!(line.starts_with(TABLE), "{line}");
    assert!(
        line.contains('#') && line.contains('('),
        "identity and place of each: {line}"
    );
    assert!(!line.contains('\x1b'), "no colours without a terminal: {line:?}");
}

#[test]
fn watch_takes_its_leave_of_the_broker() {
    let Some(broker) = Mosquitto::start() else { return };
    let _ = run(["watch", "--broker", &broker.url(), "--seconds", "1"]);
    let end = wait::until("the end of the connection", || {
        let log = broker.log();
        let mut of_watch = log.lines().filter(|line| line.contains("baize-watch"));
        of_watch
            .next_back()
            .filter(|line| !line.contains("connected from"))
            .map(str::to_owned)
    });
    assert!(end.contains("disconnected"), "{end}");
}

#[test]
fn watch_shows_the_table_that_lives_and_not_one_that_the_broker_remembers() {
    let Some(broker) = Mosquitto::start() else { return };
    let before = Subscriber::of(broker.port());
    for name in ["a-former-name", "z-former-name"] {
        before.publish(&format!("baize/{name}/status"), true, "stopped");
    }
    before.wait_for_count(Topic::Status, 2);
    let watch = Program::start(["watch", "--broker", &broker.url()]);
    wait::until("a line of a table that was", || {
        watch.out().into_iter().find(|line| line.contains("former-name"))
    });
    let _appliance = Appliance::start(SOURCE, &broker.url());
    let line = wait::until("a line of the one that is", || {
        watch.out().into_iter().find(|line| {
            line.starts_with(TABLE) && line.contains("camera online") && line.contains(" balls: ")
        })
    });
    assert!(line.contains("online"), "{line}");
}

#[test]
fn watch_as_json_is_a_line_for_everything_heard() {
    let Some(broker) = Mosquitto::start() else { return };
    let _appliance = Appliance::start(SOURCE, &broker.url());
    let watch = run([
        "watch",
        "--broker",
        &broker.url(),
        "--table",
        TABLE,
        "--json",
        "--seconds",
        "8",
    ])
    .succeeded();
    let lines = watch.json();
    assert!(lines.iter().all(|line| line["table"] == TABLE), "{lines:?}");
    assert!(lines.iter().any(|line| line["status"] == "online"), "{lines:?}");
    assert!(lines.iter().any(|line| line["camera"] == "online"), "{lines:?}");
    let states: Vec<&Value> = lines.iter().filter(|line| line["balls"].is_array()).collect();
    assert!(states.len() >= 5, "{lines:?}");
    assert!(
        states
            .iter()
            .all(|state| state["exposure_us"].is_u64() && state["flags"].is_array())
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_without_complaint() {
    let mut program = Command::new(binary())
        .arg("config")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(program.stdout.take());
    let finished = program.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&finished.stderr), "");
}

#[test]
fn the_demo_needs_nothing_and_names_balls_every_second() {
    let demo = run(["demo", "--seconds", "25"]).succeeded();
    assert!(demo.out.len() >= 15, "{:#?}", demo.out);
    let naming = demo
        .out
        .iter()
        .filter(|line| line.contains("online") && line.contains(" balls: "))
        .count();
    assert!(naming >= 2, "{:#?}", demo.out);
}

#[test]
fn a_demo_as_json_is_json() {
    let demo = run(["demo", "--seconds", "6", "--json"]).succeeded();
    assert!(
        demo.json().iter().any(|line| line["balls"].is_array()),
        "{:#?}",
        demo.out
    );
}
