//! The first boot, in a folder that stands for the root of a new device: its script, the real tools, the real program.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use baize_skips::skipped;
use baize_tests::{Scratch, binary};

const LAYER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../yocto-layer");

/// Programs that the script calls and that can be in its way when the plug is pulled.
const CALLED: &[&str] = &[
    "baize",
    "cat",
    "chgrp",
    "chmod",
    "find",
    "mkdir",
    "mosquitto_passwd",
    "mv",
    "openssl",
    "rm",
    "sed",
    "sync",
];

/// Pulls the plug before call number `$PULL_AT`, and writes down every call.
const SHIM: &str = r#"#!/bin/sh
name=${0##*/}
echo "$name $*" >>"$CALLS"
if [ "$(wc -l <"$CALLS")" = "${PULL_AT:-0}" ]; then
    kill -KILL 0
fi
real=$(PATH=$REAL_PATH command -v "$name")
exec "$real" "$@"
"#;

/// A device, off.
struct Device {
    scratch: Scratch,
}

impl Device {
    /// One that has just been flashed. `None`, and a skip, where a tool is missing.
    fn new() -> Option<Self> {
        for (tool, package) in [("openssl", "openssl"), ("mosquitto_passwd", "mosquitto")] {
            let found = Command::new("sh")
                .args(["-c", &format!("command -v {tool}")])
                .output();
            if !found.is_ok_and(|found| found.status.success()) {
                skipped(package);
                return None;
            }
        }
        let device = Self {
            scratch: Scratch::new(),
        };
        for folder in [
            "etc/baize",
            "etc/mosquitto",
            "usr/share/baize",
            "run",
            "data",
            "proc/device-tree",
            "proc/sys/kernel",
        ] {
            fs::create_dir_all(device.root().join(folder)).expect("a folder of ours");
        }
        for (file, place) in [
            ("recipes-baize/baize/files/baize.toml", "etc/baize/baize.toml"),
            (
                "recipes-baize/baize-first-boot/files/table.toml",
                "usr/share/baize/table.toml",
            ),
            ("recipes-connectivity/mosquitto/files/acl", "etc/mosquitto/acl"),
        ] {
            fs::copy(Path::new(LAYER).join(file), device.root().join(place)).expect("a file of the layer");
        }
        device.write("proc/device-tree/serial-number", "1421723024563\0");
        for folder in ["bin", "shims"] {
            fs::create_dir(device.scratch.path().join(folder)).expect("a folder of ours");
        }
        let program = device.scratch.path().join("bin/baize");
        std::os::unix::fs::symlink(binary(), program).expect("a folder of ours");
        for name in CALLED {
            let shim = device.scratch.write(&format!("shims/{name}"), SHIM);
            fs::set_permissions(shim, PermissionsExt::from_mode(0o755)).expect("a file of ours");
        }
        Some(device)
    }

    fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    fn data(&self, name: &str) -> PathBuf {
        self.root().join("data/baize").join(name)
    }

    fn read(&self, name: &str) -> String {
        let file = self.data(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).expect("a folder of ours");
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.scratch.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Switches it on.
    fn boot(&self) -> Child {
        self.script().spawn().expect("there is a shell")
    }

    /// Switches it on, and writes down what the script calls; the plug is pulled before the call of that number, if there
    /// are so many.
    fn watched_boot(&self, pull_at: usize) -> Child {
        let _ = fs::remove_file(self.scratch.path().join("calls"));
        let shims = self.scratch.path().join("shims");
        self.script()
            .env("PATH", format!("{}:{}", shims.display(), self.path()))
            .env("REAL_PATH", self.path())
            .env("CALLS", self.scratch.path().join("calls"))
            .env("PULL_AT", pull_at.to_string())
            .spawn()
            .expect("there is a shell")
    }

    fn path(&self) -> String {
        let path = std::env::var("PATH").expect("there is one");
        format!("{}:{path}", self.scratch.path().join("bin").display())
    }

    fn script(&self) -> Command {
        let mut script = Command::new("sh");
        script
            .arg(Path::new(LAYER).join("recipes-baize/baize-first-boot/files/first-boot"))
            .env("ROOT", self.root())
            .env("PATH", self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Pulling the plug ends the script and whatever it started, and nothing else.
            .process_group(0);
        script
    }

    /// Boots, and is told that all went well.
    fn boot_to_the_end(&self) {
        let ended = self.boot().wait_with_output().expect("it ends");
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }

    /// Everything that was made, by name.
    fn made(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut made = BTreeMap::new();
        let mut folders = vec![self.data("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder of ours") {
                let path = entry.expect("a folder of ours").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    made.insert(path.clone(), fs::read(&path).expect("a file of ours"));
                }
            }
        }
        made
    }

    /// What is in place is whole, and nothing else is there.
    fn is_complete(&self) {
        let names: Vec<String> = self
            .made()
            .keys()
            .map(|path| {
                path.strip_prefix(self.data(""))
                    .expect("it lies there")
                    .display()
                    .to_string()
            })
            .collect();
        assert_eq!(
            names,
            [
                "acl",
                "credentials/appliance.password",
                "credentials/hand-out/controller.password",
                "credentials/hand-out/subscriber.password",
                "credentials/passwords",
                "identity",
                "table.toml",
                "tls/authority.crt",
                "tls/broker.crt",
                "tls/broker.key",
            ]
        );
        let name = self.read("identity");
        let name = name.trim();
        assert!(name.starts_with("baize-") && name.len() == 14, "{name}");
        assert!(self.read("table.toml").contains(&format!("name = \"{name}\"")));
        assert!(
            self.read("acl")
                .contains(&format!("topic readwrite baize/{name}/#"))
        );
        assert!(!self.read("acl").contains('@'));
        self.tool("openssl verify -CAfile tls/authority.crt tls/broker.crt");
        self.tool("openssl x509 -in tls/broker.crt -noout -pubkey >../../run/a && openssl pkey -in tls/broker.key -pubout | cmp - ../../run/a");
        let passwords = self.read("credentials/passwords");
        for user in ["appliance", "subscriber", "controller"] {
            assert!(passwords.contains(&format!("{user}:$7$")), "{passwords}");
        }
        for file in [
            "credentials/appliance.password",
            "credentials/hand-out/subscriber.password",
            "credentials/hand-out/controller.password",
        ] {
            let password = self.read(file);
            assert_eq!(password.trim().len(), 32, "{file}");
            assert!(
                !passwords.contains(password.trim()),
                "{file} lies there in the clear"
            );
        }
        let host_name = fs::read_to_string(self.root().join("proc/sys/kernel/hostname")).expect("it was set");
        assert_eq!(host_name.trim(), name);
        assert!(
            !self.root().join("run/baize-first-boot").exists(),
            "the authority's key is gone"
        );
    }

    fn tool(&self, line: &str) {
        let done = Command::new("sh")
            .args(["-ec", line])
            .current_dir(self.data(""))
            .output()
            .expect("there is a shell");
        assert!(
            done.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.data(name))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    }
}

#[test]
fn a_new_device_makes_its_name_its_certificates_and_its_passwords_and_never_again() {
    let Some(device) = Device::new() else { return };
    device.boot_to_the_end();
    device.is_complete();
    for (name, mode) in [
        ("credentials/hand-out", 0o700),
        ("credentials/hand-out/subscriber.password", 0o600),
        ("credentials/appliance.password", 0o640),
        ("credentials/passwords", 0o640),
        ("tls/broker.key", 0o640),
        ("tls/authority.crt", 0o644),
        ("acl", 0o640),
    ] {
        assert_eq!(device.mode(name), mode, "{name}");
    }
    let made = device.made();
    // Another serial number: what was made stays, as those who know the table know it by that name.
    device.write("proc/device-tree/serial-number", "999\0");
    device.boot_to_the_end();
    assert_eq!(device.made(), made);

    let Some(other) = Device::new() else { return };
    other.boot_to_the_end();
    assert_eq!(
        other.read("identity"),
        device.read("identity"),
        "the name comes from the serial number"
    );
    for secret in [
        "tls/broker.key",
        "credentials/appliance.password",
        "credentials/hand-out/subscriber.password",
    ] {
        assert_ne!(
            other.read(secret),
            device.read(secret),
            "{secret} is made on the device"
        );
    }
}

#[test]
fn a_table_with_a_name_of_its_own_has_its_rights_under_that_name() {
    let Some(device) = Device::new() else { return };
    device.boot_to_the_end();
    device.write("data/baize/table.toml", "[table]\nname = \"hall-1\"\n");
    device.boot_to_the_end();
    assert!(device.read("acl").contains("topic readwrite baize/hall-1/#"));
    assert!(device.read("identity").starts_with("baize-"));
}

#[test]
fn a_plug_pulled_before_any_call_costs_nothing() {
    let Some(device) = Device::new() else { return };
    assert!(device.watched_boot(0).wait().expect("it ends").success());
    let calls = device.calls().len();
    assert!(calls > 40, "{:?}", device.calls());
    for pull_at in 1..=calls {
        let Some(device) = Device::new() else { return };
        let ended = device.watched_boot(pull_at).wait().expect("it ends");
        assert!(!ended.success(), "the plug was pulled at {pull_at}");
        let before = device.made();
        device.boot_to_the_end();
        device.is_complete();
        for (file, content) in before {
            let unfinished = file
                .components()
                .any(|part| part.as_os_str().to_string_lossy().ends_with(".new"));
            if !unfinished && !file.ends_with("acl") {
                assert_eq!(
                    fs::read(&file).ok(),
                    Some(content),
                    "{} was in place at {pull_at}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_plug_pulled_while_secrets_are_renewed_leaves_none_of_the_old_ones() {
    let Some(device) = Device::new() else { return };
    device.boot_to_the_end();
    device.write("data/baize/renew", "");
    device.watched_boot(0).wait().expect("it ends");
    let calls = device.calls().len();
    for pull_at in (1..=calls).step_by(3) {
        let Some(device) = Device::new() else { return };
        device.boot_to_the_end();
        let old = device.made();
        device.write("data/baize/renew", "");
        device.watched_boot(pull_at).wait().expect("it ends");
        device.boot_to_the_end();
        device.is_complete();
        for (file, content) in old.iter().filter(|(file, _)| {
            file.starts_with(device.data("tls")) || file.starts_with(device.data("credentials"))
        }) {
            assert_ne!(
                &fs::read(file).expect("it is there"),
                content,
                "{} at {pull_at}",
                file.display()
            );
        }
    }
}

#[test]
fn plugs_pulled_at_any_moment_cost_nothing() {
    let Some(device) = Device::new() else { return };
    // As long as the whole takes here, in steps that hit every part of it.
    let started = std::time::Instant::now();
    device.boot_to_the_end();
    let whole = started.elapsed();
    let Some(device) = Device::new() else { return };
    for moment in 0..30u32 {
        let mut boot = device.boot();
        // A stride that visits the thirtieths of the time in no order.
        std::thread::sleep(whole * (moment * 7 % 30) / 30);
        pull(&mut boot);
    }
    device.boot_to_the_end();
    device.is_complete();
}

/// Kills the script with all that it started.
fn pull(boot: &mut Child) {
    // It may have ended.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -KILL -{}", boot.id())])
        .stderr(Stdio::null())
        .status();
    boot.wait().expect("it ends");
    std::thread::sleep(Duration::from_millis(1));
}

#[test]
fn nothing_is_renamed_that_is_not_on_the_disk() {
    let Some(device) = Device::new() else { return };
    device.watched_boot(0).wait().expect("it ends");
    let mut synced: Vec<String> = Vec::new();
    let mut renamed = Vec::new();
    let calls = device.calls();
    for (at, call) in calls.iter().enumerate() {
        let words: Vec<&str> = call.split(' ').collect();
        match words[..] {
            ["sync", ref files @ ..] => synced.extend(files.iter().map(|file| (*file).to_owned())),
            ["mv", "-T", from, to] => {
                assert!(synced.iter().any(|file| file == from), "{call}");
                let inside = |name: &str| synced.iter().any(|file| file == &format!("{from}/{name}"));
                match to.rsplit('/').next().expect("a name") {
                    "tls" => assert!(
                        ["authority.crt", "broker.crt", "broker.key"]
                            .into_iter()
                            .all(inside),
                        "{call}"
                    ),
                    "credentials" => assert!(
                        [
                            "passwords",
                            "appliance.password",
                            "hand-out/subscriber.password",
                            "hand-out/controller.password"
                        ]
                        .into_iter()
                        .all(inside),
                        "{call}"
                    ),
                    _ => {}
                }
                let folder = to.rsplit_once('/').expect("a folder").0;
                assert_eq!(
                    calls[at + 1],
                    format!("sync {folder}"),
                    "the new name is synced, too"
                );
                renamed.push(to.rsplit('/').next().expect("a name").to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(renamed, ["identity", "table.toml", "tls", "credentials", "acl"]);
}
