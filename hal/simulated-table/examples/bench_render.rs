//! CPU time of simulation and rendering of the standard scene, a game with its player:
//! `cargo run --release -p baize-simulated-table --example bench_render`. Linux only.

use std::error::Error;

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::{Scene, SimulatedTable};

fn main() -> Result<(), Box<dyn Error>> {
    for (width, height) in [(1280, 720), (1920, 1080)] {
        for pixels in [
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::Grey,
            PixelFormat::Rgb24,
        ] {
            for person in [false, true] {
                let format = FrameFormat::packed(width, height, pixels);
                let mut table = SimulatedTable::new(
                    Scene {
                        person,
                        ..Scene::standard()
                    },
                    format,
                )?;
                let mut bytes = vec![0; format.size_bytes()];
                let mut times_ms = [0.0; 200];
                for time_ms in &mut times_ms {
                    let start = cpu_time_ms()?;
                    table.advance(33_333);
                    table.render(&mut bytes)?;
                    *time_ms = cpu_time_ms()? - start;
                }
                times_ms.sort_unstable_by(f64::total_cmp);
                let [p50, p90, max] = [100, 180, 199].map(|i| times_ms[i]);
                let who = if person { "with player" } else { "balls only" };
                println!(
                    "{width}x{height} {pixels:?} {who}: p50 {p50:.2} ms, p90 {p90:.2} ms, max {max:.2} ms"
                );
            }
        }
    }
    Ok(())
}

/// Time that this thread spent on a core, which other processes do not lengthen.
fn cpu_time_ms() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: f64 = stat
        .split_whitespace()
        .next()
        .ok_or("schedstat is empty")?
        .parse()?;
    Ok(ns * 1e-6)
}
