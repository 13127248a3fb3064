use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Config, KEYS};
use crate::bounded;

/// No configuration is larger; what is, is something else.
const BYTES_MAX: u64 = 1024 * 1024;

/// Why a configuration was refused.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// Which file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// One of the files is wrong.
    In {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        error: Box<ConfigError>,
    },
    /// Not TOML, or a value of the wrong type.
    Parse {
        /// What and where, with the line.
        message: String,
    },
    /// A key that nobody knows.
    UnknownKey {
        /// The key as written.
        key: String,
        /// The most similar key there is.
        nearest: &'static str,
    },
    /// A value out of its range.
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => {
                write!(f, "cannot read the configuration {}: {error}", file.display())
            }
            Self::In { file, error } => write!(f, "{}: {error}", file.display()),
            Self::Parse { message } => write!(f, "the configuration is not valid: {message}"),
            Self::UnknownKey { key, nearest } => write!(
                f,
                "the configuration has an unknown key `{key}`; did you mean `{nearest}`? \
                 `baize config` prints all keys"
            ),
            Self::Value { key, message } => write!(f, "configuration key `{key}`: {message}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads files and checks what they say together: where two name the same key, the later one holds.
    pub fn read(files: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut together = toml::Table::new();
        for file in files {
            let text = read(file).map_err(|error| ConfigError::Read {
                file: file.clone(),
                error,
            })?;
            let table = parse(&text).map_err(|error| ConfigError::In {
                file: file.clone(),
                error: Box::new(error),
            })?;
            lay_over(&mut together, table);
        }
        Self::of(together)
    }

    /// Reads and checks a text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::of(parse(text)?)
    }

    fn of(table: toml::Table) -> Result<Self, ConfigError> {
        let config: Self = table.try_into().map_err(wrong)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, message: String| Err(ConfigError::Value { key, message });
        if !self.table.name.is_empty()
            && let Err(error) = self.table.name.parse::<baize_table_state::TableName>()
        {
            return refuse("table.name", error.to_string());
        }
        if let Err(error) = self.table.size.parse::<baize_table_vision::TableSize>() {
            return refuse("table.size", error.to_string());
        }
        if !(20.0..=80.0).contains(&self.table.ball_mm()) {
            return refuse(
                "table.ball_diameter_mm",
                format!("{} is not within 20 and 80", self.table.ball_mm()),
            );
        }
        if !(64..=7680).contains(&self.camera.width) || !(64..=4320).contains(&self.camera.height) {
            return refuse(
                "camera.width",
                format!(
                    "{} x {} is not a picture size",
                    self.camera.width, self.camera.height
                ),
            );
        }
        if !(1..=500).contains(&self.camera.fps) {
            return refuse(
                "camera.fps",
                format!("{} is not within 1 and 500", self.camera.fps),
            );
        }
        let one_of = |key, value: &str, allowed: &[&str]| {
            if allowed.contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::Value {
                    key,
                    message: format!("`{value}` is none of {}", allowed.join(", ")),
                })
            }
        };
        one_of(
            "camera.format",
            &self.camera.format,
            &["auto", "yuyv", "nv12", "grey", "mjpeg"],
        )?;
        one_of("camera.io", &self.camera.io, &["auto", "mmap", "userptr"])?;
        one_of(
            "detector.backend",
            &self.detector.backend,
            &["auto", "rten", "onnxruntime", "tensorrt"],
        )?;
        if !matches!(self.calibration.corners_px.len(), 0 | 4) {
            return refuse(
                "calibration.corners_px",
                format!(
                    "{} corners were given; four are needed",
                    self.calibration.corners_px.len()
                ),
            );
        }
        if !(0.0..170.0).contains(&self.calibration.horizontal_fov_deg) {
            return refuse(
                "calibration.horizontal_fov_deg",
                format!("{} is not within 0 and 170", self.calibration.horizontal_fov_deg),
            );
        }
        if !matches!(self.camera.power_line_hz, None | Some(0 | 50 | 60)) {
            return refuse("camera.power_line_hz", "give 50 or 60, or 0 for no filter".into());
        }
        if !self.physics.is_sensible() {
            return refuse(
                "physics",
                "a friction or restitution is outside 0 to 1, or the speed outside 100 to 12000 mm/s".into(),
            );
        }
        for (key, core) in [
            ("realtime.capture_core", self.realtime.capture_core),
            ("realtime.detect_core", self.realtime.detect_core),
            ("realtime.table_core", self.realtime.table_core),
        ] {
            if core < -1 {
                return refuse(key, format!("{core} is no core; -1 is any"));
            }
        }
        if !(3..=99).contains(&self.realtime.priority) {
            return refuse(
                "realtime.priority",
                format!("{} is not within 3 and 99", self.realtime.priority),
            );
        }
        Ok(())
    }
}

fn read(file: &Path) -> io::Result<String> {
    let bytes = bounded::read(file, BYTES_MAX)?.ok_or_else(|| io::Error::other("it is too large"))?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text"))
}

/// The tables of a text whose keys are known and of the right type; the values may still be out of range.
fn parse(text: &str) -> Result<toml::Table, ConfigError> {
    let table: toml::Table = toml::from_str(text).map_err(wrong)?;
    refuse_unknown_keys(&table)?;
    // From the text and not from the table: its errors name lines.
    toml::from_str::<Config>(text).map_err(wrong)?;
    Ok(table)
}

fn wrong(error: toml::de::Error) -> ConfigError {
    ConfigError::Parse {
        message: error.to_string().trim_end().to_string(),
    }
}

/// Sections are laid over each other key by key.
fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (section, value) in above {
        match (below.get_mut(&section), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => below.extend(above),
            (_, value) => drop(below.insert(section, value)),
        }
    }
}

fn refuse_unknown_keys(file: &toml::Table) -> Result<(), ConfigError> {
    for (section, value) in file {
        let names = value.as_table().map(|table| table.keys()).into_iter().flatten();
        let mut paths = names.map(|name| format!("{section}.{name}")).peekable();
        if paths.peek().is_none() && !is_section(section) {
            return Err(unknown(section.clone()));
        }
        if let Some(path) = paths.find(|path| !KEYS.iter().any(|key| key.path == path)) {
            return Err(unknown(path));
        }
    }
    Ok(())
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.path.split('.').next() == Some(name))
}

fn unknown(key: String) -> ConfigError {
    let nearest = KEYS
        .iter()
        .map(|known| known.path)
        .max_by(|a, b| similarity(a, &key).total_cmp(&similarity(b, &key)))
        .expect("there are keys");
    ConfigError::UnknownKey { key, nearest }
}

/// How alike a known path and a written one are; a key in the wrong table is still found by its name.
fn similarity(known: &str, written: &str) -> f64 {
    let name = |path: &str| path.rsplit('.').next().unwrap_or_default().to_string();
    strsim::jaro_winkler(known, written) + 2.0 * strsim::jaro_winkler(&name(known), &name(written))
}
