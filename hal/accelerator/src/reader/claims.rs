//! From the logits of a ball's faces to claims: what is probable enough to be said.

use baize_frame::{BallColour, BallDetection, BallKind, Reading};

use super::manifest::ReaderThresholds;

/// Numbers 0 to 15 of a pool set.
pub(crate) const NUMBERS: usize = 16;
/// All faces: the numbers, then the colours of sets without numbers.
pub(crate) const FACES: usize = NUMBERS + BallColour::ALL.len();

/// Says what a ball is.
pub(crate) struct Claims {
    thresholds: ReaderThresholds,
}

impl Claims {
    pub const fn new(thresholds: ReaderThresholds) -> Self {
        Self { thresholds }
    }

    /// Writes down a ball's number or colour, and its kind where the face tells it: it is right more often than the
    /// detector is.
    pub fn tell(&self, ball: &mut BallDetection, logits: &[f32; FACES]) {
        ball.reading = self.reading(logits);
        if let Some((kind, score)) = self.kind(logits) {
            (ball.kind, ball.kind_score) = (kind, score);
        }
    }

    /// The number, given a pool set, and the colour, given another set. Logits that are no finite numbers tell nothing.
    fn reading(&self, logits: &[f32; FACES]) -> Reading {
        let (numbers, colours) = logits.split_at(NUMBERS);
        let mut reading = Reading::NOTHING;
        if let Some((number, score)) = most_probable(numbers, self.thresholds.number) {
            (reading.number, reading.number_score) = (Some(number as u8), score);
        }
        if let Some((colour, score)) = most_probable(colours, self.thresholds.colour) {
            (reading.colour, reading.colour_score) = (Some(BallColour::ALL[colour]), score);
        }
        reading
    }

    /// The kind, whatever the set. A ball of a set without numbers is [`BallKind::Ball`], and that claims nothing.
    fn kind(&self, logits: &[f32; FACES]) -> Option<(BallKind, f32)> {
        let highest = finite_highest(logits)?;
        let mut shares = [0.0; BallKind::ALL.len()];
        for (face, logit) in logits.iter().enumerate() {
            shares[kind_of(face)] += (logit - highest).exp();
        }
        let total: f32 = shares.iter().sum();
        let best = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b]))?;
        let (kind, score) = (BallKind::ALL[best], shares[best] / total);
        (kind != BallKind::Ball && score >= self.thresholds.kind).then_some((kind, score))
    }
}

/// Index into [`BallKind::ALL`].
const fn kind_of(face: usize) -> usize {
    const WHITE: usize = NUMBERS;
    match face {
        0 | WHITE => 0,
        8 => 1,
        1..8 => 2,
        9..NUMBERS => 3,
        _ => 4,
    }
}

/// The choice with the highest logit and its probability among these, if that reaches the threshold.
fn most_probable(logits: &[f32], threshold: f32) -> Option<(usize, f32)> {
    let highest = finite_highest(logits)?;
    let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    let best = logits.iter().position(|&logit| logit == highest)?;
    (1.0 / total >= threshold).then_some((best, 1.0 / total))
}

fn finite_highest(logits: &[f32]) -> Option<f32> {
    let finite = logits.iter().all(|logit| logit.is_finite());
    finite.then(|| logits.iter().copied().fold(f32::MIN, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: Claims = Claims::new(ReaderThresholds {
        number: 0.9,
        colour: 0.8,
        kind: 0.9,
    });

    fn logits(faces: &[(usize, f32)]) -> [f32; FACES] {
        let mut logits = [-4.0; FACES];
        for &(face, logit) in faces {
            logits[face] = logit;
        }
        logits
    }

    #[test]
    fn a_plain_red_ball_is_the_three_of_a_pool_set_and_red_in_another_and_of_no_kind() {
        let red = logits(&[(3, 6.0), (NUMBERS + 2, 6.0)]);
        let reading = CLAIMS.reading(&red);
        assert_eq!((reading.number, reading.colour), (Some(3), Some(BallColour::Red)));
        assert_eq!(CLAIMS.kind(&red), None);
    }

    #[test]
    fn a_stripe_of_doubtful_number_is_surely_a_stripe() {
        let purple_or_orange = logits(&[(12, 6.0), (13, 5.5)]);
        assert_eq!(CLAIMS.reading(&purple_or_orange).number, None);
        let (kind, score) = CLAIMS.kind(&purple_or_orange).expect("a kind");
        assert_eq!(kind, BallKind::Stripe);
        assert!(score > 0.99 && score <= 1.0);
    }

    #[test]
    fn a_white_ball_is_the_cue_ball_in_every_set() {
        let white = logits(&[(0, 6.0), (NUMBERS, 6.0)]);
        assert_eq!(CLAIMS.reading(&white).number, Some(0));
        assert_eq!(CLAIMS.reading(&white).colour, Some(BallColour::White));
        assert_eq!(CLAIMS.kind(&white).map(|(kind, _)| kind), Some(BallKind::Cue));
    }

    #[test]
    fn logits_that_say_nothing_or_are_no_numbers_claim_nothing() {
        for logits in [
            [0.0; FACES],
            logits(&[(3, f32::NAN)]),
            logits(&[(3, f32::INFINITY)]),
            [f32::NEG_INFINITY; FACES],
        ] {
            let reading = CLAIMS.reading(&logits);
            assert_eq!(reading.number, None, "{logits:?}");
            assert_eq!(CLAIMS.kind(&logits), None, "{logits:?}");
        }
    }
}
