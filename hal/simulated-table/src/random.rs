//! Randomness that is the same on every machine: PCG-XSH-RR 64/32 (M. O'Neill, "PCG: A Family of Simple Fast
//! Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014) and a lattice hash for textures.

/// A stream of pseudo-random numbers that its seed determines.
#[derive(Debug, Clone, Copy)]
pub struct Random {
    state: u64,
    increment: u64,
}

impl Random {
    /// A stream of its own for each pair of `seed` and `stream`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self {
            state: 0,
            increment: (stream << 1) | 1,
        };
        random.next_u32();
        random.state = random.state.wrapping_add(seed);
        random.next_u32();
        random
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(self.increment);
        let xorshifted = (((old >> 18) ^ old) >> 27) as u32;
        xorshifted.rotate_right((old >> 59) as u32)
    }

    /// Evenly distributed from 0 to just below 1.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.next_u32()) * (1.0 / 4_294_967_296.0)
    }

    /// Evenly distributed from `low` to just below `high`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From `low` to `high` with evenly distributed logarithm; both above zero.
    pub fn log_range(&mut self, low: f64, high: f64) -> f64 {
        low * libm::exp(self.unit() * libm::log(high / low))
    }

    /// A whole number below `count`; 0 for a `count` of 0.
    pub fn index(&mut self, count: usize) -> usize {
        ((u64::from(self.next_u32()) * count as u64) >> 32) as usize
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Normally distributed with mean 0 and standard deviation 1 (Box and Muller).
    pub fn gaussian(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(core::f64::consts::TAU * self.unit())
    }
}

/// A number from 0 to 1 for a point of the integer lattice.
fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = (x as u32)
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add((y as u32).wrapping_mul(0x85eb_ca77))
        .wrapping_add(seed.wrapping_mul(0xc2b2_ae3d));
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    (h ^ (h >> 15)) as f32 * (1.0 / 4_294_967_296.0)
}

/// Smooth noise from 0 to 1 with features about one unit wide.
pub fn value_noise(x: f64, y: f64, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let smooth = |t: f64| (t * t * (3.0 - 2.0 * t)) as f32;
    let (tx, ty) = (smooth(x - x0), smooth(y - y0));
    let (ix, iy) = (x0 as i32, y0 as i32);
    let line = |iy: i32| {
        let (a, b) = (lattice(ix, iy, seed), lattice(ix.wrapping_add(1), iy, seed));
        a + (b - a) * tx
    };
    let (a, b) = (line(iy), line(iy.wrapping_add(1)));
    a + (b - a) * ty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_a_seed_never_change() {
        let mut random = Random::new(42, 54);
        let first: [u32; 4] = core::array::from_fn(|_| random.next_u32());
        // From the demo programme of the PCG reference implementation.
        assert_eq!(first, [0xa15c_02b7, 0x7b47_f409, 0xba1d_3330, 0x83d2_f293]);
    }

    #[test]
    fn gaussian_numbers_have_mean_zero_and_deviation_one() {
        let mut random = Random::new(1, 1);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..20_000 {
            let x = random.gaussian();
            sum += x;
            squares += x * x;
        }
        assert!((sum / 20_000.0).abs() < 0.03);
        assert!((squares / 20_000.0 - 1.0).abs() < 0.05);
    }
}
