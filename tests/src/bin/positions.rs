//! How far off calibrations and positions are, under random cameras above simulated tables:
//! `cargo run --release -p baize-tests --bin positions -- --cameras 200 --record measured.jsonl`.
//!
//! A record lets a long run be split or continued: cameras that it holds are not measured again.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use baize_accelerator::{Backend, CpuOptions, ModelFiles, open_cpu};
use baize_tests::positions::{Measured, Measurer, RandomCamera, Report};
use clap::Parser;

/// Measures calibrations and positions under random cameras above simulated tables.
#[derive(Parser)]
struct Arguments {
    /// The first camera's number.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many cameras.
    #[arg(long, default_value_t = 200)]
    cameras: u64,
    /// File with a line of JSON a camera: what it holds is not measured again, what is measured is appended.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let wanted = arguments.first..arguments.first + arguments.cameras;
    let mut measured = match &arguments.record {
        Some(file) if file.exists() => recorded(file)?,
        _ => Vec::new(),
    };
    measured.retain(|camera| wanted.contains(&camera.seed));
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/nano");
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    let (detector, _) = open_cpu(&ModelFiles::from_dir(&model)?, &options)?;
    let mut measurer = Measurer::new(detector);
    for seed in wanted {
        if measured.iter().any(|camera| camera.seed == seed) {
            continue;
        }
        let camera = measurer.measure(&RandomCamera::new(seed));
        eprintln!("camera {seed}: {}", told(&camera));
        if let Some(file) = &arguments.record {
            let mut file = OpenOptions::new().create(true).append(true).open(file)?;
            writeln!(file, "{}", serde_json::to_string(&camera)?)?;
        }
        measured.push(camera);
    }
    let report = Report::of(&measured);
    if arguments.json {
        println!("{}", report.json());
    } else {
        report.print();
    }
    Ok(())
}

fn recorded(file: &Path) -> Result<Vec<Measured>, Box<dyn std::error::Error>> {
    std::fs::read_to_string(file)?
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn told(camera: &Measured) -> String {
    let error = camera
        .bed_error_mm
        .map_or("no solution".into(), |mm| format!("bed off by {mm:.2} mm"));
    format!(
        "{} [{}{}{}], {error}, {} of {} balls",
        camera.reason,
        camera.table_mm[0],
        if camera.diamonds { ", diamonds" } else { "" },
        if camera.person { ", player" } else { "" },
        camera.found.len(),
        camera.balls
    )
}
