//! `baize lens`: a camera's lens from a checkerboard that is shown to it, with advice until that is enough.

use std::path::Path;

use baize_camera::{Pace, SourceSpec, is_picture, load_picture, open, picture_files};
use baize_frame::ImageView;
use baize_table_calibration::board::{Board, LensFit, LensReason, solve_lens};
use serde_json::json;

use super::args::LensArgs;
use crate::failure::Failure;
use crate::lens_file;
use crate::recording::Recording;
use crate::sources;

/// Of a camera or a clip so many views of the board are taken, once they tell the lens: more make it better slowly.
const VIEWS_WANTED: usize = 20;
/// The board is held still while it moves by less than this from one picture to the next.
const STILL_PX: f64 = 2.0;

/// Runs the command.
pub fn run(args: &LensArgs) -> Result<(), Failure> {
    let mut album = Album::default();
    for source in &args.sources {
        let path = Path::new(source);
        if path.is_dir() {
            let files = picture_files(path).map_err(|error| Failure::at(path.display(), error))?;
            for file in files {
                album.take_file(&file)?;
            }
        } else if path.is_file() && is_picture(path).map_err(|error| Failure::at(path.display(), error))? {
            album.take_file(path)?;
        } else {
            watch(source, args, &mut album)?;
        }
    }
    let fit = album
        .solved()
        .map_err(|reason| Failure::new(format!("no lens yet: {reason}")))?;
    if let Some(file) = &args.output {
        lens_file::write(file, &fit.lens)?;
    }
    if args.json {
        println!("{}", object(&fit, album.boards.len()));
    } else {
        tell(&fit, album.boards.len());
    }
    Ok(())
}

/// Looks at a camera or a clip until the lens is told, or the clip ends.
fn watch(source: &str, args: &LensArgs, album: &mut Album) -> Result<(), Failure> {
    let config = sources::config(&args.config)?;
    let spec: SourceSpec = source.parse().map_err(Failure::from_error)?;
    let pace = match spec {
        SourceSpec::Replay(_) => Pace::AsFastAsPossible,
        SourceSpec::Simulated(_) | SourceSpec::V4l2(_) => Pace::RealTime,
    };
    let camera = open(&spec, &sources::camera_config(&config.camera, pace, false));
    let mut recording = Recording::of(camera.map_err(Failure::from_error)?);
    let mut before: Option<Board> = None;
    while let Some(frame) = recording
        .next_frame()
        .map_err(|error| Failure::at(source, error))?
    {
        let now = Board::find(&frame.image());
        if let (Some(before), Some(now)) = (&before, &now)
            && now.distance_px(before) < STILL_PX
            && album.take_if_new(now)
            && album.is_enough()
        {
            break;
        }
        before = now;
    }
    Ok(())
}

/// The views of the board so far.
#[derive(Default)]
struct Album {
    boards: Vec<Board>,
    advice: Option<LensReason>,
}

impl Album {
    /// A picture that somebody chose.
    fn take_file(&mut self, file: &Path) -> Result<(), Failure> {
        let picture = load_picture(file).map_err(|error| Failure::at(file.display(), error))?;
        let image: ImageView<'_> = picture.image();
        match Board::find(&image) {
            Some(board) => {
                eprintln!("{}: {} corners of fields", file.display(), board.points.len());
                self.boards.push(board);
            }
            None => eprintln!("{}: no checkerboard in it", file.display()),
        }
        Ok(())
    }

    /// A view that shows the board where none before did; says what is still missing, where that has changed.
    fn take_if_new(&mut self, board: &Board) -> bool {
        if self
            .boards
            .iter()
            .any(|known| known.distance_px(board) < board.new_view_px())
        {
            return false;
        }
        self.boards.push(board.clone());
        let advice = self.solved().err();
        if advice != self.advice
            && let Some(reason) = &advice
        {
            eprintln!("{} views: {reason}", self.boards.len());
        }
        self.advice = advice;
        true
    }

    fn is_enough(&self) -> bool {
        self.boards.len() >= VIEWS_WANTED && self.advice.is_none()
    }

    fn solved(&self) -> Result<LensFit, LensReason> {
        solve_lens(&self.boards)
    }
}

fn object(fit: &LensFit, views: usize) -> serde_json::Value {
    json!({
        "lens": fit.lens,
        "views": views,
        "points": fit.points,
        "residual_px": fit.residual_px,
        "focal_sigma_percent": fit.focal_percent,
        "axis_sigma_px": fit.axis_sigma_px,
    })
}

fn tell(fit: &LensFit, views: usize) {
    let lens = &fit.lens;
    println!(
        "from {views} views, {} corners of fields, {:.2} px off on average",
        fit.points, fit.residual_px
    );
    println!(
        "focal length {:.1} px (known to {:.2} %), axis at {:.1}, {:.1} (to {:.1} px)",
        lens.fx, fit.focal_percent, lens.cx, lens.cy, fit.axis_sigma_px
    );
    println!(
        "k1 {:.4}, k2 {:.4}, p1 {:.5}, p2 {:.5}",
        lens.k1, lens.k2, lens.p1, lens.p2
    );
}
