//! Ball sets: which balls there are, how large, how heavy, how painted.

use baize_frame::BallKind;
use heapless::Vec;

use crate::colour::{Rgb, from_picture};

/// The most balls a set has: 22 in snooker.
pub const MAX_BALLS: usize = 22;

/// A set of balls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BallSet {
    /// Cue ball and numbers 1 to 15; ball `n` has number `n`.
    American,
    /// White, 15 reds, then yellow, green, brown, blue, pink, black.
    Snooker,
    /// White, 7 reds, 7 yellows, black; the white is a little smaller.
    Pub,
    /// White, yellow, red.
    Carom,
}

/// Details of paint that differ from maker to maker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BallStyle {
    /// The white of the cue ball, of stripes and of number discs.
    pub white: Rgb,
    /// Six red dots on the cue ball.
    pub dotted_cue_ball: bool,
    /// Pink 4 and light brown 7, as on television.
    pub television_colours: bool,
    /// Blue balls instead of the red ones of a pub set.
    pub blue_pub_balls: bool,
    /// Radius of the number discs, as a fraction of the ball's.
    pub disc_radius: f32,
    /// Half width of the stripes, as a fraction of the ball's radius.
    pub stripe_half_width: f32,
}

impl Default for BallStyle {
    fn default() -> Self {
        Self {
            white: from_picture(240, 232, 214),
            dotted_cue_ball: false,
            television_colours: false,
            blue_pub_balls: false,
            disc_radius: 0.40,
            stripe_half_width: 0.56,
        }
    }
}

/// What is painted on a ball.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// One colour.
    Plain,
    /// Red dots in six directions.
    Dotted,
    /// One colour with two number discs.
    Solid(u8),
    /// White with a band of the colour and two number discs.
    Stripe(u8),
}

/// One ball of a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    /// What a detector should call it.
    pub kind: BallKind,
    /// The number painted on it.
    pub number: Option<u8>,
    /// Radius.
    pub radius_mm: f64,
    /// Mass.
    pub mass_kg: f64,
    /// Colour.
    pub colour: Rgb,
    /// Paint.
    pub pattern: Pattern,
}

impl BallSet {
    /// The balls, the cue ball first. A ball's index is its id in this crate.
    pub fn balls(self, style: &BallStyle) -> Vec<Ball, MAX_BALLS> {
        let (radius_mm, mass_kg) = self.size();
        let plain = |colour: Rgb| Ball {
            kind: BallKind::Ball,
            number: None,
            radius_mm,
            mass_kg,
            colour,
            pattern: Pattern::Plain,
        };
        let mut cue_ball = Ball {
            kind: BallKind::Cue,
            ..plain(style.white)
        };
        if style.dotted_cue_ball {
            cue_ball.pattern = Pattern::Dotted;
        }
        if self == Self::Pub {
            (cue_ball.radius_mm, cue_ball.mass_kg) = (23.8, 0.112);
        }
        let mut balls = Vec::new();
        balls.extend([cue_ball]);
        match self {
            Self::American => balls.extend((1..=15).map(|n| numbered(plain(number_colour(n, style)), n))),
            Self::Snooker => {
                balls.extend((0..15).map(|_| plain(from_picture(178, 18, 24))));
                balls.extend(
                    [
                        (236, 196, 22),
                        (10, 104, 62),
                        (112, 58, 26),
                        (24, 76, 190),
                        (236, 128, 142),
                        (18, 18, 20),
                    ]
                    .map(|(r, g, b)| plain(from_picture(r, g, b))),
                );
            }
            Self::Pub => {
                let first = if style.blue_pub_balls {
                    from_picture(30, 68, 176)
                } else {
                    from_picture(200, 28, 30)
                };
                balls.extend((0..7).map(|_| plain(first)));
                balls.extend((0..7).map(|_| plain(from_picture(240, 190, 16))));
                balls.extend([Ball {
                    pattern: Pattern::Solid(8),
                    ..plain(from_picture(18, 18, 20))
                }]);
            }
            Self::Carom => {
                balls.extend([
                    plain(from_picture(242, 200, 30)),
                    plain(from_picture(196, 22, 26)),
                ]);
            }
        }
        balls
    }

    /// Radius in mm and mass in kg of the object balls.
    pub const fn size(self) -> (f64, f64) {
        match self {
            Self::American => (28.575, 0.170),
            Self::Snooker => (26.25, 0.142),
            Self::Pub => (25.4, 0.128),
            Self::Carom => (30.75, 0.210),
        }
    }
}

fn numbered(ball: Ball, number: u8) -> Ball {
    let (kind, pattern) = match number {
        8 => (BallKind::Eight, Pattern::Solid(8)),
        1..8 => (BallKind::Solid, Pattern::Solid(number)),
        _ => (BallKind::Stripe, Pattern::Stripe(number)),
    };
    Ball {
        kind,
        pattern,
        number: Some(number),
        ..ball
    }
}

fn number_colour(number: u8, style: &BallStyle) -> Rgb {
    let (r, g, b) = match (number - 1) % 8 + 1 {
        1 => (242, 182, 20),
        2 => (22, 52, 142),
        3 => (206, 30, 32),
        4 if style.television_colours => (232, 112, 150),
        4 => (74, 34, 112),
        5 => (238, 104, 22),
        6 => (10, 96, 60),
        7 if style.television_colours => (176, 120, 70),
        7 => (118, 24, 32),
        _ => (16, 16, 18),
    };
    from_picture(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_their_balls() {
        for (set, count) in [
            (BallSet::American, 16),
            (BallSet::Snooker, 22),
            (BallSet::Pub, 16),
            (BallSet::Carom, 3),
        ] {
            let balls = set.balls(&BallStyle::default());
            assert_eq!(balls.len(), count);
            assert_eq!(balls[0].kind, BallKind::Cue);
            assert_eq!(balls.iter().filter(|b| b.kind == BallKind::Cue).count(), 1);
        }
        let american = BallSet::American.balls(&BallStyle::default());
        assert_eq!(american[8].kind, BallKind::Eight);
        assert_eq!(american.iter().filter(|b| b.kind == BallKind::Stripe).count(), 7);
    }
}
