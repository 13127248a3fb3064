//! How a pipeline thread is set up: its core, its scheduling class, its seal.

use std::sync::Mutex;

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

/// What the machine refused, for one warning by whoever started the pipeline.
static REFUSALS: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl ThreadPlan {
    /// Sets up the calling thread and seals it. What the machine refuses is noted, and the thread goes on without.
    pub fn enter(&self, role: Role) -> Seal {
        memory::prefault_stack();
        if let Some(Err(error)) = self.core.map(affinity::pin_this_thread) {
            refused(error.to_string());
        }
        if let Some(Err(error)) = self.priority.map(scheduling::set_fifo_priority) {
            refused(error.to_string());
        }
        // A stage wakes the publisher, which waits in tokio; waking touches a thread-local of tokio's, whose first use
        // on a thread allocates.
        let _ = tokio::runtime::Handle::try_current();
        sealing::seal_this_thread(role)
    }
}

fn refused(what: String) {
    let mut refusals = REFUSALS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !refusals.contains(&what) {
        refusals.push(what);
    }
}

/// Takes what was refused so far, each refusal once.
pub fn take_refusals() -> Vec<String> {
    std::mem::take(&mut REFUSALS.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}
