//! Rate adaptation: when detection cannot keep up, frames are left out evenly, and nothing queues.

/// How long the detector must be too slow before frames are left out, and the span over which it is judged.
const TOO_SLOW_US: u64 = 2_000_000;

/// How long a higher rate must look possible before it is tried: longer, so that the rate does not swing.
const FAST_ENOUGH_US: u64 = 5_000_000;

/// A higher rate is tried only when detection would take at most this part of its interval.
const HEADROOM: f32 = 0.85;

/// At most every sixth frame: 5 of 30 a second. A detector slower than that is broken, and the drops say so.
const LONGEST_STRIDE: u32 = 6;

/// Classes of the histogram of busy times, each an eighth of a frame interval wide.
const CLASSES: usize = 8 * (LONGEST_STRIDE as usize + 2);

/// Why not every frame is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Every frame is.
    None,
    /// Detection takes longer than a frame lasts.
    DetectorTooSlow,
    /// The machine is too hot or short of power and has lowered its clocks.
    Throttled,
}

impl Reason {
    /// For health.
    pub const fn text(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::DetectorTooSlow => "detector slower than the camera",
            Self::Throttled => "machine throttled",
        }
    }
}

/// Decides which frames are processed: every one, every second, every third …
#[derive(Debug)]
pub struct RateAdapter {
    interval_us: u32,
    stride: u32,
    reason: Reason,
    busy: [u32; CLASSES],
    window_start_us: u64,
    fast_since_us: Option<u64>,
}

impl RateAdapter {
    /// For a camera with this time between frames.
    pub const fn new(interval_us: u32) -> Self {
        Self {
            interval_us: if interval_us == 0 { 1 } else { interval_us },
            stride: 1,
            reason: Reason::None,
            busy: [0; CLASSES],
            window_start_us: 0,
            fast_since_us: None,
        }
    }

    #[cfg(test)]
    const fn stride(&self) -> u32 {
        self.stride
    }

    /// The camera has this time between frames; another one than before is judged afresh.
    pub const fn set_interval(&mut self, interval_us: u32) {
        if interval_us != self.interval_us {
            *self = Self::new(interval_us);
        }
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// A frame took `busy_us`, and that ended at `now_us`. Returns the stride from now on.
    pub fn observe(&mut self, now_us: u64, busy_us: u32, throttled: bool) -> u32 {
        if self.window_start_us == 0 {
            self.window_start_us = now_us;
        }
        let class = (u64::from(busy_us) * 8 / u64::from(self.interval_us)) as usize;
        self.busy[class.min(CLASSES - 1)] += 1;
        if now_us.saturating_sub(self.window_start_us) < TOO_SLOW_US {
            return self.stride;
        }
        let p90_intervals = self.p90_in_eighths() as f32 / 8.0;
        self.busy = [0; CLASSES];
        self.window_start_us = now_us;

        let needed = if throttled {
            p90_intervals / HEADROOM
        } else {
            p90_intervals
        };
        let needed = (needed.ceil().max(1.0) as u32).min(LONGEST_STRIDE);
        if needed > self.stride {
            self.stride = needed;
            self.reason = if throttled {
                Reason::Throttled
            } else {
                Reason::DetectorTooSlow
            };
            self.fast_since_us = None;
        } else if self.stride > 1 && p90_intervals <= (self.stride - 1) as f32 * HEADROOM {
            let since = *self.fast_since_us.get_or_insert(now_us);
            if now_us - since >= FAST_ENOUGH_US {
                self.stride -= 1;
                self.fast_since_us = None;
                if self.stride == 1 {
                    self.reason = Reason::None;
                }
            }
        } else {
            self.fast_since_us = None;
        }
        self.stride
    }

    /// Upper edge of the class that holds the 90th percentile.
    fn p90_in_eighths(&self) -> usize {
        let total: u32 = self.busy.iter().sum();
        let mut seen = 0;
        for (class, count) in self.busy.iter().enumerate() {
            seen += count;
            if seen * 10 >= total * 9 {
                return class + 1;
            }
        }
        CLASSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL_US: u32 = 33_333;

    /// Feeds `seconds` of frames that take `busy_us` each; returns the time afterwards.
    fn run(adapter: &mut RateAdapter, from_us: u64, seconds: u64, busy_us: u32, throttled: bool) -> u64 {
        let mut now_us = from_us;
        while now_us < from_us + seconds * 1_000_000 {
            now_us += u64::from(busy_us.max(INTERVAL_US * adapter.stride()));
            adapter.observe(now_us, busy_us, throttled);
        }
        now_us
    }

    #[test]
    fn a_detector_that_keeps_up_sees_every_frame() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        run(&mut adapter, 1, 20, 25_000, false);
        assert_eq!((adapter.stride(), adapter.reason()), (1, Reason::None));
    }

    #[test]
    fn a_detector_of_one_and_a_half_intervals_gets_every_second_frame_after_two_seconds() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        let now_us = run(&mut adapter, 1, 1, 48_000, false);
        assert_eq!(adapter.stride(), 1, "one second is too short to judge");
        run(&mut adapter, now_us, 2, 48_000, false);
        assert_eq!((adapter.stride(), adapter.reason()), (2, Reason::DetectorTooSlow));
    }

    #[test]
    fn a_few_slow_frames_change_nothing() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        let mut now_us = 1;
        for frame in 0..600 {
            now_us += u64::from(INTERVAL_US);
            adapter.observe(now_us, if frame % 20 == 0 { 90_000 } else { 20_000 }, false);
        }
        assert_eq!(adapter.stride(), 1);
    }

    #[test]
    fn the_rate_recovers_late_and_does_not_swing() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        let mut now_us = run(&mut adapter, 1, 4, 80_000, false);
        assert_eq!(adapter.stride(), 3);
        now_us = run(&mut adapter, now_us, 5, 20_000, false);
        assert_eq!(
            adapter.stride(),
            3,
            "five seconds have not passed in which it was seen to be fast enough"
        );
        now_us = run(&mut adapter, now_us, 20, 20_000, false);
        assert_eq!((adapter.stride(), adapter.reason()), (1, Reason::None));
        // Just below the limit: too close to try the higher rate.
        now_us = run(&mut adapter, now_us, 4, 40_000, false);
        assert_eq!(adapter.stride(), 2);
        run(&mut adapter, now_us, 30, 30_000, false);
        assert_eq!(adapter.stride(), 2);
    }

    #[test]
    fn a_camera_with_another_rate_is_judged_afresh() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        let now_us = run(&mut adapter, 1, 4, 80_000, false);
        assert_eq!(adapter.stride(), 3);
        adapter.set_interval(100_000);
        run(&mut adapter, now_us, 3, 80_000, false);
        assert_eq!((adapter.stride(), adapter.reason()), (1, Reason::None));
    }

    #[test]
    fn a_throttled_machine_keeps_more_headroom_and_says_why() {
        let mut adapter = RateAdapter::new(INTERVAL_US);
        run(&mut adapter, 1, 5, 30_000, true);
        assert_eq!((adapter.stride(), adapter.reason()), (2, Reason::Throttled));
    }
}
