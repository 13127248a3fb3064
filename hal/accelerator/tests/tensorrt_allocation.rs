//! Running an engine allocates nothing. A file of its own: the counts are those of the process.
#![cfg(feature = "gpu")]

mod fakes;

use std::ptr;

use baize_accelerator::tensorrt::Library;
use baize_realtime::sealing::{Counts, Role, SealingAllocator, allocations_after_sealing, seal_this_thread};
use fakes::nvinfer;

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

#[test]
fn ten_thousand_runs_allocate_nothing_and_neither_do_failures_and_messages() {
    let Some(library) = nvinfer::library(&[]) else {
        return;
    };
    let library = Library::open(Some(&library)).expect("a version that is known");
    let runtime = library.runtime().expect("the fake starts");
    let plan = "baize-fake-plan\ninput x f32 4\noutput y f32 4\nfail-at 5000\n";
    let engine = runtime.deserialize(plan.as_bytes()).expect("a good plan");
    let mut context = engine.context().expect("a context");
    let (mut x, mut y) = ([0.5_f32; 4], [0.0_f32; 4]);
    for (name, tensor) in [("x", &mut x), ("y", &mut y)] {
        let address = tensor.as_mut_ptr().expose_provenance() as u64;
        // SAFETY: the arrays are as large as the tensors and outlive the context.
        unsafe { context.bind(name, address) }.expect("the engine has it");
    }

    let sealed = seal_this_thread(Role::Detect);
    let mut failures = 0;
    for _ in 0..10_000 {
        // SAFETY: without CUDA there are no streams, and the fake is done when it returns.
        let run = unsafe { context.enqueue(ptr::null_mut()) };
        failures += u32::from(run.is_err());
    }
    drop(sealed);
    assert_eq!(failures, 1);
    assert_eq!(allocations_after_sealing(Role::Detect), Counts::default());
    drop(context);
    assert_eq!(y, [2.0; 4]);
}
