//! Whole detectors on the stand-in network.

use std::sync::Arc;

use baize_accelerator::gpu::{Access, Device, GpuDetector};
use baize_accelerator::{DetectError, Detector, Manifest};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region};

use crate::child::on_the_fake;
use crate::common::{Disc, picture, spots, spots_on_rten};
use crate::places::Place;
use crate::real_gpu;
use crate::stand_in::Spots;

const FORMATS: [PixelFormat; 4] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::Grey,
    PixelFormat::Rgb24,
];

pub fn manifest() -> Manifest {
    spots().manifest().clone()
}

pub fn open(device: &Arc<Device>, access: Access) -> GpuDetector {
    let manifest = manifest();
    let network = Box::new(Spots::new(device, manifest.input_px()));
    GpuDetector::open(device, &manifest, network, access).expect("the stand-in fits its manifest")
}

pub fn white_disc(format: FrameFormat, centre_px: [f32; 2], radius_px: f32) -> Vec<u8> {
    let disc = Disc {
        centre_px,
        radius_px,
        rgb: [255; 3],
    };
    picture(format, &[disc])
}

pub fn detect(
    detector: &mut dyn Detector,
    bytes: &[u8],
    format: FrameFormat,
    region: Option<Region>,
) -> Result<Detections, DetectError> {
    let image = ImageView::new(bytes, format).expect("a picture");
    let mut found = Detections::new();
    detector.detect(&image, region.unwrap_or(image.whole()), &mut found)?;
    Ok(found)
}

fn assert_one_ball(found: &Detections, centre_px: [f32; 2]) {
    assert_eq!(found.balls.len(), 1, "{found:?}");
    let ball = found.balls[0].centre_px;
    let off_px = f32::hypot(ball[0] - centre_px[0], ball[1] - centre_px[1]);
    assert!(off_px < 1.0, "{ball:?} instead of {centre_px:?}");
}

/// Slots are filled anew and come in any order; each picture's ball is found where it is.
fn every_slot_shows_what_is_in_it_now(device: &Arc<Device>, access: Access) {
    for pixels in FORMATS {
        let format = FrameFormat::packed(960, 540, pixels);
        let mut slots: Vec<_> = (0..3).map(|_| Place::new(format.size_bytes())).collect();
        let mut detector = open(device, access);
        detector.expect_slots(
            &slots.iter().map(Place::memory).collect::<Vec<_>>(),
            format.size_bytes(),
        );
        detector.prepare(format);
        assert_eq!(detector.slots_in_use(), 3);
        for (turn, slot) in [0, 1, 2, 1, 0, 0, 2].into_iter().enumerate() {
            let centre_px = [100.0 + 110.0 * turn as f32, 60.0 + 55.0 * turn as f32];
            slots[slot].fill(&white_disc(format, centre_px, 8.0));
            let found = detect(&mut detector, slots[slot].bytes(), format, None).expect("a detection");
            assert_one_ball(&found, centre_px);
        }
    }
}

/// Pictures in memory that nobody told of, and of another shape than was prepared.
fn pictures_elsewhere_are_searched_too(device: &Arc<Device>, access: Access) {
    let mut detector = open(device, access);
    detector.prepare(FrameFormat::packed(640, 360, PixelFormat::Grey));
    for format in FORMATS.map(|pixels| FrameFormat::packed(800, 600, pixels)) {
        let bytes = white_disc(format, [333.0, 444.0], 8.0);
        assert_one_ball(
            &detect(&mut detector, &bytes, format, None).expect("a detection"),
            [333.0, 444.0],
        );
    }
}

/// Another region needs no other graph.
fn the_region_may_change_from_picture_to_picture(device: &Arc<Device>, access: Access) {
    let format = FrameFormat::packed(1280, 720, PixelFormat::Yuyv);
    let bytes = white_disc(format, [700.0, 300.0], 9.0);
    let mut detector = open(device, access);
    detector.prepare(format);
    for (x, y, width, height) in [(0, 0, 1280, 720), (500, 100, 640, 500), (411, 101, 701, 403)] {
        let region = Region { x, y, width, height };
        let found = detect(&mut detector, &bytes, format, Some(region)).expect("a detection");
        assert_one_ball(&found, [700.0, 300.0]);
    }
    let empty = detect(
        &mut detector,
        &bytes,
        format,
        Some(Region {
            x: 0,
            y: 0,
            width: 600,
            height: 720,
        }),
    );
    assert!(empty.expect("a detection").balls.is_empty());
    let outside = detect(
        &mut detector,
        &bytes,
        format,
        Some(Region {
            x: 1000,
            y: 0,
            width: 281,
            height: 9,
        }),
    );
    assert_eq!(outside.err(), Some(DetectError::BadRegion));
}

/// The same network on the CPU is the reference.
fn the_gpu_finds_what_the_cpu_finds(device: &Arc<Device>, access: Access) {
    let discs: Vec<_> = (0..9)
        .map(|i| Disc {
            centre_px: [150.0 + 190.0 * i as f32, 120.0 + 90.0 * i as f32],
            radius_px: 15.0 + i as f32 / 4.0,
            rgb: [[255; 3], [255, 0, 0], [0, 255, 0]][i % 3],
        })
        .collect();
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Rgb24);
    let bytes = picture(format, &discs);
    let on_cpu = detect(&mut *spots_on_rten(), &bytes, format, None).expect("a detection");
    let on_gpu = detect(&mut open(device, access), &bytes, format, None).expect("a detection");
    assert!(on_cpu.balls.len() > 6, "{on_cpu:?}");
    assert_eq!(on_gpu.balls.len(), on_cpu.balls.len());
    for ball in &on_gpu.balls {
        let same = on_cpu.balls.iter().any(|other| {
            let off = f32::hypot(
                ball.centre_px[0] - other.centre_px[0],
                ball.centre_px[1] - other.centre_px[1],
            );
            off < 0.1 && ball.kind == other.kind && (ball.score - other.score).abs() < 1e-3
        });
        assert!(same, "{ball:?} is not among {:?}", on_cpu.balls);
    }
}

fn memory_is_all_given_back(device: &Arc<Device>) {
    let format = FrameFormat::packed(640, 480, PixelFormat::Nv12);
    let bytes = white_disc(format, [100.0, 100.0], 8.0);
    // What the driver keeps for itself after the first use stays.
    let use_once = || {
        let mut detector = open(device, Access::Copied);
        detect(&mut detector, &bytes, format, None).expect("a detection");
    };
    use_once();
    let before = device.memory_bytes().expect("the driver tells");
    use_once();
    assert_eq!(device.memory_bytes(), Ok(before));
}

const BOTH: [Access; 2] = [Access::InPlace, Access::Copied];

macro_rules! on_a_gpu_and_on_the_fake {
    ($($on_gpu:ident, $on_fake:ident: $check:expr;)*) => {
        $(
            #[test]
            fn $on_gpu() {
                if let Some(device) = real_gpu() {
                    $check(&device);
                }
            }

            #[test]
            fn $on_fake() {
                let name = concat!("detector::", stringify!($on_fake));
                on_the_fake(name, "", |device| $check(&device));
            }
        )*
    };
}

on_a_gpu_and_on_the_fake! {
    on_a_gpu_every_slot_shows_what_is_in_it_now, every_slot_shows_what_is_in_it_now_on_the_fake:
        |device| BOTH.into_iter().for_each(|access| every_slot_shows_what_is_in_it_now(device, access));
    on_a_gpu_pictures_elsewhere_are_searched_too, pictures_elsewhere_are_searched_too_on_the_fake:
        |device| BOTH.into_iter().for_each(|access| pictures_elsewhere_are_searched_too(device, access));
    on_a_gpu_the_region_may_change, the_region_may_change_on_the_fake:
        |device| BOTH.into_iter().for_each(|access| the_region_may_change_from_picture_to_picture(device, access));
    on_a_gpu_the_same_is_found_as_on_the_cpu, the_same_is_found_on_the_fake_as_on_the_cpu:
        |device| BOTH.into_iter().for_each(|access| the_gpu_finds_what_the_cpu_finds(device, access));
    on_a_gpu_memory_is_all_given_back, memory_is_all_given_back_on_the_fake: memory_is_all_given_back;
}
