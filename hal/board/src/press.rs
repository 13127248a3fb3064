//! What a person meant by pressing: pure logic over levels and times.

/// A level that does not stay this long is bounce or a disturbance.
pub const DEBOUNCE_US: u64 = 30_000;
/// From here on a press is long.
pub const LONG_US: u64 = 3_000_000;
/// From here on a press is very long.
pub const VERY_LONG_US: u64 = 10_000_000;
/// Nobody presses this long: the button is stuck, or something lies on it.
pub const STUCK_US: u64 = 60_000_000;

/// A press, known when the button is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Released before [`LONG_US`].
    Short,
    /// Held for [`LONG_US`] or longer.
    Long,
    /// Held for [`VERY_LONG_US`] or longer.
    VeryLong,
}

/// What the button has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtonEvent {
    /// It is down, and has been for so long that its release would be this press.
    Reached(Press),
    /// It was pressed and released.
    Pressed(Press),
    /// It has been down for [`STUCK_US`]. Its release will not count as a press.
    Stuck,
    /// It was stuck and has come free.
    Freed,
}

/// Tells presses from bounce, from a button that was down all along, and from one that is stuck.
#[derive(Debug, Clone)]
pub struct PressClassifier {
    level: Level,
    level_since_us: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Up,
    Down,
}

/// The debounced button.
#[derive(Debug, Clone, Copy)]
enum State {
    Released,
    Held {
        since_us: u64,
        /// What was told of it.
        reached: Option<Press>,
    },
    /// Down since before anybody watched.
    HeldFromStart {
        since_us: u64,
    },
    Stuck,
}

impl PressClassifier {
    /// Begins with the level as it is at `now_us`. A button that is down already counts only after its release.
    pub fn new(is_down: bool, now_us: u64) -> Self {
        let (level, state) = if is_down {
            (Level::Down, State::HeldFromStart { since_us: now_us })
        } else {
            (Level::Up, State::Released)
        };
        Self {
            level,
            level_since_us: now_us,
            state,
        }
    }

    /// Takes the level at `now_us`: at every edge, and from time to time between them (a release is known only once it
    /// has lasted for [`DEBOUNCE_US`]). Returns what has become certain by now.
    pub fn observe(&mut self, is_down: bool, now_us: u64) -> Option<ButtonEvent> {
        // An edge may be reported after a later look at the level: time stands still meanwhile.
        let now_us = now_us.max(self.level_since_us);
        let event = self.settle(now_us);
        let level = if is_down { Level::Down } else { Level::Up };
        if level != self.level {
            self.level = level;
            self.level_since_us = now_us;
        }
        event
    }

    /// Whether the level has just changed, so that it is worth looking again after [`DEBOUNCE_US`].
    pub fn is_settling(&self) -> bool {
        (self.level == Level::Down) == matches!(self.state, State::Released)
    }

    fn settle(&mut self, now_us: u64) -> Option<ButtonEvent> {
        let is_stable = now_us - self.level_since_us >= DEBOUNCE_US;
        match (self.state, self.level) {
            (State::Released, Level::Down) if is_stable => {
                self.state = State::Held {
                    since_us: self.level_since_us,
                    reached: None,
                };
                self.settle(now_us)
            }
            (State::Held { since_us, .. }, Level::Up) if is_stable => {
                self.state = State::Released;
                Some(ButtonEvent::Pressed(Press::of(self.level_since_us - since_us)))
            }
            (State::HeldFromStart { .. }, Level::Up) if is_stable => {
                self.state = State::Released;
                None
            }
            (State::Stuck, Level::Up) if is_stable => {
                self.state = State::Released;
                Some(ButtonEvent::Freed)
            }
            (State::Held { since_us, .. } | State::HeldFromStart { since_us }, Level::Down)
                if now_us - since_us >= STUCK_US =>
            {
                self.state = State::Stuck;
                Some(ButtonEvent::Stuck)
            }
            (State::Held { since_us, reached }, Level::Down) => {
                let stage = Press::of(now_us - since_us);
                self.state = State::Held {
                    since_us,
                    reached: Some(stage),
                };
                (reached != Some(stage)).then_some(ButtonEvent::Reached(stage))
            }
            _ => None,
        }
    }
}

impl Press {
    fn of(held_us: u64) -> Self {
        match held_us {
            VERY_LONG_US.. => Self::VeryLong,
            LONG_US.. => Self::Long,
            _ => Self::Short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays (time in ms, is down) to a released button, looking at the level every 10 ms between, until `end_ms`. What
    /// is told while it is down is left out.
    fn play(edges: &[(u64, bool)], end_ms: u64) -> Vec<(u64, ButtonEvent)> {
        play_from(false, edges, end_ms)
    }

    fn play_from(down_at_start: bool, edges: &[(u64, bool)], end_ms: u64) -> Vec<(u64, ButtonEvent)> {
        let mut events = all_from(down_at_start, edges, end_ms);
        events.retain(|(_, event)| !matches!(event, ButtonEvent::Reached(_)));
        events
    }

    fn all_from(down_at_start: bool, edges: &[(u64, bool)], end_ms: u64) -> Vec<(u64, ButtonEvent)> {
        let mut classifier = PressClassifier::new(down_at_start, 0);
        let mut edges = edges.iter().copied().peekable();
        let mut is_down = down_at_start;
        let mut events = Vec::new();
        for now_ms in 0..=end_ms {
            let mut is_edge = false;
            while let Some((_, level)) = edges.next_if(|&(at_ms, _)| at_ms == now_ms) {
                (is_down, is_edge) = (level, true);
            }
            if is_edge || now_ms % 10 == 0 {
                events.extend(
                    classifier
                        .observe(is_down, now_ms * 1_000)
                        .map(|event| (now_ms, event)),
                );
            }
        }
        events
    }

    fn press_of(held_ms: u64) -> Press {
        let events = play(&[(100, true), (100 + held_ms, false)], held_ms + 500);
        match events[..] {
            [(at_ms, ButtonEvent::Pressed(press))] => {
                assert!(at_ms >= 100 + held_ms, "a press is known on release, not before");
                press
            }
            _ => panic!("one press expected, not {events:?}"),
        }
    }

    #[test]
    fn the_time_of_holding_decides_the_kind_of_press() {
        assert_eq!(press_of(40), Press::Short);
        assert_eq!(press_of(2_999), Press::Short);
        assert_eq!(press_of(3_000), Press::Long);
        assert_eq!(press_of(9_999), Press::Long);
        assert_eq!(press_of(10_000), Press::VeryLong);
        assert_eq!(press_of(59_999), Press::VeryLong);
    }

    #[test]
    fn while_it_is_held_each_stage_is_told_when_it_is_reached() {
        let events = all_from(
            false,
            &[(100, true), (110, false), (115, true), (12_000, false)],
            13_000,
        );
        assert_eq!(
            events,
            [
                (150, ButtonEvent::Reached(Press::Short)),
                (3_120, ButtonEvent::Reached(Press::Long)),
                (10_120, ButtonEvent::Reached(Press::VeryLong)),
                (12_030, ButtonEvent::Pressed(Press::VeryLong)),
            ]
        );
    }

    #[test]
    fn bounce_at_both_ends_is_one_press() {
        let edges = [
            (100, true),
            (103, false),
            (105, true),
            (112, false),
            (119, true),
            (400, false),
            (402, true),
            (420, false),
            (428, true),
            (431, false),
        ];
        let events = play(&edges, 1_000);
        assert!(
            matches!(events[..], [(_, ButtonEvent::Pressed(Press::Short))]),
            "{events:?}"
        );
    }

    #[test]
    fn a_disturbance_shorter_than_bounce_is_nothing() {
        assert_eq!(play(&[(100, true), (129, false)], 1_000), []);
    }

    #[test]
    fn a_dropout_shorter_than_bounce_does_not_split_a_long_press() {
        let events = play(
            &[(100, true), (2_000, false), (2_020, true), (3_200, false)],
            4_000,
        );
        assert!(
            matches!(events[..], [(_, ButtonEvent::Pressed(Press::Long))]),
            "{events:?}"
        );
    }

    #[test]
    fn two_presses_are_two() {
        let events = play(&[(100, true), (200, false), (260, true), (360, false)], 1_000);
        assert_eq!(
            events.iter().map(|&(_, event)| event).collect::<Vec<_>>(),
            [ButtonEvent::Pressed(Press::Short); 2]
        );
    }

    #[test]
    fn a_button_held_at_boot_counts_only_from_its_next_press() {
        assert_eq!(play_from(true, &[(5_000, false)], 6_000), []);
        let events = play_from(true, &[(5_000, false), (6_000, true), (6_100, false)], 7_000);
        assert!(
            matches!(events[..], [(_, ButtonEvent::Pressed(Press::Short))]),
            "{events:?}"
        );
    }

    #[test]
    fn a_stuck_button_is_reported_once_and_its_release_is_no_press() {
        let events = play(&[(100, true), (90_000, false)], 100_000);
        assert_eq!(
            events,
            [(60_100, ButtonEvent::Stuck), (90_030, ButtonEvent::Freed)]
        );
        assert_eq!(
            play_from(true, &[], 70_000),
            [(60_000, ButtonEvent::Stuck)],
            "also when held since boot"
        );
    }

    #[test]
    fn without_looks_between_the_edges_nothing_is_lost_but_time() {
        let mut classifier = PressClassifier::new(false, 0);
        assert_eq!(classifier.observe(true, 1_000_000), None);
        assert!(classifier.is_settling());
        assert_eq!(
            classifier.observe(false, 5_000_000),
            Some(ButtonEvent::Reached(Press::Long))
        );
        assert!(classifier.is_settling());
        assert_eq!(
            classifier.observe(false, 9_000_000),
            Some(ButtonEvent::Pressed(Press::Long))
        );
        assert!(!classifier.is_settling());
    }

    #[test]
    fn time_that_runs_backwards_disturbs_nothing() {
        let mut classifier = PressClassifier::new(false, 1_000_000);
        assert_eq!(classifier.observe(true, 500_000), None);
        assert_eq!(
            classifier.observe(true, 1_100_000),
            Some(ButtonEvent::Reached(Press::Short))
        );
        assert_eq!(classifier.observe(false, 900_000), None);
        assert_eq!(
            classifier.observe(false, 1_200_000),
            Some(ButtonEvent::Pressed(Press::Short))
        );
    }
}
