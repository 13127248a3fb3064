//! A camera's lens as a file: `baize lens` writes it, the key `camera.lens` and `baize calibrate --lens` take it.

use std::path::Path;

use baize_table_vision::geometry::CameraModel;

use crate::bounded;
use crate::durable;
use crate::failure::Failure;

/// Far more than any lens takes.
const LENS_BYTES_MAX: u64 = 64 * 1024;

/// Reads a lens; whether it fits the pictures, the calibration says.
pub fn read(file: &Path) -> Result<CameraModel, Failure> {
    let name = file.display();
    let bytes = bounded::read(file, LENS_BYTES_MAX)
        .map_err(|error| Failure::at(&name, error))?
        .ok_or_else(|| Failure::new(format!("{name}: too large for a lens")))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::at(&name, error))
}

/// Writes a lens, whole or not at all.
pub fn write(file: &Path, lens: &CameraModel) -> Result<(), Failure> {
    let name = file.display();
    let text = serde_json::to_string_pretty(lens).map_err(|error| Failure::at(&name, error))?;
    durable::write(file, text.as_bytes()).map_err(|error| Failure::at(&name, error))
}
