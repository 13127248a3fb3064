use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baize_realtime::clock::monotonic_us;
use baize_table_state::{TableState, Topic, decode};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

use crate::wait;

/// The schema is larger than rumqttc's own limit.
const PACKET_BYTES_MAX: usize = 1024 * 1024;

/// A publication and when it came.
#[derive(Debug, Clone)]
pub struct Message {
    /// The whole topic.
    pub topic: String,
    /// What it carries.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it from before.
    pub retained: bool,
    /// Quality of service.
    pub qos: u8,
    /// When it came, monotonic.
    pub arrival_us: u64,
}

impl Message {
    /// Which of the contract's topics it is on.
    ///
    /// # Panics
    /// When it is on none.
    pub fn topic(&self) -> Topic {
        Topic::parse(&self.topic)
            .unwrap_or_else(|error| panic!("{}: {error}", self.topic))
            .1
    }

    /// The payload as text.
    ///
    /// # Panics
    /// When it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("the payload is text")
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("the payload is JSON")
    }

    /// The payload as a state.
    ///
    /// # Panics
    /// When it is none.
    pub fn state(&self) -> TableState {
        decode(&self.payload).expect("the payload is a state").message
    }

    /// Time from the exposure of the state's frame to its arrival here, in milliseconds.
    pub fn age_ms(&self) -> u64 {
        self.arrival_us.saturating_sub(self.state().exposure_us) / 1000
    }
}

/// A client that keeps everything it hears. It connects again by itself.
pub struct Subscriber {
    client: Client,
    heard: Arc<Mutex<Vec<Message>>>,
    subscribed: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Subscriber {
    /// Hears everything of every table at this port, and is subscribed when this returns.
    pub fn of(port: u16) -> Self {
        Self::with(MqttOptions::new(client_id(), "127.0.0.1", port))
    }

    /// Hears everything with these options.
    pub fn with(mut options: MqttOptions) -> Self {
        options
            .set_keep_alive(Duration::from_secs(30))
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, mut connection) = Client::new(options, 64);
        let subscriber = Self {
            client,
            heard: Arc::default(),
            subscribed: Arc::default(),
            ended: Arc::default(),
        };
        let (client, heard) = (subscriber.client.clone(), Arc::clone(&subscriber.heard));
        let (subscribed, ended) = (Arc::clone(&subscriber.subscribed), Arc::clone(&subscriber.ended));
        std::thread::spawn(move || {
            for event in connection.iter() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        // The queue of requests is empty after a connection was made.
                        let _ = client.try_subscribe("baize/#", QoS::AtLeastOnce);
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => subscribed.store(true, Ordering::Relaxed),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let message = Message {
                            topic: publish.topic,
                            payload: publish.payload.to_vec(),
                            retained: publish.retain,
                            qos: publish.qos as u8,
                            arrival_us: monotonic_us(),
                        };
                        heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                    }
                    Ok(_) => {}
                    Err(_) => {
                        subscribed.store(false, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        });
        subscriber.wait_until_subscribed();
        subscriber
    }

    /// Waits until the broker has taken the subscription, again after it was killed.
    pub fn wait_until_subscribed(&self) {
        wait::until("the broker to take a subscription", || {
            self.subscribed.load(Ordering::Relaxed).then_some(())
        });
    }

    /// Everything heard so far, but the appliance's probes.
    pub fn heard(&self) -> Vec<Message> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter(|message| Topic::parse(&message.topic).is_ok())
            .cloned()
            .collect()
    }

    /// What was heard on one topic.
    pub fn on(&self, topic: Topic) -> Vec<Message> {
        self.heard()
            .into_iter()
            .filter(|message| message.topic() == topic)
            .collect()
    }

    /// Forgets what was heard.
    pub fn forget(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits for a message on a topic that fits.
    pub fn wait_for(&self, topic: Topic, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
        wait::until(what, || self.on(topic).into_iter().find(|message| fits(message)))
    }

    /// Waits for a text on a topic.
    pub fn wait_for_text(&self, topic: Topic, text: &str) -> Message {
        let what = format!("`{text}` on {}", topic.suffix());
        self.wait_for(topic, &what, |message| message.payload == text.as_bytes())
    }

    /// Waits for a calibration; that there is none is said as well, by an empty message.
    pub fn wait_for_calibration(&self) -> Message {
        self.wait_for(Topic::Calibration, "a calibration", |message| {
            !message.payload.is_empty()
        })
    }

    /// Waits until so many messages came on a topic.
    pub fn wait_for_count(&self, topic: Topic, count: usize) -> Vec<Message> {
        wait::until(&format!("{count} messages on {}", topic.suffix()), || {
            let messages = self.on(topic);
            (messages.len() >= count).then_some(messages)
        })
    }

    /// Publishes.
    ///
    /// # Panics
    /// When the client has no room.
    pub fn publish(&self, topic: &str, retained: bool, payload: impl Into<Vec<u8>>) {
        self.client
            .try_publish(topic, QoS::AtLeastOnce, retained, payload)
            .expect("the client has room");
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The connection may be gone already.
        let _ = self.client.try_disconnect();
    }
}

fn client_id() -> String {
    format!("tests-{}-{}", std::process::id(), monotonic_us())
}
