//! Times the stages of a detection in a 1080p YUYV picture, with each engine that can be had.
//!
//! `cargo run --release -p baize-accelerator --example bench_detector -- [FOLDER OF A MODEL] [RUNS]`

use std::error::Error;
use std::path::Path;

use baize_accelerator::preprocess::{Preprocessor, Simd};
use baize_accelerator::{Backend, CpuOptions, DetectTimings, Manifest, ModelFiles, open_cpu};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat};

const RADIUS_PX: i64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let spots = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/spots").to_owned();
    let model = ModelFiles::<Manifest>::from_dir(Path::new(&arguments.next().unwrap_or(spots)))?;
    let runs: usize = arguments.next().map_or(Ok(300), |runs| runs.parse())?;

    let format = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
    let bytes = table_with_balls(format);
    let image = ImageView::new(&bytes, format)?;

    println!(
        "1920x1080 YUYV to {:?}, {runs} runs, microseconds",
        model.manifest().input_px()
    );
    for simd in Simd::available() {
        let Some(mut preprocessor) = Preprocessor::with_simd(model.manifest().input_px(), simd) else {
            continue;
        };
        preprocessor.run(&image, image.whole())?;
        let mut times: Vec<u32> = Vec::with_capacity(runs);
        for _ in 0..runs {
            let started = std::time::Instant::now();
            preprocessor.run(&image, image.whole())?;
            times.push(started.elapsed().as_micros() as u32);
        }
        report(&format!("preprocess {simd:?}"), times);
    }
    for backend in [Backend::Rten, Backend::Onnxruntime] {
        let (mut detector, fallback) = open_cpu(
            &model,
            &CpuOptions {
                backend,
                ..CpuOptions::default()
            },
        )?;
        if let Some(reason) = fallback {
            println!("{reason}");
            continue;
        }
        detector.prepare(format);
        let mut found = Detections::new();
        let mut timings: Vec<DetectTimings> = Vec::with_capacity(runs);
        for _ in 0..runs {
            timings.push(detector.detect(&image, image.whole(), &mut found)?);
        }
        let name = detector.info().backend;
        println!(
            "{name}, {}: {} balls, {} cues",
            detector.info().model,
            found.balls.len(),
            found.cues.len()
        );
        report(
            "  preprocess",
            timings.iter().map(|timing| timing.preprocess_us).collect(),
        );
        report(
            "  inference",
            timings.iter().map(|timing| timing.inference_us).collect(),
        );
        report(
            "  decode",
            timings.iter().map(|timing| timing.decode_us).collect(),
        );
    }
    Ok(())
}

fn report(what: &str, mut times_us: Vec<u32>) {
    times_us.sort_unstable();
    let at = |percent: usize| times_us.get((times_us.len() * percent / 100).min(times_us.len() - 1));
    if let (Some(least), Some(p50), Some(p90)) = (at(0), at(50), at(90)) {
        println!("{what:<24} min {least:>6}  p50 {p50:>6}  p90 {p90:>6}");
    }
}

/// Dark cloth with 22 white discs.
fn table_with_balls(format: FrameFormat) -> Vec<u8> {
    let mut bytes = vec![128; format.size_bytes()];
    for (at, byte) in bytes.iter_mut().enumerate().step_by(2) {
        let (x, y) = (
            (at / 2) as i64 % i64::from(format.width),
            (at / 2) as i64 / i64::from(format.width),
        );
        let in_disc = (0..22).any(|ball| {
            let (centre_x, centre_y) = (150 + ball % 6 * 300, 150 + ball / 6 * 230);
            (x - centre_x).pow(2) + (y - centre_y).pow(2) <= RADIUS_PX.pow(2)
        });
        *byte = if in_disc { 235 } else { 60 };
    }
    bytes
}
