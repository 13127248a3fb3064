//! Pictures of the simulated table as files, and where the real ones are.

use std::path::{Path, PathBuf};

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::{Layout, Scene, SimulatedTable};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_png::PngEncoder;

/// Time between the pictures of a recording, microseconds: that of a folder where nothing else is configured.
pub const INTERVAL_US: u64 = 33_333;

/// A scene with so many balls scattered on it, and a player.
pub fn scene(seed: u64, balls: u8) -> Scene {
    Scene {
        seed,
        layout: Layout::Scattered(balls),
        ..Scene::standard()
    }
}

/// Renders a recording of `count` pictures into `folder`, as PNG in the order of their names.
///
/// # Panics
/// When it cannot be rendered or written.
pub fn record(folder: &Path, scene: Scene, size: (u32, u32), count: usize) -> Vec<PathBuf> {
    let format = FrameFormat::packed(size.0, size.1, PixelFormat::Rgb24);
    let mut table = SimulatedTable::new(scene, format).expect("the size is that of a picture");
    let mut bytes = vec![0; format.size_bytes()];
    std::fs::create_dir_all(folder).expect("the folder can be made");
    (0..count)
        .map(|number| {
            table.render(&mut bytes).expect("the buffer fits");
            table.advance(INTERVAL_US);
            let file = folder.join(format!("{number:04}.png"));
            write_png(&file, &bytes, size);
            file
        })
        .collect()
}

/// Writes `count` pictures of the same table into `folder`, each seen by a camera that was moved on by `step_px` to the
/// right.
///
/// # Panics
/// When it cannot be rendered or written.
pub fn record_sliding(folder: &Path, scene: Scene, size: (u32, u32), count: usize, step_px: usize) {
    let format = FrameFormat::packed(size.0, size.1, PixelFormat::Rgb24);
    let mut table = SimulatedTable::new(scene, format).expect("the size is that of a picture");
    let mut bytes = vec![0; format.size_bytes()];
    table.render(&mut bytes).expect("the buffer fits");
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let row_bytes = 3 * size.0 as usize;
    for number in 0..count {
        write_png(&folder.join(format!("{number:04}.png")), &bytes, size);
        for row in bytes.chunks_exact_mut(row_bytes) {
            row.copy_within(3 * step_px.., 0);
        }
    }
}

/// Writes a picture of red, green and blue bytes.
///
/// # Panics
/// When it cannot be written.
pub fn write_png(file: &Path, rgb: &[u8], size: (u32, u32)) {
    let options = EncoderOptions::new(size.0 as usize, size.1 as usize, ColorSpace::RGB, BitDepth::Eight);
    let mut png = Vec::new();
    PngEncoder::new(rgb, options)
        .encode(&mut png)
        .expect("it is a picture");
    std::fs::write(file, png).expect("the folder can be written");
}

/// A file of the real pictures and clips. `None`, and a line that says so, where they are not at hand.
pub fn real(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("BAIZE_DATA").map_or(beside, PathBuf::from);
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    baize_skips::skipped(&format!("{path}, in the folder that $BAIZE_DATA names"));
    None
}
