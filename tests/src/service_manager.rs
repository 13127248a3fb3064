use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Scratch, wait};

/// Plays the service manager that started a program: listens to what it is notified of.
#[derive(Debug)]
pub struct ServiceManager {
    scratch: Scratch,
    heard: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl ServiceManager {
    /// Starts to listen.
    ///
    /// # Panics
    /// When the temporary folder cannot be used.
    #[expect(clippy::new_without_default, reason = "listening is no default")]
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let manager = Self {
            scratch,
            heard,
            ended,
        };
        let socket = UnixDatagram::bind(manager.address()).expect("the folder is ours");
        socket
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a socket of ours");
        let (heard, ended) = (Arc::clone(&manager.heard), Arc::clone(&manager.ended));
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while !ended.load(Ordering::Relaxed) {
                if let Ok(length) = socket.recv(&mut buffer) {
                    let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                }
            }
        });
        manager
    }

    /// What `NOTIFY_SOCKET` is to be.
    pub fn address(&self) -> PathBuf {
        self.scratch.path().join("notify")
    }

    /// Everything it was told.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the watchdog was fed.
    pub fn feeds(&self) -> usize {
        self.heard()
            .iter()
            .filter(|message| *message == "WATCHDOG=1")
            .count()
    }

    /// Waits until the watchdog was fed so many times more.
    pub fn wait_for_feeds(&self, count: usize) {
        let before = self.feeds();
        wait::until("the watchdog to be fed", || {
            (self.feeds() >= before + count).then_some(())
        });
    }
}

impl Drop for ServiceManager {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
