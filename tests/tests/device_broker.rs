//! The broker of the product, configured as it is flashed, with what the first boot made: who is let in, and who may do what.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use baize::config;
use baize_table_state::{TableName, Topic};
use baize_tests::{Device, Finished, Mosquitto, Program, SMALL_MODEL, Scratch, Subscriber, run, wait};
use rumqttc::{Client, Event, Packet, QoS};

const JUDGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../yocto-layer/recipes-core/rauc/files/baize-mark-good"
);

/// A RAUC that has booted slot A, and writes down what it is told beside that.
const RAUC: &str = "#!/bin/sh\n[ \"$2\" != --output-format=shell ] || \
                    exec echo RAUC_SLOTS=1 RAUC_SLOT_STATE_1=booted RAUC_SLOT_BOOTNAME_1=A\n\
                    echo \"rauc $*\" >>\"$ROOT/told\"\n";

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
            let root = device.root();
            here.replace("/data/", &format!("{}/data/", root.display()))
                .replace("/run/", &format!("{}/run/", root.display()))
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
        let here = flashed.replace("mqtts://localhost:8883", &self.url());
        self.device.write("etc/baize/baize.toml", &here);
        self.device.write(
            "data/baize/here.toml",
            &format!(
                "[camera]\nsource = \"sim:size=320x192,fps=10\"\n\
                 [detector]\nmodel = \"{SMALL_MODEL}\"\nbackend = \"rten\"\n\
                 [board]\nbutton_line = \"\"\nled_line = \"\"\n[realtime]\nenabled = false\nlock_memory = false\n"
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

    /// Whether `baize-mark-good` finds the running slot good.
    fn is_good(&self, limit_s: u32) -> bool {
        let judge = Command::new("sh")
            .arg(JUDGE)
            .env("ROOT", self.device.root())
            .env("PATH", self.device.path())
            .env("LIMIT_S", limit_s.to_string())
            .stdin(Stdio::null())
            .status();
        judge.expect("there is a shell").success()
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

    /// Publishes as this user, and is told by the broker that it has heard, whether it lets it through or not.
    fn publish(&self, user: &str, topics: &[String], payload: &str) {
        let options = baize::publish::options(&format!("{user}-publishes"), &self.keys(user))
            .expect("the keys are there");
        let (client, mut connection) = Client::new(options, topics.len());
        for topic in topics {
            client
                .try_publish(topic, QoS::AtLeastOnce, false, payload)
                .expect("the client has room");
        }
        let heard = connection
            .iter()
            .map(|event| event.expect("it is let in"))
            .filter(|event| matches!(event, Event::Incoming(Packet::PubAck(_))))
            .take(topics.len());
        assert_eq!(heard.count(), topics.len());
    }

    fn subscriber(&self) -> Subscriber {
        Subscriber::with(
            baize::publish::options("subscriber-listens", &self.keys("subscriber"))
                .expect("the keys are there"),
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
        &[running.topic(Topic::Recalibrate)],
        r#"{"id": 7, "what": "projector"}"#,
    );
    let result = subscriber.wait_for(Topic::RecalibrateResult, "the result", |message| {
        message.json()["id"] == 7
    });
    assert_eq!(result.json()["what"], "projector");
}

#[test]
fn a_slot_is_judged_with_the_password_and_the_rights_of_the_appliance() {
    let Some(running) = Running::start() else { return };
    let rauc = running.device.programs().join("rauc");
    fs::write(&rauc, RAUC).expect("a folder of ours");
    fs::set_permissions(rauc, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let told = || fs::read_to_string(running.device.root().join("told")).unwrap_or_default();
    let _appliance = running.appliance();
    running.subscriber().wait_for_text(Topic::Status, "online");

    let password = running.device.read("credentials/appliance.password");
    running
        .device
        .write("data/baize/credentials/appliance.password", "guessed");
    assert!(!running.is_good(3), "it sees no states without the password");
    assert_eq!(told(), "");

    running
        .device
        .write("data/baize/credentials/appliance.password", &password);
    assert!(running.is_good(60));
    assert_eq!(told(), "rauc status mark-good\n");
    let good = fs::read_to_string(running.device.root().join("data/rauc/good"));
    assert_eq!(good.expect("it is kept"), "A\n");
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
fn a_subscriber_can_say_nothing_a_controller_its_two_topics_and_the_appliance_all_others() {
    let Some(running) = Running::start() else { return };
    let subscriber = running.subscriber();
    let of_others = [
        "baize/another-table/v1/state",
        "baize/another-table/cmd/recalibrate",
    ];
    let topics: Vec<String> = Topic::ALL
        .iter()
        .map(|&topic| running.topic(topic))
        .chain(of_others.map(str::to_owned))
        .collect();
    for user in ["subscriber", "controller", "appliance"] {
        running.publish(user, &topics, user);
    }
    let theirs = [Topic::Recalibrate, Topic::PatternShown];
    let allowed: Vec<(Topic, &str)> = theirs
        .into_iter()
        .map(|topic| (topic, "controller"))
        .chain(
            Topic::ALL
                .iter()
                .filter(|topic| !theirs.contains(topic))
                .map(|&topic| (topic, "appliance")),
        )
        .collect();
    // The last of them comes after all that was forged.
    wait::until("what is allowed", || {
        (subscriber.heard().len() >= allowed.len()).then_some(())
    });
    let heard = subscriber.heard();
    let heard: Vec<(Topic, &str)> = heard
        .iter()
        .map(|message| (message.topic(), message.text()))
        .collect();
    assert_eq!(heard, allowed);
    assert!(
        subscriber
            .heard()
            .iter()
            .all(|message| !message.topic.contains("another-table"))
    );
}
