//! The USB stick that takes a device's passwords away and brings what the installer wants: the script on a folder, with
//! the real program, and a service manager and a RAUC that write down what they are told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use baize::calibration_file::{Fit, Method, StoredCalibration};
use baize::calibration_store::CalibrationStore;
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_tests::{Device, Scratch};

const SYSTEMCTL: &str = "#!/bin/sh\necho \"systemctl $*\" >>\"$TOLD\"\n\
                         case $* in *'restart baize-first-boot.service') exec \"$FIRST_BOOT\" ;; esac\n";

/// Takes bundles that say that they are good. The plug is pulled while the first big one is installed.
const RAUC: &str = "#!/bin/sh\necho \"rauc $1\" >>\"$TOLD\"\n\
                    if grep -q big \"$2\" && [ ! -e \"$2.begun\" ]; then : >\"$2.begun\"; kill -KILL 0; fi\n\
                    grep -q good \"$2\" || { echo 'LastError: signature verification failed' >&2 && exit 1; }\n";

/// Writes down what it is told to do with files, and does it.
const WATCHED: &str = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$TOLD\"\nexec \"/bin/${0##*/}\" \"$@\"\n";

struct Installer {
    device: Device,
    stick: Scratch,
}

impl Installer {
    fn new() -> Option<Self> {
        let device = Device::new()?;
        device.boot();
        let stick = Scratch::new();
        let installer = Self { device, stick };
        installer.replace("systemctl", SYSTEMCTL);
        installer.replace("rauc", RAUC);
        Some(installer)
    }

    /// Puts a program of ours in the place of the device's.
    fn replace(&self, name: &str, text: &str) {
        let program = self.device.programs().join(name);
        fs::write(&program, text).expect("a folder of ours");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }

    /// Plugs it in, and says what the service manager and RAUC were told.
    fn plug_in(&self) -> String {
        let (done, told) = self.try_to_plug_in();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        told
    }

    /// Plugs it in, which may fail.
    fn try_to_plug_in(&self) -> (Output, String) {
        let told = self.device.root().join("../told");
        let _ = fs::remove_file(&told);
        let first_boot = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../yocto-layer/recipes-baize/baize-first-boot/files/first-boot"
        );
        let done = self
            .device
            .script("stick")
            .arg(self.stick.path())
            .env("TOLD", &told)
            .env("FIRST_BOOT", first_boot)
            .output()
            .expect("there is a shell");
        (done, fs::read_to_string(told).unwrap_or_default())
    }

    fn on_stick(&self, name: &str) -> PathBuf {
        self.stick.path().join(self.device.name()).join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.on_stick(name)).unwrap_or_default()
    }

    fn bring(&self, name: &str, text: &str) {
        fs::write(self.on_stick(name), text).expect("a folder of ours");
    }
}

#[test]
fn passwords_are_handed_out_once_and_are_then_no_longer_on_the_device() {
    let Some(installer) = Installer::new() else { return };
    let password = installer.device.read("credentials/hand-out/subscriber.password");
    assert_eq!(installer.plug_in(), "", "nothing is to be started anew");
    assert_eq!(installer.read("subscriber.password"), password);
    assert_eq!(installer.read("controller.password").trim().len(), 32);
    assert_eq!(
        installer.read("authority.crt"),
        installer.device.read("tls/authority.crt")
    );
    assert!(installer.read("report.txt").contains("passwords: handed out"));
    assert!(!installer.device.data("credentials/hand-out").exists());
    installer.device.boot();
    assert!(
        !installer.device.data("credentials/hand-out").exists(),
        "not made again"
    );

    let another = Installer {
        stick: Scratch::new(),
        ..installer
    };
    another.plug_in();
    assert_eq!(another.read("subscriber.password"), "");
    assert!(another.read("report.txt").contains("were handed out before"));
    assert!(
        another.read("authority.crt").contains("BEGIN CERTIFICATE"),
        "which is no secret"
    );
}

#[test]
fn passwords_leave_the_device_after_the_file_system_of_the_stick_was_synced() {
    let Some(installer) = Installer::new() else { return };
    for name in ["cp", "sync", "mv"] {
        installer.replace(name, WATCHED);
    }
    let told = installer.plug_in();
    let at = |call: &str| told.find(call).unwrap_or_else(|| panic!("{call}: {told}"));
    let copied = at(&format!(
        "cp {}",
        installer.device.data("credentials/hand-out/").display()
    ));
    let synced = copied
        + told[copied..]
            .find(&format!("sync -f {}\n", installer.stick.path().display()))
            .unwrap_or_else(|| panic!("{told}"));
    let taken = at(&format!(
        "mv {}",
        installer.device.data("credentials/hand-out").display()
    ));
    assert!(synced < taken, "{told}");
}

#[test]
fn a_stick_that_is_full_takes_nothing_away() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    installer.device.write("data/baize/renew", "");
    installer.device.boot();
    // Nothing can be written where a folder is in the way.
    fs::remove_file(installer.on_stick("controller.password")).expect("it was handed out");
    fs::create_dir_all(installer.on_stick("controller.password/controller.password"))
        .expect("a folder of ours");
    let (done, _) = installer.try_to_plug_in();
    assert!(!done.status.success());
    assert!(
        installer
            .device
            .data("credentials/hand-out/controller.password")
            .exists()
    );
}

#[test]
fn secrets_are_renewed_when_the_stick_asks_for_it() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    let (password, authority) = (
        installer.read("subscriber.password"),
        installer.read("authority.crt"),
    );
    installer.bring("renew", "");
    let told = installer.plug_in();
    assert!(
        told.contains("restart baize-first-boot.service mosquitto.service baize.service"),
        "{told}"
    );
    assert_ne!(installer.read("subscriber.password"), password);
    assert_ne!(installer.read("authority.crt"), authority);
    assert!(
        !installer.on_stick("renew").exists(),
        "or each plugging in would renew them"
    );
    assert_eq!(installer.plug_in(), "");
}

#[test]
fn a_table_is_configured_on_the_stick_and_a_wrong_one_refused_with_its_reason() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    assert_eq!(
        installer.read("table.toml"),
        installer.device.read("table.toml"),
        "to be edited"
    );
    let edited = installer.read("table.toml").replace("9ft", "7ft");
    installer.bring("table.toml", &edited);
    let told = installer.plug_in();
    assert!(
        told.contains("restart baize-first-boot.service mosquitto.service baize.service"),
        "{told}"
    );
    assert_eq!(installer.device.read("table.toml"), edited);
    assert_eq!(installer.plug_in(), "", "the same once more changes nothing");

    installer.bring("table.toml", "[table]\nsize = \"10ft2\"\n");
    assert_eq!(installer.plug_in(), "");
    assert_eq!(installer.device.read("table.toml"), edited, "the good one stays");
    let report = installer.read("report.txt");
    assert!(
        report.contains("refused") && report.contains("table.size"),
        "{report}"
    );
}

#[test]
fn an_update_is_tried_once() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    installer.stick.write("update.raucb", "a good one");
    assert_eq!(installer.plug_in(), "rauc install\nsystemctl reboot\n");
    assert_eq!(installer.plug_in(), "", "it may have been given up meanwhile");
    let report = installer.read("report.txt");
    assert!(report.contains("update: tried before"), "{report}");
    installer.stick.write("update.raucb", "a forged one");
    assert_eq!(installer.plug_in(), "rauc install\n");
    let report = installer.read("report.txt");
    assert!(report.contains("signature verification failed"), "{report}");
}

#[test]
fn an_update_during_which_the_plug_is_pulled_is_tried_again() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    installer.stick.write("update.raucb", "a big good one");
    let (pulled, told) = installer.try_to_plug_in();
    assert_eq!((pulled.status.code(), told.as_str()), (None, "rauc install\n"));
    assert_eq!(installer.plug_in(), "rauc install\nsystemctl reboot\n");
    assert_eq!(installer.plug_in(), "", "and then no more");
}

#[test]
fn a_calibration_that_was_taken_away_is_none_whatever_there_was_before() {
    let Some(installer) = Installer::new() else { return };
    let store = CalibrationStore::at(&installer.device.data("calibration"));
    let calibration = StoredCalibration::new(
        Calibration::seen_from_above(TableSize::FT9, 57.15),
        Method::Automatic,
        Fit::of(&[]),
        [None; 4],
    );
    for (kept, says) in [
        (Some(&calibration), "done  calibration: there is one"),
        (None, "OPEN  calibration: "),
        (Some(&calibration), "done  calibration: there is one"),
    ] {
        store.keep(kept).expect("it can be written");
        installer.plug_in();
        let report = installer.read("report.txt");
        assert!(report.contains(says), "{says}: {report}");
    }
}

#[test]
fn the_report_says_what_is_done_and_what_comes_next() {
    let Some(installer) = Installer::new() else { return };
    installer.plug_in();
    let report = installer.read("report.txt");
    let open: Vec<&str> = report
        .lines()
        .filter_map(|line| line.strip_prefix("OPEN  ")?.split(':').next())
        .collect();
    assert_eq!(
        open,
        ["table", "calibration", "calibration of the installation"],
        "{report}"
    );
    installer.bring("commission", "");
    installer.bring("table.toml", "[table]\nname = \"hall-1\"\n");
    installer.plug_in();
    let report = installer.read("report.txt");
    assert!(
        report.contains("commission: ") && report.contains("no such calibration"),
        "{report}"
    );
    assert!(report.contains("in topics hall-1"), "{report}");
    assert!(report.contains("done  table: configured"), "{report}");
}
