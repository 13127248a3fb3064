//! What the stages and the supervisor tell each other beside frames and states: a handful of atomics.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use baize_frame::{ImageView, Region};
use baize_realtime::clock;
use baize_realtime::sealing::Role;
use baize_table_state::{CalibrationValidity, CameraStatus, Flags};
use baize_table_vision::StageOutput;

use super::adapt::Reason;
use crate::limits::{DETECTOR_FAILURES_MAX, frame_age_max_us};
use crate::metrics::METRICS;

/// See the module.
#[derive(Debug)]
pub struct Shared {
    stopping: AtomicBool,
    camera: AtomicU8,
    recalibrating: AtomicBool,
    calibration_doubted: AtomicBool,
    picture_wanted: AtomicBool,
    throttled: AtomicBool,
    rate_reason: AtomicU8,
    /// Frames on which the detector failed since it last did not.
    detector_failures: AtomicU32,
    frame_interval_us: AtomicU32,
    /// x, y, width and height of the region of interest, 16 bits each; 0: the whole picture.
    region: AtomicU64,
    turns: [AtomicU64; Role::ALL.len()],
    ended: [AtomicBool; Role::ALL.len()],
}

/// The one pipeline's.
pub static SHARED: Shared = Shared {
    stopping: AtomicBool::new(false),
    camera: AtomicU8::new(CameraStatus::Recovering as u8),
    recalibrating: AtomicBool::new(false),
    calibration_doubted: AtomicBool::new(false),
    picture_wanted: AtomicBool::new(false),
    throttled: AtomicBool::new(false),
    rate_reason: AtomicU8::new(0),
    detector_failures: AtomicU32::new(0),
    frame_interval_us: AtomicU32::new(0),
    region: AtomicU64::new(0),
    turns: [const { AtomicU64::new(0) }; Role::ALL.len()],
    ended: [const { AtomicBool::new(false) }; Role::ALL.len()],
};

impl Shared {
    /// Asks every stage to end; each does within a second.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn turn(&self, role: Role) {
        self.turns[role as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many turns each stage has made: what the watchdog is fed by.
    pub fn turns(&self) -> [u64; Role::ALL.len()] {
        Role::ALL.map(|role| self.turns[role as usize].load(Ordering::Relaxed))
    }

    pub(super) fn ended(&self, role: Role) {
        self.ended[role as usize].store(true, Ordering::Release);
    }

    /// Whether a stage has done all it will ever do.
    pub fn has_ended(&self, role: Role) -> bool {
        self.ended[role as usize].load(Ordering::Acquire)
    }

    /// Says how the camera is: the capture thread while it has one, the camera keeper while it cannot open it.
    pub fn set_camera(&self, status: CameraStatus) {
        self.camera.store(status as u8, Ordering::Relaxed);
    }

    /// How the camera is: what was said last, but `Online` only while the newest frame is fresh.
    pub fn camera(&self) -> CameraStatus {
        let status =
            CameraStatus::ALL[usize::from(self.camera.load(Ordering::Relaxed)) % CameraStatus::ALL.len()];
        if status == CameraStatus::Online && !self.pictures_are_fresh() {
            CameraStatus::Recovering
        } else {
            status
        }
    }

    /// Says in every state that a calibration is under way.
    pub fn set_recalibrating(&self, yes: bool) {
        self.recalibrating.store(yes, Ordering::Relaxed);
    }

    /// Says in every state that its positions may be off.
    pub fn set_calibration_doubted(&self, yes: bool) {
        self.calibration_doubted.store(yes, Ordering::Relaxed);
    }

    /// Asks the table thread for the next frame, in [`super::PICTURES`].
    pub fn want_picture(&self) {
        self.picture_wanted.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_picture_request(&self) -> bool {
        self.picture_wanted.load(Ordering::Relaxed) && self.picture_wanted.swap(false, Ordering::Relaxed)
    }

    /// The supervisor saw lowered clocks.
    pub fn set_throttled(&self, yes: bool) {
        self.throttled.store(yes, Ordering::Relaxed);
    }

    pub(super) fn is_throttled(&self) -> bool {
        self.throttled.load(Ordering::Relaxed)
    }

    pub(super) fn set_rate_reason(&self, reason: Reason) {
        self.rate_reason.store(reason as u8, Ordering::Relaxed);
    }

    /// The camera has so much time between two frames from now on.
    pub(super) fn set_frame_interval_us(&self, interval_us: u32) {
        self.frame_interval_us.store(interval_us, Ordering::Relaxed);
    }

    /// Time between two frames of the camera: the one wished for, where it does not tell.
    pub fn frame_interval_us(&self) -> u32 {
        self.frame_interval_us.load(Ordering::Relaxed)
    }

    /// Why frames are left out.
    pub fn rate_reason(&self) -> Reason {
        match self.rate_reason.load(Ordering::Relaxed) {
            1 => Reason::DetectorTooSlow,
            2 => Reason::Throttled,
            _ => Reason::None,
        }
    }

    /// Whether the detector worked on the newest frame.
    pub(super) fn detector_worked(&self, yes: bool) {
        if yes {
            self.detector_failures.store(0, Ordering::Relaxed);
        } else {
            self.detector_failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the detector fails on every frame.
    pub fn detector_fails(&self) -> bool {
        self.detector_failures.load(Ordering::Relaxed) >= DETECTOR_FAILURES_MAX
    }

    /// Where in the picture the table is; `None`: nobody knows.
    pub fn set_region_of_interest(&self, region: Option<Region>) {
        let region = region.unwrap_or_default();
        let packed = [region.x, region.y, region.width, region.height]
            .iter()
            .fold(0u64, |packed, value| {
                packed << 16 | u64::from((*value).min(u32::from(u16::MAX)))
            });
        self.region.store(packed, Ordering::Relaxed);
    }

    pub(super) fn region_of_interest(&self, image: &ImageView<'_>) -> Region {
        let packed = self.region.load(Ordering::Relaxed);
        let part = |at: u32| (packed >> at) as u32 & u32::from(u16::MAX);
        let region = Region {
            x: part(48),
            y: part(32),
            width: part(16),
            height: part(0),
        };
        let whole = image.whole();
        let fits = region.width > 0
            && region.height > 0
            && region.x + region.width <= whole.width
            && region.y + region.height <= whole.height;
        if fits { region } else { whole }
    }

    /// Sets what the stage cannot know.
    pub(super) fn mark(&self, output: &mut StageOutput) {
        output
            .state
            .flags
            .set(Flags::CAMERA_LOST | Flags::DETECTOR_FAILED, false);
        if self.camera() == CameraStatus::Lost || !self.pictures_are_fresh() {
            output.mark_unseen(Flags::CAMERA_LOST);
        } else if self.detector_fails() {
            output.mark_unseen(Flags::DETECTOR_FAILED);
        }
        output
            .state
            .flags
            .set(Flags::RECALIBRATING, self.recalibrating.load(Ordering::Relaxed));
        let validity = &mut output.state.calibration_validity;
        if *validity == CalibrationValidity::VALID && self.calibration_doubted.load(Ordering::Relaxed) {
            *validity = CalibrationValidity::SUSPECT;
        }
    }

    fn pictures_are_fresh(&self) -> bool {
        let arrival_us = METRICS.newest_arrival_us.load(Ordering::Relaxed);
        clock::monotonic_us().saturating_sub(arrival_us) <= frame_age_max_us(self.frame_interval_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_frame::{FrameFormat, PixelFormat};

    #[test]
    fn a_detector_that_fails_again_and_again_is_said_in_the_state_and_one_failure_is_not() {
        let mut output = StageOutput::new();
        METRICS
            .newest_arrival_us
            .store(clock::monotonic_us(), Ordering::Relaxed);
        SHARED.set_camera(CameraStatus::Online);
        SHARED.detector_worked(false);
        SHARED.mark(&mut output);
        assert!(!output.state.flags.contains(Flags::DETECTOR_FAILED));
        for _ in 1..DETECTOR_FAILURES_MAX {
            SHARED.detector_worked(false);
        }
        SHARED.mark(&mut output);
        assert!(output.state.flags.contains(Flags::DETECTOR_FAILED));
        assert!(!output.state.flags.contains(Flags::ALL_AT_REST));
        SHARED.detector_worked(true);
        SHARED.mark(&mut output);
        assert!(!output.state.flags.contains(Flags::DETECTOR_FAILED));
    }

    #[test]
    fn a_region_that_does_not_fit_the_picture_is_the_whole_picture() {
        let bytes = vec![0; 1280 * 720];
        let image =
            ImageView::new(&bytes, FrameFormat::packed(1280, 720, PixelFormat::Grey)).expect("a picture");
        assert_eq!(SHARED.region_of_interest(&image), image.whole());
        let region = Region {
            x: 100,
            y: 20,
            width: 900,
            height: 600,
        };
        SHARED.set_region_of_interest(Some(region));
        assert_eq!(SHARED.region_of_interest(&image), region);
        SHARED.set_region_of_interest(Some(Region { x: 1000, ..region }));
        assert_eq!(SHARED.region_of_interest(&image), image.whole());
    }
}
