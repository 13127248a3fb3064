//! Numbers and colours: what the pictures of a ball showed, and how many balls of each the game has.

use baize_table_state::{BallKind, Colour, Game, Identity};

use crate::identity::Named;
use crate::observation::Observation;

/// Numbers and colours share their codes on the wire: 1 to 15, 0 is unknown.
const FACES: usize = 16;
/// What one more picture leaves of the votes before it: some fifty pictures are remembered.
const KEPT: f32 = 0.98;
/// A vote for nothing that keeps a single picture from deciding.
const DOUBT: f32 = 0.6;
/// A face is published when it has more than this part of the votes.
const PUBLISHED_ABOVE: f32 = 0.6;
/// The ball that bears a name keeps it unless another has so many times its votes.
const HELD: f32 = 2.0;

/// Votes of a ball's pictures for its number or its colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceVotes {
    votes: [f32; FACES],
}

impl FaceVotes {
    pub fn first(seen: &Observation) -> Self {
        let mut votes = Self { votes: [0.0; FACES] };
        votes.add(seen);
        votes
    }

    pub fn add(&mut self, seen: &Observation) {
        let face = seen.number.unwrap_or(seen.colour.code());
        if face == 0 || usize::from(face) >= FACES {
            return;
        }
        self.votes = self.votes.map(|vote| vote * KEPT);
        self.votes[usize::from(face)] += seen.kind_score;
    }

    /// The face with most votes, with its part of them and their weight.
    fn best(&self) -> (u8, f32, f32) {
        let total: f32 = self.votes.iter().sum::<f32>() + DOUBT;
        let (face, votes) =
            self.votes.iter().enumerate().fold(
                (0, 0.0),
                |best, (face, votes)| if *votes > best.1 { (face, *votes) } else { best },
            );
        (face as u8, votes / total, votes)
    }
}

/// How many balls of a kind a game has.
pub fn balls_of_kind(game: Game, kind: BallKind) -> usize {
    match (game, kind) {
        (_, BallKind::CUE) => 1,
        (Game::POOL | Game::PUB, BallKind::EIGHT) => 1,
        (_, BallKind::EIGHT) => 0,
        (Game::POOL, BallKind::SOLID | BallKind::STRIPE) => 7,
        (_, BallKind::SOLID | BallKind::STRIPE) => 0,
        _ => usize::MAX,
    }
}

fn balls_of_colour(game: Game, colour: Colour) -> usize {
    match (game, colour) {
        (Game::SNOOKER, Colour::RED) => 15,
        (
            Game::SNOOKER,
            Colour::YELLOW | Colour::GREEN | Colour::BROWN | Colour::BLUE | Colour::PINK | Colour::BLACK,
        ) => 1,
        (Game::PUB, Colour::RED | Colour::YELLOW) => 7,
        (Game::CAROM, Colour::RED | Colour::YELLOW) => 1,
        _ => 0,
    }
}

/// Adds to names of kinds the numbers or colours that are known, as many of each as the game has. `held` is what each
/// ball was named before.
pub fn name_faces(game: Game, balls: &[(FaceVotes, Identity)], named: &mut [Named]) {
    for face in 1..FACES as u8 {
        let identity_of = |named: &Named| with_face(game, named.identity, face);
        let most = match game {
            Game::POOL => 1,
            _ => balls_of_colour(game, Colour::from_code(face)),
        };
        let weight = |i: usize| {
            let (votes, held) = &balls[i];
            let (best, part, weight) = votes.best();
            let identity = identity_of(&named[i])?;
            (best == face && part > PUBLISHED_ABOVE).then_some(if *held == identity {
                HELD * weight
            } else {
                weight
            })
        };
        let mut chosen = [false; crate::limits::MAX_TRACKS];
        for _ in 0..most.min(balls.len()) {
            let best = (0..balls.len())
                .filter(|i| !chosen[*i])
                .filter_map(|i| Some((i, weight(i)?)))
                .reduce(|best, other| if other.1 > best.1 { other } else { best });
            let Some((i, _)) = best else { break };
            chosen[i] = true;
        }
        for (i, name) in named.iter_mut().enumerate() {
            if chosen[i]
                && let Some(identity) = identity_of(name)
            {
                let (_, part, _) = balls[i].0.best();
                let probability = if name.identity == Identity::BALL {
                    part
                } else {
                    name.probability * part
                };
                *name = Named {
                    identity,
                    probability,
                };
            }
        }
    }
}

/// A kind with a number or colour, if they go together.
fn with_face(game: Game, kind: Identity, face: u8) -> Option<Identity> {
    match game {
        Game::POOL => Identity::numbered(face)
            .filter(|numbered| kind == Identity::BALL || kind.kind() == numbered.kind())
            .filter(|numbered| *numbered != Identity::EIGHT || kind.kind() == BallKind::EIGHT),
        _ => (kind.kind() == BallKind::BALL).then(|| Identity::coloured(Colour::from_code(face))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: Option<u8>, colour: Colour) -> Observation {
        Observation {
            place_mm: [0.0; 2],
            variance_mm2: [1.0; 2],
            pixel: [0.0; 2],
            kind: baize_frame::BallKind::Ball,
            number,
            colour,
            kind_score: 0.9,
            score: 0.9,
        }
    }

    fn votes(number: Option<u8>, colour: Colour, times: usize) -> FaceVotes {
        let mut votes = FaceVotes::first(&seen(number, colour));
        for _ in 1..times {
            votes.add(&seen(number, colour));
        }
        votes
    }

    #[test]
    fn of_two_balls_that_look_like_the_three_the_one_with_more_votes_bears_the_number() {
        let balls = [
            (votes(Some(3), Colour::UNKNOWN, 3), Identity::BALL),
            (votes(Some(3), Colour::UNKNOWN, 9), Identity::BALL),
        ];
        let mut named = [Named {
            identity: Identity::SOLID,
            probability: 0.9,
        }; 2];
        name_faces(Game::POOL, &balls, &mut named);
        assert_eq!(named[0].identity, Identity::SOLID);
        assert_eq!(named[1].identity.number(), Some(3));
    }

    #[test]
    fn a_number_that_contradicts_the_kind_is_not_published() {
        let balls = [(votes(Some(12), Colour::UNKNOWN, 9), Identity::BALL)];
        let mut named = [Named {
            identity: Identity::SOLID,
            probability: 0.9,
        }];
        name_faces(Game::POOL, &balls, &mut named);
        assert_eq!(named[0].identity, Identity::SOLID);
    }

    #[test]
    fn snooker_has_fifteen_reds_and_one_blue() {
        let mut balls = [(votes(None, Colour::RED, 5), Identity::BALL); 18];
        balls[16] = (votes(None, Colour::BLUE, 5), Identity::BALL);
        balls[17] = (votes(None, Colour::BLUE, 7), Identity::BALL);
        let mut named = [Named::NOTHING; 18];
        name_faces(Game::SNOOKER, &balls, &mut named);
        let count = |colour| {
            named
                .iter()
                .filter(|named| named.identity.colour() == colour)
                .count()
        };
        assert_eq!((count(Colour::RED), count(Colour::BLUE)), (15, 1));
        assert_eq!(named[17].identity.colour(), Colour::BLUE);
    }
}
