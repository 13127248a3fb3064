//! Calibrations that survive a pulled plug: ten slots, written in turn, each whole or not at all.
//!
//! - A slot is a file: a line with its generation and a checksum, then the calibration as JSON; `null` where a person
//!   took the calibration away.
//! - The newest generation that is whole counts; the others are the history. A new one goes into the slot of the oldest,
//!   so whatever happens while it is written, the one before it stays.
//! - `installation`, kept at commissioning, is a slot that nothing but the next commissioning writes.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::bounded;
use crate::calibration_file::StoredCalibration;
use crate::durable;

/// Calibrations that are kept: enough to look back over a few nights with a camera that does not hold still.
pub const SLOTS: u64 = 10;

/// No slot is larger; what is, is something else.
const BYTES_MAX: u64 = 64 * 1024;

/// The first word of a slot.
const MAGIC: &str = "baize-calibration";

const INSTALLATION: &str = "installation";

/// A folder with calibrations.
#[derive(Debug, Clone)]
pub struct CalibrationStore {
    folder: PathBuf,
}

/// A calibration, or that there was to be none from then on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Counts what was ever kept in the folder.
    pub generation: u64,
    /// `None`: a person took it away.
    pub calibration: Option<StoredCalibration>,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Kept {
    /// Whole slots, the newest first.
    pub history: Vec<Entry>,
    /// Slots that cannot be used.
    pub damaged: Vec<StoreError>,
}

impl Kept {
    /// The calibration in use.
    pub fn newest(&self) -> Option<&StoredCalibration> {
        self.history.first()?.calibration.as_ref()
    }

    /// The largest id that a calibration has had; 0: none had any.
    pub fn last_id(&self) -> u32 {
        let ids = self.history.iter().filter_map(|entry| entry.calibration.as_ref());
        ids.map(|stored| stored.calibration.id).max().unwrap_or(0)
    }
}

/// What is wrong with a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// Larger than any slot.
    TooLarge,
    /// Its first line is not that of a slot.
    Header,
    /// Its content is not what was written.
    Checksum,
    /// It was written so, and is no calibration.
    Content(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("it is too large"),
            Self::Header => f.write_str("its first line is not that of a calibration"),
            Self::Checksum => f.write_str("its checksum is wrong"),
            Self::Content(message) => f.write_str(message),
        }
    }
}

/// Why calibrations cannot be kept or read.
#[derive(Debug)]
pub enum StoreError {
    /// The system refuses.
    Io {
        /// What was read or written.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file is damaged.
    Damaged {
        /// Which one.
        file: PathBuf,
        /// How.
        damage: Damage,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, error } => write!(f, "calibration {}: {error}", file.display()),
            Self::Damaged { file, damage } => {
                write!(f, "calibration {} cannot be used: {damage}", file.display())
            }
        }
    }
}

impl std::error::Error for StoreError {}

/// Reads a slot. Never panics, whatever it holds.
pub fn parse(bytes: &[u8]) -> Result<Entry, Damage> {
    let header_end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(Damage::Header)?;
    let (header, content) = (&bytes[..header_end], &bytes[header_end + 1..]);
    let mut words = std::str::from_utf8(header)
        .map_err(|_| Damage::Header)?
        .split(' ');
    let (Some(MAGIC), Some(generation), Some(checksum), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Damage::Header);
    };
    let generation: u64 = generation.parse().map_err(|_| Damage::Header)?;
    let checksum = u32::from_str_radix(checksum, 16).map_err(|_| Damage::Header)?;
    if checksum != sum(generation, content) {
        return Err(Damage::Checksum);
    }
    let text = std::str::from_utf8(content).map_err(|_| Damage::Checksum)?;
    let calibration = match text.trim_end() {
        "null" => None,
        text => Some(StoredCalibration::parse(text).map_err(Damage::Content)?),
    };
    Ok(Entry {
        generation,
        calibration,
    })
}

fn render(generation: u64, calibration: Option<&StoredCalibration>) -> String {
    let content = calibration.map_or_else(|| "null\n".into(), StoredCalibration::to_text);
    format!(
        "{MAGIC} {generation} {:08x}\n{content}",
        sum(generation, content.as_bytes())
    )
}

/// Over the generation, too: a slot whose first line was garbled must not pass for a newer one.
fn sum(generation: u64, content: &[u8]) -> u32 {
    let mut all = generation.to_le_bytes().to_vec();
    all.extend_from_slice(content);
    durable::crc32(&all)
}

impl CalibrationStore {
    /// The calibrations in this folder, which is made when the first one is kept.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Everything there is.
    pub fn read(&self) -> Kept {
        let mut kept = Kept::default();
        for slot in 0..SLOTS {
            match self.read_file(&self.slot(slot)) {
                Ok(entry) => kept.history.extend(entry),
                Err(error) => kept.damaged.push(error),
            }
        }
        kept.history
            .sort_by_key(|entry| std::cmp::Reverse(entry.generation));
        kept
    }

    /// Keeps a calibration, or that there is none from now on. Returns its generation.
    pub fn keep(&self, calibration: Option<&StoredCalibration>) -> Result<u64, StoreError> {
        let newest = self.read().history.first().map_or(0, |entry| entry.generation);
        let generation = newest.saturating_add(1);
        self.write_file(&self.slot(generation % SLOTS), generation, calibration)?;
        Ok(generation)
    }

    /// The calibration of the installation; `None` where none was kept.
    pub fn installation(&self) -> Result<Option<StoredCalibration>, StoreError> {
        let entry = self.read_file(&self.folder.join(INSTALLATION))?;
        Ok(entry.and_then(|entry| entry.calibration))
    }

    /// Keeps a calibration as that of the installation.
    pub fn commission(&self, calibration: &StoredCalibration) -> Result<(), StoreError> {
        self.write_file(&self.folder.join(INSTALLATION), 0, Some(calibration))
    }

    fn slot(&self, number: u64) -> PathBuf {
        self.folder.join(format!("slot-{number}"))
    }

    /// `None`: there is no such file.
    fn read_file(&self, file: &Path) -> Result<Option<Entry>, StoreError> {
        let io = |error| StoreError::Io {
            file: file.into(),
            error,
        };
        let damaged = |damage| StoreError::Damaged {
            file: file.into(),
            damage,
        };
        match bounded::read(file, BYTES_MAX) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io(error)),
            Ok(None) => Err(damaged(Damage::TooLarge)),
            Ok(Some(bytes)) => parse(&bytes).map(Some).map_err(damaged),
        }
    }

    fn write_file(
        &self,
        file: &Path,
        generation: u64,
        calibration: Option<&StoredCalibration>,
    ) -> Result<(), StoreError> {
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| durable::write(file, render(generation, calibration).as_bytes()))
            .map_err(|error| StoreError::Io {
                file: file.into(),
                error,
            })
    }
}
