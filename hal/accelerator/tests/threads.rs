//! Where the engine's own threads run.

use std::collections::BTreeMap;
use std::path::Path;

use baize_accelerator::{Backend, CpuOptions, ModelFiles, open_cpu};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat};
use baize_realtime::affinity::pin_this_thread;

/// A thread that ran for longer while pictures were searched took part in it.
const BUSY_NS: u64 = 2_000_000;

/// The time that each thread of this process has run so far, in nanoseconds.
fn run_times() -> BTreeMap<u32, u64> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells the threads");
    tasks
        .filter_map(|task| {
            let thread = task.ok()?.file_name().to_str()?.parse().ok()?;
            let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
            Some((thread, text.split_whitespace().next()?.parse().ok()?))
        })
        .collect()
}

/// The cores on which a thread may run, as the kernel writes them; `None` where the thread has ended.
fn cores(thread: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(line.trim().to_string())
}

#[test]
fn whatever_the_engine_computes_runs_on_the_core_of_the_thread_that_detects() {
    let format = FrameFormat::packed(640, 384, PixelFormat::Grey);
    // As in the appliance, the engine is opened on another thread than the one that detects.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/spots");
    let model = ModelFiles::from_dir(&folder).expect("the fixture is good");
    let options = CpuOptions {
        backend: Backend::Rten,
        ..CpuOptions::default()
    };
    let (mut detector, _) = open_cpu(&model, &options).expect("rten takes the fixture");
    let detects = std::thread::spawn(move || {
        let bytes = vec![20; format.size_bytes()];
        let image = ImageView::new(&bytes, format).expect("a picture");
        pin_this_thread(0).expect("core 0 is everybody's");
        detector.settle();
        let before = run_times();
        let mut found = Detections::new();
        for _ in 0..50 {
            detector
                .detect(&image, image.whole(), &mut found)
                .expect("a good picture");
        }
        let after = run_times();
        let busy = after
            .iter()
            .filter(|(thread, ns)| **ns > before.get(thread).unwrap_or(&0) + BUSY_NS);
        busy.filter_map(|(&thread, _)| cores(thread)).collect::<Vec<_>>()
    });
    let busy = detects.join().expect("no panic");
    assert!(
        !busy.is_empty() && busy.iter().all(|cores| cores == "0"),
        "{busy:?}"
    );
}
