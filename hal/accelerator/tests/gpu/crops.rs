//! The kernel that cuts crops, against its golden.

use std::sync::Arc;

use baize_accelerator::gpu::{
    Device, DeviceMemory, GpuCrops, PinnedMemory, SourceFormat, SourcePixels, Stream,
};
use baize_accelerator::preprocess::{golden, golden_rg10};
use baize_accelerator::{Square, golden_crop};
use baize_frame::{FrameFormat, ImageView, PixelFormat, Region};

use crate::child::on_the_fake;
use crate::random::{ALL, Random};
use crate::real_gpu;

/// Crops at a time, and squares that are asked for: the last crops stay black.
const COUNT: usize = 5;
const SQUARES: usize = 4;

/// How far a level of 255 may be off: the golden counts with 64 bits and the kernel with 32, which know an edge to 1/30,000 of
/// a pixel in pictures this large, where the least parts are 1/40 of a pixel.
const TOLERANCE_LEVELS: f32 = 0.1;
/// The same in the mean of a crop.
const MEAN_TOLERANCE_LEVELS: f32 = 0.003;

/// Red, green and blue of every pixel, 0 to 255, as the golden of the preprocessing has them.
fn pixels(bytes: &[u8], format: &SourceFormat) -> Vec<[f64; 3]> {
    let SourceFormat {
        width,
        height,
        stride,
        pixels,
    } = *format;
    let plane = (width * height) as usize;
    let mut planes = vec![f32::NAN; 3 * plane];
    let whole = Region {
        x: 0,
        y: 0,
        width,
        height,
    };
    let of_camera = |pixels| FrameFormat {
        width,
        height,
        stride,
        pixels,
    };
    let size_px = [width, height];
    let format = match pixels {
        SourcePixels::Yuyv => Some(of_camera(PixelFormat::Yuyv)),
        SourcePixels::Nv12 => Some(of_camera(PixelFormat::Nv12)),
        SourcePixels::Grey => Some(of_camera(PixelFormat::Grey)),
        SourcePixels::Rgb24 => Some(of_camera(PixelFormat::Rgb24)),
        SourcePixels::Rg10 => None,
    };
    match format {
        Some(format) => {
            let image = ImageView::new(bytes, format).expect("a picture");
            golden(&image, whole, size_px, &mut planes);
        }
        None => golden_rg10(bytes, size_px, stride, whole, size_px, &mut planes),
    }
    let level = |at: usize, channel: usize| f64::from(planes[channel * plane + at]) * 255.0;
    (0..plane)
        .map(|at| [0, 1, 2].map(|channel| level(at, channel)))
        .collect()
}

/// Squares inside the picture, over its edges and beyond; small ones, and so large ones that pixels are left out.
fn square(random: &mut Random, format: &SourceFormat) -> Square {
    let mut between =
        |low: f32, high: f32| low + (high - low) * random.below(1 << 20) as f32 / (1 << 20) as f32;
    let longest = 2.0 * format.width.max(format.height) as f32;
    let size = match between(0.0, 3.0) as u32 {
        0 => between(0.8, 12.0),
        1 => between(5.0, 60.0),
        _ => between(60.0, 0.79 * longest),
    };
    let centre = [
        between(-20.0, format.width as f32 + 20.0),
        between(-20.0, format.height as f32 + 20.0),
    ];
    let camera = FrameFormat::packed(format.width, format.height, PixelFormat::Grey);
    Square::round(centre, [size.min(0.79 * longest), size / 2.0], 1.25, &camera).unwrap_or(Square {
        x: centre[0],
        y: centre[1],
        length: 3.0,
        step: 1,
    })
}

fn every_format_gives_the_golden(device: &Arc<Device>, cases: u32) {
    let mut random = Random(3);
    let stream = Stream::new(device).expect("a stream");
    for side in [40, 8, 17] {
        let mut cutter = GpuCrops::new(device, side, COUNT as u32).expect("room for crops");
        let result = PinnedMemory::new(device, cutter.input().bytes()).expect("room for them on the host");
        let side = side as usize;
        for (pixels_of, _) in ALL
            .iter()
            .flat_map(|pixels| (0..cases).map(move |case| (pixels, case)))
        {
            let format = random.format(*pixels_of, 400);
            let bytes = random.picture(&format);
            let squares: [Square; SQUARES] = std::array::from_fn(|_| square(&mut random, &format));
            let picture = DeviceMemory::new(device, bytes.len()).expect("room for a picture");
            let mut sent = PinnedMemory::new(device, bytes.len()).expect("room to send it from");
            // SAFETY: nothing on the GPU knows of it yet.
            unsafe { sent.values_mut() }.copy_from_slice(&bytes);
            // The second is none: its crop is black, as are those for which there is none.
            let asked = squares
                .iter()
                .enumerate()
                .map(|(at, square)| (at != 1).then_some(*square));
            cutter.aim(format, asked);
            // SAFETY: both are as large and live until the stream is synchronised.
            unsafe { stream.copy_to_device(picture.address(), sent.as_ptr(), bytes.len()) }
                .expect("the copy starts");
            // SAFETY: the picture lives as long, and has the shape aimed at.
            unsafe { cutter.enqueue(&stream, picture.address()) }.expect("the kernel starts");
            let input = cutter.input();
            // SAFETY: as for the first copy.
            unsafe { stream.copy_to_host(result.as_ptr(), input.address(), input.bytes()) }
                .expect("the copy starts");
            stream.synchronize().expect("it is done");
            // SAFETY: the stream is at rest.
            let crops = unsafe { result.values::<f32>() };
            let levels = pixels(&bytes, &format);
            for (at, crop) in crops.chunks_exact(3 * side * side).enumerate() {
                let mut expected = vec![0.0; crop.len()];
                let what = match squares.get(at).filter(|_| at != 1) {
                    Some(square) => {
                        let rgb = |x: u32, y: u32| levels[(y * format.width + x) as usize];
                        golden_crop([format.width, format.height], rgb, square, side, &mut expected);
                        format!("{format:?} {square:?} to {side}")
                    }
                    None => "no square".to_owned(),
                };
                compare(crop, &expected, &what);
            }
        }
    }
}

fn compare(found: &[f32], expected: &[f32], what: &str) {
    assert!(
        found.iter().all(|level| level.is_finite()),
        "{what}: not a number"
    );
    let off = || found.iter().zip(expected).map(|(a, b)| (a - b).abs() * 255.0);
    let (worst, mean) = (off().fold(0.0, f32::max), off().sum::<f32>() / found.len() as f32);
    assert!(
        worst <= TOLERANCE_LEVELS && mean <= MEAN_TOLERANCE_LEVELS,
        "{what} is {worst} levels off, {mean} in the mean"
    );
}

#[test]
fn on_a_gpu_crops_of_every_format_are_the_golden() {
    if let Some(device) = real_gpu() {
        every_format_gives_the_golden(&device, 24);
    }
}

#[test]
fn the_kernels_source_cuts_what_the_golden_says_for_every_format() {
    let name = "crops::the_kernels_source_cuts_what_the_golden_says_for_every_format";
    on_the_fake(name, "", |device| every_format_gives_the_golden(&device, 12));
}
