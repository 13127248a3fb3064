//! From the logits of the faces of a picture's balls to claims: what is probable enough to be said.

use baize_frame::{BallColour, BallDetection, BallKind, KindShares, Reading};

use super::manifest::ReaderThresholds;
use super::together::{Ball, FACES, NUMBERS, Together, kind_of};

/// Says what the balls of a picture are.
pub(crate) struct Claims {
    thresholds: ReaderThresholds,
    together: Together,
}

impl Claims {
    pub const fn new(thresholds: ReaderThresholds) -> Self {
        Self {
            thresholds,
            together: Together::new(),
        }
    }

    /// Begins with the next picture.
    pub fn clear(&mut self) {
        self.together.clear();
    }

    /// The logits of the next ball's face, and the kinds that the detector gives it: balls that are certain first, then the
    /// doubtful ones.
    pub fn add(&mut self, logits: &[f32; FACES], kinds: &KindShares) {
        self.together.add(logits, kinds);
    }

    /// Writes down every ball's number or colour, and its kind.
    pub fn tell(&mut self, certain: &mut [BallDetection], doubtful: &mut [BallDetection]) {
        self.together.settle(certain.len());
        let pool = self.together.pool();
        for (ball, face) in certain.iter_mut().chain(doubtful).zip(self.together.balls()) {
            ball.reading = self.reading(face);
            ball.kind_shares = kinds(face, pool);
            ball.kind = ball.kind_shares.claimed(self.thresholds.kind);
        }
    }

    /// The number, given a pool set, and the colour, given another set.
    fn reading(&self, face: &Ball) -> Reading {
        let mut reading = Reading::NOTHING;
        let (number, score) = most_probable(&face.numbers);
        if score >= self.thresholds.number {
            (reading.number, reading.number_score) = (Some(number as u8), score);
        }
        let (colour, score) = most_probable(&face.colours);
        if score >= self.thresholds.colour {
            (reading.colour, reading.colour_score) = (Some(BallColour::ALL[colour]), score);
        }
        reading
    }
}

/// The kinds, whatever the set; what is left to 1 is none of them. A ball of a set without numbers is [`BallKind::Ball`]: that
/// claims nothing, and takes back what the detector, which looks at each ball alone, claimed of it.
fn kinds(face: &Ball, pool: f32) -> KindShares {
    let mut shares = [0.0; BallKind::ALL.len()];
    for (number, share) in face.numbers.iter().enumerate() {
        shares[kind_of(number) as usize] += pool * share;
    }
    for (colour, share) in face.colours.iter().enumerate() {
        shares[kind_of(NUMBERS + colour) as usize] += (1.0 - pool) * share;
    }
    KindShares::new(shares)
}

fn most_probable(shares: &[f32]) -> (usize, f32) {
    let first = (0, shares[0]);
    let better =
        |best: (usize, f32), (at, &share): (usize, &f32)| if share > best.1 { (at, share) } else { best };
    shares.iter().enumerate().fold(first, better)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: ReaderThresholds = ReaderThresholds {
        number: 0.9,
        colour: 0.8,
        kind: 0.9,
    };

    fn logits(faces: &[(usize, f32)]) -> [f32; FACES] {
        let mut logits = [-4.0; FACES];
        for &(face, logit) in faces {
            logits[face] = logit;
        }
        logits
    }

    /// What balls with these logits are of whose kinds the detector knows nothing.
    fn told(certain: &[[f32; FACES]]) -> Vec<BallDetection> {
        told_of(KindShares::UNKNOWN, certain)
    }

    /// What balls with these logits are that the detector gave these kinds.
    fn told_of(kind_shares: KindShares, certain: &[[f32; FACES]]) -> Vec<BallDetection> {
        let ball = BallDetection {
            centre_px: [0.0; 2],
            size_px: [1.0; 2],
            kind: kind_shares.most_probable(),
            kind_shares,
            score: 0.9,
            reading: Reading::NOTHING,
        };
        let mut claims = Claims::new(THRESHOLDS);
        let mut balls = vec![ball; certain.len()];
        for logits in certain {
            claims.add(logits, &kind_shares);
        }
        claims.tell(&mut balls, &mut []);
        balls
    }

    #[test]
    fn a_plain_red_ball_alone_is_the_three_of_a_pool_set_and_red_in_another_and_of_no_kind() {
        let red = told(&[logits(&[(3, 6.0), (NUMBERS + 2, 6.0)])])[0];
        assert_eq!(
            (red.reading.number, red.reading.colour),
            (Some(3), Some(BallColour::Red))
        );
        assert_eq!(red.kind, BallKind::Ball);
    }

    #[test]
    fn a_plain_red_ball_beside_stripes_is_a_solid() {
        let red = logits(&[(3, 6.0), (NUMBERS + 2, 6.0)]);
        let stripes = [10, 11, 12].map(|number| logits(&[(number, 6.0)]));
        let balls = told(&[red, stripes[0], stripes[1], stripes[2]]);
        assert_eq!(balls[0].kind, BallKind::Solid);
        assert_eq!(balls[0].reading.number, Some(3));
    }

    #[test]
    fn a_ball_among_snooker_balls_is_no_solid_whatever_the_detector_says() {
        let snooker = [1, 2, 5, 6].map(|colour| logits(&[(NUMBERS + colour, 6.0)]));
        for ball in told_of(KindShares::of(BallKind::Solid, 1.0), &snooker) {
            assert_eq!(ball.kind, BallKind::Ball);
        }
    }

    #[test]
    fn a_purple_ball_that_may_be_the_four_or_the_twelve_is_the_kind_that_the_detector_says() {
        let four_or_twelve = [logits(&[(4, 6.0), (12, 6.2)])];
        let unknown = told(&four_or_twelve)[0];
        assert_eq!((unknown.kind, unknown.reading.number), (BallKind::Ball, None));
        let solid = told_of(KindShares::of(BallKind::Solid, 0.999), &four_or_twelve)[0];
        assert_eq!((solid.kind, solid.reading.number), (BallKind::Solid, Some(4)));
    }

    #[test]
    fn what_the_detector_claimed_is_taken_back_where_the_face_speaks_against_it() {
        let stripe = [logits(&[(4, 3.0), (12, 6.0)])];
        let contradicted = told_of(KindShares::of(BallKind::Solid, 0.99), &stripe)[0];
        assert_eq!(contradicted.kind, BallKind::Ball);
    }

    #[test]
    fn a_stripe_of_doubtful_number_is_surely_a_stripe() {
        let purple_or_orange = told(&[logits(&[(12, 9.0), (13, 8.5)])])[0];
        assert_eq!(purple_or_orange.reading.number, None);
        assert_eq!(purple_or_orange.kind, BallKind::Stripe);
        assert!((0.9..=1.0).contains(&purple_or_orange.kind_score()));
    }

    #[test]
    fn a_white_ball_is_the_cue_ball_in_every_set() {
        let white = told(&[logits(&[(0, 6.0), (NUMBERS, 6.0)])])[0];
        assert_eq!(white.reading.number, Some(0));
        assert_eq!(white.reading.colour, Some(BallColour::White));
        assert_eq!(white.kind, BallKind::Cue);
    }

    #[test]
    fn logits_that_say_nothing_or_are_no_numbers_claim_nothing() {
        for logits in [
            [0.0; FACES],
            logits(&[(3, f32::NAN)]),
            logits(&[(3, f32::INFINITY)]),
            [f32::NEG_INFINITY; FACES],
        ] {
            let ball = told(&[logits])[0];
            assert_eq!(ball.reading, Reading::NOTHING, "{logits:?}");
            assert_eq!(ball.kind, BallKind::Ball, "{logits:?}");
        }
    }
}
