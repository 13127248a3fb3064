//! Times the renderer on the standard scene: `cargo run --release -p baize-simulated-table --example bench_render`.

use std::time::{Duration, Instant};

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::{Scene, SimulatedTable};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (width, height) in [(1280, 720), (1920, 1080)] {
        for pixels in [
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::Grey,
            PixelFormat::Rgb24,
        ] {
            let format = FrameFormat::packed(width, height, pixels);
            let mut table = SimulatedTable::new(Scene::standard(), format)?;
            let mut bytes = vec![0; format.size_bytes()];
            let mut times: Vec<Duration> = (0..300)
                .map(|_| {
                    let start = Instant::now();
                    table.advance(33_333);
                    table.render(&mut bytes).map(|()| start.elapsed())
                })
                .collect::<Result<_, _>>()?;
            times.sort_unstable();
            let [p10, p50, p90] = [30, 150, 270].map(|i| times[i].as_secs_f64() * 1e3);
            println!("{width}x{height} {pixels:?}: p10 {p10:.2} ms, p50 {p50:.2} ms, p90 {p90:.2} ms");
        }
    }
    Ok(())
}
