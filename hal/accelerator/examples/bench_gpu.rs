//! Times every part of a detection on a GPU, and looks for memory that grows. Prints JSON, one report a line.
//!
//! `cargo run --release -p baize-accelerator --example bench_gpu -- [PICTURES]`
//!
//! The network is the stand-in of the tests, so `network` and what contains it tell nothing of a real one.

#[path = "../tests/gpu/places.rs"]
mod places;
#[path = "../tests/gpu/stand_in.rs"]
mod stand_in;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use baize_accelerator::gpu::{
    Access, Device, DeviceMemory, Event, GpuCrops, GpuDetector, GpuPreprocessor, Graph, Precision,
    RegisteredMemory, Stream,
};
use baize_accelerator::{Detector, Manifest, ModelFiles, Square};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region};
use places::Place;
use serde_json::{Value, json};
use stand_in::Spots;

const FORMATS: [PixelFormat; 4] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::Grey,
    PixelFormat::Rgb24,
];

/// Slots of the camera's pool.
const SLOTS: usize = 8;

/// Runs of each part, at most.
const RUNS: usize = 2000;
/// Pictures or runs before those that are measured.
const WARM_UP: usize = 100;

const ONNX: &[u8] = include_bytes!("../tests/fixtures/spots/baize-spots.onnx");
const MANIFEST: &str = include_str!("../tests/fixtures/spots/baize-spots.json");

fn main() -> Result<(), Box<dyn Error>> {
    let pictures: usize = std::env::args()
        .nth(1)
        .map_or(Ok(100_000), |count| count.parse())?;
    let runs = pictures.min(RUNS);
    let started = Instant::now();
    let device = Device::first()?;
    let info = device.info();
    println!(
        "{}",
        json!({
            "gpu": info.name, "compute": info.compute, "cuda": info.cuda, "integrated": info.is_integrated,
            "maps host memory": info.maps_host_memory, "registers host memory": info.registers_host_memory,
            "open_ms": started.elapsed().as_millis(), "chosen": format!("{:?}", Access::best(info)),
        })
    );
    for pixels in FORMATS {
        say(
            &format!("preprocess 1920x1080 {pixels:?}"),
            preprocess(&device, pixels, Precision::Single, runs),
        );
    }
    say(
        "preprocess 1920x1080 Yuyv to 16 bits",
        preprocess(&device, PixelFormat::Yuyv, Precision::Half, runs),
    );
    for pixels in FORMATS {
        say(
            &format!("16 crops of 1920x1080 {pixels:?}"),
            crops(&device, pixels, runs),
        );
    }
    for access in [Access::InPlace, Access::Copied] {
        say(
            &format!("detector {access:?}"),
            detector(&device, access, pictures),
        );
    }
    Ok(())
}

/// A part that fails does not keep the others from being measured.
fn say(what: &str, outcome: Result<Value, Box<dyn Error>>) {
    match outcome {
        Ok(found) => println!("{}", json!({ what: found })),
        Err(error) => println!("{}", json!({ what: { "FAILED": error.to_string() } })),
    }
}

/// From 1080p to 640x384: the GPU's time for the copy alone, for the kernel on memory of its own, on the host's, and for
/// copy and kernel together.
fn preprocess(
    device: &Arc<Device>,
    pixels: PixelFormat,
    precision: Precision,
    runs: usize,
) -> Result<Value, Box<dyn Error>> {
    let format = FrameFormat::packed(1920, 1080, pixels);
    let size_bytes = format.size_bytes();
    let place = Place::new(size_bytes);
    let host = RegisteredMemory::new(device, place.memory().address, size_bytes)?;
    let own = DeviceMemory::new(device, size_bytes)?;
    let stream = Stream::new(device)?;
    let mut preprocessor = GpuPreprocessor::new(device, [640, 384], precision)?;
    let whole = Region {
        x: 0,
        y: 0,
        width: 1920,
        height: 1080,
    };
    preprocessor.aim(format, whole)?;
    // SAFETY: both are as large, and outlive the graphs.
    let copy = |stream: &Stream| unsafe { stream.copy_to_device(own.address(), host.as_ptr(), size_bytes) };
    // SAFETY: a picture of that shape fits there, and it outlives the graphs.
    let kernel = |stream: &Stream, picture| unsafe { preprocessor.enqueue(stream, picture) };
    Ok(json!({
        "copy": gpu_micros(&stream, runs, copy)?,
        "kernel, own memory": gpu_micros(&stream, runs, |stream| kernel(stream, own.address()))?,
        "kernel, host memory in place": gpu_micros(&stream, runs, |stream| kernel(stream, host.address()))?,
        "copy and kernel": gpu_micros(&stream, runs, |stream| copy(stream).and_then(|()| kernel(stream, own.address())))?,
    }))
}

/// Crops of 40 x 40 round sixteen balls that are 40 pixels wide.
fn crops(device: &Arc<Device>, pixels: PixelFormat, runs: usize) -> Result<Value, Box<dyn Error>> {
    let format = FrameFormat::packed(1920, 1080, pixels);
    let place = Place::new(format.size_bytes());
    let host = RegisteredMemory::new(device, place.memory().address, format.size_bytes())?;
    let own = DeviceMemory::new(device, format.size_bytes())?;
    let stream = Stream::new(device)?;
    let mut cutter = GpuCrops::new(device, 40, 16)?;
    let squares = (0..16).map(|ball| {
        let centre_px = [100.3 + 110.0 * ball as f32, 150.7 + 50.0 * ball as f32];
        Square::round(centre_px, [40.0; 2], 1.25, &format)
    });
    cutter.aim(format, squares);
    // SAFETY: a picture of that shape fits there, and it outlives the graphs.
    let kernel = |stream: &Stream, picture| unsafe { cutter.enqueue(stream, picture) };
    Ok(json!({
        "own memory": gpu_micros(&stream, runs, |stream| kernel(stream, own.address()))?,
        "host memory in place": gpu_micros(&stream, runs, |stream| kernel(stream, host.address()))?,
    }))
}

/// The time of a graph with this work on the GPU.
fn gpu_micros(
    stream: &Stream,
    runs: usize,
    work: impl FnOnce(&Stream) -> Result<(), baize_accelerator::gpu::GpuError>,
) -> Result<Value, Box<dyn Error>> {
    let (begun, done) = (Event::new(stream.device())?, Event::new(stream.device())?);
    let graph = Graph::capture(stream, |stream| {
        begun.record_in_graph(stream)?;
        work(stream)?;
        done.record_in_graph(stream)
    })?;
    let mut on_gpu = Vec::with_capacity(runs);
    let mut launching = Vec::with_capacity(runs);
    for run in 0..runs + WARM_UP {
        let started = Instant::now();
        graph.launch(stream)?;
        let launched = started.elapsed().as_nanos() as f32 / 1000.0;
        stream.synchronize()?;
        if run >= WARM_UP {
            launching.push(launched);
            on_gpu.push(done.micros_since(&begun)?);
        }
    }
    Ok(json!({ "gpu_us": percentiles(on_gpu), "launch, cpu_us": percentiles(launching) }))
}

/// Pictures through a whole detector, from slots of a pool in turn.
fn detector(device: &Arc<Device>, access: Access, pictures: usize) -> Result<Value, Box<dyn Error>> {
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
    let manifest = ModelFiles::<Manifest>::embedded(ONNX, MANIFEST)?
        .manifest()
        .clone();
    let network = Box::new(Spots::new(device, manifest.input_px()));
    let mut detector = GpuDetector::open(device, &manifest, network, access)?;
    let mut slots: Vec<_> = (0..SLOTS).map(|_| Place::new(format.size_bytes())).collect();
    slots.iter_mut().for_each(|slot| slot.fill(&table(format)));
    detector.expect_slots(
        &slots.iter().map(Place::memory).collect::<Vec<_>>(),
        format.size_bytes(),
    );
    let started = Instant::now();
    detector.prepare(format);
    let prepare_ms = started.elapsed().as_millis();
    detector.settle();
    let mut found = Detections::new();
    // Filled, so that these pages are not taken for growth.
    let mut stages = [const { Vec::new() }; 5].map(|_: Vec<f32>| vec![-1.0; pictures]);
    let mut begin = None;
    let mut balls = 0;
    for turn in 0..pictures + WARM_UP {
        if turn == WARM_UP {
            begin = Some((device.memory_bytes()?[0], resident_bytes()?, cpu_micros()?));
        }
        let image = ImageView::new(&slots[turn % SLOTS].bytes()[..format.size_bytes()], format)?;
        let started = Instant::now();
        let timings = detector.detect(&image, image.whole(), &mut found)?;
        let wall_us = started.elapsed().as_nanos() as f32 / 1000.0;
        balls += found.balls.len();
        if turn >= WARM_UP {
            let gpu = detector.gpu_times();
            let waiting_us = wall_us - timings.decode_us as f32 - gpu.preprocess_us - gpu.network_us;
            let row = [
                wall_us,
                gpu.preprocess_us,
                gpu.network_us,
                waiting_us,
                timings.decode_us as f32,
            ];
            let stages = stages.iter_mut().zip(row);
            stages.for_each(|(stage, micros)| stage[turn - WARM_UP] = micros);
        }
    }
    let (gpu_free, resident, cpu_us) = begin.ok_or("too few pictures")?;
    let cpu_us = (cpu_micros()? - cpu_us) / pictures as f64;
    let gpu_grown = gpu_free as i64 - device.memory_bytes()?[0] as i64;
    let host_grown = resident_bytes()? as i64 - resident as i64;
    let [wall, preprocess, network, waiting, decode] = stages.map(percentiles);
    Ok(json!({
        "pictures": pictures, "slots in use": detector.slots_in_use(), "prepare_ms": prepare_ms,
        "wall_us": wall, "gpu preprocess_us": preprocess, "gpu stand-in network_us": network,
        "launch, wake-up, queue_us": waiting, "decode_us": decode, "cpu_us a picture, all threads": cpu_us.round(),
        "balls a picture": balls as f64 / (pictures + WARM_UP) as f64,
        "gpu bytes grown": gpu_grown, "host bytes grown": host_grown,
    }))
}

/// Twenty white balls on a dark table.
fn table(format: FrameFormat) -> Vec<u8> {
    let mut bytes = [60, 128].repeat(format.size_bytes() / 2);
    for ball in 0..20 {
        let (x, y) = (100 + ball % 5 * 380, 120 + ball / 5 * 260);
        for (dx, dy) in (-12i32..=12).flat_map(|dy| (-12..=12).map(move |dx| (dx, dy))) {
            if dx * dx + dy * dy <= 144 {
                bytes[(y + dy) as usize * format.stride as usize + 2 * (x + dx) as usize] = 235;
            }
        }
    }
    bytes
}

fn percentiles(mut micros: Vec<f32>) -> Value {
    micros.sort_unstable_by(f32::total_cmp);
    let at =
        |share: f64| (f64::from(micros[((micros.len() - 1) as f64 * share) as usize]) * 10.0).round() / 10.0;
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

/// Memory of this process that is in RAM.
fn resident_bytes() -> Result<usize, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split_whitespace().nth(1).ok_or("statm is empty")?.parse()?;
    Ok(pages * 4096)
}

/// Time that all threads of this process have run.
fn cpu_micros() -> Result<f64, Box<dyn Error>> {
    let mut micros = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        let ns: f64 = text
            .split_whitespace()
            .next()
            .ok_or("schedstat is empty")?
            .parse()?;
        micros += ns / 1000.0;
    }
    Ok(micros)
}
