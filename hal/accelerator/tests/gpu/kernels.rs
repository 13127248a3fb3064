//! The preprocessing kernel against the goldens.

use std::sync::Arc;

use baize_accelerator::gpu::{
    Device, DeviceMemory, GpuPreprocessor, PinnedMemory, Precision, RegisteredMemory, SourceFormat,
    SourcePixels, Stream,
};
use baize_accelerator::preprocess::{golden, golden_rg10};
use baize_frame::{FrameFormat, ImageView, PixelFormat, Region};

use crate::child::on_the_fake;
use crate::places::Place;
use crate::random::{ALL, Random};
use crate::real_gpu;

const INPUTS_PX: [[u32; 2]; 5] = [[70, 50], [33, 47], [1, 1], [129, 3], [300, 200]];

/// How far a number may be off, in levels of 255: the golden counts with 64 bits, the kernel with 32, and a 16-bit number
/// is rounded to 1/16 of a level.
const fn tolerance_levels(precision: Precision) -> f32 {
    match precision {
        Precision::Single => 0.002,
        Precision::Half => 0.064,
    }
}

fn expected(bytes: &[u8], format: &SourceFormat, region: Region, input_px: [u32; 2]) -> Vec<f32> {
    let mut input = vec![f32::NAN; 3 * (input_px[0] * input_px[1]) as usize];
    let pixels = match format.pixels {
        SourcePixels::Yuyv => PixelFormat::Yuyv,
        SourcePixels::Nv12 => PixelFormat::Nv12,
        SourcePixels::Grey => PixelFormat::Grey,
        SourcePixels::Rgb24 => PixelFormat::Rgb24,
        SourcePixels::Rg10 => {
            let size_px = [format.width, format.height];
            golden_rg10(bytes, size_px, format.stride, region, input_px, &mut input);
            return input;
        }
    };
    let format = FrameFormat {
        width: format.width,
        height: format.height,
        stride: format.stride,
        pixels,
    };
    let image = ImageView::new(bytes, format).expect("a picture");
    golden(&image, region, input_px, &mut input);
    input
}

/// A preprocessor, and the way back of what it makes.
struct Bench {
    preprocessor: GpuPreprocessor,
    stream: Stream,
    result: PinnedMemory,
    input_px: [u32; 2],
    precision: Precision,
}

impl Bench {
    fn new(device: &Arc<Device>, input_px: [u32; 2], precision: Precision) -> Self {
        let preprocessor = GpuPreprocessor::new(device, input_px, precision).expect("a preprocessor");
        Self {
            result: PinnedMemory::new(device, preprocessor.input().bytes()).expect("room for its input"),
            preprocessor,
            stream: Stream::new(device).expect("a stream"),
            input_px,
            precision,
        }
    }

    /// What the kernel makes of the picture at an address of the GPU.
    fn run(&mut self, format: &SourceFormat, region: Region, picture: u64) -> Vec<f32> {
        self.preprocessor
            .aim(*format, region)
            .expect("a region in the picture");
        // SAFETY: the picture is there until the stream is synchronised.
        unsafe { self.preprocessor.enqueue(&self.stream, picture) }.expect("the kernel starts");
        let input = self.preprocessor.input();
        // SAFETY: the result has the input's size, and lives longer than the copy.
        unsafe {
            self.stream
                .copy_to_host(self.result.as_ptr(), input.address(), input.bytes())
        }
        .expect("the copy starts");
        self.stream.synchronize().expect("kernel and copy work");
        match self.precision {
            // SAFETY: the stream is at rest.
            Precision::Single => unsafe { self.result.values::<f32>() }.to_vec(),
            // SAFETY: the same.
            Precision::Half => unsafe { self.result.values::<u16>() }
                .iter()
                .map(|&half| single(half))
                .collect(),
        }
    }

    fn compare(&self, found: &[f32], expected: &[f32], what: &str) {
        let worst = found
            .iter()
            .zip(expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
            * 255.0;
        assert!(
            found.iter().all(|level| level.is_finite()),
            "{what}: not a number"
        );
        assert!(
            worst <= tolerance_levels(self.precision),
            "{what} to {:?} {:?} is {worst} levels off",
            self.input_px,
            self.precision
        );
    }
}

/// The value of a 16-bit float between 0 and 1.
fn single(half: u16) -> f32 {
    let (exponent, fraction) = (i32::from(half >> 10), f32::from(half & 0x3ff) / 1024.0);
    if exponent == 0 {
        fraction * 2f32.powi(-14)
    } else {
        (1.0 + fraction) * 2f32.powi(exponent - 15)
    }
}

/// Pictures of all formats, odd sizes, strides and regions, in the GPU's own memory.
fn every_format_gives_the_golden(device: &Arc<Device>, cases: u32) {
    let mut random = Random(1);
    for (input_px, precision) in INPUTS_PX
        .into_iter()
        .flat_map(|px| [(px, Precision::Single), (px, Precision::Half)])
    {
        let mut bench = Bench::new(device, input_px, precision);
        for pixels in ALL {
            for _ in 0..cases {
                let format = random.format(pixels, 220);
                let region = random.region(&format);
                let bytes = random.picture(&format);
                let picture = DeviceMemory::new(device, bytes.len()).expect("room for a picture");
                let mut sent = PinnedMemory::new(device, bytes.len()).expect("room to send it from");
                // SAFETY: nothing on the GPU knows of it yet.
                unsafe { sent.values_mut() }.copy_from_slice(&bytes);
                // SAFETY: both are as large and live until the stream is synchronised.
                unsafe {
                    bench
                        .stream
                        .copy_to_device(picture.address(), sent.as_ptr(), bytes.len())
                }
                .expect("the copy starts");
                let found = bench.run(&format, region, picture.address());
                let expected = expected(&bytes, &format, region, input_px);
                bench.compare(&found, &expected, &format!("{format:?} {region:?}"));
            }
        }
    }
}

/// Large pictures, in the host's memory: the whole, and a region at odd places.
fn large_pictures_give_the_golden_where_they_lie(device: &Arc<Device>, sizes: &[[u32; 2]]) {
    let mut random = Random(2);
    let mut bench = Bench::new(device, [640, 384], Precision::Single);
    for (&[width, height], pixels) in sizes.iter().flat_map(|size| ALL.map(|pixels| (size, pixels))) {
        let bytes_a_pixel = match pixels {
            SourcePixels::Nv12 | SourcePixels::Grey => 1,
            SourcePixels::Yuyv | SourcePixels::Rg10 => 2,
            SourcePixels::Rgb24 => 3,
        };
        let format = SourceFormat {
            width,
            height,
            stride: width * bytes_a_pixel,
            pixels,
        };
        let bytes = random.picture(&format);
        let mut place = Place::new(bytes.len());
        place.fill(&bytes);
        let memory = place.memory();
        let registered = RegisteredMemory::new(device, memory.address, bytes.len()).expect("whole pages");
        for region in [
            Region {
                x: 0,
                y: 0,
                width,
                height,
            },
            Region {
                x: 131,
                y: 57,
                width: width * 2 / 3 + 1,
                height: height * 3 / 5,
            },
        ] {
            let found = bench.run(&format, region, registered.address());
            let expected = expected(&bytes, &format, region, [640, 384]);
            bench.compare(&found, &expected, &format!("{format:?} {region:?}"));
        }
    }
}

#[test]
fn on_a_gpu_every_format_gives_the_golden() {
    if let Some(device) = real_gpu() {
        every_format_gives_the_golden(&device, 24);
    }
}

#[test]
fn on_a_gpu_large_pictures_give_the_golden_where_they_lie() {
    if let Some(device) = real_gpu() {
        large_pictures_give_the_golden_where_they_lie(&device, &[[1920, 1080], [3840, 2160]]);
    }
}

#[test]
fn the_kernels_source_gives_the_golden_for_every_format() {
    on_the_fake(
        "kernels::the_kernels_source_gives_the_golden_for_every_format",
        "",
        |device| {
            every_format_gives_the_golden(&device, 12);
        },
    );
}

#[test]
fn the_kernels_source_gives_the_golden_for_large_pictures() {
    on_the_fake(
        "kernels::the_kernels_source_gives_the_golden_for_large_pictures",
        "",
        |device| {
            large_pictures_give_the_golden_where_they_lie(&device, &[[1920, 1080]]);
        },
    );
}
