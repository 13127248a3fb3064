//! How long reading sixteen balls takes: cutting them out of a 1920x1080 picture, and the network, on one thread.
//!
//!     cargo run --release -p baize-accelerator --example bench_reader [FOLDER [RUNS]]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use baize_accelerator::{Backend, CpuOptions, FaceReader, ModelFiles};
use baize_frame::{BallDetection, BallKind, FrameFormat, ImageView, KindShares, PixelFormat, Reading};

const BALLS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/reader").to_string();
    let model = ModelFiles::from_dir(Path::new(&arguments.next().unwrap_or(shipped)))?;
    let runs: usize = arguments.next().map_or(Ok(500), |runs| runs.parse())?;
    for (backend, wish) in [("rten", Backend::Rten), ("onnxruntime", Backend::Onnxruntime)] {
        let options = CpuOptions {
            backend: wish,
            ..CpuOptions::default()
        };
        let (mut reader, fallback) = FaceReader::open(&model, &options)?;
        if let Some(reason) = fallback {
            println!("{backend}: not measured, {reason}");
            continue;
        }
        for (name, pixels) in [("yuyv", PixelFormat::Yuyv), ("nv12", PixelFormat::Nv12)] {
            for size_px in [20.0, 45.0] {
                let [half, late, most] = measure(&mut reader, pixels, size_px, runs)?;
                println!(
                    "{backend} {name}, balls of {size_px} px: p50 {half} us, p90 {late} us, max {most} us"
                );
            }
        }
    }
    Ok(())
}

/// Half, nine tenths and all of the runs take at most so many microseconds.
fn measure(
    reader: &mut FaceReader,
    pixels: PixelFormat,
    size_px: f32,
    runs: usize,
) -> Result<[u128; 3], Box<dyn Error>> {
    let format = FrameFormat::packed(1920, 1080, pixels);
    let bytes: Vec<u8> = (0..format.size_bytes()).map(|at| (at * 37 % 251) as u8).collect();
    let image = ImageView::new(&bytes, format)?;
    let mut balls: Vec<BallDetection> = (0..BALLS)
        .map(|i| BallDetection {
            centre_px: [100.3 + 110.0 * i as f32, 80.7 + 60.0 * i as f32],
            size_px: [size_px; 2],
            kind: BallKind::Ball,
            kind_shares: KindShares::UNKNOWN,
            score: 0.9,
            reading: Reading::NOTHING,
        })
        .collect();
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        reader.read(&image, &mut balls, &mut [])?;
        times.push(started.elapsed().as_micros());
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 10).min(times.len() - 1)];
    Ok([at(5), at(9), at(10)])
}
