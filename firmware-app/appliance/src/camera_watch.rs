//! Whether the camera still is where the calibration has it: a look at the noses every few seconds, beside the
//! pipeline.

use std::time::{Duration, Instant};

use baize_table_calibration::{NoseDepths, drift_mm, nose_depths_mm};
use serde_json::{Value, json};

use crate::background::Job;
use crate::calibration_file::StoredCalibration;
use crate::recalibration::Picture;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Noses that are seen this far from where they were have moved, mm: shadows and players shift them by less.
const MOVED_MM: f64 = 6.0;

/// So many looks in a row must say so: somebody who leans over two sides does not stay.
const LOOKS_AGAINST: u32 = 3;

/// With fewer noses in the calibration's own pictures there is nothing to compare with.
const SIDES_MIN: usize = 2;

enum Look {
    /// The next one is due then.
    Due(Instant),
    /// A picture was asked for.
    Asked,
    Comparing(Job<NoseDepths>),
}

/// The watch over the camera's place.
pub struct CameraWatch {
    look: Look,
    looks: u64,
    against: u32,
    drift_mm: Option<f64>,
}

impl CameraWatch {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self {
            look: Look::Due(Instant::now() + LOOK_EVERY),
            looks: 0,
            against: 0,
            drift_mm: None,
        }
    }

    /// Whether what is seen speaks against the calibration.
    pub const fn speaks_against(&self) -> bool {
        self.against >= LOOKS_AGAINST
    }

    /// Makes a turn. Without a calibration, and while one is made, nobody looks.
    pub fn turn(&mut self, current: Option<&StoredCalibration>, is_calibrating: bool) {
        let Some(current) = current
            .filter(|_| !is_calibrating)
            .filter(|stored| can_tell(stored))
        else {
            self.look = Look::Due(Instant::now() + LOOK_EVERY);
            return;
        };
        match &self.look {
            Look::Due(at) if Instant::now() >= *at => {
                Picture::ask();
                self.look = Look::Asked;
            }
            Look::Due(_) => {}
            Look::Asked => {
                if let Some(picture) = Picture::take() {
                    let calibration = current.calibration;
                    self.look = Look::Comparing(Job::start("baize-watch", move || {
                        picture
                            .view()
                            .map_or([None; 4], |view| nose_depths_mm(&view, &calibration))
                    }));
                }
            }
            Look::Comparing(job) => {
                if let Some(seen) = job.poll() {
                    self.look = Look::Due(Instant::now() + LOOK_EVERY);
                    if let Ok(now) = seen {
                        self.judge(&current.nose_depths_mm, &now);
                    }
                }
            }
        }
    }

    /// Where too few noses show, the table is not where the calibration has it, or it is dark: neither is to be trusted.
    fn judge(&mut self, before: &NoseDepths, now: &NoseDepths) {
        self.looks += 1;
        self.drift_mm = drift_mm(before, now);
        if self.drift_mm.is_none_or(|drift_mm| drift_mm > MOVED_MM) {
            self.against += 1;
        } else {
            self.against = 0;
        }
    }

    /// For health: how far the noses have moved since the calibration, mm, `null` where too few show; whether that
    /// speaks against it; looks so far.
    pub fn report(&self) -> Value {
        json!({"drift_mm": self.drift_mm, "speaks_against": self.speaks_against(), "looks": self.looks})
    }
}

fn can_tell(stored: &StoredCalibration) -> bool {
    stored.nose_depths_mm.iter().flatten().count() >= SIDES_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: NoseDepths = [Some(1.0), Some(0.0), Some(2.0), Some(1.0)];

    fn watch_after(looks: &[NoseDepths]) -> CameraWatch {
        let mut watch = CameraWatch::new();
        for now in looks {
            watch.judge(&BEFORE, now);
        }
        watch
    }

    #[test]
    fn a_moved_camera_is_told_after_three_looks_and_not_after_two() {
        let moved = [Some(13.0), Some(0.0), Some(-10.0), Some(1.0)];
        assert!(!watch_after(&[moved; 2]).speaks_against());
        let watch = watch_after(&[moved; 3]);
        assert!(watch.speaks_against());
        assert_eq!(watch.report()["drift_mm"], 12.0);
    }

    #[test]
    fn a_player_who_leans_over_one_side_for_long_is_no_moved_camera() {
        let leaning = [Some(25.0), Some(0.5), Some(2.0), None];
        assert!(!watch_after(&[leaning; 20]).speaks_against());
    }

    #[test]
    fn a_table_that_is_out_of_sight_speaks_against_the_calibration_until_it_is_back() {
        let out_of_sight = [None, None, Some(2.0), None];
        assert!(watch_after(&[out_of_sight; 3]).speaks_against());
        assert!(!watch_after(&[out_of_sight, out_of_sight, out_of_sight, BEFORE]).speaks_against());
    }
}
