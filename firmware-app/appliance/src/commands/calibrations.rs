//! `baize calibrations`: what an appliance keeps in its folder of calibrations.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::{CalibrationsArgs, CalibrationsCommand};
use crate::calibration_file::StoredCalibration;
use crate::calibration_store::{CalibrationStore, Kept};
use crate::failure::Failure;
use crate::sources;

/// Runs the command.
pub fn run(args: &CalibrationsArgs) -> Result<(), Failure> {
    let folder = folder(args)?;
    if matches!(&args.command, CalibrationsCommand::List { .. })
        && let Err(error) = std::fs::read_dir(&folder)
    {
        return Err(Failure::at(folder.display(), error));
    }
    let store = CalibrationStore::at(&folder);
    let kept = store.read();
    match &args.command {
        CalibrationsCommand::List { json } => list(&store, &kept, *json),
        CalibrationsCommand::Export { file, generation } => chosen(&kept, *generation, &folder)?
            .write(file)
            .map_err(Failure::from_error),
        CalibrationsCommand::Import { file } => {
            let mut stored = StoredCalibration::read(file).map_err(Failure::from_error)?;
            stored.calibration.id = kept.last_id() + 1;
            let generation = store.keep(Some(&stored)).map_err(Failure::from_error)?;
            println!("kept as generation {generation}; `baize run` uses it from its next start on");
            Ok(())
        }
        CalibrationsCommand::Commission { generation } => {
            let stored = chosen(&kept, *generation, &folder)?;
            goes_with(stored, &args.config)?;
            store.commission(stored).map_err(Failure::from_error)
        }
    }
}

/// Whether `baize run` would use it; without a configuration nothing is known of the table.
fn goes_with(stored: &StoredCalibration, config: &[PathBuf]) -> Result<(), Failure> {
    if config.is_empty() {
        return Ok(());
    }
    let config = sources::config(config)?;
    let size = sources::request(&config)?.table;
    match stored.misfit(&config.table, size, None) {
        None => Ok(()),
        Some(misfit) => Err(Failure::new(format!(
            "the calibration would not be used: {misfit}"
        ))),
    }
}

fn folder(args: &CalibrationsArgs) -> Result<PathBuf, Failure> {
    match &args.folder {
        Some(folder) => Ok(folder.clone()),
        None => Ok(sources::config(&args.config)?.calibration.folder),
    }
}

/// The one of this generation; without one, the one in use.
fn chosen<'a>(
    kept: &'a Kept,
    generation: Option<u64>,
    folder: &std::path::Path,
) -> Result<&'a StoredCalibration, Failure> {
    let entry = match generation {
        Some(generation) => kept.history.iter().find(|entry| entry.generation == generation),
        None => kept.history.first(),
    };
    entry.and_then(|entry| entry.calibration.as_ref()).ok_or_else(|| {
        Failure::new(format!(
            "no such calibration in {}; `baize calibrations list` shows what there is",
            folder.display()
        ))
    })
}

/// Damaged ones are a failure, after everything else has been told.
fn list(store: &CalibrationStore, kept: &Kept, json: bool) -> Result<(), Failure> {
    for entry in &kept.history {
        tell(
            &json!({"generation": entry.generation}),
            entry.calibration.as_ref(),
            json,
        );
    }
    let installation = store.installation();
    if kept.history.is_empty() && matches!(installation, Ok(None)) && !json {
        println!("no calibrations yet");
    }
    if let Ok(Some(stored)) = &installation {
        tell(&json!({"generation": "installation"}), Some(stored), json);
    }
    let damaged = kept.damaged.iter().chain(installation.as_ref().err());
    let damaged: Vec<String> = damaged.map(ToString::to_string).collect();
    if damaged.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(damaged.join("; ")))
    }
}

fn tell(name: &Value, stored: Option<&StoredCalibration>, json: bool) {
    let mut line = name.clone();
    line["id"] = json!(stored.map(|stored| stored.calibration.id));
    line["accepted_unix_ms"] = json!(stored.and_then(|stored| stored.accepted_unix_ms));
    line["residual_mm"] = json!(stored.map(|stored| stored.calibration.residual_mm));
    line["projector_residual_mm"] = json!(
        stored
            .and_then(|stored| stored.projector.as_ref())
            .map(|projector| projector.residual_mm)
    );
    if json {
        println!("{line}");
        return;
    }
    let generation = line["generation"].as_str().map_or_else(
        || format!("generation {}", line["generation"]),
        ToString::to_string,
    );
    match stored {
        None => println!("{generation}: none from then on"),
        Some(stored) => println!(
            "{generation}: id {}, residual {:.2} mm, projector {}",
            stored.calibration.id,
            stored.calibration.residual_mm,
            stored.projector.as_ref().map_or_else(
                || "none".into(),
                |projector| format!("{:.2} mm", projector.residual_mm)
            )
        ),
    }
}
