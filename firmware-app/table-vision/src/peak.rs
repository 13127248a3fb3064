//! The strongest of a row of samples, between them.

/// Where the strongest sample within `reach` of a place is, in samples and parts of one, and how strong it is; `None` where none is
/// within reach.
pub fn strongest_near<const N: usize>(strengths: &[f32; N], near: f32, reach: i32) -> Option<(f32, f32)> {
    let middle = (near + 0.5) as i32;
    let low = (middle - reach).max(1);
    let high = (middle + reach).min(N as i32 - 2);
    let at = (low..=high).reduce(|best, i| {
        if strengths[i as usize] > strengths[best as usize] {
            i
        } else {
            best
        }
    })? as usize;
    let [before, peak, after] = [strengths[at - 1], strengths[at], strengths[at + 1]];
    // The top of the parabola through the three; a slope, which has no top, gives its higher end.
    let bend = before - 2.0 * peak + after;
    let offset = if bend < 0.0 {
        (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    Some((at as f32 + offset, peak))
}
