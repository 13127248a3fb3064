//! A camera that is unplugged and comes back: said on every channel, and nothing else stops.

use std::time::{Duration, Instant};

use baize_table_state::{Flags, Topic};
use baize_tests::{Appliance, Mosquitto, Program, Subscriber, TABLE, wait};

/// Words on the camera's status, without what was said again.
fn statuses(subscriber: &Subscriber) -> Vec<String> {
    let mut statuses: Vec<String> = subscriber
        .on(Topic::CameraStatus)
        .iter()
        .map(|message| message.text().to_string())
        .collect();
    statuses.dedup();
    statuses
}

#[test]
fn an_unplugged_camera_is_lost_then_recovering_then_online_and_nothing_else_stops() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let watch = Program::start(["watch", "--broker", &broker.url(), "--table", TABLE, "--json"]);
    let mut appliance =
        Appliance::start_with_a_small_model("sim:size=640x384,fps=10,balls=5,unplug=6+3", &broker.url());
    subscriber.wait_for_text(Topic::CameraStatus, "lost");
    let camera_lost = |message: &baize_tests::Message| message.state().flags.contains(Flags::CAMERA_LOST);
    let lost = subscriber.wait_for(Topic::State, "a state that says so", |message| {
        camera_lost(message) && message.state().frame_id > 0
    });
    assert!(
        !lost.state().flags.contains(Flags::ALL_AT_REST),
        "nobody knows that: {:?}",
        lost.state()
    );
    // Five states a second are promised, also of a table that nobody sees.
    let while_lost = wait::until("states while the camera is lost", || {
        let states = subscriber
            .on(Topic::State)
            .into_iter()
            .filter(camera_lost)
            .count();
        (states >= 8).then_some(states)
    });
    assert!(while_lost >= 8);

    let statuses = wait::until("the camera to be back", || {
        let statuses: Vec<String> = subscriber
            .on(Topic::CameraStatus)
            .iter()
            .map(|message| message.text().to_string())
            .collect();
        let lost = statuses.iter().position(|status| status == "lost")?;
        let after = &statuses[lost..];
        after
            .iter()
            .any(|status| status == "online")
            .then(|| after.to_vec())
    });
    assert_eq!(
        statuses[..3.min(statuses.len())],
        ["lost", "recovering", "online"]
    );
    let back_us = subscriber.heard().last().expect("there was something").arrival_us;
    subscriber.wait_for(Topic::State, "a fresh state", |message| {
        message.arrival_us > back_us && !camera_lost(message)
    });

    assert!(
        subscriber
            .on(Topic::Status)
            .iter()
            .all(|message| message.text() == "online"),
        "the link held"
    );
    let connections = subscriber
        .on(Topic::Health)
        .last()
        .expect("a second has passed")
        .json()["connections"]
        .clone();
    assert_eq!(connections, 1);
    assert!(appliance.program.is_running());
    let lines = watch.out();
    for camera in ["online", "lost"] {
        let said = format!("\"camera\":\"{camera}\"");
        assert!(
            lines.iter().any(|line| line.contains(&said)),
            "watch never showed {said}"
        );
    }
}

#[test]
fn a_camera_that_is_not_there_yet_is_waited_for() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let mut appliance = Appliance::start_with_a_small_model("v4l2:/dev/video-of-no-machine", &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let state = subscriber.wait_for_count(Topic::State, 5)[4].state();
    assert!(
        state.flags.contains(Flags::CAMERA_LOST) && state.flags.contains(Flags::UNCALIBRATED),
        "{state:?}"
    );
    // Until it was looked for again, too.
    wait::until("another attempt", || {
        let said = appliance.program.err();
        said.iter().any(|line| line.contains("no camera: ")).then_some(())
    });
    assert_eq!(statuses(&subscriber), ["lost"]);
    assert!(appliance.program.is_running());
    let said = appliance.program.err().join("\n");
    assert!(said.contains("/dev/video-of-no-machine"), "{said}");
}

#[test]
fn a_camera_that_opens_and_fails_again_and_again_is_opened_ever_more_seldom() {
    let Some(broker) = Mosquitto::start() else { return };
    let appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=30,dies=0.05", &broker.url());
    let wait_for_openings = |count: usize| {
        wait::until("the camera to be opened again", || {
            let said = appliance.program.err();
            (said.iter().filter(|line| line.contains("camera open:")).count() >= count).then_some(())
        });
    };
    wait_for_openings(1);
    let first = Instant::now();
    wait_for_openings(4);
    // The waits are up to half a second, one and two, and at least half of that; a little is lost in looking.
    assert!(first.elapsed() >= Duration::from_millis(250 + 500 + 1000 - 100));
}

#[test]
fn a_camera_that_falls_silent_and_cannot_be_opened_again_is_recovering_and_then_lost() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance =
        Appliance::start_with_a_small_model("sim:size=320x192,fps=10,silent=4,unplug=4+1000", &broker.url());
    subscriber.wait_for_text(Topic::CameraStatus, "online");
    subscriber.wait_for_text(Topic::CameraStatus, "lost");
    let statuses = statuses(&subscriber);
    assert_eq!(statuses[statuses.len() - 3..], ["online", "recovering", "lost"]);
}

#[test]
fn a_camera_of_one_frame_a_second_is_online_between_its_frames() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=1", &broker.url());
    subscriber.wait_for_text(Topic::CameraStatus, "online");
    subscriber.forget();
    subscriber.wait_for(Topic::Health, "a few frames more", |message| {
        message.json()["frames"]["processed"].as_u64() >= Some(6)
    });
    assert_eq!(statuses(&subscriber), [""; 0], "it is online all the time");
    let states = subscriber.on(Topic::State);
    assert!(
        states
            .iter()
            .all(|message| !message.state().flags.contains(Flags::CAMERA_LOST))
    );
}

#[test]
fn health_tells_of_the_camera_that_was_opened_later_and_of_its_rate() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let source = "sim:size=320x192,fps=10,unplug=0+4";
    let _appliance = Appliance::start_with_a_small_model(source, &broker.url());
    let camera = |what: &str, fits: &dyn Fn(&str) -> bool| {
        let health = subscriber.wait_for(Topic::Health, what, |message| {
            message.json()["camera"]["what"].as_str().is_some_and(fits)
        });
        health.json()
    };
    let before = camera("health without a camera", &|what| what == source);
    let wished = before["camera"]["fps"].as_f64().expect("a number");
    assert!((wished - 30.0).abs() < 0.1, "{before}");
    let after = camera("health with the camera", &|what| what.contains("simulated table"));
    assert_eq!(after["camera"]["fps"], 10.0);
    assert_eq!(after["rate"]["effective_fps"], 10.0);
}
