//! A calibration as text: JSON, written whole or not at all, checked before it is used.

use std::fmt;
use std::path::{Path, PathBuf};

use baize_table_calibration::{NoseDepths, Place};
use baize_table_state::ProjectorMapping;
use baize_table_vision::geometry::{Calibration, TableSize};
use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::config;
use crate::durable;

/// Sizes that differ by less are the same.
const SAME_MM: f64 = 0.01;

/// The one layout there is.
const FORMAT: u32 = 3;

/// No calibration file is larger; what is, is something else.
const BYTES_MAX: u64 = 64 * 1024;

/// A calibration and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCalibration {
    format: u32,
    /// Where it came from.
    pub method: Method,
    /// When it was accepted, milliseconds since 1970 UTC.
    pub accepted_unix_ms: Option<u64>,
    /// The places that were seen, against the model.
    pub fit: Fit,
    /// Where the noses showed when it was made: a camera that moves shows them elsewhere.
    pub nose_depths_mm: NoseDepths,
    /// Camera and table.
    pub calibration: Calibration,
    /// The projector above the table; `None`: none was calibrated.
    pub projector: Option<StoredProjector>,
}

/// How far what was seen is from the model that was solved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Places on noses and diamonds that were compared.
    pub places: u32,
    /// The largest distance of one of them, mm.
    pub residual_max_mm: f64,
}

impl Fit {
    /// Of these places.
    pub fn of(places: &[Place]) -> Self {
        Self {
            places: places.len() as u32,
            residual_max_mm: places.iter().fold(0.0, |max, place| max.max(place.off_mm.abs())),
        }
    }
}

/// How a projector lights the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredProjector {
    /// Width and height of the projector's picture, pixels.
    pub size_px: [u16; 2],
    /// From (x, y, 1) in mm on the cloth to homogeneous pixels, row by row.
    pub homography: [f32; 9],
    /// Root mean square error on the cloth, mm.
    pub residual_mm: f64,
}

impl StoredProjector {
    /// As subscribers get it; `None` where its numbers are none.
    pub fn for_the_wire(&self) -> Option<ProjectorMapping> {
        let [width_px, height_px] = self.size_px;
        // A residual that is no number is refused when read.
        let residual_um = (self.residual_mm * 1000.0).round() as u32;
        ProjectorMapping::new(width_px, height_px, self.homography, residual_um)
    }
}

/// Why a calibration does not go with the table and the camera that there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misfit {
    /// It was made for a table of another size, mm.
    Table([f64; 2]),
    /// It was made for balls of another diameter, mm.
    Balls(f64),
    /// Its table frame lies the other way round.
    Turned,
    /// It was made for pictures of another size.
    Picture([u32; 2]),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table([length, width]) => {
                write!(
                    f,
                    "it is of a table of {length} x {width} mm, unlike `table.size`"
                )
            }
            Self::Balls(diameter) => write!(
                f,
                "it is of balls of {diameter} mm, unlike those of `table.game` or `table.ball_diameter_mm`"
            ),
            Self::Turned => f.write_str("its origin is in another corner than `table.turned` says"),
            Self::Picture([width, height]) => {
                write!(f, "it is for pictures of {width} x {height}, unlike the camera's")
            }
        }
    }
}

/// Where a calibration came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The table was found in pictures.
    Automatic,
    /// A person gave the corners.
    Configured,
}

/// Why a calibration file was not used.
#[derive(Debug)]
pub enum CalibrationFileError {
    /// It cannot be read or written.
    Io {
        /// Which file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is not a calibration.
    Content {
        /// Which file, where there is one.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl fmt::Display for CalibrationFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, error } => write!(f, "calibration {}: {error}", file.display()),
            Self::Content { file, message } => write!(
                f,
                "calibration {} cannot be used: {message}; `baize calibrate --output` writes one",
                file.display()
            ),
        }
    }
}

impl std::error::Error for CalibrationFileError {}

impl StoredCalibration {
    /// A calibration made now.
    pub fn new(calibration: Calibration, method: Method, fit: Fit, nose_depths_mm: NoseDepths) -> Self {
        Self {
            format: FORMAT,
            method,
            accepted_unix_ms: unix_ms(),
            fit,
            nose_depths_mm,
            calibration,
            projector: None,
        }
    }

    /// The same one, accepted now under this id.
    pub fn accepted_as(&self, id: u32) -> Self {
        let mut again = self.clone();
        again.calibration.id = id;
        again.accepted_unix_ms = unix_ms();
        again
    }

    /// Why it cannot be used for this table and pictures of this size; `None` where it can.
    pub fn misfit(
        &self,
        table: &config::Table,
        size: TableSize,
        picture_px: Option<[u32; 2]>,
    ) -> Option<Misfit> {
        let own = &self.calibration;
        let apart = |a: f64, b: f64| (a - b).abs() > SAME_MM;
        if apart(own.table.length_mm, size.length_mm) || apart(own.table.width_mm, size.width_mm) {
            return Some(Misfit::Table([own.table.length_mm, own.table.width_mm]));
        }
        if apart(own.ball_diameter_mm, table.ball_mm()) {
            return Some(Misfit::Balls(own.ball_diameter_mm));
        }
        if own.is_turned() != table.turned {
            return Some(Misfit::Turned);
        }
        picture_px
            .filter(|[width, height]| !own.fits(*width, *height))
            .map(|_| Misfit::Picture([own.camera.width_px, own.camera.height_px]))
    }

    /// Reads a file's text. Never panics, whatever it holds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let stored: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if stored.format != FORMAT {
            return Err(format!(
                "its format is {}, this program knows {FORMAT}",
                stored.format
            ));
        }
        stored.calibration.check().map_err(|error| error.to_string())?;
        if !stored.fit.residual_max_mm.is_finite() {
            return Err("its residual is not a number".into());
        }
        let projector = stored.projector.as_ref();
        if projector.is_some_and(|projector| {
            projector.for_the_wire().is_none() || !(0.0..1000.0).contains(&projector.residual_mm)
        }) {
            return Err("its projector is none".into());
        }
        Ok(stored)
    }

    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self, CalibrationFileError> {
        let io = |error| CalibrationFileError::Io {
            file: file.into(),
            error,
        };
        let content = |message| CalibrationFileError::Content {
            file: file.into(),
            message,
        };
        let bytes = bounded::read(file, BYTES_MAX)
            .map_err(io)?
            .ok_or_else(|| content("it is too large".into()))?;
        let text = String::from_utf8(bytes).map_err(|_| content("it is not text".into()))?;
        Self::parse(&text).map_err(content)
    }

    /// Writes a file: the old one stays until the new one is on the disk.
    pub fn write(&self, file: &Path) -> Result<(), CalibrationFileError> {
        let io = |error| CalibrationFileError::Io {
            file: file.into(),
            error,
        };
        durable::write(file, self.to_text().as_bytes()).map_err(io)
    }

    /// The text of a file.
    pub fn to_text(&self) -> String {
        // Numbers and names only: nothing in it can fail to be written.
        serde_json::to_string_pretty(self).expect("a calibration is JSON") + "\n"
    }

    /// As subscribers get it.
    pub fn for_the_wire(&self, game: crate::config::Game) -> baize_table_state::Calibration {
        use baize_table_state as wire;
        let Calibration {
            id,
            table,
            ball_diameter_mm,
            residual_mm,
            ..
        } = self.calibration;
        let tenth_mm = |mm: f64| (mm * 10.0).round() as u32;
        let um = |mm: f64| (mm * 1000.0).round() as u32;
        let mut pockets = heapless::Vec::new();
        if game != crate::config::Game::Carom {
            for pocket in table.pockets() {
                let middle = (pocket.centre_mm[0] - table.length_mm / 2.0).abs() < table.length_mm / 8.0;
                // The table has at most six, and so has the message.
                let _ = pockets.push(wire::Pocket {
                    kind: if middle {
                        wire::PocketKind::MIDDLE
                    } else {
                        wire::PocketKind::CORNER
                    },
                    position: wire::Position::from_mm(pocket.centre_mm[0] as f32, pocket.centre_mm[1] as f32),
                    radius_tenth_mm: tenth_mm(pocket.radius_mm) as u16,
                });
            }
        }
        wire::Calibration {
            calibration_id: id,
            accepted_unix_ms: self.accepted_unix_ms,
            method: match self.method {
                Method::Automatic => wire::CalibrationMethod::AUTOMATIC,
                Method::Configured => wire::CalibrationMethod::CONFIGURED,
            },
            game: game.on_the_wire(),
            origin: self.origin(),
            length_tenth_mm: tenth_mm(table.length_mm),
            width_tenth_mm: tenth_mm(table.width_mm),
            ball_diameter_um: um(ball_diameter_mm),
            residual_um: um(residual_mm),
            residual_max_um: um(self.fit.residual_max_mm),
            points: self.fit.places,
            pockets,
            projector: self.projector.as_ref().and_then(StoredProjector::for_the_wire),
        }
    }

    /// The corner of the picture that the table's origin is nearest to, seen from the table's middle.
    fn origin(&self) -> baize_table_state::OriginCorner {
        use baize_table_state::OriginCorner;
        let table = self.calibration.table;
        let middle = [table.length_mm / 2.0, table.width_mm / 2.0, 0.0];
        let (Some(origin), Some(middle)) = (
            self.calibration.project([0.0, 0.0, 0.0]),
            self.calibration.project(middle),
        ) else {
            return OriginCorner::BOTTOM_LEFT;
        };
        match (origin[0] < middle[0], origin[1] > middle[1]) {
            (true, true) => OriginCorner::BOTTOM_LEFT,
            (false, true) => OriginCorner::BOTTOM_RIGHT,
            (false, false) => OriginCorner::TOP_RIGHT,
            (true, false) => OriginCorner::TOP_LEFT,
        }
    }
}

/// Wall-clock time; `None` before 2020, when nobody has set the clock.
fn unix_ms() -> Option<u64> {
    const YEAR_2020_MS: u64 = 1_577_836_800_000;
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    u64::try_from(since_1970.as_millis())
        .ok()
        .filter(|ms| *ms > YEAR_2020_MS)
}
