//! `baize detect`: balls and cues in pictures, in pixels.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use baize_accelerator::Detector;
use baize_camera::{Picture, load_picture, picture_files};
use baize_frame::{BallColour, BallDetection, BallKind, CueDetection, Detections, KindShares};
use baize_table_vision::straightened;
use serde_json::{Value, json};

use super::args::DetectArgs;
use crate::canvas::Canvas;
use crate::config::Config;
use crate::failure::Failure;
use crate::sources;

/// How thick a cue is, for the box around a thin one, as part of its length: 13 mm of 1.47 m at the tip, 30 at the butt.
const CUE_THICKNESS: f32 = 0.015;

/// Runs the command.
pub fn run(args: &DetectArgs) -> Result<(), Failure> {
    let mut config = Config::default();
    args.detector.apply(&mut config.detector);
    // Nobody waits for the next picture.
    config.detector.closer = true;
    let mut detector = sources::detector(&config.detector)?;
    let files = files(&args.paths)?;
    let box_margin = detector.info().box_margin;
    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    for file in &files {
        let result = look(detector.as_mut(), file);
        let (picture, detections) = match result {
            Ok(found) => found,
            Err(failure) => {
                eprintln!("baize: {failure}");
                failed += 1;
                continue;
            }
        };
        let written = if args.json {
            writeln!(out, "{}", line(file, &picture, &detections, box_margin))
        } else {
            writeln!(out, "{}", sentence(file, &detections))
        };
        if written.is_err() {
            // Whoever read has seen enough.
            return Ok(());
        }
        if let Some(folder) = &args.draw {
            draw(folder, file, &picture, &detections)?;
        }
    }
    if failed > 0 {
        return Err(Failure::new(format!(
            "{failed} of {} pictures could not be searched",
            files.len()
        )));
    }
    Ok(())
}

/// The pictures named, and those in the folders named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let found = picture_files(path).map_err(|error| Failure::at(path.display(), error))?;
            if found.is_empty() {
                return Err(Failure::new(format!(
                    "{}: the folder holds no PNG and no JPEG",
                    path.display()
                )));
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn look(detector: &mut dyn Detector, file: &Path) -> Result<(Picture, Detections), Failure> {
    let picture = load_picture(file).map_err(|error| Failure::at(file.display(), error))?;
    let mut detections = Detections::new();
    let image = picture.image();
    detector
        .detect(&image, image.whole(), &mut detections)
        .map_err(|error| Failure::at(file.display(), error))?;
    if let Some(ball_px) = ball_px(&detections) {
        for cue in &mut detections.cues {
            *cue = straightened(image.luminance(), *cue, ball_px);
        }
    }
    Ok((picture, detections))
}

/// How large balls are in a picture; `None` where it shows none.
fn ball_px(detections: &Detections) -> Option<f32> {
    let mut sizes: Vec<f32> = detections
        .balls
        .iter()
        .map(|ball| ball.size_px[0].min(ball.size_px[1]))
        .collect();
    sizes.sort_unstable_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}

/// The class of a ball as `detect` names it.
pub fn class(kind: BallKind) -> &'static str {
    match kind {
        BallKind::Cue => "cue_ball",
        BallKind::Eight => "eight_ball",
        BallKind::Solid => "solid",
        BallKind::Stripe => "stripe",
        BallKind::Ball => "ball",
    }
}

fn line(file: &Path, picture: &Picture, detections: &Detections, box_margin: f32) -> Value {
    let balls = detections.balls.iter().map(|seen| ball(seen, box_margin));
    let cues = detections.cues.iter().map(cue);
    json!({
        "file": file.display().to_string(),
        "width": picture.format().width,
        "height": picture.format().height,
        "detections": balls.chain(cues).collect::<Vec<_>>(),
    })
}

/// Boxes are as wide as people draw them, so that they can be compared with labels.
fn ball(ball: &BallDetection, box_margin: f32) -> Value {
    let [x, y] = ball.centre_px;
    let [w, h] = ball.size_px.map(|size| size * box_margin);
    json!({
        "class": class(ball.kind),
        "kinds": kinds(&ball.kind_shares),
        "x": x,
        "y": y,
        "w": w,
        "h": h,
        "score": ball.score,
        "number": ball.reading.number,
        "colour": ball.reading.colour.map(colour),
    })
}

/// How probable each kind is, whether one is claimed or not; what is left to 1 is none of them.
fn kinds(shares: &KindShares) -> Value {
    let named = BallKind::ALL.map(|kind| (class(kind).to_owned(), json!(shares.share(kind))));
    Value::Object(named.into_iter().collect())
}

fn colour(colour: BallColour) -> &'static str {
    match colour {
        BallColour::White => "white",
        BallColour::Yellow => "yellow",
        BallColour::Red => "red",
        BallColour::Green => "green",
        BallColour::Brown => "brown",
        BallColour::Blue => "blue",
        BallColour::Pink => "pink",
        BallColour::Black => "black",
    }
}

fn cue(cue: &CueDetection) -> Value {
    let ([tip_x, tip_y], [butt_x, butt_y]) = (cue.tip_px, cue.butt_px);
    let length = (tip_x - butt_x).hypot(tip_y - butt_y);
    let thickness = length * CUE_THICKNESS;
    json!({
        "class": "cue_stick",
        "x": (tip_x + butt_x) / 2.0,
        "y": (tip_y + butt_y) / 2.0,
        "w": (tip_x - butt_x).abs().max(thickness),
        "h": (tip_y - butt_y).abs().max(thickness),
        "score": cue.score,
        "tip": cue.tip_px,
        "butt": cue.butt_px,
    })
}

fn sentence(file: &Path, detections: &Detections) -> String {
    let counts: Vec<String> = BallKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let count = detections.balls.iter().filter(|ball| ball.kind == kind).count();
            (count > 0).then(|| format!("{count} {}", class(kind)))
        })
        .collect();
    let balls = if counts.is_empty() {
        "no balls".to_string()
    } else {
        counts.join(", ")
    };
    let cues = match detections.cues.len() {
        0 => String::new(),
        1 => ", a cue".to_string(),
        n => format!(", {n} cues"),
    };
    format!("{}: {balls}{cues}", file.display())
}

fn draw(folder: &Path, file: &Path, picture: &Picture, detections: &Detections) -> Result<(), Failure> {
    let mut canvas = Canvas::of(&picture.image());
    canvas.detections(detections);
    let name = file
        .file_stem()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned();
    canvas.write(&folder.join(format!("{name}.png")))
}
