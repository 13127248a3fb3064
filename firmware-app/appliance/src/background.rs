//! Work on a thread of its own, asked for its result now and then.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// Work under way.
#[derive(Debug)]
pub struct Job<T>(Receiver<T>);

/// The work ended without a result: its thread could not be started, or panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobFailed;

impl<T: Send + 'static> Job<T> {
    /// Starts it.
    pub fn start(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, result) = channel();
        // Without a thread the sender is dropped, which `poll` reports. Whoever asked may have gone meanwhile.
        let _ = std::thread::Builder::new().name(name.into()).spawn(move || {
            let _ = sender.send(work());
        });
        Self(result)
    }

    /// The result, once there is one.
    pub fn poll(&self) -> Option<Result<T, JobFailed>> {
        match self.0.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(JobFailed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T: Send + 'static>(job: &Job<T>) -> Result<T, JobFailed> {
        loop {
            if let Some(result) = job.poll() {
                return result;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn work_yields_its_result_and_a_panic_is_told() {
        assert_eq!(wait(&Job::start("adds", || 2 + 2)), Ok(4));
        let panics = Job::<u8>::start("panics", || std::panic::resume_unwind(Box::new(())));
        assert_eq!(wait(&panics), Err(JobFailed));
    }
}
