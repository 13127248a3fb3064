//! A camera that is unplugged and comes back: said on every channel, and nothing else stops.

use baize_table_state::{Flags, Topic};
use baize_tests::{Appliance, Mosquitto, Program, Subscriber, TABLE, wait};

#[test]
fn an_unplugged_camera_is_lost_then_recovering_then_online_and_nothing_else_stops() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let watch = Program::start(["watch", "--broker", &broker.url(), "--table", TABLE, "--json"]);
    let mut appliance = Appliance::start("sim:size=640x384,fps=10,balls=5,unplug=6+3", &broker.url());
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
    let mut appliance = Appliance::start("v4l2:/dev/video-of-no-machine", &broker.url());
    subscriber.wait_for_text(Topic::Status, "online");
    let state = subscriber.wait_for_count(Topic::State, 5)[4].state();
    assert!(
        state.flags.contains(Flags::CAMERA_LOST) && state.flags.contains(Flags::UNCALIBRATED),
        "{state:?}"
    );
    subscriber.wait_for(Topic::CameraStatus, "no camera", |message| {
        message.text() != "online"
    });
    assert!(appliance.program.is_running());
    let said = appliance.program.err().join("\n");
    assert!(said.contains("/dev/video-of-no-machine"), "{said}");
}
