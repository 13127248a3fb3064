use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baize_camera::Backoff;
use baize_realtime::clock;
use baize_table_state::{
    ApplianceStatus, CameraStatus, Message, ShotPrediction, TableEvent, TableName, Topic, encode, schema,
};
use embassy_sync::blocking_mutex::raw::RawMutex;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, Publish, QoS,
};
use tokio::sync::{Notify, watch};

use super::inlet::Inlet;
use super::inlets::{Inlets, Standing};
use super::link::{Acknowledged, Link, PROBE_INTERVAL, StateOnItsWay};
use super::outbox::Outbox;
use crate::metrics::METRICS;
use crate::pipeline::{ENCODED, EVENTS, Encoded, PREDICTIONS};

/// Publications between us and the client's event loop: a birth and a few states.
const REQUESTS: usize = 64;

/// Small, so that little can pile up in the kernel when the broker stops reading; the kernel rounds it up to what it
/// takes for the least.
const SEND_BUFFER_BYTES: u32 = 4096;

/// A state older than this is not worth sending.
const STATE_AGE_MAX_US: u64 = 1_000_000;

/// At most one retained snapshot in this time.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);

/// Seconds that connecting, and one flush, may take.
const NETWORK_TIMEOUT_S: u64 = 5;

/// How long a shutdown waits for the last words to leave.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// Where the sign-of-life probes go.
const PROBE_SUFFIX: &str = "status/probe";

/// What subscribers asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The payload of `cmd/recalibrate`.
    Recalibrate(Vec<u8>),
    /// The payload of `v1/pattern/shown`.
    Shown(Vec<u8>),
}

/// The thread that publishes.
#[derive(Debug)]
pub struct Publisher {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Publisher {
    /// Starts it. It connects by itself, again and again; an absent broker is no error.
    pub fn start(
        table: TableName,
        options: MqttOptions,
        inlets: Arc<Inlets>,
        commands: mpsc::SyncSender<Command>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("baize-publish".into())
            .spawn(move || {
                let session = Session::new(table, options, inlets, commands);
                runtime.block_on(session.run(stopped));
            })?;
        Ok(Self { thread, stop })
    }

    /// Says `stopped` where the broker listens, and ends within a second.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.thread.join();
    }
}

/// What was said last of what is said again only when it changes.
#[derive(Default)]
struct Said {
    camera: Option<CameraStatus>,
    calibration: Option<Vec<u8>>,
}

struct Session {
    table: TableName,
    client: AsyncClient,
    events: RefCell<Option<EventLoop>>,
    link: RefCell<Link>,
    outbox: RefCell<Outbox>,
    inlets: Arc<Inlets>,
    commands: mpsc::SyncSender<Command>,
    /// The connection whose birth is over; nothing else is said before.
    born: Cell<u64>,
    /// Something about the link changed.
    changed: Notify,
    probe_topic: String,
    seed: u64,
    leaving: Cell<bool>,
}

impl Session {
    fn new(
        table: TableName,
        mut options: MqttOptions,
        inlets: Arc<Inlets>,
        commands: mpsc::SyncSender<Command>,
    ) -> Self {
        let will = ApplianceStatus::Offline.as_str();
        options.set_last_will(LastWill::new(
            Topic::Status.of(&table).as_str(),
            will,
            QoS::AtLeastOnce,
            true,
        ));
        options.set_client_id(client_id(&table));
        let (client, mut events) = AsyncClient::new(options, REQUESTS);
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        network.set_tcp_send_buffer_size(SEND_BUFFER_BYTES);
        network.set_connection_timeout(NETWORK_TIMEOUT_S);
        events.set_network_options(network);
        let probe_topic = Topic::Status
            .of(&table)
            .replace(Topic::Status.suffix(), PROBE_SUFFIX);
        Self {
            seed: clock::monotonic_ns() ^ u64::from(std::process::id()),
            table,
            client,
            events: RefCell::new(Some(events)),
            link: RefCell::default(),
            outbox: RefCell::default(),
            inlets,
            commands,
            born: Cell::new(0),
            changed: Notify::new(),
            probe_topic,
            leaving: Cell::new(false),
        }
    }

    async fn run(&self, mut stopped: watch::Receiver<bool>) {
        let Some(events) = self.events.borrow_mut().take() else {
            return;
        };
        tokio::select! {
            () = self.drive(events) => {}
            () = async {
                tokio::select! {
                    () = self.feed() => {}
                    _ = stopped.changed() => {}
                }
                self.last_words().await;
            } => {}
        }
    }

    /// Turns the client's wheel: connects, sends, receives.
    async fn drive(&self, mut events: EventLoop) {
        let mut backoff = Backoff::new(self.seed);
        let mut said: Option<String> = None;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    log::info!("connected to the broker");
                    said = None;
                    backoff.reset();
                    self.link.borrow_mut().connected();
                    METRICS.connections.add(1);
                    self.changed.notify_one();
                }
                Ok(Event::Incoming(Packet::PubAck(ack))) => self.acknowledged(ack.pkid),
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let payload = || publish.payload.to_vec();
                    match Topic::parse(&publish.topic).map(|(_, topic)| topic) {
                        Ok(Topic::Recalibrate) => self.command(&publish, Command::Recalibrate(payload())),
                        Ok(Topic::PatternShown) => self.command(&publish, Command::Shown(payload())),
                        _ => {}
                    }
                }
                Ok(Event::Outgoing(Outgoing::Publish(packet_id))) => self.sent(packet_id),
                Ok(_) => {}
                // After our own goodbye the broker hangs up: nothing to tell, nowhere to return to.
                Err(_) if self.leaving.get() => return,
                Err(error) => {
                    self.link.borrow_mut().broke();
                    self.outbox.borrow_mut().link_broke();
                    // What rumqttc kept is older than what waits here, or waits here too.
                    events.pending.clear();
                    let reason = explain(&error);
                    if said.as_ref() != Some(&reason) {
                        log::warn!("{reason}; trying again, the table is still being watched");
                        said = Some(reason);
                    }
                    tokio::time::sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    fn command(&self, publish: &Publish, command: Command) {
        if publish.retain {
            // It was meant for the moment it was sent in, and would come again with every connection.
            log::warn!(
                "a retained command is ignored: publish {} without retain",
                publish.topic
            );
        } else if self.commands.try_send(command).is_err() {
            log::warn!("too many commands at once: one is ignored");
        }
    }

    fn acknowledged(&self, packet_id: u16) {
        let what = self.link.borrow_mut().acknowledged(packet_id, Instant::now());
        if let Some(Acknowledged::Outbox(number, topic)) = what {
            self.outbox.borrow_mut().acknowledged(number);
            METRICS.events_published.add(u64::from(topic == Topic::Event));
        }
        self.changed.notify_one();
    }

    fn sent(&self, packet_id: u16) {
        if let Some(state) = self.link.borrow_mut().sent(packet_id) {
            let now_us = clock::monotonic_us();
            let since = |start_us: u64| u32::try_from(now_us.saturating_sub(start_us)).unwrap_or(u32::MAX);
            METRICS.publish.record(since(state.handed_over_us));
            METRICS.exposure_to_publish.record(since(state.exposure_us));
            METRICS.states_published.add(1);
        }
    }

    /// Gives the client what is to be published.
    async fn feed(&self) {
        let mut probe = tokio::time::interval(PROBE_INTERVAL);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut said = Said::default();
        let mut last_snapshot: Option<Instant> = None;
        let (states, events, predictions) =
            (Inlet::of(&ENCODED), Inlet::of(&EVENTS), Inlet::of(&PREDICTIONS));
        loop {
            let (listens, connections) = {
                let link = self.link.borrow();
                (link.listens(Instant::now()), link.connections())
            };
            if listens && connections != self.born.get() {
                let standing = self.inlets.take();
                self.keep(&standing.messages);
                if self.birth(&standing, &states).await.is_none() {
                    continue;
                }
                self.born.set(connections);
                said = Said {
                    camera: standing.camera,
                    calibration: standing.calibration,
                };
                last_snapshot = Some(Instant::now());
            }
            tokio::select! {
                encoded = states.receive(), if listens => {
                    if !self.may_speak() {
                        METRICS.states_superseded.add(1);
                        continue;
                    }
                    let snapshot_due = last_snapshot.is_none_or(|at| at.elapsed() >= SNAPSHOT_INTERVAL);
                    if self.state(&encoded) && snapshot_due {
                        last_snapshot = Some(Instant::now());
                        self.say(Topic::Snapshot, encoded.bytes.to_vec());
                    }
                }
                event = events.receive() => self.event(&event),
                prediction = predictions.receive(), if listens => {
                    if self.may_speak() {
                        self.prediction(&prediction);
                    }
                }
                () = self.changed.notified() => self.flush_outbox(),
                _ = probe.tick(), if listens => {
                    if self.may_speak() {
                        self.probe();
                        self.stands(&mut said);
                    }
                }
                () = self.inlets.changed(), if listens => {
                    if self.may_speak() {
                        self.stands(&mut said);
                    }
                }
                // A link that has gone silent is looked at again even when nothing happens.
                () = tokio::time::sleep(PROBE_INTERVAL), if !listens => {}
            }
        }
    }

    /// Whether the broker listens and the connection's birth is over. The link may have broken, and even be a new one, since
    /// this was asked before: what is handed over to a broken link comes first on the next one, before its birth.
    fn may_speak(&self) -> bool {
        let link = self.link.borrow();
        link.listens(Instant::now()) && link.connections() == self.born.get()
    }

    /// Says what stands, as far as it is new.
    fn stands(&self, said: &mut Said) {
        let standing = self.inlets.take();
        if standing.camera != said.camera
            && let Some(status) = standing.camera
        {
            self.say(Topic::CameraStatus, status.as_str());
        }
        if standing.calibration != said.calibration {
            self.say(
                Topic::Calibration,
                standing.calibration.clone().unwrap_or_default(),
            );
        }
        *said = Said {
            camera: standing.camera,
            calibration: standing.calibration,
        };
        if let Some(health) = standing.health {
            self.say(Topic::Health, health);
        }
        self.keep(&standing.messages);
        self.flush_outbox();
    }

    /// Says what every new connection hears first. `None` if the link broke meanwhile.
    async fn birth<M: RawMutex, const N: usize>(
        &self,
        standing: &Standing,
        states: &Inlet<M, Encoded, N>,
    ) -> Option<()> {
        let connection = self.link.borrow().connections();
        for topic in [Topic::Recalibrate, Topic::PatternShown] {
            let topic = topic.of(&self.table);
            let _ = self.client.try_subscribe(topic.as_str(), QoS::AtLeastOnce);
        }
        let mut text = String::new();
        // A String takes whatever is written to it.
        let _ = schema::write_json(&mut text);
        self.say(Topic::Schema, text);
        // Nothing to say is said, too: an empty payload takes back what the broker has kept of an earlier run.
        self.say(
            Topic::Calibration,
            standing.calibration.clone().unwrap_or_default(),
        );
        if let Some(camera) = standing.camera {
            self.say(Topic::CameraStatus, camera.as_str());
        }
        loop {
            let encoded = states.receive().await;
            let link = self.link.borrow();
            if !link.is_connected() || link.connections() != connection {
                return None;
            }
            drop(link);
            if self.state(&encoded) {
                self.say(Topic::Status, ApplianceStatus::Online.as_str());
                self.say(Topic::Snapshot, encoded.bytes.to_vec());
                return Some(());
            }
        }
    }

    /// Hands a state over. False if it is too old, nobody listens or the client has no room: then it is gone, a newer
    /// one follows.
    fn state(&self, encoded: &Encoded) -> bool {
        let now_us = clock::monotonic_us();
        let listens = self.link.borrow().listens(Instant::now());
        if !listens || now_us.saturating_sub(encoded.encoded_us) > STATE_AGE_MAX_US {
            METRICS.states_superseded.add(1);
            return false;
        }
        let topic = Topic::State.of(&self.table);
        let handed = self
            .client
            .try_publish(topic.as_str(), QoS::AtMostOnce, false, encoded.bytes.to_vec());
        if handed.is_err() {
            METRICS.states_superseded.add(1);
            return false;
        }
        let on_its_way = encoded.from_frame.then_some(StateOnItsWay {
            exposure_us: encoded.exposure_us,
            handed_over_us: now_us,
        });
        self.link.borrow_mut().handed_over(on_its_way);
        true
    }

    /// Hands a prediction over; without room it is gone, the next exposure brings another.
    fn prediction(&self, prediction: &ShotPrediction) {
        let mut buffer = [0; ShotPrediction::MAX_BYTES];
        if let Ok(bytes) = encode(prediction, &mut buffer) {
            self.say(Topic::Prediction, bytes.to_vec());
        }
    }

    fn event(&self, event: &TableEvent) {
        let mut buffer = [0; TableEvent::MAX_BYTES];
        if let Ok(bytes) = encode(event, &mut buffer) {
            let mut outbox = self.outbox.borrow_mut();
            let dropped_before = outbox.dropped();
            outbox.push(Topic::Event, bytes.to_vec());
            METRICS.events_dropped.add(outbox.dropped() - dropped_before);
        }
        self.flush_outbox();
    }

    /// Puts messages where they wait until the broker has them.
    fn keep(&self, messages: &[(Topic, String)]) {
        let mut outbox = self.outbox.borrow_mut();
        for (topic, message) in messages {
            outbox.push(*topic, message.clone().into_bytes());
        }
    }

    /// Hands over what waits, as far as the broker listens and the client has room. Nothing goes before a birth.
    fn flush_outbox(&self) {
        let mut outbox = self.outbox.borrow_mut();
        while self.may_speak() {
            let Some((number, topic, payload)) = outbox.next() else {
                return;
            };
            if self
                .client
                .try_publish(topic.of(&self.table).as_str(), QoS::AtLeastOnce, false, payload)
                .is_err()
            {
                return;
            }
            self.link
                .borrow_mut()
                .handed_over_for_acknowledgement(Acknowledged::Outbox(number, topic), Instant::now());
            outbox.handed_over(number);
        }
    }

    fn probe(&self) {
        if self
            .client
            .try_publish(&self.probe_topic, QoS::AtLeastOnce, false, [])
            .is_ok()
        {
            self.link
                .borrow_mut()
                .handed_over_for_acknowledgement(Acknowledged::SignOfLife, Instant::now());
        }
    }

    /// Publishes on a topic as its contract says. Without room it is lost: the next birth says it again.
    fn say(&self, topic: Topic, payload: impl Into<Vec<u8>>) {
        let delivery = topic.delivery();
        let quality = if delivery.qos == 0 {
            QoS::AtMostOnce
        } else {
            QoS::AtLeastOnce
        };
        let whole = topic.of(&self.table);
        if self
            .client
            .try_publish(whole.as_str(), quality, delivery.retained, payload)
            .is_err()
        {
            return;
        }
        let mut link = self.link.borrow_mut();
        if delivery.qos == 0 {
            link.handed_over(None);
        } else {
            link.handed_over_for_acknowledgement(Acknowledged::SignOfLife, Instant::now());
        }
    }

    async fn last_words(&self) {
        if !self.link.borrow().listens(Instant::now()) {
            return;
        }
        self.say(Topic::Status, ApplianceStatus::Stopped.as_str());
        self.leaving.set(true);
        let _ = self.client.try_disconnect();
        // The wheel is turned beside this; the connection's end ends nothing here, so time does.
        let deadline = Instant::now() + LAST_WORDS;
        while self.link.borrow().is_connected() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Another one each time: whoever connects under the name of a client throws it out, and everybody sees the table's.
fn client_id(table: &TableName) -> String {
    format!("{table}-{:016x}", RandomState::new().build_hasher().finish())
}

fn explain(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => {
            format!(
                "the broker refuses this client ({code:?}); check broker.user, broker.password_file and its ACL"
            )
        }
        ConnectionError::Io(error) => format!("the broker cannot be reached: {error}"),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            "the broker does not answer".to_string()
        }
        ConnectionError::Tls(error) => {
            format!("no trusted connection to the broker: {error}; check broker.ca_file and the host name")
        }
        ConnectionError::MqttState(error) => format!("the connection to the broker broke: {error}"),
        other => format!("the broker does not speak MQTT as expected: {other}"),
    }
}
