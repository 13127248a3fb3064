//! `baize watch`: any subscriber's view of what a table publishes.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use baize_table_state::{
    ApplianceStatus, Calibration, CameraStatus, DecodeError, Decoded, Message, ShotPrediction, TableEvent,
    TableName, TableState, Topic, decode,
};
use rumqttc::{Client, Connection, Event, MqttOptions, Outgoing, Packet, QoS, RecvTimeoutError};
use serde_json::{Value, json};

use super::args::WatchArgs;
use crate::failure::Failure;
use crate::publish;
use crate::sources;
use crate::state_json;
use crate::view::{self, Scene};

/// What a subscriber listens to.
const TOPICS: [Topic; 7] = [
    Topic::Status,
    Topic::CameraStatus,
    Topic::State,
    Topic::Snapshot,
    Topic::Event,
    Topic::Prediction,
    Topic::Calibration,
];

/// The screen is drawn at most so often.
const REDRAW: Duration = Duration::from_millis(50);
/// Without a terminal, a line so often.
const LINE: Duration = Duration::from_secs(1);
/// How long a goodbye may take.
const LEAVE: Duration = Duration::from_millis(400);
/// How often an absent broker is tried.
const RETRY: Duration = Duration::from_secs(1);

/// Runs the command.
pub fn run(args: &WatchArgs) -> Result<(), Failure> {
    let mut broker = sources::config(&args.config)?.broker;
    if let Some(url) = &args.broker {
        broker.url.clone_from(url);
    }
    let options = publish::options(&client_id(), &broker).map_err(Failure::from_error)?;
    let table = args
        .table
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(Failure::from_error)?;
    watch(options, table, args.json, args.seconds.map(Duration::from_secs))
}

/// Another one each time: two clients of one name throw each other out, and in two containers a process has the same
/// number.
fn client_id() -> String {
    format!("baize-watch-{:016x}", RandomState::new().build_hasher().finish())
}

/// Subscribes and shows until `duration` is over, for ever without one.
pub fn watch(
    options: MqttOptions,
    table: Option<TableName>,
    json: bool,
    duration: Option<Duration>,
) -> Result<(), Failure> {
    let end = duration.map(|duration| Instant::now() + duration);
    let (client, mut connection) = Client::new(options, TOPICS.len() * 4);
    let mut watcher = Watcher::new(table, json);
    let mut last_error = String::new();
    while end.is_none_or(|end| Instant::now() < end) {
        match connection.recv_timeout(REDRAW) {
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                last_error.clear();
                for topic in TOPICS {
                    let filter = match &watcher.table {
                        Some(table) => topic.of(table),
                        None => topic.of_any_table(),
                    };
                    // The channel holds more.
                    let _ = client.try_subscribe(filter.as_str(), QoS::AtLeastOnce);
                }
            }
            Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                if watcher.heard(&publish.topic, &publish.payload) == Heard::AnotherTable
                    && let Some(table) = &watcher.table
                {
                    // What the broker keeps of this one was heard before it was chosen, and comes again.
                    for topic in TOPICS {
                        let _ = client.try_unsubscribe(topic.of_any_table().as_str());
                        let _ = client.try_subscribe(topic.of(table).as_str(), QoS::AtLeastOnce);
                    }
                }
            }
            Ok(Ok(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Err(error)) => {
                let error = error.to_string();
                if error != last_error {
                    eprintln!("baize: no broker: {error}; is one running there? trying again");
                    last_error = error;
                }
                std::thread::sleep(RETRY);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if watcher.show().is_err() {
            // Whoever read has seen enough.
            take_leave(&client, &mut connection);
            return Ok(());
        }
    }
    take_leave(&client, &mut connection);
    if watcher.newest.is_none() && watcher.scene.status.is_none() {
        return Err(Failure::new(format!(
            "nothing was heard of {}; does `baize run` publish to this broker?",
            watcher
                .table
                .as_ref()
                .map_or_else(|| "any table".into(), |table| format!("table {table}"))
        )));
    }
    Ok(())
}

/// A connection that just ends, brokers take for a fault; some are busy with it for a while.
fn take_leave(client: &Client, connection: &mut Connection) {
    let deadline = Instant::now() + LEAVE;
    if client.try_disconnect().is_err() {
        return;
    }
    while Instant::now() < deadline {
        match connection.recv_timeout(REDRAW) {
            Ok(Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                return;
            }
            Ok(Ok(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What a message led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Nothing but what is shown.
    Shown,
    /// Another table than before is shown from now on.
    AnotherTable,
}

struct Watcher {
    /// The one that is shown; the first that was heard, where none was named.
    table: Option<TableName>,
    /// It was named, or has shown a sign of life: of some tables the broker keeps only what they said last.
    is_chosen: bool,
    json: bool,
    screen: bool,
    scene: Scene,
    lines: Vec<String>,
    said: BTreeSet<String>,
    newest: Option<Instant>,
    arrivals: u32,
    counted_since: Instant,
    shown: Option<Instant>,
}

impl Watcher {
    fn new(table: Option<TableName>, json: bool) -> Self {
        let screen = !json && std::io::stdout().is_terminal();
        let scene = Scene {
            table: table.as_ref().map_or_else(String::new, TableName::to_string),
            ..Scene::default()
        };
        Self {
            is_chosen: table.is_some(),
            table,
            json,
            screen,
            scene,
            lines: Vec::new(),
            said: BTreeSet::new(),
            newest: None,
            arrivals: 0,
            counted_since: Instant::now(),
            shown: None,
        }
    }

    fn heard(&mut self, topic: &str, payload: &[u8]) -> Heard {
        let Ok((table, topic)) = Topic::parse(topic) else {
            return Heard::Shown;
        };
        let lives = topic == Topic::State
            || topic == Topic::Status && payload == ApplianceStatus::Online.as_str().as_bytes();
        let is_another = self.table.as_ref().is_some_and(|shown| *shown != table);
        if is_another && (self.is_chosen || !lives) {
            if lives {
                self.say_once(format!("{table} is there, too; `--table {table}` shows it"));
            }
            return Heard::Shown;
        }
        self.is_chosen |= lives;
        if self.table.is_none() || is_another {
            self.scene = Scene {
                table: table.to_string(),
                ..Scene::default()
            };
            self.newest = None;
        }
        self.table = Some(table.clone());
        self.take(topic, &table, payload);
        if is_another {
            Heard::AnotherTable
        } else {
            Heard::Shown
        }
    }

    /// Takes in what the table that is shown says.
    fn take(&mut self, topic: Topic, table: &TableName, payload: &[u8]) {
        match topic {
            Topic::Status => {
                self.scene.status = ApplianceStatus::from_payload(payload).map(ApplianceStatus::as_str);
                self.tell(json!({"table": table.as_str(), "status": self.scene.status}));
            }
            Topic::CameraStatus => {
                self.scene.camera = CameraStatus::from_payload(payload).map(CameraStatus::as_str);
                self.tell(json!({"table": table.as_str(), "camera": self.scene.camera}));
            }
            Topic::State => {
                if let Some(state) = self.decoded::<TableState>(topic, payload) {
                    self.arrivals += 1;
                    self.newest = Some(Instant::now());
                    self.state(table, state);
                }
            }
            // What was retained is the table until the first live state comes.
            Topic::Snapshot if self.scene.state.is_none() => {
                if let Some(state) = self.decoded::<TableState>(topic, payload) {
                    self.state(table, state);
                }
            }
            Topic::Event => {
                if let Some(event) = self.decoded::<TableEvent>(topic, payload) {
                    let mut object = state_json::event(&event);
                    object["table"] = json!(table.as_str());
                    self.scene.events.push(in_words(&event));
                    if self.scene.events.len() > 8 {
                        self.scene.events.remove(0);
                    }
                    self.tell(object);
                }
            }
            Topic::Prediction => {
                if let Some(shot) = self.decoded::<ShotPrediction>(topic, payload) {
                    let mut object = state_json::prediction(&shot);
                    object["table"] = json!(table.as_str());
                    self.tell(object);
                }
            }
            Topic::Calibration => {
                self.scene.calibration = self.decoded::<Calibration>(topic, payload);
            }
            _ => {}
        }
    }

    fn state(&mut self, table: &TableName, state: TableState) {
        let mut object = state_json::state(&state, &[]);
        object.insert("table".into(), json!(table.as_str()));
        self.scene.state = Some(state);
        self.tell(Value::Object(object));
    }

    /// Decodes, and says once what cannot be decoded.
    fn decoded<M: Message>(&mut self, topic: Topic, payload: &[u8]) -> Option<M> {
        match decode::<M>(payload) {
            Ok(Decoded { message, newer_minor }) => {
                if let Some(minor) = newer_minor {
                    self.say_once(format!(
                        "{} comes in minor version {minor}; shown as far as known",
                        topic.suffix()
                    ));
                }
                Some(message)
            }
            Err(DecodeError::Empty) => None,
            Err(error) => {
                self.say_once(format!("{}: {error}", topic.suffix()));
                None
            }
        }
    }

    fn say_once(&mut self, sentence: String) {
        if self.said.len() < 32 && !self.said.contains(&sentence) {
            eprintln!("baize: {sentence}");
            self.said.insert(sentence);
        }
    }

    fn tell(&mut self, object: Value) {
        if self.json {
            self.lines.push(object.to_string());
        }
    }

    fn show(&mut self) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            for line in self.lines.drain(..) {
                writeln!(out, "{line}")?;
            }
            return Ok(());
        }
        let every = if self.screen { REDRAW } else { LINE };
        if self.shown.is_some_and(|shown| shown.elapsed() < every) {
            return Ok(());
        }
        self.shown = Some(Instant::now());
        let counted = self.counted_since.elapsed();
        if counted >= LINE {
            self.scene.rate_hz = f64::from(self.arrivals) / counted.as_secs_f64();
            self.arrivals = 0;
            self.counted_since = Instant::now();
        }
        self.scene.age = self.newest.map_or(Duration::ZERO, |newest| newest.elapsed());
        if self.screen {
            write!(out, "{}", view::screen(&self.scene))?;
            out.flush()
        } else {
            writeln!(out, "{}", view::line(&self.scene))
        }
    }
}

fn in_words(event: &TableEvent) -> String {
    let mut words = event.kind.to_string();
    if let Some(ball) = event.ball {
        words += &format!(" {}#{}", state_json::kind(ball.identity.kind()), ball.id.get());
    }
    if let Some(speed_mm_s) = event.speed_mm_s {
        words += &format!(" at {:.1} m/s", f64::from(speed_mm_s) / 1000.0);
    }
    words
}
