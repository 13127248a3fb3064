//! Which ball a ball is: what single pictures say, weighed over time, and what a set of balls allows.

use baize_frame::BallKind;
use baize_table_state::{Game, Identity};

use crate::faces::balls_of_kind;

const KINDS: usize = BallKind::ALL.len();
/// Frames of one ball are not independent: each counts as half of one, after the first.
const REPEATED_WEIGHT: f32 = 0.5;
/// No picture is surer than this of a kind, nor less sure than pure guessing.
const SCORE_RANGE: (f32, f32) = (1.0 / KINDS as f32, 0.95);
/// The least that evidence for a kind can fall behind the best, in nats: so that it can be corrected within a few
/// frames when the picture was wrong before.
const FLOOR_NATS: f32 = -8.0;
/// One picture in ten names a wrong kind, whatever its score.
const WRONG_KIND: f32 = 0.1;
/// A kind is published when it is more probable than this.
const PUBLISHED_ABOVE: f32 = 0.6;

/// Log-probabilities of a ball's kinds, in the order of [`BallKind::ALL`], the best at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KindEvidence {
    nats: [f32; KINDS],
}

impl KindEvidence {
    /// What the first picture of a ball says.
    pub fn first(kind: BallKind, score: f32) -> Self {
        let mut evidence = Self { nats: [0.0; KINDS] };
        evidence.weigh(kind, score, 1.0);
        evidence
    }

    /// Adds what another picture says.
    pub fn add(&mut self, kind: BallKind, score: f32) {
        self.weigh(kind, score, REPEATED_WEIGHT);
    }

    /// How probable each kind is.
    pub fn probabilities(&self) -> [f32; KINDS] {
        let likelihoods = self.nats.map(libm::expf);
        let total: f32 = likelihoods.iter().sum();
        likelihoods.map(|likelihood| likelihood / total)
    }

    /// How probable one kind is.
    pub fn probability(&self, kind: BallKind) -> f32 {
        self.probabilities()[index(kind)]
    }

    fn weigh(&mut self, kind: BallKind, score: f32, weight: f32) {
        let probabilities = probabilities_of(kind, score);
        let mut best = f32::NEG_INFINITY;
        for (nats, probability) in self.nats.iter_mut().zip(probabilities) {
            *nats += weight * libm::logf(probability);
            best = best.max(*nats);
        }
        self.nats = self.nats.map(|nats| (nats - best).max(FLOOR_NATS));
    }
}

/// How probable it is that a ball whose kinds have these probabilities looks like `kind` with this score, compared with
/// a ball that surely is of that kind: 1 at best, 0.1 or so at worst.
pub fn compatibility(probabilities: &[f32; KINDS], kind: BallKind, score: f32) -> f32 {
    let seen = probabilities_of(kind, score);
    let likelihood = |i: usize| (1.0 - WRONG_KIND) * seen[i] + WRONG_KIND / KINDS as f32;
    let best = (0..KINDS).map(likelihood).fold(0.0, f32::max);
    (0..KINDS).map(|i| probabilities[i] * likelihood(i)).sum::<f32>() / best
}

/// What is published of a ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Named {
    /// Its identity; [`Identity::BALL`] where no kind is probable enough.
    pub identity: Identity,
    /// Probability that the ball is that; 1 where nothing is claimed.
    pub probability: f32,
}

impl Named {
    /// Nothing is known, and nothing claimed.
    pub const NOTHING: Self = Self {
        identity: Identity::BALL,
        probability: 1.0,
    };
}

/// Names balls by their evidence, no more of a kind than the game has. `held` is what each was named before: where two
/// could be the one cue ball, the one that was stays it unless the other is twice as probable.
pub fn name_balls<const N: usize>(
    game: Game,
    balls: &[(KindEvidence, Identity)],
    named: &mut heapless::Vec<Named, N>,
) {
    named.clear();
    let has = |kind: BallKind| balls_of_kind(game, identity_of(kind).kind()) > 0;
    let cue = unique(balls, BallKind::Cue, Identity::CUE);
    let eight = unique(balls, BallKind::Eight, Identity::EIGHT);
    for (i, (evidence, _)) in balls.iter().enumerate() {
        let probabilities = evidence.probabilities();
        let allowed = |kind: BallKind| match kind {
            BallKind::Cue => cue == Some(i),
            BallKind::Eight => eight == Some(i) && has(kind),
            _ => has(kind),
        };
        let best = BallKind::ALL
            .into_iter()
            .filter(|kind| allowed(*kind))
            .map(|kind| (kind, probabilities[index(kind)]))
            .fold(
                (BallKind::Ball, 0.0),
                |best, other| if other.1 > best.1 { other } else { best },
            );
        let (kind, probability) = best;
        let name = if probability > PUBLISHED_ABOVE && kind != BallKind::Ball {
            Named {
                identity: identity_of(kind),
                probability,
            }
        } else {
            Named::NOTHING
        };
        // Within capacity: the caller has room for as many names as balls.
        let _ = named.push(name);
    }
    for kind in [BallKind::Solid, BallKind::Stripe] {
        let identity = identity_of(kind);
        let most = balls_of_kind(game, identity.kind());
        let bears = |named: &Named| named.identity == identity;
        while named.iter().filter(|named| bears(named)).count() > most {
            let least = named
                .iter()
                .enumerate()
                .filter(|(_, named)| bears(named))
                .reduce(|least, other| {
                    if other.1.probability < least.1.probability {
                        other
                    } else {
                        least
                    }
                });
            let Some((least, _)) = least else { break };
            named[least] = Named::NOTHING;
        }
    }
}

/// The one ball among all that is of a kind of which there is one.
fn unique(balls: &[(KindEvidence, Identity)], kind: BallKind, identity: Identity) -> Option<usize> {
    let weight = |(evidence, held): &(KindEvidence, Identity)| {
        let probability = evidence.probability(kind);
        // Odds, not probabilities: they tell the sure from the surer.
        let odds = probability / (1.0 - probability).max(1e-6);
        if held.kind() == identity.kind() {
            2.0 * odds
        } else {
            odds
        }
    };
    balls
        .iter()
        .enumerate()
        .filter(|(_, (evidence, _))| evidence.probability(kind) > PUBLISHED_ABOVE)
        .map(|(i, ball)| (i, weight(ball)))
        .reduce(|best, other| if other.1 > best.1 { other } else { best })
        .map(|(i, _)| i)
}

fn identity_of(kind: BallKind) -> Identity {
    match kind {
        BallKind::Cue => Identity::CUE,
        BallKind::Eight => Identity::EIGHT,
        BallKind::Solid => Identity::SOLID,
        BallKind::Stripe => Identity::STRIPE,
        BallKind::Ball => Identity::BALL,
    }
}

fn probabilities_of(kind: BallKind, score: f32) -> [f32; KINDS] {
    let score = score.clamp(SCORE_RANGE.0, SCORE_RANGE.1);
    let mut probabilities = [(1.0 - score) / (KINDS - 1) as f32; KINDS];
    probabilities[index(kind)] = score;
    probabilities
}

fn index(kind: BallKind) -> usize {
    match kind {
        BallKind::Cue => 0,
        BallKind::Eight => 1,
        BallKind::Solid => 2,
        BallKind::Stripe => 3,
        BallKind::Ball => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kinds: &[(BallKind, f32)]) -> KindEvidence {
        let mut evidence = KindEvidence::first(kinds[0].0, kinds[0].1);
        for (kind, score) in &kinds[1..] {
            evidence.add(*kind, *score);
        }
        evidence
    }

    fn named(balls: &[(KindEvidence, Identity)]) -> heapless::Vec<Named, 8> {
        let mut named = heapless::Vec::new();
        name_balls(Game::POOL, balls, &mut named);
        named
    }

    #[test]
    fn a_single_sure_picture_names_a_ball_and_a_doubtful_one_does_not() {
        let sure = (seen(&[(BallKind::Stripe, 0.9)]), Identity::BALL);
        let doubtful = (seen(&[(BallKind::Stripe, 0.4)]), Identity::BALL);
        let named = named(&[sure, doubtful]);
        assert_eq!(named[0].identity, Identity::STRIPE);
        assert_eq!(named[1].identity, Identity::BALL);
    }

    #[test]
    fn of_two_cue_balls_the_one_with_more_evidence_is_published() {
        let weak = (seen(&[(BallKind::Cue, 0.7)]), Identity::BALL);
        let strong = (
            seen(&[(BallKind::Cue, 0.9), (BallKind::Cue, 0.9)]),
            Identity::BALL,
        );
        let named = named(&[weak, strong]);
        assert_eq!(named[0].identity, Identity::BALL);
        assert_eq!(named[1].identity, Identity::CUE);
    }

    #[test]
    fn the_cue_ball_stays_the_cue_ball_when_another_is_a_little_more_probable() {
        let held = (seen(&[(BallKind::Cue, 0.9)]), Identity::CUE);
        let other = (seen(&[(BallKind::Cue, 0.92)]), Identity::BALL);
        assert_eq!(named(&[held, other])[0].identity, Identity::CUE);
    }

    #[test]
    fn wrong_pictures_are_outweighed_and_long_belief_is_corrected() {
        let mut evidence = seen(&[(BallKind::Solid, 0.95); 200]);
        evidence.add(BallKind::Stripe, 0.95);
        assert!(evidence.probability(BallKind::Solid) > 0.9);
        for _ in 0..8 {
            evidence.add(BallKind::Stripe, 0.95);
        }
        assert!(evidence.probability(BallKind::Stripe) > 0.9);
    }

    #[test]
    fn a_ball_is_compatible_with_its_own_kind_and_hardly_with_another() {
        let cue = seen(&[(BallKind::Cue, 0.95); 10]).probabilities();
        assert!(compatibility(&cue, BallKind::Cue, 0.95) > 0.9);
        assert!(compatibility(&cue, BallKind::Solid, 0.95) < 0.1);
        assert!(
            compatibility(&cue, BallKind::Ball, 0.2) > 0.9,
            "a picture without an opinion says nothing"
        );
    }
}
