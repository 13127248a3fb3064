//! The promise of the sealing allocator, in a process that has it installed. Each test has a role of its own, because
//! counters belong to the process.

use std::alloc::{GlobalAlloc, Layout, alloc_zeroed, dealloc};
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::time::Duration;

use baize_realtime::park::block_on_timeout;
use baize_realtime::sealing::{
    Counts, Policy, Role, SealingAllocator, allocations_after_sealing, is_installed, library_counts,
    library_scope, seal_this_thread, set_policy,
};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

const CHILD: &str = "BAIZE_TEST_SEALING_CHILD";

#[test]
fn the_allocator_knows_that_it_is_installed() {
    assert!(is_installed());
}

#[test]
fn allocate_grow_and_free_on_a_sealed_thread_are_counted_under_its_role() {
    let before = allocations_after_sealing(Role::Capture);
    assert_eq!(before, Counts::default());
    let sealed = seal_this_thread(Role::Capture);
    let mut bytes: Vec<u8> = black_box(Vec::with_capacity(100));
    bytes.reserve_exact(200);
    drop(black_box(bytes));
    drop(sealed);
    drop(black_box(Box::new(1)));
    assert_eq!(
        allocations_after_sealing(Role::Capture),
        Counts {
            allocations: 2,
            frees: 2,
            bytes: 300
        },
        "one allocation of 100, one growth to 200, one free; nothing after the seal was broken"
    );
}

#[test]
fn zeroed_memory_is_counted_too() {
    let layout = Layout::new::<[u64; 4]>();
    let sealed = seal_this_thread(Role::Encode);
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) };
    // SAFETY: the memory came from the same allocator with this layout.
    unsafe { dealloc(black_box(memory), layout) };
    drop(sealed);
    assert_eq!(
        allocations_after_sealing(Role::Encode),
        Counts {
            allocations: 1,
            frees: 1,
            bytes: 32
        }
    );
}

#[test]
fn a_library_scope_counts_apart_and_nests() {
    let role_before = allocations_after_sealing(Role::Detect);
    {
        let _outside_a_sealed_thread = library_scope();
        drop(black_box(Box::new([0u8; 8])));
    }
    let library_before = library_counts();
    let sealed = seal_this_thread(Role::Detect);
    {
        let _outer = library_scope();
        {
            let _inner = library_scope();
            drop(black_box(Box::new([0u8; 8])));
        }
        drop(black_box(Box::new([0u8; 16])));
    }
    let in_role = black_box(Box::new([0u8; 32]));
    drop(sealed);
    drop(in_role);
    assert_eq!(
        library_before,
        Counts::default(),
        "only sealed threads are counted"
    );
    assert_eq!(
        library_counts(),
        Counts {
            allocations: 2,
            frees: 2,
            bytes: 24
        }
    );
    let role_after = allocations_after_sealing(Role::Detect);
    assert_eq!(role_after.allocations - role_before.allocations, 1);
    assert_eq!(role_after.frees, role_before.frees);
}

#[test]
fn a_sealed_thread_may_wait_and_end_without_a_single_allocation() {
    let thread = std::thread::spawn(|| {
        let _sealed = seal_this_thread(Role::Table);
        block_on_timeout(std::future::pending::<()>(), Duration::from_millis(1))
    });
    assert_eq!(thread.join().unwrap(), None);
    assert_eq!(allocations_after_sealing(Role::Table), Counts::default());
}

#[test]
fn an_allocation_on_a_sealed_thread_aborts_under_the_abort_policy() {
    let output = run_child("allocates");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("allocation on the sealed thread 'detect'"),
        "{message}"
    );
}

#[test]
fn a_free_on_a_sealed_thread_aborts_under_the_abort_policy() {
    let output = run_child("frees");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("free on the sealed thread 'detect'")
    );
}

#[test]
fn a_library_scope_and_a_quiet_sealed_thread_do_not_abort() {
    let output = run_child("keeps its promise");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_message_of_a_panic_on_a_sealed_thread_comes_through() {
    let output = run_child("panics");
    assert!(output.status.code().is_some_and(|code| code != 0), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("the reason of the panic")
    );
}

fn run_child(behaviour: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--ignored", "--nocapture"])
        .env(CHILD, behaviour)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// Runs in a process of its own, started by the tests above.
#[test]
#[ignore = "the body of child processes, started by other tests"]
fn child_process() {
    let Ok(behaviour) = std::env::var(CHILD) else {
        return;
    };
    let kept = black_box(Box::new(1));
    set_policy(Policy::Abort);
    let sealed = seal_this_thread(Role::Detect);
    match behaviour.as_str() {
        "allocates" => std::mem::forget(black_box(Box::new(2))),
        "frees" => drop(kept),
        "panics" => panic!("the reason of the panic"),
        _ => {
            let _library = library_scope();
            drop(black_box(Box::new(3)));
        }
    }
    drop(sealed);
}

/// The allocator passes memory on, also when used directly.
#[test]
fn memory_keeps_its_content_when_it_grows() {
    let layout = Layout::array::<u8>(4).unwrap();
    // SAFETY: the layout is not empty.
    let memory = unsafe { ALLOCATOR.alloc(layout) };
    assert!(!memory.is_null());
    // SAFETY: four bytes were allocated there.
    unsafe { memory.copy_from(b"cue!".as_ptr(), 4) };
    // SAFETY: the memory came from this allocator with this layout, and the new size is not zero.
    let grown = unsafe { ALLOCATOR.realloc(memory, layout, 4096) };
    // SAFETY: growing keeps the first four bytes.
    assert_eq!(unsafe { std::slice::from_raw_parts(grown, 4) }, b"cue!");
    // SAFETY: this is the layout after growing.
    unsafe { ALLOCATOR.dealloc(grown, Layout::array::<u8>(4096).unwrap()) };
}
