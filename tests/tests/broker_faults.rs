//! A broker that dies, comes back, or stops reading, under load.

use std::collections::BTreeSet;
use std::time::Duration;

use baize_realtime::clock::monotonic_us;
use baize_table_state::{TableEvent, Topic, decode};
use baize_tests::{Appliance, Message, Mosquitto, Proxy, Subscriber};

/// Balls that move.
const SOURCE: &str = "sim:size=640x384,fps=15,balls=15";
const FRAMES_PER_S: u64 = 15;

/// A frame a second at the least: what a busy machine can do, and a pipeline that waits for its broker cannot.
const OUTAGE_S: u64 = 5;

/// What the wire contract promises of every state after a stall or an outage, on a machine that takes no time itself.
const AGE_MAX_MS: u64 = 1500;

fn number(health: &Message, of: &str) -> u64 {
    health
        .json()
        .pointer(of)
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_else(|| panic!("{of}: {}", health.text()))
}

/// The greatest age at which a state comes while nothing is wrong: what this machine takes to see, busy as it is.
fn usual_age_ms(subscriber: &Subscriber) -> u64 {
    subscriber.forget();
    let states = subscriber.wait_for_count(Topic::State, 20);
    states
        .iter()
        .map(Message::age_ms)
        .max()
        .expect("there are twenty")
}

/// The next one to come. Forgets nothing: events are counted by what was heard.
fn newest_health(subscriber: &Subscriber) -> Message {
    let asked_us = monotonic_us();
    subscriber.wait_for(Topic::Health, "health", |message| {
        !message.retained && message.arrival_us > asked_us
    })
}

#[test]
fn a_broker_killed_and_restarted_under_load_disturbs_nothing() {
    let Some(mut broker) = Mosquitto::start() else {
        return;
    };
    // A way that is cut, so that the subscriber is back before the appliance and misses nothing.
    let way = Proxy::to(broker.port());
    let subscriber = Subscriber::of(broker.port());
    let mut appliance = Appliance::start(SOURCE, &way.url());
    subscriber.wait_for(Topic::State, "balls", |message| !message.state().balls.is_empty());
    let age_max_ms = AGE_MAX_MS + usual_age_ms(&subscriber);
    let mut events: Vec<u64> = Vec::new();
    for _ in 0..2 {
        let before = newest_health(&subscriber);
        events.extend(event_numbers(&subscriber.on(Topic::Event)));
        way.cut(true);
        broker.kill();
        std::thread::sleep(Duration::from_secs(OUTAGE_S));
        broker.start_again();
        subscriber.wait_until_subscribed();
        events.extend(event_numbers(&subscriber.on(Topic::Event)));
        subscriber.forget();
        way.cut(false);

        subscriber.wait_for_text(Topic::Status, "online");
        subscriber.wait_for(Topic::Snapshot, "the last of the birth", |_| true);
        let first: Vec<Topic> = subscriber
            .heard()
            .iter()
            .map(Message::topic)
            .filter(in_birth)
            .take(6)
            .collect();
        assert_eq!(
            first,
            [
                Topic::Schema,
                Topic::Calibration,
                Topic::CameraStatus,
                Topic::State,
                Topic::Status,
                Topic::Snapshot
            ],
            "a new connection is born like the first"
        );
        let connections = number(&before, "/connections") + 1;
        let after = subscriber.wait_for(Topic::Health, "health that counts the connection", |message| {
            !message.retained && number(message, "/connections") == connections
        });
        let grown = number(&after, "/frames/processed") - number(&before, "/frames/processed");
        assert!(
            grown >= OUTAGE_S,
            "only {grown} frames were processed during an outage of {OUTAGE_S} s"
        );
        for message in states_and_snapshots(&subscriber.wait_for_count(Topic::State, 20)) {
            assert!(
                message.age_ms() <= age_max_ms,
                "a state came at the age of {} ms",
                message.age_ms()
            );
        }
        // A shot, or the end of one, comes within seconds.
        events.extend(event_numbers(&subscriber.wait_for_count(Topic::Event, 1)));
    }
    assert!(appliance.program.is_running());

    let health = newest_health(&subscriber);
    events.extend(event_numbers(&subscriber.on(Topic::Event)));
    let heard: BTreeSet<u64> = events.into_iter().collect();
    let (first, last) = (*heard.first().expect("some"), *heard.last().expect("some"));
    let missing = (last - first + 1) - heard.len() as u64;
    assert!(
        missing <= number(&health, "/events/dropped"),
        "{missing} events between {first} and {last} are missing, and health does not say so: {heard:?}"
    );
}

#[test]
fn nothing_stale_comes_from_a_broker_that_had_stopped_reading() {
    let stall = if std::env::var_os("BAIZE_LONG_TESTS").is_some() {
        30
    } else {
        9
    };
    let Some(broker) = Mosquitto::start() else { return };
    let way = Proxy::to(broker.port());
    let subscriber = Subscriber::of(broker.port());
    let mut appliance = Appliance::start(SOURCE, &way.url());
    subscriber.wait_for(Topic::State, "balls", |message| !message.state().balls.is_empty());
    let age_max_ms = AGE_MAX_MS + usual_age_ms(&subscriber);
    let before = newest_health(&subscriber);

    way.block(true);
    let stalled_us = monotonic_us();
    std::thread::sleep(Duration::from_secs(stall));
    subscriber.forget();
    way.block(false);
    let freed_us = monotonic_us();

    let fresh = |message: &Message| message.state().exposure_us > freed_us;
    subscriber.wait_for(Topic::State, "a fresh state", fresh);
    let after = subscriber.wait_for(Topic::Health, "fresh health", |message| {
        number(message, "/monotonic_us") > freed_us
    });
    let grown = number(&after, "/frames/processed") - number(&before, "/frames/processed");
    assert!(
        grown >= stall,
        "only {grown} frames were processed while the broker stood still for {stall} s"
    );

    let old: Vec<Message> = states_and_snapshots(&subscriber.heard())
        .into_iter()
        .filter(|message| message.age_ms() > age_max_ms)
        .collect();
    for message in &old {
        let after_ms = message.state().exposure_us.saturating_sub(stalled_us) / 1000;
        assert!(
            after_ms <= AGE_MAX_MS,
            "a state exposed {after_ms} ms into the stall came at the age of {} ms",
            message.age_ms()
        );
    }
    // What was on its way before the appliance could know is less than what it makes in the time it takes to notice.
    let most = FRAMES_PER_S * AGE_MAX_MS / 1000;
    assert!(
        old.len() as u64 <= most,
        "{} old states came, at most {most} were on their way",
        old.len()
    );
    assert!(appliance.program.is_running());
}

fn in_birth(topic: &Topic) -> bool {
    !matches!(topic, Topic::Health | Topic::Event | Topic::RecalibrateResult)
}

fn states_and_snapshots(messages: &[Message]) -> Vec<Message> {
    let live =
        |message: &&Message| matches!(message.topic(), Topic::State | Topic::Snapshot) && !message.retained;
    messages.iter().filter(live).cloned().collect()
}

fn event_numbers(messages: &[Message]) -> Vec<u64> {
    let number = |message: &Message| {
        decode::<TableEvent>(&message.payload)
            .expect("it is an event")
            .message
            .sequence
    };
    messages.iter().map(number).collect()
}
