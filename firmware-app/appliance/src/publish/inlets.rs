//! What is to be published beside states and events: things that change seldom, set by the supervisor.

use std::sync::{Mutex, PoisonError};

use baize_table_state::CameraStatus;

/// The newest of each, for every new connection and on change.
#[derive(Debug, Default)]
pub struct Inlets {
    inner: Mutex<Standing>,
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
    /// Results of calibrations, as JSON; taken when published.
    pub results: Vec<String>,
}

impl Inlets {
    /// Changes what stands.
    pub fn update(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What stands; health and results are taken out.
    pub(super) fn take(&self) -> Standing {
        let mut standing = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = standing.clone();
        standing.health = None;
        standing.results.clear();
        taken
    }
}
