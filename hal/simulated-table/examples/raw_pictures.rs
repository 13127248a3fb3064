//! Writes raw YUYV pictures of the standard table at rest, one after the other, as a camera of 1280x720 delivers them:
//! `cargo run --release -p baize-simulated-table --example raw_pictures -- FILE COUNT`. The noise differs between them.

use std::error::Error;
use std::fs;

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::{Layout, Play, Scene, SimulatedTable};

const SIZE_PX: (u32, u32) = (1280, 720);
const BALLS: u8 = 9;
const INTERVAL_US: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(count), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("wanted: FILE COUNT".into());
    };
    let count: usize = count.parse()?;
    let format = FrameFormat::packed(SIZE_PX.0, SIZE_PX.1, PixelFormat::Yuyv);
    let scene = Scene {
        play: Play::Still,
        person: false,
        layout: Layout::Scattered(BALLS),
        ..Scene::standard()
    };
    let mut table = SimulatedTable::new(scene, format)?;
    let mut pictures = vec![0; count * format.size_bytes()];
    for picture in pictures.chunks_exact_mut(format.size_bytes()) {
        table.render(picture)?;
        table.advance(INTERVAL_US);
    }
    fs::write(file, pictures)?;
    Ok(())
}
