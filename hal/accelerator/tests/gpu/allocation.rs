//! A sealed thread detects on a GPU without an allocation.

use std::sync::Arc;

use baize_accelerator::gpu::{Access, Device, GpuDetector};
use baize_accelerator::tensorrt::TensorRt;
use baize_accelerator::{Detector, ModelFiles};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region};
use baize_realtime::sealing::{Counts, Role, allocations_after_sealing, library_counts, seal_this_thread};

use crate::child::{in_a_child, on_the_fake};
use crate::detector::white_disc;
use crate::fakes::nvinfer;
use crate::places::Place;
use crate::reading::mean_colours;
use crate::real_gpu;
use crate::stand_in::Spots;

/// A network's input so small that thousands of pictures take seconds on a CPU.
const INPUT_PX: [u32; 2] = [64, 32];

/// The manifest of a network that finds bright spots in it; its ONNX file is empty, as none is needed here.
const MANIFEST: &str = r#"{
    "format": 1, "name": "spots", "file": "none.onnx",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "input": {"name": "image", "width": 64, "height": 32},
    "outputs": {"balls": {"name": "balls", "stride": 8}, "cues": {"name": "cues", "stride": 16}},
    "classes": ["cue_ball", "eight_ball", "solid", "stripe", "ball"],
    "thresholds": {"ball": 0.5, "cue": 0.5, "nms_iou": 0.45},
    "trained": {"date": "never", "data": "none"}
}"#;

/// The plan of that network.
const PLAN: &str = "baize-fake-plan\ninput image f32 1x3x32x64\noutput balls f32 1x10x4x8\n\
    output cues f32 1x11x2x4\ncompute spots\n";

fn small_model() -> ModelFiles {
    ModelFiles::embedded(b"", MANIFEST).expect("a good manifest")
}

/// On a network of kernels.
fn searching(device: &Arc<Device>, access: Access) -> GpuDetector {
    let network = Box::new(Spots::new(device, INPUT_PX));
    GpuDetector::open(device, small_model().manifest(), network, access)
        .expect("the stand-in fits its manifest")
}

/// On engines of the fake libnvinfer, with one that reads what was found.
fn searching_and_reading() -> Option<GpuDetector> {
    let library = nvinfer::library(&[])?;
    let tensorrt = TensorRt::start(Some(&library)).expect("the fakes start");
    let detector = tensorrt.detector(&small_model(), PLAN.as_bytes());
    let plan = nvinfer::MEAN_COLOURS.as_bytes();
    let reading = tensorrt.with_reader(detector.expect("a good plan"), &mean_colours(), plan);
    Some(reading.expect("a good plan"))
}

/// `pictures` pictures in three slots and outside, each with another region than the one before.
fn detecting_allocates_nothing(mut detector: GpuDetector, pictures: u32) {
    let reads = detector.info().reader.is_some();
    let format = FrameFormat::packed(64, 32, PixelFormat::Yuyv);
    let mut slots: Vec<_> = (0..3).map(|_| Place::new(format.size_bytes())).collect();
    let bytes = white_disc(format, [28.0, 12.0], 5.0);
    slots.iter_mut().for_each(|slot| slot.fill(&bytes));
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
            // A white ball is number 0.
            seen += u32::from(!reads || found.balls[0].reading.number == Some(0));
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
        detecting_allocates_nothing(searching(&device, Access::InPlace), 10_000);
        detecting_allocates_nothing(searching(&device, Access::Copied), 10_000);
    });
}

#[test]
fn thousands_of_pictures_whose_balls_are_read_allocate_nothing() {
    for faults in ["integrated", ""] {
        let name = "allocation::thousands_of_pictures_whose_balls_are_read_allocate_nothing";
        in_a_child(name, faults, || {
            if let Some(detector) = searching_and_reading() {
                detecting_allocates_nothing(detector, 2_500);
            }
        });
    }
}

#[test]
fn on_a_gpu_ten_thousand_pictures_allocate_nothing() {
    if let Some(device) = real_gpu() {
        detecting_allocates_nothing(searching(&device, Access::InPlace), 10_000);
        detecting_allocates_nothing(searching(&device, Access::Copied), 10_000);
    }
}
