/// When the pictures of a clip are shown, counted from the first one.
pub(super) struct Timeline {
    interval_us: u64,
    /// The clip's own time at which the count began.
    origin_us: Option<i64>,
    previous_us: Option<u64>,
}

impl Timeline {
    pub(super) const fn new(interval_us: u32) -> Self {
        Self {
            interval_us: interval_us as u64,
            origin_us: None,
            previous_us: None,
        }
    }

    /// When the next picture is shown. One without a time of its own, or with one that is no later than that of the
    /// picture before, follows that after the usual interval; from the latter on the clip's time is counted anew.
    pub(super) fn place(&mut self, time_us: Option<i64>) -> u64 {
        let usual_us = self
            .previous_us
            .map_or(0, |previous_us| previous_us + self.interval_us);
        let own_us = time_us.and_then(|time_us| {
            let own_us = u64::try_from(time_us - self.origin_us?).ok()?;
            (own_us > self.previous_us?).then_some(own_us)
        });
        if own_us.is_none() {
            self.origin_us = time_us
                .map(|time_us| time_us - usual_us as i64)
                .or(self.origin_us);
        }
        let shown_us = own_us.unwrap_or(usual_us);
        self.previous_us = Some(shown_us);
        shown_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed<const N: usize>(times: [Option<i64>; N]) -> [u64; N] {
        let mut timeline = Timeline::new(40);
        times.map(|time| timeline.place(time))
    }

    #[test]
    fn pictures_keep_their_own_distances_whatever_the_clips_first_time_is() {
        assert_eq!(placed([Some(1000), Some(1010), Some(1100)]), [0, 10, 100]);
        assert_eq!(placed([Some(-80), Some(-40), Some(0)]), [0, 40, 80]);
    }

    #[test]
    fn a_picture_without_a_time_follows_after_the_usual_interval() {
        assert_eq!(placed([None, None, Some(500), Some(520)]), [0, 40, 80, 100]);
        assert_eq!(placed([Some(0), None, Some(75)]), [0, 40, 75]);
    }

    #[test]
    fn a_clip_whose_time_starts_over_goes_on() {
        assert_eq!(
            placed([Some(0), Some(40), Some(0), Some(40), Some(80)]),
            [0, 40, 80, 120, 160]
        );
        assert_eq!(placed([Some(0), Some(0), Some(30)]), [0, 40, 70]);
    }
}
