//! Updates on a Jetson: RAUC's boot backend, and what marks a slot good, with RAUC itself, the real broker and the real
//! appliance, on a firmware of our own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use baize_skips::skipped;
use baize_tests::{Appliance, Mosquitto, Scratch, TABLE, binary, wait};

const FILES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../yocto-layer/recipes-core/rauc/files"
);
const FAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fakes");
const NVIDIA: &str = "781e084c-a330-417c-b678-38e696380cb9";

/// A bus on which everybody may do everything.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=BUS</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>"#;

const SYSTEMCTL: &str = "#!/bin/sh\necho \"systemctl $*\" >>\"$TOLD\"\n";

/// RAUC's configuration, as flashed.
fn flashed() -> String {
    fs::read_to_string(Path::new(FILES).join("system.conf")).expect("a file of the layer")
}

/// A board with two slots.
struct Board {
    scratch: Scratch,
}

impl Board {
    /// Slot A runs and is active, both can be started.
    fn new() -> Self {
        let board = Self {
            scratch: Scratch::new(),
        };
        for folder in [
            "nvbootctrl",
            "efivars",
            "bin",
            "root/etc/baize",
            "root/data/baize",
        ] {
            fs::create_dir_all(board.path(folder)).expect("a folder of ours");
        }
        for (name, value) in [("current", 0), ("active", 0), ("tries0", 3), ("tries1", 3)] {
            board
                .scratch
                .write(&format!("nvbootctrl/{name}"), format!("{value}\n"));
        }
        for slot in ["A", "B"] {
            board.scratch.write(
                &format!("efivars/RootfsStatusSlot{slot}-{NVIDIA}"),
                [7, 0, 0, 0, 0, 0, 0, 0],
            );
        }
        // Files in a temporary folder cannot be made immutable everywhere; EFI variables are by themselves.
        board.script("chattr", "#!/bin/sh\n");
        board.script("systemctl", SYSTEMCTL);
        std::os::unix::fs::symlink(binary(), board.path("bin/baize")).expect("a folder of ours");
        board
    }

    /// A program of the board.
    fn script(&self, name: &str, text: &str) {
        let program = self.scratch.write(&format!("bin/{name}"), text);
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    /// A program or script, in the board's surroundings.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let path = std::env::var("PATH").expect("there is one");
        let mut command = Command::new(program);
        command
            .env("PATH", format!("{}:{FAKES}:{path}", self.path("bin").display()))
            .env("NVBOOTCTRL", self.path("nvbootctrl"))
            .env("EFIVARS", self.path("efivars"))
            .env("ROOT", self.path("root"))
            .env("TOLD", self.path("told"))
            .env(
                "DBUS_SYSTEM_BUS_ADDRESS",
                format!("unix:path={}", self.path("bus").display()),
            )
            .stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        let script = Path::new(FILES).join(script);
        let done = self
            .command("sh")
            .arg(script)
            .args(arguments)
            .env("LIMIT_S", "5")
            .output();
        done.expect("there is a shell")
    }

    /// What the boot backend answers; it must not complain.
    fn backend(&self, arguments: &[&str]) -> String {
        let done = self.run("boot-slot", arguments);
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn variable(&self, slot: &str) -> Vec<u8> {
        fs::read(self.path(&format!("efivars/RootfsStatusSlot{slot}-{NVIDIA}"))).expect("it is there")
    }

    /// RAUC installs an update into the slot that does not run: its handler first, as `system.conf` names it.
    fn update(&self, into: &str) {
        let flashed = flashed();
        let handler = flashed
            .lines()
            .find_map(|line| line.strip_prefix("pre-install=/usr/libexec/baize/"));
        if let Some(handler) = handler {
            let done = self.run(handler, &[]);
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        self.backend(&["set-state", into, "bad"]);
        self.backend(&["set-primary", into]);
    }

    /// Whether the firmware is told at once that the running slot is good.
    fn start_is_ordinary(&self) -> bool {
        self.run("ordinary-start", &[]).status.success()
    }

    /// The board starts what it is to start.
    fn reboot(&self) {
        let active = self.read("nvbootctrl/active");
        self.scratch.write("nvbootctrl/current", &active);
        self.scratch.write(&format!("nvbootctrl/tries{active}"), "2\n");
    }

    /// Whether the running slot is good, judged by what the appliance publishes, with RAUC on a bus of its own: how the judge
    /// ended, and what the service manager was told.
    fn judge(&self) -> Option<(Option<i32>, String)> {
        let _rauc = Rauc::start(self)?;
        let done = self.run("baize-mark-good", &[]);
        println!("{}", String::from_utf8_lossy(&done.stderr));
        Some((done.status.code(), self.read("told")))
    }

    /// Lets the appliance of the tests be found at this broker.
    fn configure(&self, broker: &Mosquitto) {
        self.scratch.write(
            "root/etc/baize/baize.toml",
            format!("[broker]\nurl = '{}'\n", broker.url()),
        );
        self.scratch.write(
            "root/data/baize/table.toml",
            format!("[table]\nname = '{TABLE}'\n"),
        );
    }
}

/// RAUC's service with the product's configuration, on a bus of its own.
struct Rauc {
    running: [Child; 2],
}

impl Rauc {
    /// `None`, and a skip, where RAUC or the bus is not installed.
    fn start(board: &Board) -> Option<Self> {
        for (program, package) in [("rauc", "rauc"), ("dbus-daemon", "dbus")] {
            if board.command(program).arg("--version").output().is_err() {
                skipped(package);
                return None;
            }
        }
        let _ = fs::remove_file(board.path("bus"));
        let bus = BUS.replace("BUS", &board.path("bus").display().to_string());
        let bus = board.scratch.write("bus.conf", bus);
        let bus = board
            .command("dbus-daemon")
            .arg("--config-file")
            .arg(bus)
            .arg("--nofork")
            .spawn();
        wait::until("the bus", || board.path("bus").exists().then_some(()));

        let here = flashed()
            .replace("/usr/libexec/baize", FILES)
            .replace(
                "/etc/rauc/keyring.pem",
                &board.path("keyring.pem").display().to_string(),
            )
            .replace(
                "=/data/rauc",
                &format!("={}", board.path("root/data/rauc").display()),
            )
            .replace(
                "/dev/disk/by-partlabel",
                &board.path("disk").display().to_string(),
            );
        let config = board.scratch.write("system.conf", here);
        board.scratch.write("keyring.pem", "");
        fs::create_dir_all(board.path("root/data/rauc")).expect("a folder of ours");
        let booted = board.backend(&["get-current"]);
        let service = board
            .command("rauc")
            .arg("--conf")
            .arg(config)
            .args([&format!("--override-boot-slot={booted}"), "service"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let rauc = Self {
            running: [service.expect("it is installed"), bus.expect("it is installed")],
        };
        wait::until("RAUC", || {
            let status = board.command("rauc").arg("status").output();
            status.is_ok_and(|status| status.status.success()).then_some(())
        });
        Some(rauc)
    }
}

impl Drop for Rauc {
    fn drop(&mut self) {
        for child in &mut self.running {
            // It may have ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn rauc_is_told_which_slot_runs_which_is_next_and_how_they_are() {
    let board = Board::new();
    assert_eq!(board.backend(&["get-current"]), "A");
    assert_eq!(board.backend(&["get-primary"]), "A");
    assert_eq!(board.backend(&["get-state", "A"]), "good");
    assert_eq!(board.backend(&["get-state", "B"]), "good");
}

#[test]
fn an_update_goes_through_the_backend_as_rauc_does_it() {
    let board = Board::new();
    board.backend(&["set-state", "B", "bad"]);
    assert_eq!(board.variable("B"), [7, 0, 0, 0, 0xFF, 0, 0, 0]);
    assert_eq!(board.backend(&["get-state", "B"]), "bad");
    board.backend(&["set-primary", "B"]);
    assert_eq!(board.backend(&["get-primary"]), "B");
    assert_eq!(
        board.backend(&["get-state", "B"]),
        "good",
        "the firmware would not start it else"
    );
    assert_eq!(board.backend(&["get-current"]), "A");

    board.reboot();
    assert_eq!(board.backend(&["get-current"]), "B");
    assert_eq!(board.read("nvbootctrl/tries1"), "2");
    board.backend(&["set-state", "B", "good"]);
    assert_eq!(board.read("nvbootctrl/tries1"), "3", "all tries again");
    board.backend(&["set-state", "A", "good"]);
    assert_eq!(board.read("nvbootctrl/tries0"), "3");
}

#[test]
fn a_slot_that_the_firmware_gave_up_can_be_updated_again() {
    let board = Board::new();
    board.scratch.write(
        &format!("efivars/RootfsStatusSlotB-{NVIDIA}"),
        [7, 0, 0, 0, 0xFF, 0, 0, 0],
    );
    board.backend(&["set-primary", "B"]);
    assert_eq!(board.variable("B"), [7, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn what_nobody_understands_is_an_error_and_changes_nothing() {
    let board = Board::new();
    for arguments in [
        &["set-primary", "C"][..],
        &["get-state", "0"],
        &["set-state", "A", "fair"],
        &["install"],
        &[],
    ] {
        let done = board.run("boot-slot", arguments);
        assert!(!done.status.success() && !done.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(board.read("nvbootctrl/active"), "0");
    // A firmware without slots.
    board.script("nvbootctrl", "#!/bin/sh\necho 'redundancy level: none'\n");
    for arguments in [&["get-current"][..], &["get-primary"], &["get-state", "A"]] {
        let done = board.run("boot-slot", arguments);
        assert!(!done.status.success() && done.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_slot_is_good_once_states_were_published_and_is_never_given_up_then() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.configure(&broker);
    board.scratch.write("nvbootctrl/tries0", "2\n");
    let Some((code, told)) = board.judge() else { return };
    assert_eq!(
        (code, told.as_str()),
        (Some(1), ""),
        "nobody publishes, and there is nothing to go back to"
    );
    assert_eq!(board.read("nvbootctrl/tries0"), "2");

    let appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=10", &broker.url());
    assert_eq!(board.judge().map(|(code, _)| code), Some(Some(0)));
    assert_eq!(board.read("nvbootctrl/tries0"), "3", "the firmware was told");
    assert_eq!(board.read("root/data/rauc/good"), "A");

    // The broker has kept a state, but that is not one that was published now.
    drop(appliance);
    board.scratch.write("nvbootctrl/tries0", "2\n");
    assert_eq!(
        board.judge(),
        Some((Some(1), String::new())),
        "it was good, so it is not given up"
    );
    assert_eq!(board.read("nvbootctrl/tries0"), "2");
    assert_eq!(board.variable("A")[4], 0);
}

#[test]
fn an_update_that_publishes_no_state_is_given_up_and_the_slot_before_it_started() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.configure(&broker);
    fs::create_dir(board.path("root/data/rauc")).expect("a folder of ours");
    board.scratch.write("root/data/rauc/good", "A\n");
    board.backend(&["set-primary", "B"]);
    board.reboot();
    let Some((_, told)) = board.judge() else { return };
    assert_eq!(told, "systemctl reboot");
    assert_eq!(board.backend(&["get-state", "B"]), "bad");
    assert_eq!(board.read("root/data/rauc/good"), "A");
    board.reboot();
    assert_eq!(board.backend(&["get-current"]), "A");

    let _appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=10", &broker.url());
    assert_eq!(board.judge().map(|(code, _)| code), Some(Some(0)));
    assert_eq!(board.read("root/data/rauc/good"), "A");

    // The next update works.
    board.backend(&["set-primary", "B"]);
    board.reboot();
    assert_eq!(board.judge().map(|(code, _)| code), Some(Some(0)));
    assert_eq!(board.read("root/data/rauc/good"), "B");
    assert_eq!(board.read("nvbootctrl/tries1"), "3");
}

#[test]
fn an_update_whose_program_never_ends_is_given_up_too() {
    let board = Board::new();
    board.update("B");
    board.reboot();
    fs::remove_file(board.path("bin/baize")).expect("a link of ours");
    board.script("baize", "#!/bin/sh\nexec sleep 600\n");
    let Some((_, told)) = board.judge() else { return };
    assert_eq!(told, "systemctl reboot");
    assert_eq!(board.backend(&["get-state", "B"]), "bad");
}

#[test]
fn an_update_in_which_rauc_does_not_work_is_given_up_too() {
    let board = Board::new();
    board.update("B");
    board.reboot();
    board.script("rauc", "#!/bin/sh\necho 'no bus' >&2\nexit 1\n");
    board.run("baize-mark-good", &[]);
    assert_eq!(
        board.read("told"),
        "systemctl reboot",
        "the firmware counts the starts"
    );
}

#[test]
fn states_without_a_picture_make_no_slot_good() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.configure(&broker);
    board.update("B");
    board.reboot();
    let _appliance = Appliance::start_with_a_small_model("v4l2:/dev/no-camera", &broker.url());
    let Some((_, told)) = board.judge() else { return };
    assert_eq!(told, "systemctl reboot");
    assert_eq!(board.backend(&["get-state", "B"]), "bad");
}

#[test]
fn an_update_of_an_appliance_that_was_never_marked_good_is_given_up_too() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.configure(&broker);
    assert!(board.start_is_ordinary(), "of what was flashed");
    board.update("B");
    board.reboot();
    assert!(!board.start_is_ordinary());
    let Some((_, told)) = board.judge() else { return };
    assert_eq!(told, "systemctl reboot");
    board.reboot();
    assert_eq!(board.backend(&["get-current"]), "A");
    assert!(board.start_is_ordinary());
}

#[test]
fn an_update_that_was_installed_from_one_that_nobody_judged_is_given_up_too() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.configure(&broker);
    fs::create_dir(board.path("root/data/rauc")).expect("a folder of ours");
    board.scratch.write("root/data/rauc/good", "A\n");
    board.update("B");
    assert_eq!(board.read("root/data/rauc/good"), "A");
    board.reboot();
    // What was good is overwritten.
    board.update("A");
    board.reboot();
    assert_eq!(board.backend(&["get-current"]), "A");
    assert!(!board.start_is_ordinary());
    let Some((_, told)) = board.judge() else { return };
    assert_eq!(told, "systemctl reboot");
    board.reboot();
    assert_eq!(board.backend(&["get-current"]), "B");
}

#[test]
fn what_cannot_be_given_up_is_not_installed() {
    let board = Board::new();
    // The disk takes nothing where a file is in the way.
    board.scratch.write("root/data/rauc", "");
    assert!(!board.run("go-back-to", &[]).status.success());
}
