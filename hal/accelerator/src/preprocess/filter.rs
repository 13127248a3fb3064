//! The scaling filter along one axis: area average when shrinking, bilinear when growing.

/// The source pixels that make destination pixel `index`, with their weights, which sum to one.
pub(super) fn taps(index: u32, source: u32, destination: u32) -> impl Iterator<Item = (u32, f64)> {
    let (first, last) = if source >= destination {
        let [begin, end] = area(index, source, destination);
        (begin / u64::from(destination), (end - 1) / u64::from(destination))
    } else {
        let (first, fraction) = between(index, source, destination);
        (first, first + u64::from(fraction > 0.0))
    };
    (first..=last).map(move |tap| {
        // A source index is below `source`, so it fits into 32 bits.
        (tap as u32, weight(tap, index, source, destination))
    })
}

fn weight(tap: u64, index: u32, source: u32, destination: u32) -> f64 {
    if source >= destination {
        let [begin, end] = area(index, source, destination);
        let unit = u64::from(destination);
        let overlap = end.min((tap + 1) * unit) - begin.max(tap * unit);
        overlap as f64 / f64::from(source)
    } else {
        let (first, fraction) = between(index, source, destination);
        if tap == first { 1.0 - fraction } else { fraction }
    }
}

/// Begin and end of the stretch that a destination pixel covers, in parts of which a source pixel has `destination`.
/// Whole numbers, so that no sliver of a pixel appears by rounding.
fn area(index: u32, source: u32, destination: u32) -> [u64; 2] {
    debug_assert!(index < destination);
    [index, index + 1].map(|edge| u64::from(edge) * u64::from(source))
}

/// The source pixel left of a destination pixel's middle, and how far the middle is towards the next.
fn between(index: u32, source: u32, destination: u32) -> (u64, f64) {
    let middle = (f64::from(index) + 0.5) * f64::from(source) / f64::from(destination) - 0.5;
    let middle = middle.clamp(0.0, f64::from(source - 1));
    (middle as u64, middle.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(index: u32, source: u32, destination: u32) -> Vec<(u32, f64)> {
        taps(index, source, destination).collect()
    }

    #[test]
    fn three_to_one_averages_three_pixels() {
        let third = 1.0 / 3.0;
        assert_eq!(all(5, 1080, 360), [(15, third), (16, third), (17, third)]);
    }

    #[test]
    fn pixels_on_an_edge_are_shared_by_area() {
        assert_eq!(all(0, 5, 2), [(0, 0.4), (1, 0.4), (2, 0.2)]);
        assert_eq!(all(1, 5, 2), [(2, 0.2), (3, 0.4), (4, 0.4)]);
    }

    #[test]
    fn one_to_one_copies() {
        assert_eq!(all(7, 9, 9), [(7, 1.0)]);
    }

    #[test]
    fn growing_goes_linearly_from_middle_to_middle() {
        assert_eq!(all(0, 2, 4), [(0, 1.0)]);
        assert_eq!(all(1, 2, 4), [(0, 0.75), (1, 0.25)]);
        assert_eq!(all(2, 2, 4), [(0, 0.25), (1, 0.75)]);
        assert_eq!(all(3, 2, 4), [(1, 1.0)]);
    }

    #[test]
    fn weights_sum_to_one_and_stay_inside_for_every_size() {
        for source in [1, 2, 3, 7, 64, 99, 640, 1001] {
            for destination in [1, 2, 5, 64, 100, 641] {
                for index in 0..destination {
                    let taps = all(index, source, destination);
                    let sum: f64 = taps.iter().map(|tap| tap.1).sum();
                    assert!(
                        (sum - 1.0).abs() < 1e-12,
                        "{source} -> {destination}, {index}: {sum}"
                    );
                    assert!(taps.iter().all(|tap| tap.0 < source && tap.1 > 0.0));
                }
            }
        }
    }
}
