//! Which states are published: those that say something new, and enough of the others.

use baize_table_state::TableState;

use crate::limits::STATE_INTERVAL_MAX_US;

/// Compares every state with the one published last.
#[derive(Debug, Default)]
pub struct News {
    published: Option<(TableState, u64)>,
    previous_us: u64,
}

impl News {
    /// Whether the state of `now_us` is to be published. If so, the next ones are compared with it.
    pub fn is_news(&mut self, state: &TableState, now_us: u64) -> bool {
        // The next state may be as long in coming as this one was; it would then be too late.
        let next_us = now_us + now_us.saturating_sub(self.previous_us);
        self.previous_us = now_us;
        let is_news = self.published.as_ref().is_none_or(|(published, at_us)| {
            next_us.saturating_sub(*at_us) > STATE_INTERVAL_MAX_US || differs(state, published)
        });
        if is_news {
            self.published = Some((state.clone(), now_us));
        }
        is_news
    }
}

/// Whether one state says anything that the other does not, but when.
fn differs(state: &TableState, other: &TableState) -> bool {
    state.flags != other.flags
        || state.calibration_id != other.calibration_id
        || state.calibration_validity != other.calibration_validity
        || state.balls != other.balls
        || state.cue != other.cue
        || state.cue_action != other.cue_action
}

#[cfg(test)]
mod tests {
    use super::*;
    use baize_table_state::{CueAction, CueState, Flags};

    fn still(frame: u64) -> TableState {
        TableState::uncalibrated(frame, frame * 1000)
    }

    /// The times at which a table that does not change is published, milliseconds.
    fn published_at_ms(interval_ms: u64) -> Vec<u64> {
        let mut news = News::default();
        (1..10_000 / interval_ms)
            .map(|frame| frame * interval_ms)
            .filter(|&at_ms| news.is_news(&still(at_ms), at_ms * 1000))
            .collect()
    }

    #[test]
    fn a_resting_table_is_published_five_times_a_second_at_every_frame_rate() {
        for fps in [5, 10, 12, 15, 20, 25, 30, 60, 120] {
            let at_ms = published_at_ms(1000 / fps);
            let longest = at_ms.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest.is_some_and(|gap| gap <= 200), "{fps}: {longest:?} ms");
        }
    }

    #[test]
    fn a_resting_table_is_not_published_with_every_frame() {
        assert!(published_at_ms(8).len() < 1250 / 10);
    }

    #[test]
    fn a_change_is_published_at_once() {
        let mut news = News::default();
        assert!(news.is_news(&still(1), 1000));
        assert!(!news.is_news(&still(2), 9000));
        let mut changed = still(3);
        changed.flags.set(Flags::OCCLUDED, true);
        assert!(news.is_news(&changed, 17_000));
        changed.cue_action = CueAction::only(CueState::HIDDEN);
        assert!(
            news.is_news(&changed, 25_000),
            "a cue went that was not seen before either"
        );
    }
}
