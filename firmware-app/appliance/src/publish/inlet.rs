//! Receiving from a channel of the pipeline inside a task that waits for other things, too.
//!
//! Such a channel wakes whoever waited before when another waker comes, and cannot tell that tokio's wakers of one task
//! are one: polled anew with every turn of the task, it would wake the task with every turn, for ever. Here it is polled
//! only when it has something to say.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use baize_realtime::pi_mutex::PiRawMutex;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Channel;

use crate::pipeline::Bells;

/// The receiving end of a channel, for one task.
pub struct Inlet<M: RawMutex + 'static, T: 'static, const N: usize> {
    channel: &'static Channel<M, T, N>,
    bell: Arc<Bell>,
    waker: Waker,
}

struct Bell {
    has_rung: AtomicBool,
    /// Locked by pipeline threads, too, which must not wait for an ordinary thread that is not running. Within, tokio's
    /// waker of what `block_on` runs is a flag and a write to an eventfd.
    task: Mutex<PiRawMutex<Bells>, RefCell<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.lock(|task| task.borrow().wake_by_ref());
    }
}

impl<M: RawMutex, T, const N: usize> Inlet<M, T, N> {
    /// Of this channel, which nobody else receives from while it is in use.
    pub fn of(channel: &'static Channel<M, T, N>) -> Self {
        let bell = Arc::new(Bell {
            has_rung: AtomicBool::new(true),
            task: Mutex::new(RefCell::new(Waker::noop().clone())),
        });
        // Never freed: the channel keeps a waker when the publisher has ended, and to free the last one is not for the
        // sealed thread that wakes it.
        std::mem::forget(Arc::clone(&bell));
        Self {
            channel,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }

    /// Waits for the next value. Nothing is lost when it is dropped before.
    pub async fn receive(&self) -> T {
        poll_fn(|task| {
            self.bell
                .task
                .lock(|bell| bell.borrow_mut().clone_from(task.waker()));
            if !self.bell.has_rung.swap(false, Ordering::AcqRel) {
                return Poll::Pending;
            }
            let received = self.channel.poll_receive(&mut Context::from_waker(&self.waker));
            if received.is_ready() {
                // There may be more.
                self.bell.has_rung.store(true, Ordering::Release);
            }
            received
        })
        .await
    }
}
