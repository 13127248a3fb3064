use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baize_realtime::clock::monotonic_us;
use baize_simulated_table::Projector;
use baize_table_state::Topic;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use crate::{TABLE, wait};

/// How a controller does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Shows what it is asked for and says so.
    Obeys,
    /// Never answers.
    Silent,
    /// Says that it cannot.
    Fails,
    /// Says a size that no projector has.
    SaysATinySize,
    /// Shows something else than it is asked for.
    ShowsAnother,
    /// Shows a corner of it: the rest falls on somebody who stands there.
    IsBlocked,
}

/// The controller of the projector above the simulated table of the tests: it writes what is to be shown to a file.
pub struct Controller {
    client: Client,
    manner: Arc<Mutex<Manner>>,
    ended: Arc<AtomicBool>,
}

impl Controller {
    /// Starts one at the broker on this port, and is subscribed when this returns.
    pub fn start(port: u16, light: &Path) -> Self {
        let options = MqttOptions::new(format!("controller-{}", monotonic_us()), "127.0.0.1", port);
        let (client, mut connection) = Client::new(options, 64);
        let controller = Self {
            client: client.clone(),
            manner: Arc::new(Mutex::new(Manner::Obeys)),
            ended: Arc::default(),
        };
        let (manner, ended) = (Arc::clone(&controller.manner), Arc::clone(&controller.ended));
        let light = PathBuf::from(light);
        let listens = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&listens);
        std::thread::spawn(move || {
            for event in connection.iter() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        // The queue of requests is empty after a connection was made.
                        let _ = client.try_subscribe(topic(Topic::PatternRequest), QoS::AtLeastOnce);
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => heard.store(true, Ordering::Relaxed),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let manner = *manner.lock().unwrap_or_else(PoisonError::into_inner);
                        let request = serde_json::from_slice(&publish.payload).expect("a request is JSON");
                        if let Some(answer) = answer(&request, manner, &light) {
                            let shown = topic(Topic::PatternShown);
                            let _ = client.try_publish(shown, QoS::AtLeastOnce, false, answer.to_string());
                        }
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(20)),
                }
            }
        });
        wait::until("the broker to take a controller's subscription", || {
            listens.load(Ordering::Relaxed).then_some(())
        });
        controller
    }

    /// Does its work like this from now on.
    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The connection may be gone already.
        let _ = self.client.try_disconnect();
    }
}

fn topic(topic: Topic) -> String {
    topic.of(&TABLE.parse().expect("a name")).to_string()
}

fn answer(request: &Value, manner: Manner, light: &Path) -> Option<Value> {
    let id = &request["id"];
    if request["kind"] == "end" {
        show(light, "");
        return None;
    }
    match manner {
        Manner::Silent => return None,
        Manner::Fails => return Some(json!({"id": id, "error": "the lamp is worn out"})),
        Manner::SaysATinySize => return Some(json!({"id": id, "size_px": [64, 48]})),
        Manner::Obeys | Manner::ShowsAnother | Manner::IsBlocked => {
            show(light, &discs(request, manner).unwrap_or_default());
        }
    }
    Some(json!({"id": id, "size_px": Projector::STANDARD_SIZE_PX}))
}

/// The file's text; `None` for a request without discs.
fn discs(request: &Value, manner: Manner) -> Option<String> {
    let points = request["points_px"].as_array()?;
    let mut text = format!("{}\n", request["radius_px"].as_f64()?);
    for (number, point) in points.iter().enumerate() {
        let (mut x, y) = (point[0].as_f64()?, point[1].as_f64()?);
        if manner == Manner::ShowsAnother {
            x += if number % 2 == 0 { 30.0 } else { -30.0 };
        }
        if manner != Manner::IsBlocked || x < 400.0 {
            // A String takes whatever is written to it.
            let _ = writeln!(text, "{x} {y}");
        }
    }
    Some(text)
}

/// Whole or not at all, as the camera may be reading.
fn show(light: &Path, text: &str) {
    let beside = light.with_extension("new");
    std::fs::write(&beside, text).expect("a folder of ours");
    std::fs::rename(&beside, light).expect("a folder of ours");
}
