//! `baize calibrate`: finds the table in a picture.

use std::path::Path;

use baize_camera::{Pace, Picture, SourceSpec, is_picture, load_picture, open};
use baize_frame::Detections;
use baize_table_calibration::{
    Hints, Outcome, Request, calibrate, draw, focal_from_field_of_view, nose_depths_mm,
};
use baize_table_vision::geometry::TableSize;
use serde_json::{Value, json};

use super::args::CalibrateArgs;
use crate::calibration_file::{Fit, Method, StoredCalibration};
use crate::canvas::Canvas;
use crate::config::Config;
use crate::failure::Failure;
use crate::lens_file;
use crate::recording::Recording;
use crate::sources;

/// Runs the command. A refused calibration is a failure, after everything found has been told.
pub fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    let path = args
        .picture
        .as_deref()
        .ok_or_else(|| Failure::new("give a picture, or --live"))?;
    let picture = picture(path)?;
    let table: TableSize = args.table.parse().map_err(Failure::from_error)?;
    let image = picture.image();
    let mut config = Config::default();
    args.detector.apply(&mut config.detector);
    config.detector.closer = true;
    let mut detector = sources::detector(&config.detector)?;
    let mut detections = Detections::new();
    detector
        .detect(&image, image.whole(), &mut detections)
        .map_err(|error| Failure::at(path.display(), error))?;
    let mut request = Request::new(table, args.ball.unwrap_or_else(|| args.game.ball_diameter_mm()));
    request.turned = args.turned;
    request.balls = &detections.balls;
    request.hints = Hints {
        corners_px: args.corners.as_deref().map(corners).transpose()?,
        focal_px: args
            .fov
            .map(|fov_deg| focal_px(picture.format().width, fov_deg))
            .transpose()?,
        lens: args.lens.as_deref().map(lens_file::read).transpose()?,
    };
    let outcome = calibrate(&[image], &request);
    if let Some(file) = &args.drawn {
        let mut canvas = Canvas::of(&image);
        canvas.with_rgb(|rgb, width, height| draw(rgb, width, height, &outcome));
        canvas.write(file)?;
    }
    if let (Some(file), true, Some(mut calibration)) = (&args.output, outcome.accepted, outcome.calibration) {
        let method = if args.corners.is_some() {
            Method::Configured
        } else {
            Method::Automatic
        };
        calibration.id = 1;
        let depths_mm = nose_depths_mm(&image, &calibration);
        StoredCalibration::new(calibration, method, Fit::of(&outcome.places), depths_mm)
            .write(file)
            .map_err(Failure::from_error)?;
    }
    if args.json {
        println!("{}", object(&outcome, table));
    } else {
        tell(&outcome);
    }
    if outcome.accepted {
        Ok(())
    } else {
        Err(Failure::new(format!("refused: {}", outcome.reason)))
    }
}

/// The focal length of a lens that shows this angle from left to right.
fn focal_px(width_px: u32, fov_deg: f64) -> Result<f64, Failure> {
    if !(1.0..=170.0).contains(&fov_deg) {
        return Err(Failure::new(format!(
            "--fov {fov_deg} is not within 1 and 170 degrees"
        )));
    }
    Ok(focal_from_field_of_view(width_px, fov_deg))
}

/// The picture, or the first one of a clip or folder.
fn picture(path: &Path) -> Result<Picture, Failure> {
    let name = path.display();
    if !path.is_dir() && is_picture(path).map_err(|error| Failure::at(&name, error))? {
        return load_picture(path).map_err(|error| Failure::at(&name, error));
    }
    let camera_config = sources::camera_config(&Config::default().camera, Pace::AsFastAsPossible, false);
    let camera = open(&SourceSpec::Replay(path.into()), &camera_config).map_err(Failure::from_error)?;
    match Recording::of(camera).next_frame() {
        Ok(Some(frame)) => Ok(Picture::copy_of(&frame.image())),
        Ok(None) => Err(Failure::new(format!("{name}: not one frame in it"))),
        Err(error) => Err(Failure::at(name, error)),
    }
}

fn object(outcome: &Outcome, table: TableSize) -> Value {
    let solved = outcome.calibration.as_ref();
    json!({
        "accepted": outcome.accepted,
        "reason": outcome.reason.to_string(),
        "residual_mm": outcome.residual_mm,
        "residual_p95_mm": outcome.residual_p95_mm,
        "place_sigma_mm": outcome.place_sigma_mm,
        "worst_sigma_mm": outcome.worst_sigma_mm,
        "diamonds_found": outcome.diamonds_found,
        "pockets_found": outcome.pockets_found[0],
        "pockets_looked_at": outcome.pockets_found[1],
        "corners_px": outcome.corners_px,
        "table_mm": [table.length_mm, table.width_mm],
        "sides_found": outcome.sides_found,
        "focal_px": solved.map(|calibration| calibration.camera.fx),
        "focal_known": outcome.focal_known,
        "camera_mm": solved.map(|calibration| calibration.pose.camera_centre_mm()),
    })
}

fn tell(outcome: &Outcome) {
    println!("{}", if outcome.accepted { "accepted" } else { "refused" });
    if let Some(corners) = outcome.corners_px {
        let corners: Vec<String> = corners.iter().map(|[x, y]| format!("({x:.1}, {y:.1})")).collect();
        println!("corners of the bed in the picture: {}", corners.join(" "));
    }
    if let Some(residual_mm) = outcome.residual_mm {
        println!(
            "residual: {residual_mm:.2} mm; diamonds found: {}; pockets: {} of {} that could show",
            outcome.diamonds_found, outcome.pockets_found[0], outcome.pockets_found[1]
        );
    }
    if let Some(sigma_mm) = outcome.place_sigma_mm {
        println!("positions are uncertain by {sigma_mm:.2} mm (standard deviation along each axis)");
    }
    if let Some(calibration) = &outcome.calibration {
        let [x, y, z] = calibration.pose.camera_centre_mm();
        println!("camera: {z:.0} mm above the cloth at x {x:.0} mm, y {y:.0} mm");
        if !outcome.focal_known {
            println!(
                "focal length: {:.0} px, a guess: this view does not show it. Balls are placed nearly as well without; a projector's light \
                 on the cloth may be off by millimetres near the table's ends. --fov tells it",
                calibration.camera.fx
            );
        }
    }
}

fn corners(texts: &[String]) -> Result<[[f64; 2]; 4], Failure> {
    let corner = |text: &String| {
        let (x, y) = text.split_once(',')?;
        Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
    };
    let corners: Option<Vec<[f64; 2]>> = texts.iter().map(corner).collect();
    corners
        .and_then(|corners| corners.try_into().ok())
        .ok_or_else(|| Failure::new("--corners takes four places: x,y x,y x,y x,y"))
}
