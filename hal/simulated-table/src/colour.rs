//! Colours in linear light.

/// Red, green and blue in linear light; 1 is a perfect white under the light of the table's middle.
pub type Rgb = [f32; 3];

/// The gamma between linear light and the numbers of a picture. A pure power, so that dimming in linear light is a
/// multiplication in the picture too.
pub const GAMMA: f32 = 2.2;

/// A colour from its 8-bit picture values.
pub fn from_picture(red: u8, green: u8, blue: u8) -> Rgb {
    [red, green, blue].map(|v| libm::powf(f32::from(v) / 255.0, GAMMA))
}

pub(crate) fn scale(a: Rgb, factor: f32) -> Rgb {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

pub(crate) fn multiply(a: Rgb, b: Rgb) -> Rgb {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

pub(crate) fn add(a: Rgb, b: Rgb) -> Rgb {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(crate) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [
        a[0] + (b[0] - a[0]) * t,
        a[1] + (b[1] - a[1]) * t,
        a[2] + (b[2] - a[2]) * t,
    ]
}
