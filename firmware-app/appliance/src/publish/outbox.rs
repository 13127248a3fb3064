//! Events until the broker has acknowledged them.

use std::collections::VecDeque;

use crate::limits::EVENT_OUTBOX;

/// An encoded event and whether it is on its way.
#[derive(Debug)]
struct Waiting {
    number: u64,
    payload: Vec<u8>,
    handed_over: bool,
}

/// Events in order, each kept until acknowledged, over reconnects. Full, it drops the oldest and counts.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Waiting>,
    next_number: u64,
    dropped: u64,
}

impl Outbox {
    /// Takes an event.
    pub fn push(&mut self, payload: Vec<u8>) {
        if self.waiting.len() == EVENT_OUTBOX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(Waiting {
            number: self.next_number,
            payload,
            handed_over: false,
        });
        self.next_number += 1;
    }

    /// The oldest event that is not on its way yet.
    pub fn next(&self) -> Option<(u64, &[u8])> {
        self.waiting
            .iter()
            .find(|event| !event.handed_over)
            .map(|event| (event.number, &event.payload[..]))
    }

    /// That event is on its way.
    pub fn handed_over(&mut self, number: u64) {
        if let Some(event) = self.waiting.iter_mut().find(|event| event.number == number) {
            event.handed_over = true;
        }
    }

    /// The broker has that event.
    pub fn acknowledged(&mut self, number: u64) {
        self.waiting.retain(|event| event.number != number);
    }

    /// The link broke: what was on its way has to go again.
    pub fn link_broke(&mut self) {
        for event in &mut self.waiting {
            event.handed_over = false;
        }
    }

    /// Events dropped because the outbox was full.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some((number, payload)) = outbox.next() {
            sent.push(payload.to_vec());
            outbox.handed_over(number);
        }
        sent
    }

    #[test]
    fn events_not_acknowledged_go_again_after_the_link_broke() {
        let mut outbox = Outbox::default();
        for event in 0..3 {
            outbox.push(vec![event]);
        }
        assert_eq!(drain(&mut outbox), [[0], [1], [2]]);
        outbox.acknowledged(1);
        outbox.link_broke();
        assert_eq!(drain(&mut outbox), [[0], [2]]);
    }

    #[test]
    fn a_full_outbox_drops_the_oldest_and_counts() {
        let mut outbox = Outbox::default();
        for event in 0..=EVENT_OUTBOX {
            outbox.push(vec![event as u8, (event >> 8) as u8]);
        }
        assert_eq!(outbox.dropped(), 1);
        assert_eq!(outbox.next().expect("it is full").1, [1, 0]);
    }
}
