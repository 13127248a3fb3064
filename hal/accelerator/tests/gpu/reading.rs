//! Detectors that also read the balls they find, on the engine of a network that tells mean colours.

use baize_accelerator::gpu::{Access, Device, GpuDetector, GpuError, Precision, StreamNetwork};
use baize_accelerator::tensorrt::TensorRt;
use baize_accelerator::{
    Backend, CpuOptions, DetectError, Detector, FaceReader, ModelFiles, ReaderManifest, reading,
};
use baize_frame::{Detections, FrameFormat, PixelFormat, Reading};

use crate::child::in_a_child;
use crate::common::{Disc, picture, spots, spots_on_rten};
use crate::detector::{detect, open};
use crate::fakes::nvinfer;
use crate::places::Place;
use crate::real_gpu;

pub fn mean_colours() -> ModelFiles<ReaderManifest> {
    let onnx = include_bytes!("../fixtures/mean-colours/baize-mean-colours.onnx");
    let manifest = include_str!("../fixtures/mean-colours/baize-mean-colours.json");
    ModelFiles::embedded(onnx, manifest).expect("the fixture is good")
}

/// Detector and reader, both on rten.
fn on_the_cpu() -> Box<dyn Detector> {
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    let (reader, _) = FaceReader::open(&mean_colours(), &options).expect("rten takes the fixture");
    reading(spots_on_rten(), reader)
}

/// Both on the fakes, with what else the reader's plan says; `None` where there is no compiler for them.
fn on_the_gpu(more: &str) -> Option<GpuDetector> {
    let library = nvinfer::library(&[])?;
    let tensorrt = TensorRt::start(Some(&library)).expect("the fakes start");
    let detector = tensorrt
        .detector(&spots(), nvinfer::SPOTS.as_bytes())
        .expect("a good plan");
    let plan = format!("{}{more}", nvinfer::MEAN_COLOURS);
    let detector = tensorrt.with_reader(detector, &mean_colours(), plan.as_bytes());
    Some(detector.expect("a good plan"))
}

/// `count` discs in rows, by turns red, white and blue; all white where a picture has no colours.
fn discs(count: usize, pixels: PixelFormat) -> Vec<Disc> {
    let place = |at: usize| [60.5 + 110.0 * (at % 8) as f32, 50.25 + 100.0 * (at / 8) as f32];
    let disc = |at: usize| Disc {
        centre_px: place(at),
        radius_px: 12.0,
        rgb: match pixels {
            PixelFormat::Rgb24 => [[255, 0, 0], [255; 3], [0, 0, 255]][at % 3],
            _ => [255; 3],
        },
    };
    (0..count).map(disc).collect()
}

/// Numbers, colours and kinds by place.
fn faces(found: &Detections) -> Vec<String> {
    let mut faces: Vec<_> = found
        .balls
        .iter()
        .map(|ball| {
            let [x, y] = ball.centre_px.map(|place| (place / 10.0).round() as i32);
            let (number, colour) = (ball.reading.number, ball.reading.colour);
            format!("{y} {x}: {number:?} {colour:?} {:?}", ball.kind)
        })
        .collect();
    faces.sort();
    faces
}

/// Pictures in slots and elsewhere, with some balls and with none.
fn the_gpu_reads_what_the_cpu_reads() {
    let Some(mut gpu) = on_the_gpu("") else { return };
    assert_eq!(gpu.info().reader, Some("tensorrt"));
    let mut cpu = on_the_cpu();
    for pixels in [PixelFormat::Rgb24, PixelFormat::Yuyv] {
        let format = FrameFormat::packed(960, 540, pixels);
        let mut slots: Vec<_> = (0..2).map(|_| Place::new(format.size_bytes())).collect();
        let memory: Vec<_> = slots.iter().map(Place::memory).collect();
        gpu.expect_slots(&memory, format.size_bytes());
        gpu.prepare(format);
        for count in [5, 0, 2] {
            let bytes = picture(format, &discs(count, pixels));
            let expected = detect(&mut *cpu, &bytes, format, None).expect("a detection");
            assert_eq!(expected.balls.len(), count, "{expected:?}");
            for slot in &mut slots {
                slot.fill(&bytes);
                let found = detect(&mut gpu, slot.bytes(), format, None).expect("a detection");
                assert_eq!(faces(&found), faces(&expected));
            }
            let elsewhere = detect(&mut gpu, &bytes, format, None).expect("a detection");
            assert_eq!(faces(&elsewhere), faces(&expected));
        }
    }
}

#[test]
fn on_a_gpu_balls_are_read_as_on_the_cpu() {
    if real_gpu().is_some() {
        the_gpu_reads_what_the_cpu_reads();
    }
}

#[test]
fn balls_are_read_on_the_fakes_as_on_the_cpu_in_place_and_copied() {
    for faults in ["integrated", ""] {
        let name = "reading::balls_are_read_on_the_fakes_as_on_the_cpu_in_place_and_copied";
        in_a_child(name, faults, the_gpu_reads_what_the_cpu_reads);
    }
}

#[test]
fn more_balls_than_a_batch_are_all_read_on_the_gpu() {
    let name = "reading::more_balls_than_a_batch_are_all_read_on_the_gpu";
    in_a_child(name, "", || {
        let Some(mut gpu) = on_the_gpu("") else { return };
        let format = FrameFormat::packed(960, 540, PixelFormat::Rgb24);
        let bytes = picture(format, &discs(37, format.pixels));
        let found = detect(&mut gpu, &bytes, format, None).expect("a detection");
        let expected = detect(&mut *on_the_cpu(), &bytes, format, None).expect("a detection");
        assert_eq!(found.balls.len(), 37);
        let read = found.balls.iter().filter(|ball| ball.reading != Reading::NOTHING);
        assert_eq!(
            read.count(),
            25,
            "all but the blue ones, of which the detector says another thing than the reader"
        );
        assert_eq!(faces(&found), faces(&expected));
    });
}

#[test]
fn balls_that_the_detector_doubts_are_read_on_the_gpu_beside_the_others() {
    let name = "reading::balls_that_the_detector_doubts_are_read_on_the_gpu_beside_the_others";
    in_a_child(name, "", || {
        let Some(library) = nvinfer::library(&[]) else {
            return;
        };
        let tensorrt = TensorRt::start(Some(&library)).expect("the fakes start");
        let manifest = include_str!("../fixtures/spots/baize-spots.json");
        let doubting = manifest.replace("\"cue\":", "\"doubtful\": 0.01, \"cue\":");
        let onnx = include_bytes!("../fixtures/spots/baize-spots.onnx");
        let model = ModelFiles::embedded(onnx, doubting.leak()).expect("a good manifest");
        let detector = tensorrt
            .detector(&model, nvinfer::SPOTS.as_bytes())
            .expect("a good plan");
        let plan = nvinfer::MEAN_COLOURS.as_bytes();
        let reading = tensorrt.with_reader(detector, &mean_colours(), plan);
        let format = FrameFormat::packed(960, 540, PixelFormat::Rgb24);
        // One that is hardly brighter than the cloth may be is doubted.
        let mut discs = discs(2, format.pixels);
        discs[1].rgb = [178; 3];
        let bytes = picture(format, &discs);
        let found = detect(&mut reading.expect("a good plan"), &bytes, format, None).expect("a detection");
        assert_eq!((found.balls.len(), found.doubtful.len()), (1, 1), "{found:?}");
        assert_eq!(found.balls[0].reading.number, Some(3));
        assert_eq!(found.doubtful[0].reading.number, Some(0), "{found:?}");
    });
}

#[test]
fn a_reader_that_fails_while_it_is_captured_fails_the_picture_and_the_next_is_read() {
    let name = "reading::a_reader_that_fails_while_it_is_captured_fails_the_picture_and_the_next_is_read";
    in_a_child(name, "", || {
        // The first run is not captured.
        let Some(mut gpu) = on_the_gpu("fail-at 2\n") else {
            return;
        };
        let format = FrameFormat::packed(640, 384, PixelFormat::Rgb24);
        let bytes = picture(format, &discs(1, format.pixels));
        let failed = detect(&mut gpu, &bytes, format, None).expect_err("the capture fails");
        assert_eq!(failed, DetectError::Inference);
        let found = detect(&mut gpu, &bytes, format, None).expect("the next picture captures anew");
        assert_eq!(found.balls[0].reading.number, Some(3));
    });
}

#[test]
fn a_gpu_that_hangs_while_it_reads_is_lost_and_nothing_is_found() {
    // Launches 1 and 2 are of the preparation, 3 is the search.
    let name = "reading::a_gpu_that_hangs_while_it_reads_is_lost_and_nothing_is_found";
    in_a_child(name, "stuck-at=4", || {
        let Some(mut gpu) = on_the_gpu("") else { return };
        let format = FrameFormat::packed(640, 384, PixelFormat::Rgb24);
        gpu.prepare(format);
        let bytes = picture(format, &discs(1, format.pixels));
        let lost = detect(&mut gpu, &bytes, format, None).expect_err("the GPU hangs");
        assert_eq!(lost, DetectError::DeviceLost);
    });
}

#[test]
fn a_plan_that_is_not_the_readers_never_runs() {
    let name = "reading::a_plan_that_is_not_the_readers_never_runs";
    in_a_child(name, "", || {
        let Some(library) = nvinfer::library(&[]) else {
            return;
        };
        let tensorrt = TensorRt::start(Some(&library)).expect("the fakes start");
        let detector = || {
            let plan = nvinfer::SPOTS.as_bytes();
            tensorrt.detector(&spots(), plan).expect("a good plan")
        };
        let other = nvinfer::MEAN_COLOURS.replacen("16x24x1x1", "16x23x1x1", 1);
        for (plan, words) in [
            (&*other, "output `faces` is f32 [16, 23, 1, 1]"),
            ("junk", "the plan is damaged"),
        ] {
            let Err(refused) = tensorrt.with_reader(detector(), &mean_colours(), plan.as_bytes()) else {
                panic!("it was taken: {plan}");
            };
            assert!(refused.to_string().contains(words), "{refused}");
        }
    });
}

/// A network that wants what the kernel does not make.
struct HalfNetwork;

impl StreamNetwork for HalfNetwork {
    fn backend(&self) -> &'static str {
        "stand-in"
    }

    fn precision(&self) -> Precision {
        Precision::Half
    }

    fn bind(&mut self, _tensor: &str, _device_address: u64) -> Result<(), String> {
        Ok(())
    }

    fn enqueue(&mut self, _stream: *mut std::ffi::c_void) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_reader_of_16_bit_crops_is_refused() {
    let name = "reading::a_reader_of_16_bit_crops_is_refused";
    in_a_child(name, "", || {
        let device = Device::first().expect("the fake driver has a GPU");
        let detector = open(&device, Access::Copied);
        let Err(error) = detector.with_reader(mean_colours().manifest(), Box::new(HalfNetwork)) else {
            panic!("it was taken");
        };
        assert!(matches!(error, GpuError::Network(_)), "{error:?}");
    });
}

#[test]
fn a_detector_that_reads_gives_all_its_memory_back() {
    let name = "reading::a_detector_that_reads_gives_all_its_memory_back";
    in_a_child(name, "", || {
        let device = Device::first().expect("the fake driver has a GPU");
        let before = device.memory_bytes().expect("the driver tells");
        let format = FrameFormat::packed(640, 384, PixelFormat::Rgb24);
        let Some(mut gpu) = on_the_gpu("") else { return };
        detect(&mut gpu, &picture(format, &discs(3, format.pixels)), format, None).expect("a detection");
        assert!(device.memory_bytes().expect("the driver tells")[0] < before[0]);
        drop(gpu);
        assert_eq!(device.memory_bytes(), Ok(before));
    });
}
