use super::square::Square;

/// The meaning of a crop, written to be read: what cuts on the CPU and on a GPU is compared with this one. Slow.
///
/// Fills `crop`, three planes (R, G, B) of `side` lines and columns, each part with the mean of the picture below it; beyond
/// the picture its edge goes on. `rgb` gives the levels of a pixel, 0 to 255.
///
/// # Panics
/// Where `crop` has another length.
pub fn golden_crop(
    size_px: [u32; 2],
    rgb: impl Fn(u32, u32) -> [f64; 3],
    square: &Square,
    side: usize,
    crop: &mut [f32],
) {
    assert_eq!(crop.len(), 3 * side * side, "a crop has three planes");
    let shares_along = |first: f32, part: usize, pixels: u32| {
        let edge = |part: usize| f64::from(first) + f64::from(square.length) * part as f64 / side as f64;
        let (low, high, wide) = (edge(part), edge(part + 1), f64::from(square.step));
        let blocks = (low / wide).floor() as i64..(high / wide).ceil() as i64;
        let shares = blocks.map(move |block| {
            let start = block as f64 * wide;
            let middle = block * i64::from(square.step) + i64::from(square.step / 2);
            let pixel = middle.clamp(0, i64::from(pixels) - 1) as u32;
            (pixel, (high.min(start + wide) - low.max(start)) / (high - low))
        });
        shares.collect::<Vec<_>>()
    };
    for row in 0..side {
        let down = shares_along(square.y, row, size_px[1]);
        for column in 0..side {
            let across = shares_along(square.x, column, size_px[0]);
            let mut mean = [0.0; 3];
            for &(y, share_down) in &down {
                for &(x, share_across) in &across {
                    for (mean, level) in mean.iter_mut().zip(rgb(x, y)) {
                        *mean += share_down * share_across * level;
                    }
                }
            }
            for (channel, level) in mean.into_iter().enumerate() {
                crop[(channel * side + row) * side + column] = (level / 255.0) as f32;
            }
        }
    }
}
