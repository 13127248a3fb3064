//! `baize calibrate --live`: asks a running appliance to calibrate, and shows how far it has come and how it ends.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use baize_table_state::{TableName, Topic};
use rumqttc::{Client, Event, Packet, QoS, RecvTimeoutError};
use serde_json::{Value, json};

use super::args::CalibrateArgs;
use crate::failure::Failure;
use crate::publish;
use crate::sources;

/// Without a word for so long, nobody is working on it: the longest silence is that of a solver, some seconds.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often the silence is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Publications and subscriptions at once.
const REQUESTS: usize = 8;

/// Runs the command. A refused calibration is a failure, after everything has been told.
pub fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    let mut broker = sources::config(&args.config)?.broker;
    if let Some(url) = &args.broker {
        broker.url.clone_from(url);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let table: TableName = name
        .parse()
        .map_err(|error| Failure::at(format!("--name `{name}`"), error))?;
    // The id of this very request: results of others are not ours.
    let id = format!("{:016x}", RandomState::new().build_hasher().finish());
    let options = publish::options(&format!("baize-calibrate-{id}"), &broker).map_err(Failure::from_error)?;
    let (client, mut connection) = Client::new(options, REQUESTS);
    let request = json!({"id": id, "what": args.what.name()}).to_string();
    let topics = [Topic::RecalibrateProgress, Topic::RecalibrateResult];
    let mut subscribed = 0;
    let mut heard = Instant::now();
    loop {
        match connection.recv_timeout(LOOK) {
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                for topic in topics {
                    // The channel holds more.
                    let _ = client.try_subscribe(topic.of(&table).as_str(), QoS::AtLeastOnce);
                }
            }
            // The request goes out once its answers will be heard.
            Ok(Ok(Event::Incoming(Packet::SubAck(_)))) => {
                subscribed += 1;
                if subscribed == topics.len() {
                    let topic = Topic::Recalibrate.of(&table);
                    let _ = client.try_publish(topic.as_str(), QoS::AtLeastOnce, false, request.clone());
                }
            }
            Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                let message: Value = serde_json::from_slice(&publish.payload).unwrap_or_default();
                if message["id"] != json!(id) {
                    continue;
                }
                heard = Instant::now();
                tell(&message, args.json);
                if let Some(accepted) = message["accepted"].as_bool() {
                    return ended(accepted, &message);
                }
            }
            Ok(Ok(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Err(error)) => {
                return Err(Failure::new(format!(
                    "no broker: {error}; is one running there? --broker names another"
                )));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::new("the connection ended")),
        }
        if heard.elapsed() > SILENCE_MAX {
            return Err(Failure::new(format!(
                "table {table} does not answer; does `baize run` publish to this broker, under this name?"
            )));
        }
    }
}

fn ended(accepted: bool, message: &Value) -> Result<(), Failure> {
    let reason = message["reason"].as_str().unwrap_or_default();
    if accepted {
        Ok(())
    } else {
        Err(Failure::new(format!("refused: {reason}")))
    }
}

fn tell(message: &Value, json: bool) {
    if json {
        println!("{message}");
    } else if let Some(stage) = message["stage"].as_str() {
        println!("{stage} {}/{}", message["done"], message["of"]);
    } else if message["accepted"] == true {
        let residual = message["residual_mm"].as_f64();
        println!(
            "accepted as calibration {}{}: {}",
            message["calibration_id"],
            residual.map_or_else(String::new, |mm| format!(", residual {mm:.2} mm")),
            message["reason"].as_str().unwrap_or_default()
        );
    }
}
