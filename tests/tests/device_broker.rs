//! The broker of the product, configured as it is flashed, with what the first boot made: who is let in, and who may do what.

use std::ffi::OsStr;
use std::path::PathBuf;

use baize::config;
use baize_table_state::{TableName, Topic};
use baize_tests::{Device, Finished, Mosquitto, Program, SMALL_MODEL, Scratch, Subscriber, run, wait};
use rumqttc::{Client, Event, Packet, QoS};

/// A device whose broker runs.
struct Running {
    broker: Mosquitto,
    device: Device,
}

impl Running {
    fn start() -> Option<Self> {
        let device = Device::new()?;
        device.boot();
        let flashed = std::fs::read_to_string(device.root().join("etc/mosquitto/mosquitto.conf"))
            .expect("it was flashed");
        let broker = Mosquitto::start_configured(Scratch::new(), |port| {
            let here = flashed.replace("listener 8883", &format!("listener {port} 127.0.0.1"));
            here.replace("/data/", &format!("{}/data/", device.root().display()))
        })?;
        Some(Self { broker, device })
    }

    fn url(&self) -> String {
        format!("mqtts://localhost:{}", self.broker.port())
    }

    /// `baize run` as the product's unit starts it, but for the camera, the network, and where things lie.
    fn appliance(&self) -> Program {
        let flashed =
            std::fs::read_to_string(self.device.root().join("etc/baize/baize.toml")).expect("it was flashed");
        let here = flashed.replace("\"/data/", &format!("\"{}/data/", self.device.root().display()));
        self.device.write("etc/baize/baize.toml", &here);
        self.device.write(
            "data/baize/here.toml",
            &format!(
                "[broker]\nurl = \"{}\"\n[camera]\nsource = \"sim:size=320x192,fps=10\"\n\
                 [detector]\nmodel = \"{SMALL_MODEL}\"\nbackend = \"rten\"\n\
                 [board]\nbutton_line = \"\"\nled_line = \"\"\n[realtime]\nenabled = false\nlock_memory = false\n",
                self.url()
            ),
        );
        let mut arguments = vec![PathBuf::from("run")];
        for file in [
            "etc/baize/baize.toml",
            "data/baize/table.toml",
            "data/baize/here.toml",
        ] {
            arguments.extend(["--config".into(), self.device.root().join(file)]);
        }
        Program::start(arguments)
    }

    /// What a client is configured with that knows this user's password.
    fn keys(&self, user: &str) -> config::Broker {
        let password = match user {
            "appliance" => "credentials/appliance.password".to_owned(),
            user => format!("credentials/hand-out/{user}.password"),
        };
        config::Broker {
            url: self.url(),
            user: user.into(),
            password_file: self.device.data(&password),
            ca_file: self.device.data("tls/authority.crt"),
            ..config::Broker::default()
        }
    }

    fn topic(&self, topic: Topic) -> String {
        let name: TableName = self.device.name().parse().expect("a name");
        topic.of(&name).to_string()
    }

    /// Publishes as this user, and is told by the broker that it has heard.
    fn publish(&self, user: &str, topic: &str, payload: &str) {
        let options =
            baize::publish::options(&format!("{user}-test"), &self.keys(user)).expect("the keys are there");
        let (client, mut connection) = Client::new(options, 8);
        client
            .try_publish(topic, QoS::AtLeastOnce, false, payload)
            .expect("the client has room");
        let answered = connection
            .iter()
            .any(|event| matches!(event.expect("it is let in"), Event::Incoming(Packet::PubAck(_))));
        assert!(answered);
    }

    fn subscriber(&self) -> Subscriber {
        Subscriber::with(
            baize::publish::options("subscriber-test", &self.keys("subscriber")).expect("the keys are there"),
        )
    }

    /// `baize watch` with these lines in its `[broker]`.
    fn watch(&self, lines: &str) -> Finished {
        let scratch = Scratch::new();
        let config = scratch.write(
            "watch.toml",
            format!("[broker]\nurl = \"{}\"\n{lines}", self.url()),
        );
        let arguments = ["watch", "--json", "--seconds", "3", "--config"].map(OsStr::new);
        run(arguments.into_iter().chain([config.as_os_str()]))
    }
}

#[test]
fn the_appliance_publishes_and_whoever_was_handed_a_password_sees_it() {
    let Some(running) = Running::start() else { return };
    let _appliance = running.appliance();
    let subscriber = running.subscriber();
    subscriber.wait_for_text(Topic::Status, "online");
    let state = subscriber.wait_for_count(Topic::State, 3);
    assert_eq!(state[0].topic, running.topic(Topic::State));

    running.publish(
        "controller",
        &running.topic(Topic::Recalibrate),
        r#"{"id": 7, "what": "projector"}"#,
    );
    let result = subscriber.wait_for(Topic::RecalibrateResult, "the result", |message| {
        message.json()["id"] == 7
    });
    assert_eq!(result.json()["what"], "projector");
}

#[test]
fn nobody_else_is_let_in() {
    let Some(running) = Running::start() else { return };
    let ca = format!(
        "ca_file = \"{}\"\n",
        running.device.data("tls/authority.crt").display()
    );
    let password = running.device.data("credentials/hand-out/subscriber.password");
    let wrong = running.device.data("tls/authority.crt");
    for (who, lines) in [
        ("nobody in particular", ca.clone()),
        (
            "somebody who guesses",
            format!(
                "{ca}user = \"subscriber\"\npassword_file = \"{}\"\n",
                wrong.display()
            ),
        ),
        (
            "a user that does not exist",
            format!(
                "{ca}user = \"root\"\npassword_file = \"{}\"\n",
                password.display()
            ),
        ),
    ] {
        let said = running.watch(&lines).said();
        assert!(said.contains("no broker"), "{who}: {said}");
        assert!(
            said.contains("refused")
                || said.contains("NotAuthorized")
                || said.contains("BadUserNamePassword"),
            "{who}: {said}"
        );
    }
    // Without the authority, the broker is not believed to be who it says.
    let said = running
        .watch(&format!(
            "user = \"subscriber\"\npassword_file = \"{}\"\n",
            password.display()
        ))
        .said();
    assert!(
        said.contains("UnknownIssuer") || said.contains("certificate"),
        "{said}"
    );
    // And nothing is spoken in the clear.
    let plain = format!("mqtt://localhost:{}", running.broker.port());
    let said = run(["watch", "--broker", &plain, "--seconds", "2"]).said();
    assert!(said.contains("no broker"), "{said}");
}

#[test]
fn a_subscriber_can_say_nothing_and_a_controller_nothing_but_its_two_topics() {
    let Some(running) = Running::start() else { return };
    let subscriber = running.subscriber();
    let of = |suffix: &str| format!("baize/{}/{suffix}", running.device.name());
    for (user, topic) in [
        ("subscriber", of("v1/state")),
        ("subscriber", of("cmd/recalibrate")),
        ("subscriber", of("v1/pattern/shown")),
        ("controller", of("v1/state")),
        ("controller", of("status")),
        ("controller", "baize/another-table/cmd/recalibrate".to_owned()),
        ("appliance", "baize/another-table/v1/state".to_owned()),
    ] {
        running.publish(user, &topic, "forged");
    }
    for (user, topic) in [
        ("controller", of("v1/pattern/shown")),
        ("controller", of("cmd/recalibrate")),
        ("appliance", of("status")),
    ] {
        running.publish(user, &topic, "allowed");
    }
    // What comes last comes after all that was forged.
    wait::until("what was allowed", || {
        (subscriber.heard().len() >= 3).then_some(())
    });
    let heard: Vec<(String, String)> = subscriber
        .heard()
        .into_iter()
        .map(|message| (message.topic.clone(), message.text().to_owned()))
        .collect();
    let allowed = |suffix: &str| (of(suffix), "allowed".to_owned());
    assert_eq!(
        heard,
        [
            allowed("v1/pattern/shown"),
            allowed("cmd/recalibrate"),
            allowed("status")
        ]
    );
}
