//! A sealed thread detects on a GPU without an allocation.

use std::sync::Arc;

use baize_accelerator::gpu::{Access, Device, GpuDetector};
use baize_accelerator::{Detector, Manifest};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region};
use baize_realtime::sealing::{Counts, Role, allocations_after_sealing, library_counts, seal_this_thread};

use crate::child::on_the_fake;
use crate::detector::white_disc;
use crate::places::Place;
use crate::real_gpu;
use crate::stand_in::Spots;

/// A network's input so small that thousands of pictures take seconds on a CPU.
const INPUT_PX: [u32; 2] = [64, 32];

fn small_manifest() -> Manifest {
    Manifest::parse(
        r#"{
        "format": 1, "name": "spots", "file": "none.onnx",
        "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
        "input": {"name": "image", "width": 64, "height": 32},
        "outputs": {"balls": {"name": "balls", "stride": 8}, "cues": {"name": "cues", "stride": 16}},
        "classes": ["cue_ball", "eight_ball", "solid", "stripe", "ball"],
        "thresholds": {"ball": 0.5, "kind": 0.5, "cue": 0.5, "nms_iou": 0.45},
        "trained": {"date": "never", "data": "none"}
    }"#,
    )
    .expect("a good manifest")
}

/// `pictures` pictures in three slots and outside, each with another region than the one before.
fn detecting_allocates_nothing(device: &Arc<Device>, access: Access, pictures: u32) {
    let format = FrameFormat::packed(64, 32, PixelFormat::Yuyv);
    let mut slots: Vec<_> = (0..3).map(|_| Place::new(format.size_bytes())).collect();
    let bytes = white_disc(format, [28.0, 12.0], 5.0);
    slots.iter_mut().for_each(|slot| slot.fill(&bytes));
    let network = Box::new(Spots::new(device, INPUT_PX));
    let mut detector = GpuDetector::open(device, &small_manifest(), network, access)
        .expect("the stand-in fits its manifest");
    detector.expect_slots(
        &slots.iter().map(Place::memory).collect::<Vec<_>>(),
        format.size_bytes(),
    );
    detector.prepare(format);
    detector.settle();
    let mut found = Detections::new();
    let mut seen = 0;

    let sealed = seal_this_thread(Role::Detect);
    for turn in 0..pictures {
        let bytes = slots.get(turn as usize % 4).map_or(&bytes[..], Place::bytes);
        let Ok(image) = ImageView::new(bytes, format) else {
            unreachable!("the picture has its shape")
        };
        let region = Region {
            x: turn % 3,
            y: turn % 2,
            width: 60,
            height: 30,
        };
        if detector.detect(&image, region, &mut found).is_ok() && found.balls.len() == 1 {
            seen += 1;
        }
    }
    drop(sealed);
    assert_eq!(seen, pictures, "every picture shows its ball");
    assert_eq!(allocations_after_sealing(Role::Detect), Counts::default());
    assert_eq!(library_counts(), Counts::default());
}

#[test]
fn ten_thousand_pictures_on_the_fake_allocate_nothing() {
    let name = "allocation::ten_thousand_pictures_on_the_fake_allocate_nothing";
    on_the_fake(name, "", |device| {
        detecting_allocates_nothing(&device, Access::InPlace, 10_000);
        detecting_allocates_nothing(&device, Access::Copied, 10_000);
    });
}

#[test]
fn on_a_gpu_ten_thousand_pictures_allocate_nothing() {
    if let Some(device) = real_gpu() {
        detecting_allocates_nothing(&device, Access::InPlace, 10_000);
        detecting_allocates_nothing(&device, Access::Copied, 10_000);
    }
}
