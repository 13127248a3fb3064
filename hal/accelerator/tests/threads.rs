//! Where the engine's own threads run.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use baize_accelerator::{Backend, CpuOptions, ModelFiles, open_cpu};
use baize_realtime::affinity::pin_this_thread;

mod common;

fn threads() -> BTreeSet<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells the threads");
    tasks
        .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
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
fn the_engine_s_threads_move_to_the_core_of_the_thread_that_detects() {
    let model = ModelFiles::from_dir(&common::fixture("spots")).expect("a good model");
    let options = CpuOptions {
        backend: Backend::Rten,
        threads: NonZeroUsize::MIN,
        onnxruntime: None,
    };
    let before = threads();
    let (mut detector, _) = open_cpu(&model, &options).expect("rten takes it");
    std::thread::spawn(move || {
        pin_this_thread(0).expect("core 0 is everybody's");
        detector.settle();
        let own = || -> Vec<String> {
            threads()
                .difference(&before)
                .filter_map(|&thread| cores(thread))
                .collect()
        };
        assert!(own().len() >= 2, "this thread and the engine's: {:?}", own());
        // The threads that the engine had before end in their own time.
        let deadline = Instant::now() + Duration::from_secs(20);
        while own().iter().any(|cores| cores != "0") {
            assert!(Instant::now() < deadline, "{:?}", own());
            std::thread::sleep(Duration::from_millis(5));
        }
    })
    .join()
    .expect("no panic");
}
