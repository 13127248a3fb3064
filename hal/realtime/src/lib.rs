//! What a pipeline without surprises needs from a Linux machine (x86-64 and aarch64).
//!
//! - **Time of its own**: [`affinity`] pins a thread to a core, [`scheduling`] gives it SCHED_FIFO, [`memory`] keeps its
//!   pages resident. Each refusal is an error that names the missing privilege; the caller warns and goes on.
//! - **No allocation after start-up**: [`sealing`] is a global allocator that counts, or makes fatal, whatever a
//!   sealed thread still allocates or frees.
//! - **Hand-over without long waits**: [`pi_mutex`] is a priority-inheriting lock for `embassy-sync`'s channels, [`park`]
//!   waits for futures by parking the thread.
//! - **Measured**: every lock knows its longest wait and hold, [`histogram`] keeps latencies in fixed memory, and
//!   [`clock`] is the one monotonic time of the project.
//! - [`shutdown`] turns SIGTERM and SIGINT into a value that one thread waits for.
//!
//! Limits: nothing here makes a stock kernel a real-time one, it only asks the scheduler for what it offers. After a
//! `fork` without `exec` none of this holds in the child.

pub mod affinity;
pub mod clock;
mod futex;
pub mod histogram;
pub mod memory;
pub mod park;
pub mod pi_mutex;
pub mod scheduling;
pub mod sealing;
pub mod shutdown;
