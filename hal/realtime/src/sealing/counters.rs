//! Counting what goes through the allocator.

use std::sync::atomic::{AtomicU64, Ordering};

/// Allocations and frees. A reallocation counts as one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Times that memory was taken.
    pub allocations: u64,
    /// Times that memory was given back.
    pub frees: u64,
    /// Sum of the sizes asked for, in bytes.
    pub bytes: u64,
}

/// What a thread asks of the allocator.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Allocate { bytes: usize },
    Reallocate { bytes: usize },
    Free,
}

/// Counters that any thread may raise and read.
pub(super) struct Counters {
    allocations: AtomicU64,
    frees: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            allocations: AtomicU64::new(0),
            frees: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, operation: Operation) {
        if let Operation::Allocate { bytes } | Operation::Reallocate { bytes } = operation {
            self.allocations.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        if let Operation::Free | Operation::Reallocate { .. } = operation {
            self.frees.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            allocations: self.allocations.load(Ordering::Relaxed),
            frees: self.frees.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
