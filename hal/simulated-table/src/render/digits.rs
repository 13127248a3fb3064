//! Digits for the number discs: five by seven points, smoothed when looked at.

const DIGITS: [[u8; 7]; 10] = [
    [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b01110, 0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001, 0b01110],
];

/// How much ink of `number` lies at (x, y) of a disc of radius 1, x to the right and y up.
pub fn ink(number: u8, x: f64, y: f64) -> f32 {
    const HALF_HEIGHT: f64 = 0.62;
    if !(-HALF_HEIGHT..HALF_HEIGHT).contains(&y) {
        return 0.0;
    }
    let row = (HALF_HEIGHT - y) / (2.0 * HALF_HEIGHT) * 7.0 - 0.5;
    let half_width = if number < 10 { 0.42 } else { 0.36 };
    if number < 10 {
        return glyph(number, (x + half_width) / (2.0 * half_width) * 5.0 - 0.5, row);
    }
    let (digit, middle) = if x < 0.0 {
        (number / 10, -half_width)
    } else {
        (number % 10, half_width)
    };
    glyph(
        digit,
        (x - middle + 0.9 * half_width) / (1.8 * half_width) * 5.0 - 0.5,
        row,
    )
}

fn glyph(digit: u8, column: f64, row: f64) -> f32 {
    let (c0, r0) = (column.floor(), row.floor());
    let (tc, tr) = ((column - c0) as f32, (row - r0) as f32);
    let point = |c: f64, r: f64| {
        if !(0.0..5.0).contains(&c) || !(0.0..7.0).contains(&r) {
            return 0.0;
        }
        f32::from((DIGITS[usize::from(digit)][r as usize] >> (4 - c as u8)) & 1)
    };
    let above = point(c0, r0) * (1.0 - tc) + point(c0 + 1.0, r0) * tc;
    let below = point(c0, r0 + 1.0) * (1.0 - tc) + point(c0 + 1.0, r0 + 1.0) * tc;
    // Bold: half a point of ink is full ink.
    (2.2 * (above * (1.0 - tr) + below * tr) - 0.35).clamp(0.0, 1.0)
}
