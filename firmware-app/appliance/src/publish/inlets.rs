//! What is to be published beside states and events: things that change seldom, set by the supervisor.

use std::sync::{Mutex, PoisonError};

use baize_table_state::{CameraStatus, Topic};
use tokio::sync::Notify;

/// The newest of each, for every new connection and on change.
#[derive(Debug, Default)]
pub struct Inlets {
    inner: Mutex<Standing>,
    changed: Notify,
}

/// What stands at present.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The encoded calibration in use.
    pub calibration: Option<Vec<u8>>,
    /// Whether there are pictures.
    pub camera: Option<CameraStatus>,
    /// Health, as JSON; taken when published.
    pub health: Option<String>,
    /// What was said about calibrations and to the projector's controller, as JSON; taken when published.
    pub messages: Vec<(Topic, String)>,
}

impl Inlets {
    /// Changes what stands. Messages go out at once, everything else within a quarter of a second.
    pub fn update(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut standing);
        if !standing.messages.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Waits until there are messages.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What stands; health and messages are taken out.
    pub(super) fn take(&self) -> Standing {
        let mut standing = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = standing.clone();
        standing.health = None;
        standing.messages.clear();
        taken
    }
}
