//! What a new connection hears first, however its predecessor ended.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use baize::config::Config;
use baize::pipeline::{ENCODED, Encoded, PREDICTIONS};
use baize::publish::{self, Inlets, Publisher};
use baize_realtime::clock::monotonic_us;
use baize_table_state::{Direction, Message as _, ShotPrediction, TableName, TableState, Topic, encode};
use baize_tests::{Mosquitto, Proxy, Subscriber};
use rumqttc::MqttOptions;

const TABLE: &str = "births";

/// Connections that break while predictions and states come.
const BREAKS: usize = 10;

fn state_of_now() -> Encoded {
    let mut buffer = [0; TableState::MAX_BYTES];
    let bytes = encode(&TableState::uncalibrated(1, monotonic_us()), &mut buffer).expect("it fits");
    Encoded {
        bytes: bytes.iter().copied().collect(),
        exposure_us: monotonic_us(),
        encoded_us: monotonic_us(),
        from_frame: true,
    }
}

fn a_prediction() -> ShotPrediction {
    ShotPrediction {
        frame_id: 1,
        exposure_us: monotonic_us(),
        calibration_id: 1,
        direction: Direction::default(),
        assumed_speed_mm_s: 2500,
        legs: Default::default(),
    }
}

/// A publisher to this broker, of an appliance without camera and calibration.
fn publisher(broker: &str) -> Publisher {
    let mut config = Config::default();
    config.broker.url = broker.into();
    let table: TableName = TABLE.parse().expect("a name");
    let options = publish::options(TABLE, &config.broker).expect("options");
    let (commands, _) = mpsc::sync_channel(1);
    Publisher::start(table, options, Arc::new(Inlets::default()), commands).expect("a thread")
}

/// A broker, the way to it of a publisher that always has something to say, somebody who hears that, and the publisher.
fn talkative() -> Option<(Mosquitto, Proxy, Subscriber, Publisher)> {
    let broker = Mosquitto::start()?;
    let way = Proxy::to(broker.port());
    let subscriber = Subscriber::of(broker.port());
    let publisher = publisher(&way.url());
    // Ends with the test's process.
    std::thread::spawn(|| {
        loop {
            let _ = ENCODED.try_send(state_of_now());
            let _ = PREDICTIONS.try_send(a_prediction());
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    Some((broker, way, subscriber, publisher))
}

// One pipeline a process: with cargo test, the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn nothing_comes_before_the_birth_of_a_connection_however_often_the_link_breaks() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((_broker, way, subscriber, publisher)) = talkative() else {
        return;
    };
    for _ in 0..BREAKS {
        subscriber.wait_for(Topic::Prediction, "a prediction", |_| true);
        way.cut(true);
        subscriber.wait_for_text(Topic::Status, "offline");
        subscriber.forget();
        way.cut(false);
        subscriber.wait_for_text(Topic::Status, "online");
        let first = subscriber.heard().first().map(baize_tests::Message::topic);
        assert_eq!(first, Some(Topic::Schema), "a connection is born with the schema");
    }
    publisher.stop();
}

#[test]
fn a_calibration_that_the_broker_kept_of_an_earlier_run_is_taken_back_where_there_is_none() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(broker) = Mosquitto::start() else { return };
    let subscriber = Subscriber::of(broker.port());
    subscriber.publish(
        &format!("baize/{TABLE}/v1/calibration"),
        true,
        "of an earlier run",
    );
    subscriber.wait_for_calibration();
    let publisher = publisher(&broker.url());
    subscriber.wait_for(Topic::Calibration, "that there is none", |message| {
        message.payload.is_empty()
    });
    publisher.stop();
}

#[test]
fn a_client_that_calls_itself_by_the_tables_name_throws_nobody_out() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((broker, _way, subscriber, publisher)) = talkative() else {
        return;
    };
    subscriber.wait_for_text(Topic::Status, "online");
    subscriber.wait_for(Topic::Prediction, "a prediction", |_| true);
    let _intruder = Subscriber::with(MqttOptions::new(TABLE, "127.0.0.1", broker.port()));
    subscriber.forget();
    subscriber.wait_for_count(Topic::Prediction, 50);
    let said = subscriber.on(Topic::Status);
    assert!(
        said.is_empty(),
        "it is still online and was not born again: {said:?}"
    );
    publisher.stop();
}
