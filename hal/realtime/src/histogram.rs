//! Latencies in fixed memory: what was recorded, to within 1.6 % of each value.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Each power of two is cut into 2^5 = 32 buckets, so a bucket is at most 1/32 of its values wide, and its middle is
/// within 1/64 of all of them.
const SPLIT_BITS: u32 = 5;
const SPLIT: usize = 1 << SPLIT_BITS;
/// One bucket per value below 32, then 32 per power of two up to the 2^32 us (71 minutes) that a `u32` holds.
const BUCKETS: usize = SPLIT * (u32::BITS - SPLIT_BITS + 1) as usize;

/// A histogram of microseconds. One thread records while others read; nobody locks, nothing allocates (7 KiB).
///
/// A reading taken while somebody records may miss the records of that moment.
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    max_us: AtomicU32,
}

/// What a [`Histogram`] holds, in the figures that reports give. All zero when nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Number of records.
    pub count: u64,
    /// Half of the records are at most this.
    pub p50_us: u32,
    /// Nine in ten of the records are at most this.
    pub p90_us: u32,
    /// 99 in 100 of the records are at most this.
    pub p99_us: u32,
    /// The largest record, exact.
    pub max_us: u32,
}

impl Histogram {
    /// An empty histogram.
    pub const fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            max_us: AtomicU32::new(0),
        }
    }

    /// Adds one latency.
    pub fn record(&self, latency_us: u32) {
        self.counts[bucket_of(latency_us)].fetch_add(1, Ordering::Relaxed);
        self.max_us.fetch_max(latency_us, Ordering::Relaxed);
    }

    /// Adds all that `other` holds.
    pub fn merge(&self, other: &Histogram) {
        for (count, more) in self.counts.iter().zip(&other.counts) {
            count.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.max_us
            .fetch_max(other.max_us.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Forgets all records. Those of this moment may be forgotten too, or be kept in part.
    pub fn reset(&self) {
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
        self.max_us.store(0, Ordering::Relaxed);
    }

    /// The figures of all records so far.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            max_us: self.max_us.load(Ordering::Relaxed),
            ..Summary::default()
        };
        let mut counts = [0u64; BUCKETS];
        for (count, recorded) in counts.iter_mut().zip(&self.counts) {
            *count = recorded.load(Ordering::Relaxed);
            summary.count += *count;
        }
        if summary.count > 0 {
            [summary.p50_us, summary.p90_us, summary.p99_us] = [50, 90, 99]
                .map(|percent| percentile_us(&counts, summary.count, percent).min(summary.max_us));
        }
        summary
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The middle of the bucket in which the record of that rank lies.
fn percentile_us(counts: &[u64; BUCKETS], total: u64, percent: u64) -> u32 {
    // Divided first by parts, so that no count overflows.
    let rank = (total / 100 * percent + (total % 100 * percent).div_ceil(100)).max(1);
    let mut up_to_here = 0;
    for (bucket, count) in counts.iter().enumerate() {
        up_to_here += count;
        if up_to_here >= rank {
            return middle_of(bucket);
        }
    }
    u32::MAX
}

fn bucket_of(value: u32) -> usize {
    let octave = (value >> SPLIT_BITS).checked_ilog2().map_or(0, |log| log + 1);
    match octave {
        0 => value as usize,
        octave => octave as usize * SPLIT + ((value >> (octave - 1)) as usize - SPLIT),
    }
}

fn middle_of(bucket: usize) -> u32 {
    let (octave, step) = (bucket / SPLIT, (bucket % SPLIT) as u32);
    if octave == 0 {
        return step;
    }
    let width = 1u32 << (octave - 1);
    (SPLIT as u32 + step) * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: u32) -> impl Iterator<Item = u32> {
        // A linear congruence with a shift: spread over all magnitudes, the same on every run.
        (0..count).scan(12_345u32, |seed, _| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(*seed >> (*seed % 29))
        })
    }

    #[test]
    fn every_bucket_represents_its_values_to_within_two_percent() {
        let edges = (0..32).flat_map(|shift| [(1u32 << shift) - 1, 1 << shift, (1 << shift) + 1]);
        for value in edges.chain(samples(100_000)).chain([u32::MAX]) {
            let error = (f64::from(middle_of(bucket_of(value))) - f64::from(value)).abs();
            assert!(error <= f64::from(value) / 64.0, "{value} is off by {error}");
        }
    }

    #[test]
    fn buckets_follow_one_another_without_gap_or_overlap() {
        assert_eq!(bucket_of(u32::MAX), BUCKETS - 1);
        assert!((1..BUCKETS).all(|bucket| middle_of(bucket) > middle_of(bucket - 1)));
        assert!((0..BUCKETS).all(|bucket| bucket_of(middle_of(bucket)) == bucket));
    }

    #[test]
    fn percentiles_agree_with_sorting() {
        let histogram = Histogram::new();
        let mut sorted: Vec<u32> = samples(9_999).collect();
        sorted.iter().for_each(|&value| histogram.record(value));
        sorted.sort_unstable();
        let summary = histogram.summary();
        assert_eq!(summary.count, 9_999);
        assert_eq!(summary.max_us, *sorted.last().unwrap());
        for (found, percent) in [(summary.p50_us, 50), (summary.p90_us, 90), (summary.p99_us, 99)] {
            let exact = f64::from(sorted[(sorted.len() * percent).div_ceil(100) - 1]);
            assert!(
                (f64::from(found) - exact).abs() <= exact * 0.03,
                "p{percent}: {found} for {exact}"
            );
        }
    }

    #[test]
    fn no_percentile_exceeds_the_largest_record() {
        let histogram = Histogram::new();
        histogram.record(1_000);
        assert_eq!(
            histogram.summary(),
            Summary {
                count: 1,
                p50_us: 1_000,
                p90_us: 1_000,
                p99_us: 1_000,
                max_us: 1_000
            }
        );
    }

    #[test]
    fn an_empty_histogram_sums_up_to_zeros_also_after_a_reset() {
        let histogram = Histogram::new();
        assert_eq!(histogram.summary(), Summary::default());
        histogram.record(7);
        histogram.reset();
        assert_eq!(histogram.summary(), Summary::default());
    }

    #[test]
    fn merging_is_the_same_as_recording_in_one() {
        let [first, second, both] = [const { Histogram::new() }; 3];
        for value in samples(1_000) {
            if value % 2 == 0 { &first } else { &second }.record(value);
            both.record(value);
        }
        first.merge(&second);
        assert_eq!(first.summary(), both.summary());
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let histogram = Histogram::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let histogram = &histogram;
                scope.spawn(move || (0..10_000).for_each(|value| histogram.record(value * (thread + 1))));
            }
        });
        assert_eq!(histogram.summary().count, 40_000);
        assert_eq!(histogram.summary().max_us, 9_999 * 4);
    }
}
