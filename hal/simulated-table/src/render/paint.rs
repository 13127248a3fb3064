//! The paint of a ball at a point of its surface.

use glam::DVec3;

use crate::balls::{Ball, BallStyle, Pattern};
use crate::colour::{Rgb, from_picture, mix};
use crate::render::digits::ink;

/// Paint at `local`, a point of the unit sphere in the ball's own frame: stripes run around its z axis, the number discs
/// lie at both ends of its x axis. `sharpness` is how many pixels a ball's radius takes.
pub fn paint(ball: &Ball, style: &BallStyle, local: DVec3, sharpness: f64) -> Rgb {
    let inside = |distance: f64| (distance * sharpness + 0.5).clamp(0.0, 1.0) as f32;
    match ball.pattern {
        Pattern::Plain => ball.colour,
        Pattern::Dotted => {
            let dot = local.abs().max_element();
            mix(
                ball.colour,
                from_picture(196, 24, 32),
                inside(0.13 - libm::sqrt((1.0 - dot * dot).max(0.0))),
            )
        }
        Pattern::Solid(number) => disc(number, ball.colour, style, local, inside),
        Pattern::Stripe(number) => {
            let band = inside(f64::from(style.stripe_half_width) - local.z.abs());
            disc(number, mix(style.white, ball.colour, band), style, local, inside)
        }
    }
}

fn disc(number: u8, around: Rgb, style: &BallStyle, local: DVec3, inside: impl Fn(f64) -> f32) -> Rgb {
    let radius = f64::from(style.disc_radius);
    let from_middle = libm::sqrt(local.y * local.y + local.z * local.z);
    let white = inside(radius - from_middle);
    if white <= 0.0 {
        return around;
    }
    // Seen from outside, the number reads the right way round on both ends.
    let x = if local.x > 0.0 { local.y } else { -local.y };
    let black = ink(number, x / radius, local.z / radius);
    mix(around, mix(style.white, [0.012; 3], black), white)
}
