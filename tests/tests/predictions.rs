//! Predicted shots on their way to subscribers, and subscribers that do not read.

use std::collections::BTreeSet;
use std::time::Duration;

use baize_table_state::{CueState, ShotPrediction, TableEvent, Topic, decode};
use baize_tests::{Appliance, Message, Mosquitto, Proxy, Subscriber};
use rumqttc::MqttOptions;

/// A player who aims and shoots, again and again.
const SOURCE: &str = "sim:size=640x384,fps=15,balls=15";
/// Long enough for what is sent meanwhile to fill what lies between broker and subscriber.
const SLOW: Duration = Duration::from_secs(5);

fn prediction(message: &Message) -> ShotPrediction {
    decode(&message.payload).expect("it is a prediction").message
}

#[test]
fn a_shot_that_is_aimed_is_predicted_through_a_broker() {
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    let _appliance = Appliance::start(SOURCE, &broker.url());
    let aiming = subscriber.wait_for(Topic::State, "a cue that aims", |message| {
        message.state().cue_action.state == CueState::AIMING
    });
    let predictions = subscriber.wait_for_count(Topic::Prediction, 5);
    let states = subscriber.on(Topic::State);
    for message in &predictions {
        assert_eq!((message.qos, message.retained), (0, false));
        let predicted = prediction(message);
        assert!(
            predicted.exposure_us <= message.arrival_us,
            "nothing is seen before it happens"
        );
        assert_eq!(predicted.calibration_id, aiming.state().calibration_id);
        let first = predicted.legs.first().expect("the ball goes somewhere");
        assert!(
            states
                .iter()
                .any(|state| state.state().ball(first.ball).is_some()),
            "{:?} is predicted, and no state knows it",
            first.ball
        );
    }
    for pair in predictions.windows(2) {
        assert!(prediction(&pair[0]).exposure_us < prediction(&pair[1]).exposure_us);
    }
}

fn newest_exposure_us(subscriber: &Subscriber) -> u64 {
    let states = subscriber.wait_for_count(Topic::State, 1);
    states.last().map_or(0, |message| message.state().exposure_us)
}

fn events(subscriber: &Subscriber) -> BTreeSet<u64> {
    let number = |message: &Message| {
        decode::<TableEvent>(&message.payload)
            .expect("it is an event")
            .message
            .sequence
    };
    subscriber.on(Topic::Event).iter().map(number).collect()
}

#[test]
fn a_subscriber_that_stops_reading_holds_up_nobody_and_loses_no_event() {
    let Some(broker) = Mosquitto::start() else { return };
    let way = Proxy::to(broker.port());
    let port = way
        .url()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let slow = Subscriber::with(MqttOptions::new("slow", "127.0.0.1", port));
    let quick = Subscriber::of(broker.port());
    let mut appliance = Appliance::start(SOURCE, &broker.url());
    quick.wait_for(Topic::State, "balls", |message| !message.state().balls.is_empty());

    way.block(true);
    quick.forget();
    slow.forget();
    std::thread::sleep(SLOW);
    let (heard_us, slow_us) = (
        newest_exposure_us(&quick),
        slow.on(Topic::State).last().map(|m| m.state().exposure_us),
    );
    assert!(
        slow_us.is_none_or(|slow_us| slow_us < heard_us),
        "the slow one hears nothing new"
    );
    quick.forget();
    quick.wait_for(Topic::State, "a state younger than the stall", |message| {
        message.state().exposure_us > heard_us
    });
    let shot = quick.wait_for(
        Topic::Event,
        "an event while one subscriber does not read",
        |_| true,
    );
    let health = quick.wait_for(Topic::Health, "health", |message| !message.retained);
    assert_eq!(health.json()["events"]["dropped"], 0, "{}", health.text());
    assert!(appliance.program.is_running());

    way.block(false);
    let sequence = decode::<TableEvent>(&shot.payload)
        .expect("it is an event")
        .message
        .sequence;
    slow.wait_for(Topic::Event, "the event that it had not read", |message| {
        decode::<TableEvent>(&message.payload)
            .expect("it is an event")
            .message
            .sequence
            == sequence
    });
    let (all, late) = (events(&quick), events(&slow));
    let missed: Vec<_> = all
        .iter()
        .filter(|number| **number <= sequence && !late.contains(number))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}
