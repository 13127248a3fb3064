use crate::calibration_file::StoredCalibration;

/// The calibration in use, as far as a new one has to know it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// `None`: there is none.
    pub current: Option<&'a StoredCalibration>,
    /// What is seen speaks against it: any accepted one is better.
    pub is_doubted: bool,
    /// The id that a new one gets.
    pub next_id: u32,
}

impl Standing<'_> {
    /// The id of the one in use; 0: there is none.
    pub fn id(&self) -> u32 {
        self.current.map_or(0, |stored| stored.calibration.id)
    }

    /// What a new one is measured against; `None`: any accepted one is better.
    pub fn residual_mm(&self) -> Option<f64> {
        let trusted = self.current.filter(|_| !self.is_doubted);
        trusted.map(|stored| stored.calibration.residual_mm)
    }
}

/// A calibration to be used from now on.
#[derive(Debug)]
pub struct Accepted {
    /// The calibration.
    pub stored: StoredCalibration,
    /// It comes from one picture, because several together gave none: a camera that moves, say. Better than nothing,
    /// to be replaced soon.
    pub is_doubted: bool,
}

impl Accepted {
    /// Its id.
    pub const fn id(&self) -> u32 {
        self.stored.calibration.id
    }
}
