//! What is told of a GPU beside what it finds.

use std::sync::Arc;
use std::time::Instant;

use baize_accelerator::gpu::{Access, Device, DeviceMemory, Gauge};
use baize_accelerator::{DetectTimings, Detector, GpuTimings};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat};

use crate::child::{beside_the_management, on_the_fake};
use crate::detector::{open, white_disc};
use crate::real_gpu;

const FORMAT: FrameFormat = FrameFormat::packed(640, 384, PixelFormat::Grey);

/// What a picture took on the GPU, and altogether.
fn timings(device: &Arc<Device>, access: Access) -> (GpuTimings, u32) {
    let bytes = white_disc(FORMAT, [200.0, 150.0], 6.0);
    let image = ImageView::new(&bytes, FORMAT).expect("a picture");
    let mut found = Detections::new();
    let mut detector = open(device, access);
    detector.prepare(FORMAT);
    let started = Instant::now();
    let timings = detector.detect(&image, image.whole(), &mut found);
    let passed_us = started.elapsed().as_micros() as u32;
    let on_gpu = timings.expect("a detection").gpu.expect("a GPU's times");
    (on_gpu, passed_us)
}

fn work_and_waiting_are_parts_of_what_the_picture_took(device: &Arc<Device>) {
    for access in [Access::InPlace, Access::Copied] {
        let (on_gpu, passed_us) = timings(device, access);
        assert!(on_gpu.work_us > 0, "{on_gpu:?}");
        assert!(
            on_gpu.work_us + on_gpu.queue_us <= passed_us,
            "{on_gpu:?} of {passed_us}"
        );
    }
}

#[test]
fn on_a_gpu_work_and_waiting_are_parts_of_what_the_picture_took() {
    if let Some(device) = real_gpu() {
        work_and_waiting_are_parts_of_what_the_picture_took(&device);
    }
}

#[test]
fn on_the_fake_work_and_waiting_are_parts_of_what_the_picture_took() {
    let name = "watching::on_the_fake_work_and_waiting_are_parts_of_what_the_picture_took";
    on_the_fake(name, "", |device| {
        work_and_waiting_are_parts_of_what_the_picture_took(&device);
    });
}

#[test]
fn work_that_begins_late_has_waited_and_not_worked() {
    let name = "watching::work_that_begins_late_has_waited_and_not_worked";
    on_the_fake(name, "late-ms=80", |device| {
        let (on_gpu, passed_us) = timings(&device, Access::InPlace);
        assert!(on_gpu.queue_us >= 80_000, "{on_gpu:?}");
        // Counted once.
        assert!(
            on_gpu.work_us + on_gpu.queue_us <= passed_us,
            "{on_gpu:?} of {passed_us}"
        );
    });
}

#[test]
fn what_two_looks_took_on_the_gpu_is_added_up() {
    let gpu = |work_us, queue_us| DetectTimings {
        gpu: Some(GpuTimings { work_us, queue_us }),
        ..DetectTimings::default()
    };
    assert_eq!(gpu(3, 5) + gpu(10, 20), gpu(13, 25));
    assert_eq!(gpu(3, 5) + DetectTimings::default(), gpu(3, 5));
}

fn memory_that_is_taken_is_missing(device: &Arc<Device>) {
    const BYTES: usize = 64 << 20;
    let free = || Gauge::of(device).read().memory_bytes.expect("the driver tells")[0];
    let before = free();
    let taken = DeviceMemory::new(device, BYTES).expect("so much is free");
    assert_eq!(before - free(), taken.bytes());
}

#[test]
fn on_a_gpu_memory_that_is_taken_is_missing() {
    if let Some(device) = real_gpu() {
        memory_that_is_taken_is_missing(&device);
    }
}

#[test]
fn on_the_fake_memory_that_is_taken_is_missing() {
    let name = "watching::on_the_fake_memory_that_is_taken_is_missing";
    on_the_fake(name, "", |device| memory_that_is_taken_is_missing(&device));
}

#[test]
fn a_cool_gpu_is_slowed_down_by_nothing() {
    beside_the_management("watching::a_cool_gpu_is_slowed_down_by_nothing", "", |device| {
        let condition = Gauge::of(&device).read();
        assert_eq!(
            (condition.temperature_c, condition.slowed_by),
            (Some(47), Some(vec![]))
        );
    });
}

#[test]
fn heat_and_the_limit_of_power_are_told_apart() {
    let name = "watching::heat_and_the_limit_of_power_are_told_apart";
    beside_the_management(name, "hot capped", |device| {
        let condition = Gauge::of(&device).read();
        assert_eq!(condition.temperature_c, Some(91));
        assert_eq!(condition.slowed_by, Some(vec!["power limit", "heat"]));
    });
}

#[test]
fn a_gpu_without_a_sensor_has_no_temperature_and_still_says_what_slows_it_down() {
    let name = "watching::a_gpu_without_a_sensor_has_no_temperature_and_still_says_what_slows_it_down";
    beside_the_management(name, "no-sensor hot", |device| {
        let condition = Gauge::of(&device).read();
        assert_eq!(
            (condition.temperature_c, condition.slowed_by),
            (None, Some(vec!["heat"]))
        );
    });
}

#[test]
fn a_management_library_that_does_not_start_tells_nothing() {
    let name = "watching::a_management_library_that_does_not_start_tells_nothing";
    beside_the_management(name, "absent", |device| {
        let condition = Gauge::of(&device).read();
        assert_eq!((condition.temperature_c, condition.slowed_by), (None, None));
        assert!(condition.memory_bytes.is_some(), "the driver tells that");
    });
}

#[test]
fn after_the_gpu_was_lost_nothing_is_told_of_its_memory() {
    let name = "watching::after_the_gpu_was_lost_nothing_is_told_of_its_memory";
    on_the_fake(name, "sticky-at=2", |device| {
        let gauge = Gauge::of(&device);
        assert!(gauge.read().memory_bytes.is_some());
        let bytes = white_disc(FORMAT, [200.0, 150.0], 6.0);
        let mut detector = open(&device, Access::Copied);
        detector.prepare(FORMAT);
        let image = ImageView::new(&bytes, FORMAT).expect("a picture");
        detector
            .detect(&image, image.whole(), &mut Detections::new())
            .expect_err("the GPU is lost");
        assert_eq!(gauge.read().memory_bytes, None);
    });
}
