//! The first boot, in a folder that stands for the root of a new device: its script, the real tools, the real program.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use baize_tests::Device;

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
if [ "$(wc -l <"$CALLS")" = "$PULL_AT" ]; then
    kill -KILL 0
fi
real=$(PATH=$REAL_PATH command -v "$name")
exec "$real" "$@"
"#;

/// Boots, and writes down what the script calls; the plug is pulled before the call of that number, if there are so many.
fn watched_boot(device: &Device, pull_at: usize) -> (bool, Vec<String>) {
    let shims = device.root().join("../shims");
    fs::create_dir_all(&shims).expect("a folder of ours");
    for name in CALLED {
        let shim = shims.join(name);
        fs::write(&shim, SHIM).expect("a folder of ours");
        fs::set_permissions(shim, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }
    let calls = device.root().join("../calls");
    let _ = fs::remove_file(&calls);
    let done = device
        .script("first-boot")
        .env("PATH", format!("{}:{}", shims.display(), device.path()))
        .env("REAL_PATH", device.path())
        .env("CALLS", &calls)
        .env("PULL_AT", pull_at.to_string())
        .output()
        .expect("there is a shell");
    let calls = fs::read_to_string(calls).expect("it calls something");
    (done.status.success(), calls.lines().map(str::to_owned).collect())
}

/// Everything that was made, by name.
fn made(device: &Device) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut made = BTreeMap::new();
    let mut folders = vec![device.data("")];
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

fn tool(device: &Device, line: &str) {
    let done = Command::new("sh")
        .args(["-ec", line])
        .current_dir(device.data(""))
        .output();
    let done = done.expect("there is a shell");
    assert!(
        done.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Everything is there, whole, and nothing else is.
fn is_complete(device: &Device) {
    let files = made(device);
    let names: Vec<String> = files
        .keys()
        .map(|path| {
            path.strip_prefix(device.data(""))
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
    let name = device.name();
    assert!(name.starts_with("baize-") && name.len() == 14, "{name}");
    assert!(device.read("table.toml").contains(&format!("name = \"{name}\"")));
    assert!(device.read("acl").contains(&format!("topic read baize/{name}/#")));
    assert!(!device.read("acl").contains('@'));
    tool(device, "openssl verify -CAfile tls/authority.crt tls/broker.crt");
    tool(
        device,
        "openssl x509 -in tls/broker.crt -noout -pubkey >../../run/key; openssl pkey -in tls/broker.key -pubout | cmp - ../../run/key",
    );
    let passwords = device.read("credentials/passwords");
    for user in ["appliance", "subscriber", "controller"] {
        assert!(passwords.contains(&format!("{user}:$7$")), "{passwords}");
    }
    for file in names.iter().filter(|name| name.ends_with(".password")) {
        let password = device.read(file);
        assert_eq!(password.trim().len(), 32, "{file}");
        assert!(
            !passwords.contains(password.trim()),
            "{file} lies there in the clear"
        );
    }
    let host_name = fs::read_to_string(device.root().join("proc/sys/kernel/hostname")).expect("it was set");
    assert_eq!(host_name.trim(), name);
    assert!(
        !device.root().join("run/baize-first-boot").exists(),
        "the authority's key is gone"
    );
}

#[test]
fn a_new_device_makes_its_name_its_certificates_and_its_passwords_and_never_again() {
    let Some(device) = Device::new() else { return };
    device.boot();
    is_complete(&device);
    for (name, mode) in [
        ("credentials/hand-out", 0o700),
        ("credentials/hand-out/subscriber.password", 0o600),
        ("credentials/appliance.password", 0o640),
        ("credentials/passwords", 0o640),
        ("tls/broker.key", 0o640),
        ("tls/authority.crt", 0o644),
        ("acl", 0o640),
    ] {
        let found = fs::metadata(device.data(name))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    let before = made(&device);
    // On another module: what was made stays, as those who know the table know it by that name.
    device.write("proc/device-tree/serial-number", "999\0");
    device.boot();
    assert_eq!(made(&device), before);

    let Some(other) = Device::new() else { return };
    other.boot();
    assert_eq!(
        other.name(),
        device.name(),
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
    device.boot();
    device.write("data/baize/table.toml", "[table]\nname = \"hall-1\"\n");
    device.boot();
    assert!(device.read("acl").contains("topic read baize/hall-1/#"));
    assert!(device.name().starts_with("baize-"));
}

#[test]
fn a_plug_pulled_before_any_call_costs_nothing() {
    let Some(device) = Device::new() else { return };
    let (whole, calls) = watched_boot(&device, 0);
    assert!(whole && calls.len() > 40, "{calls:#?}");
    for pull_at in 1..=calls.len() {
        let Some(device) = Device::new() else { return };
        let (whole, _) = watched_boot(&device, pull_at);
        assert!(!whole, "the plug was pulled at {pull_at}");
        let before = made(&device);
        device.boot();
        is_complete(&device);
        for (file, content) in before {
            let is_unfinished = file.iter().any(|part| part.to_string_lossy().ends_with(".new"));
            if !is_unfinished {
                assert_eq!(
                    fs::read(&file).ok(),
                    Some(content),
                    "{} was there at {pull_at}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_plug_pulled_while_secrets_are_renewed_leaves_none_of_the_old_ones() {
    let Some(device) = Device::new() else { return };
    device.boot();
    device.write("data/baize/renew", "");
    let (whole, calls) = watched_boot(&device, 0);
    assert!(whole);
    for pull_at in (1..=calls.len()).step_by(3) {
        let old = made(&device);
        device.write("data/baize/renew", "");
        watched_boot(&device, pull_at);
        device.boot();
        is_complete(&device);
        let secret = |file: &PathBuf| {
            file.starts_with(device.data("tls")) || file.starts_with(device.data("credentials"))
        };
        for (file, content) in old.iter().filter(|(file, _)| secret(file)) {
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
    let started = std::time::Instant::now();
    device.boot();
    let whole = started.elapsed();
    let Some(device) = Device::new() else { return };
    for moment in 0..30u32 {
        let mut boot = device
            .script("first-boot")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        // A stride that visits every thirtieth of the time that it takes here, in no order.
        std::thread::sleep(whole * (moment * 7 % 30) / 30);
        pull(&mut boot);
    }
    device.boot();
    is_complete(&device);
}

/// Kills the script with all that it started.
fn pull(boot: &mut Child) {
    // It may have ended.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -KILL -{}", boot.id())])
        .stderr(Stdio::null())
        .status();
    boot.wait().expect("it ends");
}

#[test]
fn nothing_is_renamed_before_it_is_on_the_disk() {
    let Some(device) = Device::new() else { return };
    let (whole, calls) = watched_boot(&device, 0);
    assert!(whole);
    let mut synced: Vec<&str> = Vec::new();
    let mut renamed = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let words: Vec<&str> = call.split(' ').collect();
        match words[..] {
            ["sync", ref files @ ..] => synced.extend(files),
            ["mv", "-T", from, to] => {
                let (folder, name) = to.rsplit_once('/').expect("a folder");
                let inside: &[&str] = match name {
                    "tls" => &["/authority.crt", "/broker.crt", "/broker.key", ""],
                    "credentials" => &[
                        "/passwords",
                        "/appliance.password",
                        "/hand-out/subscriber.password",
                        "/hand-out/controller.password",
                        "",
                    ],
                    _ => &[""],
                };
                for file in inside {
                    let file = format!("{from}{file}");
                    assert!(synced.contains(&file.as_str()), "{file} before {call}");
                }
                assert_eq!(calls[at + 1], format!("sync {folder}"), "the new name, too");
                renamed.push(name);
            }
            _ => {}
        }
    }
    assert_eq!(renamed, ["identity", "table.toml", "tls", "credentials", "acl"]);
}
