//! Locks the memory of this test's own process.

use baize_realtime::memory::{MemoryLockError, lock_all, prefault};

#[test]
fn memory_mapped_after_locking_is_locked_too() {
    if let Err(MemoryLockError::LimitTooLow { .. }) = lock_all() {
        baize_skips::skipped("the permission to lock all memory");
        return;
    }
    const BYTES: usize = 8 * 1024 * 1024;
    let before_kib = locked_kib();
    let mut memory = vec![0u8; BYTES];
    prefault(&mut memory);
    assert!(
        locked_kib() >= before_kib + BYTES / 1024,
        "{} KiB locked, {before_kib} before",
        locked_kib()
    );
}

fn locked_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
