//! What goes wrong with a GPU, and what the detector makes of it. On the fake driver.

use std::sync::Arc;

use baize_accelerator::gpu::{Access, Device, GpuError};
use baize_accelerator::{DetectError, Detector};
use baize_frame::{FrameFormat, PixelFormat};

use crate::child::{in_a_child, on_the_fake};
use crate::detector::{detect, open, white_disc};
use crate::places::Place;

const FORMAT: FrameFormat = FrameFormat::packed(640, 384, PixelFormat::Grey);

/// The outcomes of five pictures, and the words of the detector after them. Launch 1 is of its preparation.
fn five_pictures(device: &Arc<Device>) -> (Vec<Result<usize, DetectError>>, String) {
    let bytes = white_disc(FORMAT, [200.0, 150.0], 6.0);
    let mut detector = open(device, Access::Copied);
    detector.prepare(FORMAT);
    let outcomes = (0..5)
        .map(|_| detect(&mut detector, &bytes, FORMAT, None).map(|found| found.balls.len()))
        .collect();
    let trouble = detector.trouble().map(ToString::to_string).unwrap_or_default();
    (outcomes, trouble)
}

#[test]
fn a_launch_that_fails_costs_its_picture_only() {
    let name = "faults::a_launch_that_fails_costs_its_picture_only";
    on_the_fake(name, "launch-fails-at=4", |device| {
        let (outcomes, trouble) = five_pictures(&device);
        assert_eq!(
            outcomes,
            [Ok(1), Ok(1), Err(DetectError::Inference), Ok(1), Ok(1)]
        );
        assert!(
            trouble.contains("cuGraphLaunch failed with CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
            "{trouble}"
        );
    });
}

#[test]
fn after_an_illegal_address_the_device_is_lost_for_good() {
    let name = "faults::after_an_illegal_address_the_device_is_lost_for_good";
    on_the_fake(name, "sticky-at=4", |device| {
        let (outcomes, trouble) = five_pictures(&device);
        let lost = Err(DetectError::DeviceLost);
        assert_eq!(outcomes, [Ok(1), Ok(1), lost, lost, lost]);
        assert!(trouble.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{trouble}");
    });
}

#[test]
fn a_gpu_that_never_ends_its_work_is_given_up_and_left_alone() {
    let name = "faults::a_gpu_that_never_ends_its_work_is_given_up_and_left_alone";
    on_the_fake(name, "stuck-at=4", |device| {
        // Dropping the detector must not wait for the GPU: this returns.
        let (outcomes, trouble) = five_pictures(&device);
        let lost = Err(DetectError::DeviceLost);
        assert_eq!(outcomes, [Ok(1), Ok(1), lost, lost, lost]);
        assert!(trouble.contains("did not finish within 1000 ms"), "{trouble}");
    });
}

#[test]
fn a_failure_while_preparing_fails_the_picture_and_the_next_one_tries_again() {
    let name = "faults::a_failure_while_preparing_fails_the_picture_and_the_next_one_tries_again";
    on_the_fake(name, "launch-fails-at=1", |device| {
        let bytes = white_disc(FORMAT, [200.0, 150.0], 6.0);
        let mut detector = open(&device, Access::Copied);
        let first = detect(&mut detector, &bytes, FORMAT, None).map(|found| found.balls.len());
        let second = detect(&mut detector, &bytes, FORMAT, None).map(|found| found.balls.len());
        assert_eq!([first, second], [Err(DetectError::Inference), Ok(1)]);
    });
}

#[test]
fn pictures_in_memory_that_cannot_be_pinned_are_copied_by_the_cpu() {
    let name = "faults::pictures_in_memory_that_cannot_be_pinned_are_copied_by_the_cpu";
    on_the_fake(name, "cannot-register integrated", |device| {
        let mut slot = Place::new(FORMAT.size_bytes());
        slot.fill(&white_disc(FORMAT, [200.0, 150.0], 6.0));
        let mut detector = open(&device, Access::best(device.info()));
        detector.expect_slots(&[slot.memory()], FORMAT.size_bytes());
        detector.prepare(FORMAT);
        assert_eq!(detector.slots_in_use(), 0);
        let found = detect(&mut detector, slot.bytes(), FORMAT, None).expect("a detection");
        assert_eq!(found.balls.len(), 1);
    });
}

#[test]
fn a_gpu_that_shares_the_hosts_memory_reads_in_place() {
    let name = "faults::a_gpu_that_shares_the_hosts_memory_reads_in_place";
    on_the_fake(name, "integrated", |device| {
        assert_eq!(Access::best(device.info()), Access::InPlace)
    });
}

#[test]
fn a_gpu_with_a_memory_of_its_own_gets_copies() {
    let name = "faults::a_gpu_with_a_memory_of_its_own_gets_copies";
    on_the_fake(name, "", |device| {
        assert_eq!(Access::best(device.info()), Access::Copied)
    });
}

#[test]
fn a_driver_without_a_gpu_says_so() {
    in_a_child("faults::a_driver_without_a_gpu_says_so", "no-device", || {
        let error = Device::first().expect_err("there is no GPU");
        assert!(
            matches!(
                error,
                GpuError::Call {
                    function: "cuInit",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("CUDA_ERROR_NO_DEVICE"), "{error}");
    });
}
