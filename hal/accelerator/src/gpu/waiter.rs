use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use baize_realtime::park::{block_on, block_on_timeout};
use baize_realtime::pi_mutex::{LockStatistics, Named, PiRawMutex};
use embassy_sync::signal::Signal;

use super::{Event, GpuError};

/// Waits for the end of a picture's work on a thread of its own: the driver's wait has no time limit, ours has.
pub(super) struct Waiter {
    calls: Arc<Calls>,
    thread: Option<JoinHandle<()>>,
}

struct Calls {
    asked: Signal<PiRawMutex<WaiterLock>, Ask>,
    ended: Signal<PiRawMutex<WaiterLock>, Result<(), GpuError>>,
}

enum Ask {
    Wait,
    Stop,
}

/// The locks of every waiter's calls.
enum WaiterLock {}

impl Named for WaiterLock {
    fn statistics() -> &'static LockStatistics {
        static STATISTICS: LockStatistics = LockStatistics::new("gpu");
        &STATISTICS
    }
}

impl Waiter {
    /// Starts the thread; it inherits the calling thread's core and scheduling class.
    pub fn start(event: Arc<Event>) -> Result<Self, GpuError> {
        let calls = Arc::new(Calls {
            asked: Signal::new(),
            ended: Signal::new(),
        });
        let theirs = Arc::clone(&calls);
        let thread = thread::Builder::new()
            .name("gpu-waiter".to_owned())
            .spawn(move || {
                while let Ask::Wait = block_on(theirs.asked.wait()) {
                    theirs.ended.signal(event.synchronize());
                }
            });
        let thread = thread.map_err(|error| GpuError::Network(format!("no thread to wait on: {error}")))?;
        Ok(Self {
            calls,
            thread: Some(thread),
        })
    }

    /// Sleeps until the GPU has come to the event, or for `patience`.
    pub fn wait(&self, patience: Duration) -> Result<(), GpuError> {
        self.calls.ended.reset();
        self.calls.asked.signal(Ask::Wait);
        block_on_timeout(self.calls.ended.wait(), patience).unwrap_or(Err(GpuError::Stuck {
            waited_ms: patience.as_millis() as u32,
        }))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.calls.asked.signal(Ask::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
