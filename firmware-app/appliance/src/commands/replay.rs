//! `baize replay`: a recording through detector and table stage, a line a frame, every frame, always the same.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use baize_accelerator::Detector;
use baize_camera::{Pace, SourceSpec, open};
use baize_frame::{Detections, FrameFormat};
use baize_table_vision::geometry::Calibration;
use baize_table_vision::{FrameStamp, Observations, StageOutput, TableStage};
use serde_json::Value;

use super::args::ReplayArgs;
use super::replay_drawing::Drawing;
use crate::calibration_file::{Misfit, StoredCalibration};
use crate::config::Config;
use crate::failure::Failure;
use crate::find_table::find_table;
use crate::observations;
use crate::recording::Recording;
use crate::sources;
use crate::state_json;

/// Part of the picture around the bed that is searched too, as in the appliance.
const REGION_MARGIN_MM: f64 = 250.0;

/// Runs the command.
pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let mut config = sources::config(&args.config)?;
    args.detector.apply(&mut config.detector);
    if let Some(size) = &args.table {
        config.table.size.clone_from(size);
    }
    let mut detector = sources::detector(&config.detector)?;
    let mut recording = opened(&args.path, &config)?;
    let calibration = match &args.calibration {
        Some(file) => Some(given_calibration(file, recording.format())?),
        None => own_calibration(&args.path, &config, detector.as_mut())?,
    };
    let mut stage = TableStage::new();
    stage.set_game(config.table.game.on_the_wire());
    stage.set_physics(config.physics);
    stage.set_calibration(calibration);
    let region = calibration.and_then(|calibration| calibration.region_of_interest(REGION_MARGIN_MM));

    let record_failure =
        |error| Failure::at(args.record.as_deref().unwrap_or(Path::new("")).display(), error);
    let mut record = match &args.record {
        Some(path) => Some(BufWriter::new(File::create(path).map_err(record_failure)?)),
        None => None,
    };

    let mut drawing = args
        .draw
        .as_ref()
        .map(|folder| Drawing::to(folder.clone(), calibration));
    let mut detections = Detections::new();
    let mut output = StageOutput::new();
    let mut out = std::io::stdout().lock();
    let mut frames = 0;
    while args.frames.is_none_or(|most| frames < most) {
        let next = recording.next_frame();
        let Some(frame) = next.map_err(|error| Failure::at(args.path.display(), error))? else {
            break;
        };
        let image = frame.image();
        let whole = image.whole();
        let region = region
            .filter(|r| r.x + r.width <= whole.width && r.y + r.height <= whole.height)
            .unwrap_or(whole);
        detector
            .detect(&image, region, &mut detections)
            .map_err(Failure::from_error)?;
        frames += 1;
        let stamp = FrameStamp {
            frame_id: frames,
            exposure_us: frame.exposure_us,
        };
        let seen = stage.observe(&detections, Some(image.luminance()));
        if let Some(file) = &mut record {
            let none = Observations::default();
            observations::write(file, stamp.exposure_us, seen.as_ref().unwrap_or(&none))
                .map_err(record_failure)?;
        }
        stage.judge(stamp, seen.as_ref(), &mut output);
        let written = if args.json {
            writeln!(
                out,
                "{}",
                Value::Object(state_json::state(&output.state, &output.pixels))
            )
        } else {
            writeln!(out, "{}", state_json::in_words(&output))
        };
        if written.is_err() {
            // Whoever read has seen enough.
            return Ok(());
        }
        if let Some(drawing) = &mut drawing {
            drawing.draw(frames, &image, &output)?;
        }
    }
    if let Some(mut file) = record {
        file.flush().map_err(record_failure)?;
    }
    if frames == 0 {
        return Err(Failure::new(format!(
            "{}: not one frame in it",
            args.path.display()
        )));
    }
    Ok(())
}

fn opened(path: &Path, config: &Config) -> Result<Recording, Failure> {
    let camera_config = sources::camera_config(&config.camera, Pace::AsFastAsPossible, false);
    let camera = open(&SourceSpec::Replay(path.into()), &camera_config).map_err(Failure::from_error)?;
    Ok(Recording::of(camera))
}

/// Reads a calibration; one for pictures of another size is another camera's.
fn given_calibration(file: &Path, format: FrameFormat) -> Result<Calibration, Failure> {
    let calibration = StoredCalibration::read(file)
        .map_err(Failure::from_error)?
        .calibration;
    if !calibration.fits(format.width, format.height) {
        let misfit = Misfit::Picture([calibration.camera.width_px, calibration.camera.height_px]);
        return Err(Failure::new(format!(
            "{}: {misfit}: these are {} x {}; give the calibration of this camera",
            file.display(),
            format.width,
            format.height
        )));
    }
    Ok(calibration)
}

/// Calibrates from the recording itself. A table that is not found is said, and leaves the states uncalibrated.
fn own_calibration(
    path: &Path,
    config: &Config,
    detector: &mut dyn Detector,
) -> Result<Option<Calibration>, Failure> {
    let mut recording = opened(path, config)?;
    let request = sources::request(config)?;
    let outcome =
        find_table(&mut recording, detector, &request).map_err(|error| Failure::at(path.display(), error))?;
    let Some(mut calibration) = outcome.calibration.filter(|_| outcome.accepted) else {
        log::warn!(
            "the table was not found: {}; no positions without a calibration",
            outcome.reason
        );
        return Ok(None);
    };
    calibration.id = 1;
    log::info!("table found, residual {:.2} mm", calibration.residual_mm);
    Ok(Some(calibration))
}
