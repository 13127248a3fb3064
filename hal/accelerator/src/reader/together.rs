//! What the balls of one picture are together: they are of one set, and a pool set has every number once.
//!
//! One ball alone often does not tell. Purple is the four of one set and the five of another, and a stripe that turns its
//! white cap to the camera looks like the cue ball; but the ball beside it is the cue ball more plainly. So numbers are
//! shared out: the probability of a number is that over all ways of giving every ball its own number, by belief propagation.
//!
//! The detector sees other things of a ball than the reader, the whole table around it among them, and gave it kinds of its
//! own: they count beside what the face shows.
//!
//! `models/numbers/claims.py` does the same in Python, to choose thresholds; a test holds both to the same figures.

use baize_frame::limits::{MAX_BALL_DETECTIONS, MAX_DOUBTFUL_DETECTIONS};
use baize_frame::{BallColour, BallKind, KindShares};
use heapless::Vec as FixedVec;

/// Numbers 0 to 15 of a pool set.
pub(super) const NUMBERS: usize = 16;
/// All faces: the numbers, then the colours of sets without numbers.
pub(crate) const FACES: usize = NUMBERS + BallColour::ALL.len();

/// Balls of one picture.
const BALLS: usize = MAX_BALL_DETECTIONS + MAX_DOUBTFUL_DETECTIONS;

/// Weight of bearing no number that is there: of something that is no ball, or one whose number somebody else was given.
const STRAY: f32 = 0.005;
/// Weight of a number being on no ball of the picture. A cue ball is seldom missing.
const MISSING: [f32; NUMBERS] = {
    let mut missing = [1.0; NUMBERS];
    missing[0] = 0.1;
    missing
};
/// Rounds of messages; more change nothing.
const ROUNDS: usize = 8;

/// So much counts of what the detector knows of the kind (the logarithm of how much more probable it is than of any ball), for both
/// look at the same ball; and it excludes none altogether.
const DETECTOR: f32 = 0.5;
const LEAST_SHARE: f32 = 1e-3;

/// A ball says with at most so much certainty which kind of set it is of (logarithm of odds), and half of that counts:
/// balls of one set look alike, so they are not as many witnesses as there are balls.
const MOST_SET_LOG_ODDS: f32 = 8.0;
const WITNESSES: f32 = 0.5;
/// So much of it speaks against a pool set that balls want a number which another has (logarithm of what is left of it).
const RIVALS: f32 = 0.15;

/// The faces of the balls of one picture, as probabilities.
pub(super) struct Together {
    balls: FixedVec<Ball, BALLS>,
    pool: f32,
}

pub(super) struct Ball {
    /// Of the numbers, given a pool set. Sums to less than 1: the rest is none of them.
    pub numbers: [f32; NUMBERS],
    /// Of the colours, given a set without numbers.
    pub colours: [f32; BallColour::ALL.len()],
    /// Share of the numbers in all faces, looking at this ball alone.
    pool_share: f32,
    /// What the other balls leave of each number.
    left: [f32; NUMBERS],
    /// How much this ball asks of each number.
    asks: [f32; NUMBERS],
}

impl Together {
    pub const fn new() -> Self {
        Self {
            balls: FixedVec::new(),
            pool: 0.5,
        }
    }

    pub fn clear(&mut self) {
        self.balls.clear();
    }

    /// The logits of one more ball, and its kinds by the detector. What are no finite numbers says nothing.
    pub fn add(&mut self, logits: &[f32; FACES], kinds: &KindShares) {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let mut seen = if finite(logits) { *logits } else { [0.0; FACES] };
        if finite(&kinds.all()) {
            for (face, logit) in seen.iter_mut().enumerate() {
                *logit += detected(kinds, kind_of(face));
            }
        }
        // A picture has no more balls than this has room for: both are limited alike.
        let _ = self.balls.push(Ball::new(&seen));
    }

    /// Shares the numbers out among the first `certain` balls. The others are doubtful: they take what is left, and
    /// take nothing away.
    pub fn settle(&mut self, certain: usize) {
        let certain = certain.min(self.balls.len());
        let (certain, doubtful) = self.balls.split_at_mut(certain);
        let mut asked = [0.0; NUMBERS];
        for _ in 0..ROUNDS {
            asked = [0.0; NUMBERS];
            for ball in certain.iter_mut() {
                ball.ask();
                for (asked, asks) in asked.iter_mut().zip(&ball.asks) {
                    *asked += asks;
                }
            }
            for ball in certain.iter_mut() {
                let others = asked.iter().zip(&ball.asks).map(|(asked, asks)| asked - asks);
                for ((left, missing), others) in ball.left.iter_mut().zip(MISSING).zip(others) {
                    *left = 1.0 / (missing + others.max(0.0));
                }
            }
        }
        let log_odds: f32 = certain
            .iter()
            .map(|ball| ball.set_log_odds() + RIVALS * ball.left_share().ln())
            .sum();
        self.pool = 1.0 / (1.0 + (-WITNESSES * log_odds).exp());
        for ball in doubtful {
            for ((left, missing), asked) in ball.left.iter_mut().zip(MISSING).zip(&asked) {
                *left = 1.0 / (missing + asked);
            }
        }
        for ball in &mut self.balls {
            ball.take();
        }
    }

    /// The balls in the order in which they were added.
    pub fn balls(&self) -> &[Ball] {
        &self.balls
    }

    /// Probability that they are of a pool set, of those that are certain.
    pub const fn pool(&self) -> f32 {
        self.pool
    }
}

impl Ball {
    fn new(logits: &[f32; FACES]) -> Self {
        let (numbers, colours) = logits.split_at(NUMBERS);
        let highest = logits.iter().copied().fold(f32::MIN, f32::max);
        let mut ball = Self {
            numbers: [0.0; NUMBERS],
            colours: [0.0; BallColour::ALL.len()],
            pool_share: 0.5,
            left: MISSING.map(f32::recip),
            asks: [0.0; NUMBERS],
        };
        let of_numbers = shares(numbers, highest, &mut ball.numbers);
        let of_colours = shares(colours, highest, &mut ball.colours);
        ball.pool_share = of_numbers / (of_numbers + of_colours);
        ball
    }

    /// The messages to the numbers: how much more this one than all others that are left.
    fn ask(&mut self) {
        let mut taken = [0.0; NUMBERS];
        for ((taken, share), left) in taken.iter_mut().zip(&self.numbers).zip(&self.left) {
            *taken = share * left;
        }
        let total: f32 = taken.iter().sum();
        for ((asks, share), taken) in self.asks.iter_mut().zip(&self.numbers).zip(&taken) {
            *asks = share / ((total - taken).max(0.0) + STRAY);
        }
    }

    /// What the others leave of the numbers that this ball looks like: 1 where they want none of them.
    fn left_share(&self) -> f32 {
        let weigh = |left: &[f32; NUMBERS]| {
            let weighed = self.numbers.iter().zip(left).map(|(share, left)| share * left);
            weighed.sum::<f32>() + STRAY
        };
        weigh(&self.left) / weigh(&MISSING.map(f32::recip))
    }

    /// What there is of each number, of what is left.
    fn take(&mut self) {
        for (share, left) in self.numbers.iter_mut().zip(&self.left) {
            *share *= left;
        }
        let total = self.numbers.iter().sum::<f32>() + STRAY;
        self.numbers = self.numbers.map(|share| share / total);
    }

    fn set_log_odds(&self) -> f32 {
        let odds = (self.pool_share + 1e-9) / (1.0 - self.pool_share + 1e-9);
        odds.ln().clamp(-MOST_SET_LOG_ODDS, MOST_SET_LOG_ODDS)
    }
}

/// What the detector adds to the logits of faces of this kind.
fn detected(kinds: &KindShares, kind: BallKind) -> f32 {
    let share = kinds.share(kind).clamp(LEAST_SHARE, 1.0);
    DETECTOR * (share / KindShares::UNKNOWN.share(kind)).ln()
}

/// The kind of a ball with this face.
pub(super) const fn kind_of(face: usize) -> BallKind {
    const WHITE: usize = NUMBERS;
    match face {
        0 | WHITE => BallKind::Cue,
        8 => BallKind::Eight,
        1..8 => BallKind::Solid,
        9..NUMBERS => BallKind::Stripe,
        _ => BallKind::Ball,
    }
}

/// Probabilities of the choices among themselves. Returns what they weigh, the highest of all logits being 1.
fn shares(logits: &[f32], highest: f32, shares: &mut [f32]) -> f32 {
    // The best choice of the lighter part may weigh nothing beside the other part's best: it has its own measure.
    let own = logits.iter().copied().fold(f32::MIN, f32::max);
    let mut total = 0.0;
    for (share, logit) in shares.iter_mut().zip(logits) {
        *share = (logit - own).exp();
        total += *share;
    }
    for share in shares {
        *share /= total;
    }
    total * (own - highest).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(faces: &[(usize, f32)]) -> [f32; FACES] {
        let mut logits = [-4.0; FACES];
        for &(face, logit) in faces {
            logits[face] = logit;
        }
        logits
    }

    /// The numbers' probabilities of these balls, all of them certain.
    fn numbers(balls: &[[f32; FACES]]) -> Vec<[f32; NUMBERS]> {
        let mut together = Together::new();
        for ball in balls {
            together.add(ball, &KindShares::UNKNOWN);
        }
        together.settle(balls.len());
        together.balls().iter().map(|ball| ball.numbers).collect()
    }

    #[test]
    fn a_ball_alone_is_what_it_looks_like() {
        let alone = numbers(&[logits(&[(4, 3.0), (5, 2.0)])]);
        assert!(
            (alone[0][4] / alone[0][5] - 1.0_f32.exp()).abs() < 1e-3,
            "{alone:?}"
        );
        assert!(alone[0].iter().sum::<f32>() <= 1.0);
    }

    #[test]
    fn of_two_purple_balls_the_one_that_can_only_be_the_five_leaves_the_four_to_the_other() {
        let either = logits(&[(4, 3.0), (5, 3.2)]);
        assert!(numbers(&[either])[0][5] > 0.5);
        let both = numbers(&[either, logits(&[(5, 6.0)])]);
        assert!(both[0][4] > 0.95, "{both:?}");
        assert!(both[1][5] > 0.95, "{both:?}");
    }

    #[test]
    fn a_whitish_ball_is_rather_the_cue_ball_than_a_stripe_s_cap_unless_another_is() {
        let whitish = logits(&[(0, 2.0), (9, 3.0)]);
        assert!(numbers(&[whitish])[0][0] > 0.7);
        let beside_another = numbers(&[whitish, logits(&[(0, 9.0)])]);
        assert!(beside_another[0][9] > 0.9, "{beside_another:?}");
    }

    #[test]
    fn two_balls_that_look_the_same_share_what_there_is_once() {
        let both = numbers(&[logits(&[(7, 8.0)]), logits(&[(7, 8.0)])]);
        assert!(both.iter().all(|ball| ball[7] < 0.6), "{both:?}");
        assert!((both[0][7] - both[1][7]).abs() < 1e-4);
    }

    #[test]
    fn a_doubtful_ball_takes_what_is_left_and_takes_nothing_away() {
        let seven = logits(&[(7, 8.0)]);
        let mut together = Together::new();
        for ball in [seven, seven] {
            together.add(&ball, &KindShares::UNKNOWN);
        }
        together.settle(1);
        let settled = together.balls();
        assert!(settled[0].numbers[7] > 0.9, "{:?}", settled[0].numbers);
        assert!(settled[1].numbers[7] < 0.6, "{:?}", settled[1].numbers);
    }

    #[test]
    fn stripes_tell_that_a_plain_red_ball_beside_them_is_of_a_pool_set() {
        let red = logits(&[(3, 6.0), (NUMBERS + 2, 6.0)]);
        let stripe = |number| logits(&[(number, 6.0)]);
        let mut together = Together::new();
        together.add(&red, &KindShares::UNKNOWN);
        together.settle(1);
        assert!((together.pool() - 0.5).abs() < 0.01);
        for number in 10..13 {
            together.add(&stripe(number), &KindShares::UNKNOWN);
        }
        together.settle(4);
        assert!(together.pool() > 0.95);
        together.clear();
        for _ in 0..9 {
            together.add(&logits(&[(NUMBERS + 2, 6.0)]), &KindShares::UNKNOWN);
        }
        together.settle(9);
        assert!(together.pool() < 0.05);
    }

    #[test]
    fn seven_yellow_balls_are_of_no_pool_set_though_each_looks_like_its_one() {
        let yellow = logits(&[(1, 6.0), (NUMBERS + 1, 5.8)]);
        let mut together = Together::new();
        together.add(&yellow, &KindShares::UNKNOWN);
        together.settle(1);
        assert!(together.pool() > 0.5);
        together.clear();
        for _ in 0..7 {
            together.add(&yellow, &KindShares::UNKNOWN);
        }
        together.settle(7);
        assert!(together.pool() < 0.3, "{}", together.pool());
    }

    #[test]
    fn as_many_balls_as_a_picture_has_of_any_logits_give_probabilities() {
        for extreme in [0.0, 1e-30, 80.0, 3e38, f32::NAN, f32::INFINITY] {
            let mut together = Together::new();
            for ball in 0..BALLS + 3 {
                let kinds = [KindShares::UNKNOWN, KindShares::new([extreme; 5])][ball % 2];
                together.add(&logits(&[(ball % FACES, extreme)]), &kinds);
            }
            together.settle(MAX_BALL_DETECTIONS);
            let settled = together.balls();
            assert_eq!(settled.len(), BALLS);
            for ball in settled {
                let sum: f32 = ball.numbers.iter().sum();
                assert!((0.0..=1.001).contains(&sum), "{extreme}: {sum}");
                assert!(ball.colours.iter().all(|share| (0.0..=1.0).contains(share)));
            }
            assert!((0.0..=1.0).contains(&together.pool()));
        }
    }

    #[test]
    fn where_the_face_says_nothing_a_ball_is_what_the_detector_says() {
        for kind in [BallKind::Cue, BallKind::Eight, BallKind::Solid, BallKind::Stripe] {
            let mut together = Together::new();
            together.add(&[f32::NAN; FACES], &KindShares::of(kind, 0.999));
            together.settle(1);
            let ball = &together.balls()[0];
            let of_kind = (0..NUMBERS).filter(|&number| kind_of(number) == kind);
            let share: f32 = of_kind.map(|number| ball.numbers[number]).sum();
            assert!(share > 0.7, "{kind:?}: {share}");
        }
    }

    fn floats(values: &serde_json::Value) -> Vec<f32> {
        let values = values.as_array().expect("numbers");
        let float = |value: &serde_json::Value| value.as_f64().expect("a number") as f32;
        values.iter().map(float).collect()
    }

    #[test]
    fn python_and_this_share_out_alike() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/together.json"))
                .expect("the fixture is JSON");
        let mut together = Together::new();
        let pictures = golden.as_array().expect("pictures");
        assert!(pictures.len() > 3);
        for picture in pictures {
            together.clear();
            let balls = picture["logits"].as_array().expect("balls");
            let kinds = picture["kinds"].as_array().expect("balls");
            for (logits, kinds) in balls.iter().zip(kinds) {
                let logits = floats(logits);
                let kinds = floats(kinds).try_into().expect("as many as kinds");
                together.add(
                    logits.as_slice().try_into().expect("as many as faces"),
                    &KindShares::new(kinds),
                );
            }
            together.settle(balls.len());
            for (ball, expected) in together
                .balls()
                .iter()
                .zip(picture["numbers"].as_array().expect("balls"))
            {
                for (share, expected) in ball.numbers.iter().zip(expected.as_array().expect("numbers")) {
                    let expected = expected.as_f64().expect("a share");
                    assert!((f64::from(*share) - expected).abs() < 2e-4, "{share} {expected}");
                }
            }
            let pool = picture["pool"].as_f64().expect("a probability");
            assert!((f64::from(together.pool()) - pool).abs() < 2e-4);
        }
    }
}
