//! What is known of the way to the broker: whether it is there, whether it listens, what is on its way.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use baize_table_state::Topic;

/// How often the broker is asked for a sign of life.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// After so long without one, nothing more is handed over: what the kernel has taken can't be called back, and a
/// backlog is worse than a gap.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// A publication with quality of service 1, by what its acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// What waited in the outbox under that number, and its topic.
    Outbox(u64, Topic),
    /// Nothing but a sign of life.
    SignOfLife,
}

/// A state on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateOnItsWay {
    /// When the frame was exposed, monotonic.
    pub exposure_us: u64,
    /// When the state was handed to the client, monotonic.
    pub handed_over_us: u64,
}

/// The state of the link. Publications of one quality of service are sent in the order they were handed over, so
/// queues suffice to match what the client reports to what it was given.
#[derive(Debug, Default)]
pub struct Link {
    connected: bool,
    connections: u64,
    asked_since: Option<Instant>,
    quality_0: VecDeque<Option<StateOnItsWay>>,
    quality_1: VecDeque<Acknowledged>,
    by_packet_id: HashMap<u16, Acknowledged>,
}

impl Link {
    /// The broker accepted the connection.
    pub fn connected(&mut self) {
        self.broke();
        self.connected = true;
        self.connections += 1;
    }

    /// The connection is gone, and everything on its way with it.
    pub fn broke(&mut self) {
        let connections = self.connections;
        *self = Self {
            connections,
            ..Self::default()
        };
    }

    /// Whether there is a connection.
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// How many connections there were.
    pub const fn connections(&self) -> u64 {
        self.connections
    }

    /// Whether the broker reads what it is sent: connected, and no question unanswered for too long.
    pub fn listens(&self, now: Instant) -> bool {
        self.connected
            && self
                .asked_since
                .is_none_or(|asked| now.duration_since(asked) < SILENCE_MAX)
    }

    /// A publication of quality 0 was handed to the client; with its times where it is a state.
    pub fn handed_over(&mut self, state: Option<StateOnItsWay>) {
        self.quality_0.push_back(state);
    }

    /// A publication of quality 1 was handed to the client.
    pub fn handed_over_for_acknowledgement(&mut self, what: Acknowledged, now: Instant) {
        self.quality_1.push_back(what);
        self.asked_since.get_or_insert(now);
    }

    /// The client has written a publication to the network; packet id 0 means quality 0.
    pub fn sent(&mut self, packet_id: u16) -> Option<StateOnItsWay> {
        if packet_id == 0 {
            return self.quality_0.pop_front().flatten();
        }
        if let Some(what) = self.quality_1.pop_front() {
            self.by_packet_id.insert(packet_id, what);
        }
        None
    }

    /// The broker acknowledged a publication.
    pub fn acknowledged(&mut self, packet_id: u16, now: Instant) -> Option<Acknowledged> {
        let what = self.by_packet_id.remove(&packet_id);
        let nothing_open = self.by_packet_id.is_empty() && self.quality_1.is_empty();
        // Any answer shows that the broker reads; the clock starts again for what is still open.
        self.asked_since = if nothing_open { None } else { Some(now) };
        what
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_does_not_answer_for_half_a_second_does_not_listen() {
        let mut link = Link::default();
        let start = Instant::now();
        link.connected();
        link.handed_over_for_acknowledgement(Acknowledged::SignOfLife, start);
        assert!(link.listens(start + Duration::from_millis(499)));
        assert!(!link.listens(start + Duration::from_millis(500)));
        link.sent(1);
        link.acknowledged(1, start + Duration::from_secs(30));
        assert!(link.listens(start + Duration::from_secs(31)));
    }

    #[test]
    fn acknowledgements_find_their_events() {
        let mut link = Link::default();
        let now = Instant::now();
        link.connected();
        link.handed_over_for_acknowledgement(Acknowledged::SignOfLife, now);
        link.handed_over_for_acknowledgement(Acknowledged::Outbox(42, Topic::Event), now);
        link.sent(1);
        link.sent(2);
        assert_eq!(
            link.acknowledged(2, now),
            Some(Acknowledged::Outbox(42, Topic::Event))
        );
        assert_eq!(link.acknowledged(1, now), Some(Acknowledged::SignOfLife));
        assert_eq!(link.acknowledged(1, now), None);
    }

    #[test]
    fn states_are_matched_in_order_and_forgotten_with_the_link() {
        let mut link = Link::default();
        let now = Instant::now();
        link.connected();
        let state = StateOnItsWay {
            exposure_us: 5,
            handed_over_us: 9,
        };
        link.handed_over(None);
        link.handed_over(Some(state));
        assert_eq!(link.sent(0), None);
        assert_eq!(link.sent(0), Some(state));
        link.handed_over(Some(state));
        link.broke();
        assert_eq!(link.sent(0), None);
        assert!(!link.listens(now));
        assert_eq!(link.connections(), 1);
    }
}
