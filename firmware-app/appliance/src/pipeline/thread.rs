//! How a pipeline thread is set up: its core, its scheduling class, its seal.

use std::sync::{Mutex, PoisonError};

use baize_realtime::sealing::{self, Role, Seal};
use baize_realtime::{affinity, memory, scheduling};

/// Where and how urgently a thread runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadPlan {
    /// The core it is pinned to.
    pub core: Option<usize>,
    /// Its SCHED_FIFO priority.
    pub priority: Option<u8>,
}

/// What the machine can refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// To keep memory in RAM.
    Memory,
    /// To pin a thread to its core.
    Core,
    /// To run a thread before all others.
    Priority,
}

/// What the machine refused, one of a kind: the threads are refused the same things for the same reasons.
static REFUSALS: Mutex<Vec<(Refused, String)>> = Mutex::new(Vec::new());

impl ThreadPlan {
    /// Sets up the calling thread and seals it. What the machine refuses is noted, and the thread goes on without.
    pub fn enter(&self, role: Role) -> Seal {
        self.enter_with(role, || {})
    }

    /// The same; `prepare` runs on the thread as it was set up, and may still allocate.
    pub fn enter_with(&self, role: Role, prepare: impl FnOnce()) -> Seal {
        memory::prefault_stack();
        if let Some(Err(error)) = self.core.map(affinity::pin_this_thread) {
            refused(Refused::Core, error.to_string());
        }
        if let Some(Err(error)) = self.priority.map(scheduling::set_fifo_priority) {
            refused(Refused::Priority, error.to_string());
        }
        prepare();
        // A stage wakes the publisher, which waits in tokio; waking touches a thread-local of tokio's, whose first use
        // on a thread allocates.
        let _ = tokio::runtime::Handle::try_current();
        sealing::seal_this_thread(role)
    }
}

/// Notes what was refused, and why.
pub fn refused(what: Refused, why: String) {
    let mut refusals = REFUSALS.lock().unwrap_or_else(PoisonError::into_inner);
    if refusals.iter().all(|(other, _)| *other != what) {
        refusals.push((what, why));
    }
}

/// What was refused so far, the first reason of each kind.
pub fn refusals() -> Vec<String> {
    let refusals = REFUSALS.lock().unwrap_or_else(PoisonError::into_inner);
    refusals.iter().map(|(_, why)| why.clone()).collect()
}
