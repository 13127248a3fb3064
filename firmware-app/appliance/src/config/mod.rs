//! The appliance's configuration: one TOML file, every key documented in [`keys::KEYS`], unknown keys refused.

mod keys;
mod load;

use std::path::PathBuf;

use baize_table_vision::Physics;
use serde::{Deserialize, Serialize};

pub use keys::{KEYS, Key, reference};
pub use load::ConfigError;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The table under the camera.
    pub table: Table,
    /// Where pictures come from.
    pub camera: Camera,
    /// What finds balls in them.
    pub detector: Detector,
    /// Where the table lies in the picture.
    pub calibration: Calibration,
    /// What predicted shots are made of.
    pub physics: Physics,
    /// Where states go to.
    pub broker: Broker,
    /// Cores, priorities, memory.
    pub realtime: Realtime,
    /// Button and LED.
    pub board: Board,
}

/// `[table]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// The table's name in topics; empty: made from the machine's identity.
    pub name: String,
    /// A standard or `LENGTHxWIDTH` in mm.
    pub size: String,
    /// Which balls to expect.
    pub game: Game,
    /// Diameter of a ball, mm; `None`: that of the game's.
    pub ball_diameter_mm: Option<f64>,
    /// Whether the origin is in the corner opposite to the agreed one.
    pub turned: bool,
}

impl Table {
    /// Diameter of a ball, mm.
    pub fn ball_mm(&self) -> f64 {
        self.ball_diameter_mm
            .unwrap_or_else(|| self.game.ball_diameter_mm())
    }
}

/// Which balls are on the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Game {
    /// American pool: cue ball, 1 to 15.
    #[default]
    Pool,
    /// Snooker: 15 reds and the colours.
    Snooker,
    /// Red and yellow, as in pubs.
    Pub,
    /// Three balls, no pockets.
    Carom,
}

impl Game {
    /// Diameter of its balls as the rules and the makers have them, mm.
    pub const fn ball_diameter_mm(self) -> f64 {
        match self {
            Self::Pool => 57.15,
            Self::Snooker => 52.5,
            Self::Pub => 50.8,
            Self::Carom => 61.5,
        }
    }

    /// As subscribers get it.
    pub const fn on_the_wire(self) -> baize_table_state::Game {
        match self {
            Self::Pool => baize_table_state::Game::POOL,
            Self::Snooker => baize_table_state::Game::SNOOKER,
            Self::Pub => baize_table_state::Game::PUB,
            Self::Carom => baize_table_state::Game::CAROM,
        }
    }
}

/// `[camera]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Camera {
    /// `v4l2:auto`, `v4l2:PATH`, `sim:`, a picture, a folder of pictures or a clip.
    pub source: String,
    /// Wished width in pixels.
    pub width: u32,
    /// Wished height in pixels.
    pub height: u32,
    /// Wished frames a second.
    pub fps: u32,
    /// Wished pixel format.
    pub format: String,
    /// How buffers are shared with the driver.
    pub io: String,
    /// Exposure time to fix, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_us: Option<u32>,
    /// Gain to fix, in the camera's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<i32>,
    /// White balance to fix, kelvin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub white_balance_k: Option<i32>,
    /// Focus to fix, in the camera's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<i32>,
    /// Mains frequency against flicker: 50 or 60 Hz, 0 for no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_line_hz: Option<u32>,
    /// File with the lens; empty: solved together with the table.
    pub lens: PathBuf,
}

/// `[detector]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detector {
    /// `auto`, `tensorrt`, `onnxruntime` or `rten`.
    pub backend: String,
    /// A folder with a model and its manifest; empty: the model inside the program.
    pub model: PathBuf,
    /// The onnxruntime library; empty: found by the loader.
    pub onnxruntime: PathBuf,
    /// TensorRT's library; empty: found by the loader.
    pub tensorrt: PathBuf,
    /// TensorRT's builder of engines; empty: looked for.
    pub trtexec: PathBuf,
    /// The folder that keeps engines.
    pub engines: PathBuf,
    /// Whether small balls are looked at again.
    pub closer: bool,
}

/// `[calibration]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calibration {
    /// The folder that holds the calibrations.
    pub folder: PathBuf,
    /// The bed's corners in the picture, if found by hand.
    pub corners_px: Vec<[f64; 2]>,
    /// The lens's horizontal field of view in degrees; 0: unknown.
    pub horizontal_fov_deg: f64,
    /// Whether to calibrate by itself: without a calibration, and when the camera has moved.
    pub automatic: bool,
}

/// `[broker]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
    pub url: String,
    /// User name; empty: none.
    pub user: String,
    /// File that holds the password.
    pub password_file: PathBuf,
    /// Certificate of the authority that signed the broker's, PEM.
    pub ca_file: PathBuf,
    /// Our certificate, PEM.
    pub certificate_file: PathBuf,
    /// Our certificate's key, PEM.
    pub key_file: PathBuf,
}

/// `[realtime]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realtime {
    /// Whether to use a real-time scheduling class at all.
    pub enabled: bool,
    /// Core of the capture thread; -1: any.
    pub capture_core: i32,
    /// Core of the detect thread; -1: any.
    pub detect_core: i32,
    /// Core of the table and encode threads; -1: any.
    pub table_core: i32,
    /// SCHED_FIFO priority of the capture thread; the others are one and two below.
    pub priority: i32,
    /// Whether to lock memory.
    pub lock_memory: bool,
}

/// `[board]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// Name of the GPIO line of the button; empty: no button.
    pub button_line: String,
    /// Whether the pressed button connects its line to ground.
    pub button_active_low: bool,
    /// The resistor on the button's line.
    pub button_bias: ButtonBias,
    /// Name of the GPIO line of the status LED; empty: no LED.
    pub led_line: String,
    /// Whether a low line lights the LED.
    pub led_active_low: bool,
}

/// What holds the line of a button that is not pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonBias {
    /// Whatever the board has.
    AsIs,
    /// Nothing inside the chip: a resistor on the board.
    Disabled,
    /// The chip's resistor to the supply.
    #[default]
    PullUp,
    /// The chip's resistor to ground.
    PullDown,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            name: String::new(),
            size: "9ft".into(),
            game: Game::Pool,
            ball_diameter_mm: None,
            turned: false,
        }
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            source: "v4l2:auto".into(),
            width: 1920,
            height: 1080,
            fps: 30,
            format: "auto".into(),
            io: "auto".into(),
            exposure_us: None,
            gain: None,
            white_balance_k: None,
            focus: None,
            power_line_hz: None,
            lens: PathBuf::new(),
        }
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            backend: "auto".into(),
            model: PathBuf::new(),
            onnxruntime: PathBuf::new(),
            tensorrt: PathBuf::new(),
            trtexec: PathBuf::new(),
            engines: "engines".into(),
            closer: false,
        }
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            folder: "calibration".into(),
            corners_px: Vec::new(),
            horizontal_fov_deg: 0.0,
            automatic: true,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            url: "mqtt://127.0.0.1:1883".into(),
            user: String::new(),
            password_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
        }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            button_line: String::new(),
            button_active_low: true,
            button_bias: ButtonBias::PullUp,
            led_line: String::new(),
            led_active_low: false,
        }
    }
}

impl Default for Realtime {
    fn default() -> Self {
        Self {
            enabled: true,
            capture_core: -1,
            detect_core: -1,
            table_core: -1,
            priority: 50,
            lock_memory: true,
        }
    }
}
