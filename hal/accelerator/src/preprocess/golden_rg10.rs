use baize_frame::Region;

use super::golden::average;

/// The largest level of ten bits.
const WHITE: f64 = 1023.0;

/// The meaning of the preprocessing of a raw picture, as [`golden`](super::golden) is that of all others: ten bits in
/// 16 (little-endian) behind a colour filter with lines of red and green, and lines of green and blue.
///
/// What a pixel lacks is interpolated linearly between the nearest of that colour, along lines and along columns; at the
/// picture's edge the one neighbour stands for both. Greens of the two kinds of lines are taken for two colours, and
/// their mean is green. Light stays linear: there is no white balance and no tone curve.
///
/// `size_px` is even; `stride` counts bytes.
///
/// # Panics
/// Where `input` has another length, or `region` leaves the picture.
pub fn golden_rg10(
    bytes: &[u8],
    size_px: [u32; 2],
    stride: u32,
    region: Region,
    input_px: [u32; 2],
    input: &mut [f32],
) {
    let level = |x: u32, y: u32| {
        let at = y as usize * stride as usize + 2 * x as usize;
        f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]])) * 255.0 / WHITE
    };
    // One of the four colours, of which every other pixel of every other line is.
    let colour = |x: u32, y: u32, first: [u32; 2]| {
        let columns = nearest(x, first[0], size_px[0]);
        let lines = nearest(y, first[1], size_px[1]);
        let four = lines.map(|y| columns.map(|x| level(x, y)));
        four.as_flattened().iter().sum::<f64>() / 4.0
    };
    let pixel = |x, y| {
        let greens = [colour(x, y, [1, 0]), colour(x, y, [0, 1])];
        [
            colour(x, y, [0, 0]),
            (greens[0] + greens[1]) / 2.0,
            colour(x, y, [1, 1]),
        ]
    };
    average(region, input_px, input, pixel, |mean| mean);
}

/// The two places of `first`, `first + 2`, … below `size` that are nearest to `at`: twice its own, where it is one.
fn nearest(at: u32, first: u32, size: u32) -> [u32; 2] {
    if at % 2 == first {
        return [at, at];
    }
    let before = at.checked_sub(1);
    let after = Some(at + 1).filter(|&after| after < size);
    [before.or(after), after.or(before)].map(|place| place.expect("the size is even"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: u32 = 8;

    fn picture(level: impl Fn(u32, u32) -> u16) -> Vec<u8> {
        let levels = (0..SIDE * SIDE).map(|at| level(at % SIDE, at / SIDE));
        levels.flat_map(u16::to_le_bytes).collect()
    }

    fn run(bytes: &[u8], region: Region) -> Vec<[u32; 3]> {
        let input_px = [region.width, region.height];
        let mut input = vec![f32::NAN; 3 * (region.width * region.height) as usize];
        golden_rg10(bytes, [SIDE; 2], 2 * SIDE, region, input_px, &mut input);
        let plane = input.len() / 3;
        let level = |at: usize, channel: usize| (input[channel * plane + at] * 1023.0).round() as u32;
        (0..plane)
            .map(|at| [0, 1, 2].map(|channel| level(at, channel)))
            .collect()
    }

    #[test]
    fn the_colours_of_an_even_light_come_out_at_every_pixel() {
        let bytes = picture(|x, y| match (x % 2, y % 2) {
            (0, 0) => 300,
            (1, 1) => 700,
            _ => 500,
        });
        let whole = Region {
            x: 0,
            y: 0,
            width: SIDE,
            height: SIDE,
        };
        assert!(run(&bytes, whole).iter().all(|&rgb| rgb == [300, 500, 700]));
    }

    #[test]
    fn inside_a_slope_every_colour_is_where_its_pixel_is() {
        let bytes = picture(|x, y| (40 * x + 60 * y) as u16);
        let inside = Region {
            x: 2,
            y: 1,
            width: 4,
            height: 5,
        };
        for (at, rgb) in run(&bytes, inside).into_iter().enumerate() {
            let (x, y) = (2 + at as u32 % 4, 1 + at as u32 / 4);
            assert_eq!(rgb, [40 * x + 60 * y; 3], "at {x}, {y}");
        }
    }
}
