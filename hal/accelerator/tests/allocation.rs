//! A sealed thread detects without an allocation of its own.

mod common;

use baize_accelerator::preprocess::Preprocessor;
use baize_accelerator::{Backend, CpuOptions, FaceReader, ModelFiles, reading};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region};
use baize_realtime::sealing::{
    Counts, Role, SealingAllocator, allocations_after_sealing, library_counts, seal_this_thread,
};
use common::{Disc, fixture, picture, spots_on_rten};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

// One test: the counts are those of the process.
#[test]
fn detecting_and_reading_allocate_nothing_outside_the_inference_library_whatever_the_region() {
    let pixels = [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::Grey,
        PixelFormat::Rgb24,
    ];
    let formats = pixels.map(|pixels| FrameFormat::packed(480, 270, pixels));
    let disc = Disc {
        centre_px: [240.0, 130.0],
        radius_px: 5.0,
        rgb: [255; 3],
    };
    let pictures = formats.map(|format| picture(format, std::slice::from_ref(&disc)));
    let reader = ModelFiles::from_dir(&fixture("mean-colours")).expect("the fixture is good");
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    let (reader, _) = FaceReader::open(&reader, &options).expect("rten takes the fixture");
    let mut detector = reading(spots_on_rten(), reader);
    // Smaller inputs shrink more: more weights.
    let mut small = Preprocessor::new([64, 40]);
    for format in formats {
        detector.prepare(format);
        small.prepare(format);
    }
    let mut found = Detections::new();

    let sealed = seal_this_thread(Role::Detect);
    for (bytes, format) in pictures.iter().zip(formats) {
        let Ok(image) = ImageView::new(bytes, format) else {
            unreachable!("the picture has its shape")
        };
        assert!(detector.detect(&image, image.whole(), &mut found).is_ok());
        assert_eq!(found.balls.len(), 1);
        for (x, y, width, height) in regions(format) {
            let region = Region { x, y, width, height };
            assert!(small.run(&image, region).is_ok());
        }
    }
    drop(sealed);
    assert_eq!(allocations_after_sealing(Role::Detect), Counts::default());
    assert!(
        library_counts().allocations > 0,
        "rten allocates, and its count is known"
    );
}

/// Regions of all sizes and shapes, the narrowest too.
fn regions(format: FrameFormat) -> impl Iterator<Item = (u32, u32, u32, u32)> {
    let widths = [1, 2, 3, 7, 11, 19, 64, 101, 333, format.width];
    let heights = [1, 2, 5, 10, 17, 40, 133, format.height];
    widths.into_iter().flat_map(move |width| {
        heights.into_iter().map(move |height| {
            let (x, y) = ((format.width - width) / 3, (format.height - height) / 2);
            (x, y, width, height)
        })
    })
}
