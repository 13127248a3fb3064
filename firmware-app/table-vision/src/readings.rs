//! What a detection says of a ball's face, in the game that is played.

use baize_frame::{BallColour, BallDetection, BallKind};
use baize_table_state::{Colour, Game};

/// What one picture says of which ball a ball is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    pub kind: BallKind,
    pub kind_score: f32,
    /// 1 to 15.
    pub number: Option<u8>,
    pub colour: Colour,
}

/// A number or colour that was read also says the kind. A colour means a number
/// only in pool: there a red ball is the three or the seven, elsewhere it is red.
pub fn face(game: Game, ball: &BallDetection) -> Face {
    let reading = &ball.reading;
    let seen = Face {
        kind: ball.kind,
        kind_score: ball.kind_score().clamp(0.0, 1.0),
        number: None,
        colour: Colour::UNKNOWN,
    };
    if game == Game::POOL {
        return reading.number.map_or(seen, |number| Face {
            kind: kind_of(number),
            kind_score: reading.number_score.clamp(0.0, 1.0),
            number: (1..=15).contains(&number).then_some(number),
            ..seen
        });
    }
    let Some(colour) = reading.colour else {
        return seen;
    };
    if game == Game::CAROM {
        // It has two white balls; which is the cue ball depends on the player.
        return Face {
            colour: named(colour),
            ..seen
        };
    }
    let kind = match (game, colour) {
        (_, BallColour::White) => BallKind::Cue,
        (Game::PUB, BallColour::Black) => BallKind::Eight,
        _ => BallKind::Ball,
    };
    Face {
        kind,
        kind_score: reading.colour_score.clamp(0.0, 1.0),
        number: None,
        colour: named(colour),
    }
}

const fn kind_of(number: u8) -> BallKind {
    match number {
        0 => BallKind::Cue,
        1..=7 => BallKind::Solid,
        8 => BallKind::Eight,
        9..=15 => BallKind::Stripe,
        _ => BallKind::Ball,
    }
}

const fn named(colour: BallColour) -> Colour {
    match colour {
        BallColour::White => Colour::WHITE,
        BallColour::Yellow => Colour::YELLOW,
        BallColour::Red => Colour::RED,
        BallColour::Green => Colour::GREEN,
        BallColour::Brown => Colour::BROWN,
        BallColour::Blue => Colour::BLUE,
        BallColour::Pink => Colour::PINK,
        BallColour::Black => Colour::BLACK,
    }
}
