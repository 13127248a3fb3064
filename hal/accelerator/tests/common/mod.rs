//! Models and pictures that several tests use.

use std::path::PathBuf;

use baize_accelerator::{Backend, CpuOptions, Detector, ModelFiles, open_cpu};
use baize_frame::{FrameFormat, PixelFormat};

/// The folder of a tiny network that `fixtures/generate.py` made.
#[allow(dead_code, reason = "not every test opens one")]
pub fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name]
        .iter()
        .collect()
}

/// The network that finds bright spots, as part of the test's program: that of the GPU is carried to other machines.
pub fn spots() -> ModelFiles {
    let onnx = include_bytes!("../fixtures/spots/baize-spots.onnx");
    let manifest = include_str!("../fixtures/spots/baize-spots.json");
    ModelFiles::embedded(onnx, manifest).expect("the fixture is good")
}

/// The same on rten.
pub fn spots_on_rten() -> Box<dyn Detector> {
    let model = spots();
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    open_cpu(&model, &options).expect("rten takes the fixture").0
}

/// A disc of one colour.
pub struct Disc {
    pub centre_px: [f32; 2],
    pub radius_px: f32,
    pub rgb: [u8; 3],
}

/// A black picture with discs, their edges smooth. YUYV and NV12 take the brightness only.
pub fn picture(format: FrameFormat, discs: &[Disc]) -> Vec<u8> {
    let mut bytes = vec![128; format.size_bytes()];
    for y in 0..format.height {
        for x in 0..format.width {
            let rgb = colour(discs, [x as f32 + 0.5, y as f32 + 0.5]);
            let luma = 16 + (u32::from(rgb[1]) * 219 / 255) as u8;
            let line = (y * format.stride) as usize;
            let x = x as usize;
            match format.pixels {
                PixelFormat::Yuyv => bytes[line + 2 * x] = luma,
                PixelFormat::Nv12 => bytes[line + x] = luma,
                PixelFormat::Grey => bytes[line + x] = rgb[1],
                PixelFormat::Rgb24 => bytes[line + 3 * x..][..3].copy_from_slice(&rgb),
            }
        }
    }
    bytes
}

fn colour(discs: &[Disc], at: [f32; 2]) -> [u8; 3] {
    let mut rgb = [0; 3];
    for disc in discs {
        let distance = f32::hypot(at[0] - disc.centre_px[0], at[1] - disc.centre_px[1]);
        let cover = (disc.radius_px + 0.5 - distance).clamp(0.0, 1.0);
        for (mixed, colour) in rgb.iter_mut().zip(disc.rgb) {
            *mixed = (f32::from(*mixed) * (1.0 - cover) + f32::from(colour) * cover) as u8;
        }
    }
    rgb
}
