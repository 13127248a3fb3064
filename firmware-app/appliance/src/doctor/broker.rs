//! The broker: whether it lets us in.

use std::time::{Duration, Instant};

use rumqttc::{Client, Event, Packet};

use super::Finding;
use crate::config;
use crate::publish;

const SUBJECT: &str = "broker";

const ANSWER_MAX: Duration = Duration::from_secs(5);

pub fn broker(config: &config::Broker) -> Finding {
    // A name of its own: the appliance's would throw out one that runs.
    let client = format!("baize-doctor-{}", std::process::id());
    let options = match publish::options(&client, config) {
        Ok(options) => options,
        Err(error) => return Finding::missing(SUBJECT, error),
    };
    let url = &config.url;
    let (client, mut connection) = Client::new(options, 1);
    let until = Instant::now() + ANSWER_MAX;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match connection.recv_timeout(left) {
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                // It goes with the connection anyway.
                let _ = client.try_disconnect();
                return Finding::good(SUBJECT, format!("{url} lets us in"));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                return Finding::missing(SUBJECT, format!("{url}: {error}"))
                    .advise("start a broker there, for example Mosquitto, or name another one: broker.url");
            }
            Err(_) => {
                let seconds = ANSWER_MAX.as_secs();
                return Finding::missing(SUBJECT, format!("{url} does not answer within {seconds} s"))
                    .advise("is it a broker, and does no firewall stand between?");
            }
        }
    }
}
