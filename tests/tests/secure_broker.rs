//! A broker behind TLS, client certificates and passwords; the certificates are made here.

use std::path::Path;
use std::process::{Command, Stdio};

use baize_tests::{Appliance, Mosquitto, Scratch, TABLE, run, wait};

const SOURCE: &str = "sim:size=640x384,fps=10,balls=9";

/// Runs a tool in `folder`. `false` where the tool is not installed.
fn tool(folder: &Path, line: &str) -> bool {
    let status = Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// An authority `NAME.crt`, a broker's and a client's certificate signed by it.
fn authority(folder: &Path, name: &str) {
    let made = tool(
        folder,
        &format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
               -addext basicConstraints=critical,CA:TRUE -keyout {name}.key -out {name}.crt
             for who in broker client; do
               openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who \
                 -keyout {name}-$who.key -out $who.csr
               printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > $who.ext
               openssl x509 -req -days 2 -in $who.csr -CA {name}.crt -CAkey {name}.key -CAcreateserial \
                 -extfile $who.ext -out {name}-$who.crt
             done"
        ),
    );
    assert!(made, "openssl makes the certificates");
}

/// The broker, and a folder with the keys of its clients.
fn secure_broker() -> Option<(Mosquitto, Scratch)> {
    let scratch = Scratch::new();
    for (program, works) in [
        ("openssl", "openssl version"),
        ("mosquitto", "command -v mosquitto_passwd"),
    ] {
        if !tool(scratch.path(), works) {
            baize_skips::skipped(program);
            return None;
        }
    }
    authority(scratch.path(), "ours");
    authority(scratch.path(), "other");
    assert!(tool(
        scratch.path(),
        "mosquitto_passwd -b -c passwords baize secret && printf 'secret\\n' > password"
    ));
    scratch.write("wrong-password", "guess\n");
    let file = |name: &str| scratch.path().join(name).display().to_string();
    let lines = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\nallow_anonymous false\npassword_file {}\n",
        file("ours.crt"),
        file("ours-broker.crt"),
        file("ours-broker.key"),
        file("passwords")
    );
    Some((Mosquitto::start_with(Scratch::new(), &lines)?, scratch))
}

/// Keys of `[broker]`.
fn keys(folder: &Path, authority: &str, client: &str, password: &str) -> String {
    let file = |name: String| folder.join(name).display().to_string();
    format!(
        "user = \"baize\"\npassword_file = \"{}\"\nca_file = \"{}\"\ncertificate_file = \"{}\"\nkey_file = \"{}\"\n",
        file(password.into()),
        file(format!("{authority}.crt")),
        file(format!("{client}-client.crt")),
        file(format!("{client}-client.key")),
    )
}

#[test]
fn with_the_right_keys_states_come_through_and_with_wrong_ones_the_reason_is_said() {
    let Some((broker, secrets)) = secure_broker() else {
        return;
    };
    let folder = secrets.path();
    let url = format!("mqtts://localhost:{}", broker.port());
    let right = keys(folder, "ours", "ours", "password");
    let config = secrets.write("watch.toml", format!("[broker]\n{right}"));
    let _appliance = Appliance::start_with(Scratch::new(), SOURCE, &url, &right);
    let args = [
        "watch",
        "--broker",
        &url,
        "--config",
        config.to_str().expect("text"),
        "--json",
        "--seconds",
        "8",
    ];
    let lines = run(args).succeeded().json();
    assert!(
        lines
            .iter()
            .any(|line| line["table"] == TABLE && line["balls"].is_array()),
        "{lines:?}"
    );

    for (lines, part) in [
        (keys(folder, "other", "ours", "password"), "broker.ca_file"),
        (
            keys(folder, "ours", "ours", "wrong-password"),
            "broker.password_file",
        ),
        (keys(folder, "ours", "other", "password"), "broker"),
    ] {
        let mut appliance = Appliance::start_with(Scratch::new(), SOURCE, &url, &lines);
        wait::until(&format!("a word about {part}"), || {
            let said = appliance.program.err();
            said.iter()
                .any(|line| line.contains("trying again") && line.contains(part))
                .then_some(())
        });
        assert!(appliance.program.is_running());
        assert!(
            !appliance
                .program
                .err()
                .iter()
                .any(|line| line.contains("connected")),
            "{:#?}",
            appliance.program.err()
        );
    }
}

#[test]
fn keys_that_cannot_be_read_are_named_before_anything_starts() {
    let scratch = Scratch::new();
    let no_key = scratch.write("no.pem", "no certificate");
    for (keys, parts) in [
        (&["ca_file"][..], &["no.pem", "certificate"][..]),
        (&["certificate_file", "key_file"], &["no.pem"]),
    ] {
        let mut lines =
            "[table]\nname = \"t\"\n[camera]\nsource = \"sim:\"\n[broker]\nurl = \"mqtts://localhost\"\n"
                .to_owned();
        for key in keys {
            lines += &format!("{key} = \"{}\"\n", no_key.display());
        }
        let config = scratch.write("baize.toml", lines);
        run(["run", "--config", config.to_str().expect("text")]).refused_with(parts);
    }
}
