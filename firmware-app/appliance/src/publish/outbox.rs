//! What must arrive, until the broker has acknowledged it: events, and what is said about calibrations.

use std::collections::VecDeque;

use baize_table_state::Topic;

use crate::limits::OUTBOX;

/// A publication and whether it is on its way.
#[derive(Debug)]
struct Waiting {
    number: u64,
    topic: Topic,
    payload: Vec<u8>,
    handed_over: bool,
}

/// Publications in order, each kept until acknowledged, over reconnects. Full, it drops the oldest and counts.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Waiting>,
    next_number: u64,
    dropped: u64,
}

impl Outbox {
    /// Takes one more.
    pub fn push(&mut self, topic: Topic, payload: Vec<u8>) {
        if self.waiting.len() == OUTBOX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(Waiting {
            number: self.next_number,
            topic,
            payload,
            handed_over: false,
        });
        self.next_number += 1;
    }

    /// The oldest one that is not on its way yet: its number, topic and payload.
    pub fn next(&self) -> Option<(u64, Topic, &[u8])> {
        self.waiting
            .iter()
            .find(|one| !one.handed_over)
            .map(|one| (one.number, one.topic, &one.payload[..]))
    }

    /// That one is on its way.
    pub fn handed_over(&mut self, number: u64) {
        if let Some(one) = self.waiting.iter_mut().find(|one| one.number == number) {
            one.handed_over = true;
        }
    }

    /// The broker has that one.
    pub fn acknowledged(&mut self, number: u64) {
        self.waiting.retain(|one| one.number != number);
    }

    /// The link broke: what was on its way has to go again.
    pub fn link_broke(&mut self) {
        for one in &mut self.waiting {
            one.handed_over = false;
        }
    }

    /// Publications dropped because the outbox was full.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some((number, _, payload)) = outbox.next() {
            sent.push(payload.to_vec());
            outbox.handed_over(number);
        }
        sent
    }

    #[test]
    fn events_not_acknowledged_go_again_after_the_link_broke() {
        let mut outbox = Outbox::default();
        for event in 0..3 {
            outbox.push(Topic::Event, vec![event]);
        }
        assert_eq!(drain(&mut outbox), [[0], [1], [2]]);
        outbox.acknowledged(1);
        outbox.link_broke();
        assert_eq!(drain(&mut outbox), [[0], [2]]);
    }

    #[test]
    fn a_full_outbox_drops_the_oldest_and_counts() {
        let mut outbox = Outbox::default();
        for event in 0..=OUTBOX {
            outbox.push(Topic::Event, vec![event as u8, (event >> 8) as u8]);
        }
        assert_eq!(outbox.dropped(), 1);
        assert_eq!(outbox.next().expect("it is full").2, [1, 0]);
    }
}
