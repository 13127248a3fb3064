use std::time::Duration;

/// How long to wait before the next attempt to open a camera again: from a quarter of a second, doubling, to five
/// seconds, each shortened by up to half at random, so that many appliances on one hub do not try in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    ceiling: Duration,
    random: u64,
}

impl Backoff {
    /// The first wait.
    pub const FIRST: Duration = Duration::from_millis(250);
    /// The longest wait.
    pub const LONGEST: Duration = Duration::from_secs(5);

    /// The same `seed` gives the same waits.
    pub const fn new(seed: u64) -> Self {
        Self {
            ceiling: Self::FIRST,
            random: seed,
        }
    }

    /// The wait before the next attempt: between half of the ceiling and the ceiling, which then doubles.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(Self::LONGEST);
        ceiling.mul_f64(0.5 + 0.5 * self.next_fraction())
    }

    /// To be called when the camera delivers again.
    pub const fn reset(&mut self) {
        self.ceiling = Self::FIRST;
    }

    /// The next number of a SplitMix64 sequence, as a fraction from 0 to 1.
    fn next_fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_quarter_of_a_second_to_five_seconds_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(7);
        for ceiling_ms in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            let wait = backoff.next_wait();
            let ceiling = Duration::from_millis(ceiling_ms);
            assert!(
                wait >= ceiling / 2 && wait <= ceiling,
                "{wait:?} of at most {ceiling:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Backoff::FIRST);
    }

    #[test]
    fn the_same_seed_gives_the_same_waits_and_another_seed_others() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            [(); 6].map(|()| backoff.next_wait())
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
