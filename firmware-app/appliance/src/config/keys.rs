use std::fmt::Write as _;

use super::Config;

/// One documented key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Table and name, `camera.width`.
    pub path: &'static str,
    /// What it does, in one sentence, with units.
    pub about: &'static str,
}

const fn key(path: &'static str, about: &'static str) -> Key {
    Key { path, about }
}

/// Every key of the file.
pub const KEYS: &[Key] = &[
    key(
        "table.name",
        "The table's name in MQTT topics (letters, digits, ., - and _). Empty: made from the machine's identity.",
    ),
    key(
        "table.size",
        "The bed between the cushion noses: 7ft, 8ft, 9ft, snooker10, snooker12, carom, pub, or LENGTHxWIDTH in mm.",
    ),
    key(
        "table.game",
        "Which balls to expect: pool, snooker, pub or carom.",
    ),
    key(
        "table.ball_diameter_mm",
        "Diameter of a ball in mm. Left out: the game's, 57.15 for pool, 52.5 for snooker, 50.8 for pub, 61.5 for carom.",
    ),
    key(
        "table.turned",
        "false: the origin is the corner at the bottom left of the picture (bottom right where the long side stands upright). true: the opposite corner.",
    ),
    key(
        "camera.source",
        "v4l2:auto, v4l2:PATH, sim:, a picture, a folder of pictures, or a clip.",
    ),
    key("camera.width", "Wished width of the picture in pixels."),
    key("camera.height", "Wished height of the picture in pixels."),
    key(
        "camera.fps",
        "Wished frames a second; those of a folder of pictures, which has no times of its own.",
    ),
    key("camera.format", "Pixel format: auto, yuyv, nv12, grey or mjpeg."),
    key(
        "camera.io",
        "How buffers are shared with the driver: auto, mmap or userptr.",
    ),
    key(
        "camera.exposure_us",
        "Exposure time to fix, in microseconds. Left out: the camera's own.",
    ),
    key(
        "camera.gain",
        "Gain to fix, in the camera's unit. Left out: the camera's own.",
    ),
    key(
        "camera.white_balance_k",
        "White balance to fix, in kelvin. Left out: the camera's own.",
    ),
    key(
        "camera.focus",
        "Focus to fix, in the camera's unit. Left out: the camera's own.",
    ),
    key(
        "camera.power_line_hz",
        "Mains frequency, against flicker: 50 or 60, 0 for no filter. Left out: the camera's own.",
    ),
    key(
        "camera.lens",
        "File with the camera's lens, as `baize lens` writes it. Empty: solved together with the table.",
    ),
    key(
        "detector.backend",
        "What runs the network: auto, tensorrt (an NVIDIA GPU), onnxruntime or rten. auto takes the first that is there.",
    ),
    key(
        "detector.model",
        "Folder with a model and its manifest. Empty: the model inside the program.",
    ),
    key(
        "detector.onnxruntime",
        "Path of libonnxruntime.so. Empty: $ORT_DYLIB_PATH, then the system's loader.",
    ),
    key(
        "detector.tensorrt",
        "Path of libnvinfer.so.10, TensorRT 10.3 or newer. Empty: the system's loader.",
    ),
    key(
        "detector.trtexec",
        "Path of TensorRT's trtexec, which builds engines. Empty: $PATH, then where NVIDIA's packages put it.",
    ),
    key(
        "detector.engines",
        "Folder that keeps the engines that were built on this machine.",
    ),
    key(
        "detector.closer",
        "Whether to look again, tile after tile, where balls are small (a whole snooker table in one picture). Up to ten times the work.",
    ),
    key(
        "calibration.folder",
        "Folder that holds the calibrations: the last ten, and that of the installation. `baize calibrations` reads it.",
    ),
    key(
        "calibration.corners_px",
        "The bed's four corners in the picture, [[x, y], …], in any order. Empty: found automatically.",
    ),
    key(
        "calibration.horizontal_fov_deg",
        "The lens's horizontal field of view in degrees, if known. 0: estimated.",
    ),
    key(
        "calibration.automatic",
        "Whether to calibrate without being asked: when there is no calibration yet, and when the camera has moved.",
    ),
    key(
        "physics.sliding_friction",
        "Friction of a ball that slides on the cloth: 0.15 to 0.4 (D. Alciatore, Pool and billiards physics properties).",
    ),
    key(
        "physics.rolling_friction",
        "Friction of a ball that rolls: 0.005 to 0.015 (same source).",
    ),
    key(
        "physics.ball_restitution",
        "Part of their closing speed with which two balls part: 0.92 to 0.98 (same source).",
    ),
    key(
        "physics.ball_friction",
        "Friction between balls, a + b exp(-c v) with v in m/s: [a, b, c] (D. Alciatore, TP A-14).",
    ),
    key(
        "physics.cushion_restitution",
        "Part of the speed into a cushion that comes back: 0.6 to 0.9 (as the first; the default is pooltool-billiards 0.6.0's median).",
    ),
    key(
        "physics.cushion_along",
        "Part of the speed along a cushion that a ball keeps (median over bounces of pooltool-billiards 0.6.0).",
    ),
    key(
        "physics.assumed_speed_mm_s",
        "The cue ball's speed that predictions assume before the strike, mm/s.",
    ),
    key(
        "broker.url",
        "The MQTT broker: mqtt://HOST:PORT or mqtts://HOST:PORT.",
    ),
    key("broker.user", "User name at the broker. Empty: none."),
    key(
        "broker.password_file",
        "File whose first line is the password. Empty: none.",
    ),
    key(
        "broker.ca_file",
        "PEM file of the authority that signed the broker's certificate. Empty: the system's authorities.",
    ),
    key(
        "broker.certificate_file",
        "PEM file of this machine's certificate, when the broker asks for one.",
    ),
    key("broker.key_file", "PEM file of that certificate's private key."),
    key(
        "realtime.enabled",
        "Whether pipeline threads use the SCHED_FIFO scheduling class and their own cores.",
    ),
    key("realtime.capture_core", "Core of the capture thread. -1: any."),
    key("realtime.detect_core", "Core of the detect thread. -1: any."),
    key(
        "realtime.table_core",
        "Core of the table and encode threads. -1: any.",
    ),
    key(
        "realtime.priority",
        "SCHED_FIFO priority of the capture thread, 3 to 99; the threads behind it are lower.",
    ),
    key(
        "realtime.lock_memory",
        "Whether to lock the program's memory, so that no page fault delays a frame.",
    ),
    key(
        "board.button_line",
        "Name of the GPIO line of the recalibrate button. Empty: no button.",
    ),
    key(
        "board.button_active_low",
        "Whether the pressed button connects its line to ground.",
    ),
    key(
        "board.button_bias",
        "The chip's resistor on the button's line: as_is, disabled, pull_up or pull_down.",
    ),
    key(
        "board.led_line",
        "Name of the GPIO line of the status LED. Empty: no LED.",
    ),
    key("board.led_active_low", "Whether a low line lights the LED."),
];

/// The whole file with every key at its default, each with its explanation: valid TOML.
pub fn reference() -> String {
    let defaults = toml::Table::try_from(Config::default()).expect("the defaults are TOML");
    let mut text = String::from("# Every key of baize's configuration, with its default.\n");
    let mut table = "";
    for key in KEYS {
        let (section, name) = key.path.split_once('.').expect("keys have a table");
        if section != table {
            let _ = write!(text, "\n[{section}]\n");
            table = section;
        }
        let _ = match defaults[section].get(name) {
            Some(value) => write!(text, "# {}\n{name} = {value}\n", key.about),
            None => write!(text, "# {}\n# {name} =\n", key.about),
        };
    }
    text
}
