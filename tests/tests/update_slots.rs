//! Updates on a Jetson: RAUC's boot backend on a firmware of our own, and what marks a slot good, on a RAUC that writes
//! down what it is told. Both slots, the real broker, the real appliance.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use baize_tests::{Appliance, Mosquitto, Scratch, TABLE, binary};

const FILES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../yocto-layer/recipes-core/rauc/files"
);
const FAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fakes");
const NVIDIA: &str = "781e084c-a330-417c-b678-38e696380cb9";

/// Says what was booted, and writes down the rest.
const RAUC: &str = r#"#!/bin/sh
case "$*" in
'status --output-format=shell') echo "RAUC_SYSTEM_BOOTED_BOOTNAME='$BOOTED'" ;;
*) echo "rauc $*" >>"$TOLD" ;;
esac
"#;

const SYSTEMCTL: &str = "#!/bin/sh\necho \"systemctl $*\" >>\"$TOLD\"\n";

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
        for (name, text) in [
            ("chattr", "#!/bin/sh\n"),
            ("rauc", RAUC),
            ("systemctl", SYSTEMCTL),
        ] {
            let program = board.scratch.write(&format!("bin/{name}"), text);
            fs::set_permissions(program, PermissionsExt::from_mode(0o755)).expect("a file of ours");
        }
        std::os::unix::fs::symlink(binary(), board.path("bin/baize")).expect("a folder of ours");
        board
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

    fn run(&self, script: &str, arguments: &[&str], booted: &str) -> Output {
        let path = std::env::var("PATH").expect("there is one");
        Command::new("sh")
            .arg(Path::new(FILES).join(script))
            .args(arguments)
            .env("PATH", format!("{}:{FAKES}:{path}", self.path("bin").display()))
            .env("NVBOOTCTRL", self.path("nvbootctrl"))
            .env("EFIVARS", self.path("efivars"))
            .env("ROOT", self.path("root"))
            .env("TOLD", self.path("told"))
            .env("BOOTED", booted)
            .env("LIMIT_S", "5")
            .output()
            .expect("there is a shell")
    }

    /// What the boot backend answers; it must not complain.
    fn backend(&self, arguments: &[&str]) -> String {
        let done = self.run("boot-slot", arguments, "");
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

    /// The board starts what it is to start.
    fn reboot(&self) {
        let active = self.read("nvbootctrl/active");
        self.scratch.write("nvbootctrl/current", &active);
        self.scratch.write(&format!("nvbootctrl/tries{active}"), "2\n");
    }

    /// Whether a slot is good, judged by what the appliance publishes: how the judge ended, and what RAUC and the service
    /// manager were told.
    fn judge(&self, booted: &str) -> (Option<i32>, String) {
        let done = self.run("baize-mark-good", &[], booted);
        (done.status.code(), self.read("told"))
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
        let done = board.run("boot-slot", arguments, "");
        assert!(!done.status.success() && !done.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(board.read("nvbootctrl/active"), "0");
    // A firmware without slots.
    board
        .scratch
        .write("bin/nvbootctrl", "#!/bin/sh\necho 'redundancy level: none'\n");
    fs::set_permissions(board.path("bin/nvbootctrl"), PermissionsExt::from_mode(0o755))
        .expect("a file of ours");
    for arguments in [&["get-current"][..], &["get-primary"], &["get-state", "A"]] {
        let done = board.run("boot-slot", arguments, "");
        assert!(!done.status.success() && done.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_slot_is_good_once_a_state_was_published_and_stays_so() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.scratch.write(
        "root/etc/baize/baize.toml",
        format!("[broker]\nurl = '{}'\n", broker.url()),
    );
    board.scratch.write(
        "root/data/baize/table.toml",
        format!("[table]\nname = '{TABLE}'\n"),
    );
    let (code, told) = board.judge("A");
    assert_eq!(
        (code, told.as_str()),
        (Some(1), ""),
        "nobody publishes, but there is nothing to go back to"
    );

    let appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=10", &broker.url());
    let (code, told) = board.judge("A");
    assert_eq!((code, told.as_str()), (Some(0), "rauc status mark-good"));
    assert_eq!(board.read("root/data/rauc/good"), "A");
    drop(appliance);
    let (code, told) = board.judge("A");
    assert_eq!(
        (code, told.as_str()),
        (Some(1), "rauc status mark-good"),
        "it was good, so it is not given up"
    );
}

#[test]
fn an_update_that_publishes_no_state_is_given_up_and_the_slot_before_it_started() {
    let Some(broker) = Mosquitto::start() else { return };
    let board = Board::new();
    board.scratch.write(
        "root/etc/baize/baize.toml",
        format!("[broker]\nurl = '{}'\n", broker.url()),
    );
    board.scratch.write(
        "root/data/baize/table.toml",
        format!("[table]\nname = '{TABLE}'\n"),
    );
    fs::create_dir(board.path("root/data/rauc")).expect("a folder of ours");
    board.scratch.write("root/data/rauc/good", "A\n");
    let (_, told) = board.judge("B");
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "rauc status mark-bad",
            "rauc status mark-active other",
            "systemctl reboot"
        ]
    );
    assert_eq!(board.read("root/data/rauc/good"), "A");

    // Back in the slot before it.
    let _appliance = Appliance::start_with_a_small_model("sim:size=320x192,fps=10", &broker.url());
    let (code, told) = board.judge("A");
    assert_eq!(code, Some(0));
    assert!(told.ends_with("rauc status mark-good"), "{told}");
}
