use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Scratch, binary};

const LAYER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../yocto-layer");

/// A device as it was flashed, as far as its first boot goes: a folder that stands for its root.
#[derive(Debug)]
pub struct Device {
    scratch: Scratch,
}

impl Device {
    /// One that has never been on. `None`, and a skip, where a tool of the first boot is missing.
    ///
    /// # Panics
    /// When the layer's files or the temporary folder cannot be used.
    pub fn new() -> Option<Self> {
        for (tool, package) in [("openssl", "openssl"), ("mosquitto_passwd", "mosquitto")] {
            let found = Command::new("sh")
                .args(["-c", &format!("command -v {tool}")])
                .output();
            if !found.is_ok_and(|found| found.status.success()) {
                baize_skips::skipped(package);
                return None;
            }
        }
        let device = Self {
            scratch: Scratch::new(),
        };
        let folders = [
            "etc/baize",
            "etc/mosquitto",
            "usr/share/baize",
            "run",
            "data/baize",
            "proc/device-tree",
            "proc/sys/kernel",
        ];
        for folder in folders {
            fs::create_dir_all(device.root().join(folder)).expect("a folder of ours");
        }
        for (file, place) in [
            ("recipes-baize/baize/files/baize.toml", "etc/baize/baize.toml"),
            (
                "recipes-baize/baize-first-boot/files/table.toml",
                "usr/share/baize/table.toml",
            ),
            ("recipes-connectivity/mosquitto/files/acl", "etc/mosquitto/acl"),
            (
                "recipes-connectivity/mosquitto/files/mosquitto.conf",
                "etc/mosquitto/mosquitto.conf",
            ),
        ] {
            fs::copy(Path::new(LAYER).join(file), device.root().join(place)).expect("a file of the layer");
        }
        device.write("proc/device-tree/serial-number", "1421723024563\0");
        fs::create_dir(device.programs()).expect("a folder of ours");
        std::os::unix::fs::symlink(binary(), device.programs().join("baize")).expect("a folder of ours");
        Some(device)
    }

    /// Where its file system stands.
    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// A place below `/data/baize`.
    pub fn data(&self, name: &str) -> PathBuf {
        self.root().join("data/baize").join(name)
    }

    /// A text below `/data/baize`.
    ///
    /// # Panics
    /// When there is none.
    pub fn read(&self, name: &str) -> String {
        let file = self.data(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Writes a file below its root.
    ///
    /// # Panics
    /// When the folder is not there.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).expect("a folder of ours");
    }

    /// A folder of programs that its scripts find before all others.
    pub fn programs(&self) -> PathBuf {
        self.scratch.path().join("programs")
    }

    /// Where its scripts look for programs.
    ///
    /// # Panics
    /// Without `$PATH`.
    pub fn path(&self) -> String {
        let path = std::env::var("PATH").expect("there is one");
        format!("{}:{path}", self.programs().display())
    }

    /// One of the scripts of its first boot, in a process group of its own.
    pub fn script(&self, name: &str) -> Command {
        let mut script = Command::new("sh");
        script
            .arg(
                Path::new(LAYER)
                    .join("recipes-baize/baize-first-boot/files")
                    .join(name),
            )
            .env("ROOT", self.root())
            .env("PATH", self.path())
            .stdin(Stdio::null())
            .process_group(0);
        script
    }

    /// Boots.
    ///
    /// # Panics
    /// When it does not go well.
    pub fn boot(&self) {
        let done = self.script("first-boot").output().expect("there is a shell");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Its name in topics, unless it was given another.
    ///
    /// # Panics
    /// Before its first boot.
    pub fn name(&self) -> String {
        self.read("identity").trim().to_owned()
    }
}
