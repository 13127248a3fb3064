//! What a shot will do: the cue ball's way to the first contact, what it hits and where that goes, and the cue ball's way
//! afterwards between the two bounds that players know, natural roll and stun.

mod body;
mod physics;
mod run;

use baize_table_state::{BallId, Confidence, Direction, Leg, LegEnd, Position, ShotPrediction, Sigma};
use heapless::Vec;

use self::body::Body;
pub use self::physics::Physics;
use self::run::{End, Piece, Run};
use crate::FrameStamp;
use crate::geometry::linear::{Vec2, dot2, norm2, scale2, sub2};
use crate::geometry::{Calibration, Pocket};
use crate::limits::MAX_TRACKS;

/// Contacts that are predicted; after these, errors have grown to balls' sizes.
const CONTACTS: u32 = 3;
/// How sure the way to the first contact is, and each of the two ways after it.
const FIRST: f32 = 0.9;
const AFTER: f32 = 0.6;
const BOUND: f32 = 0.4;
/// What is not known of the speed and the spin makes the throw uncertain by this.
const THROW_RAD: f64 = 0.008;
/// Directions that spread more than this, in radians, say nothing.
const WIDEST: f64 = 1.0;

/// A ball on the table as it is before or during the shot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub id: BallId,
    pub place_mm: Vec2,
    pub sigma_mm: f64,
}

/// The cue ball's motion that is assumed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launch {
    pub direction_rad: f64,
    /// Standard deviation of the direction.
    pub sigma_rad: f64,
    pub speed_mm_s: f64,
    /// How far it has come from sliding (0) to rolling (1).
    pub roll: f64,
}

/// Predicts the shot in which `cue_ball`, an index into `balls`, is sent off. All other balls rest.
pub fn predict(
    stamp: FrameStamp,
    calibration: &Calibration,
    physics: &Physics,
    balls: &Vec<Standing, MAX_TRACKS>,
    cue_ball: usize,
    launch: &Launch,
) -> ShotPrediction {
    let pockets: Vec<Pocket, 6> = calibration.table.pockets();
    let ahead = [libm::cos(launch.direction_rad), libm::sin(launch.direction_rad)];
    let mut bodies: Vec<Body, MAX_TRACKS> = balls.iter().map(|ball| Body::at_rest(ball.place_mm)).collect();
    let body = &mut bodies[cue_ball];
    body.velocity_mm_s = scale2(ahead, launch.speed_mm_s);
    body.spin_mm_s = [-ahead[1], ahead[0], 0.0].map(|part| part * launch.speed_mm_s * launch.roll);

    let mut first = Run::new(
        bodies,
        &calibration.table,
        &pockets,
        calibration.ball_radius_mm(),
        physics,
    );
    let mut prediction = ShotPrediction {
        frame_id: stamp.frame_id,
        exposure_us: stamp.exposure_us,
        calibration_id: calibration.id,
        direction: Direction::from_radians(launch.direction_rad as f32),
        assumed_speed_mm_s: launch.speed_mm_s.clamp(0.0, f64::from(u16::MAX)) as u16,
        legs: Vec::new(),
    };
    let mut spread = Spread::new(balls, cue_ball, launch, calibration.ball_diameter_mm);
    first.until_contacts(1, &mut |piece| {
        let sigma_mm = spread.at_end(piece);
        push(&mut prediction, balls, piece, sigma_mm, FIRST);
    });
    if first.met.is_none() {
        first.break_off(&mut |piece| {
            let sigma_mm = spread.at_end(piece);
            push(&mut prediction, balls, piece, sigma_mm, FIRST);
        });
        return prediction;
    }
    let mut run = first.clone();
    let mut spread_then = spread.clone();
    let mut tell = |piece: &Piece| {
        let sigma_mm = spread_then.at_end(piece);
        if usize::from(piece.ball) != cue_ball {
            push(&mut prediction, balls, piece, sigma_mm, AFTER);
        }
    };
    run.until_contacts(CONTACTS, &mut tell);
    run.break_off(&mut tell);
    for rolling in [true, false] {
        let mut run = first.clone();
        run.meet_again(rolling);
        let mut spread_then = spread.clone();
        let mut tell = |piece: &Piece| {
            let sigma_mm = spread_then.at_end(piece);
            if usize::from(piece.ball) == cue_ball {
                push(&mut prediction, balls, piece, sigma_mm, BOUND);
            }
        };
        run.until_contacts(CONTACTS, &mut tell);
        run.break_off(&mut tell);
    }
    prediction
}

fn push(prediction: &mut ShotPrediction, balls: &[Standing], piece: &Piece, sigma_mm: f64, confidence: f32) {
    let (end, target) = match piece.end {
        End::Ball(other) => (LegEnd::BALL, Some(balls[usize::from(other)].id.get())),
        End::Pocket(pocket) => (LegEnd::POCKET, Some(pocket)),
        End::Cushion => (LegEnd::CUSHION, None),
        End::Rest => (LegEnd::REST, None),
        End::Open => (LegEnd::OPEN, None),
    };
    let position = |[x, y]: Vec2| Position::from_mm(x as f32, y as f32);
    // A shot with more pieces than a message holds is told as far as it goes.
    let _ = prediction.legs.push(Leg {
        ball: balls[usize::from(piece.ball)].id,
        from: position(piece.from_mm),
        to: position(piece.to_mm),
        arrives_ms: (piece.arrives_s * 1e3).min(f64::from(u16::MAX)) as u16,
        end,
        target,
        sigma: Sigma::from_mm(sigma_mm as f32),
        confidence: Confidence::from_ratio(confidence),
    });
}

/// How uncertain each ball's place and direction are, carried along its way and through contacts.
#[derive(Debug, Clone)]
struct Spread {
    place_mm: [f64; MAX_TRACKS],
    direction_rad: [f64; MAX_TRACKS],
    at_mm: [Vec2; MAX_TRACKS],
    touch_mm: f64,
}

impl Spread {
    fn new(balls: &[Standing], cue_ball: usize, launch: &Launch, touch_mm: f64) -> Self {
        let mut spread = Self {
            place_mm: [0.0; MAX_TRACKS],
            direction_rad: [0.0; MAX_TRACKS],
            at_mm: [[0.0; 2]; MAX_TRACKS],
            touch_mm,
        };
        for (i, ball) in balls.iter().enumerate() {
            spread.place_mm[i] = ball.sigma_mm;
            spread.at_mm[i] = ball.place_mm;
        }
        spread.direction_rad[cue_ball] = launch.sigma_rad;
        spread
    }

    /// Standard deviation of where a piece ends.
    fn at_end(&mut self, piece: &Piece) -> f64 {
        let ball = usize::from(piece.ball);
        let way = sub2(piece.to_mm, piece.from_mm);
        let run_mm = norm2(way) * self.direction_rad[ball];
        let sigma_mm = libm::sqrt(self.place_mm[ball] * self.place_mm[ball] + run_mm * run_mm);
        self.place_mm[ball] = sigma_mm;
        self.at_mm[ball] = piece.to_mm;
        if let End::Ball(other) = piece.end {
            let other = usize::from(other);
            let normal = sub2(self.at_mm[other], piece.to_mm);
            let length = norm2(way).max(1e-9) * norm2(normal).max(1e-9);
            // A thin hit turns far with little.
            let fullness = (dot2(way, normal) / length).max(0.1);
            let both_mm = libm::sqrt(sigma_mm * sigma_mm + self.place_mm[other] * self.place_mm[other]);
            let turned = (both_mm / (self.touch_mm * fullness)).min(WIDEST);
            let sigma_rad = libm::sqrt(turned * turned + THROW_RAD * THROW_RAD);
            self.direction_rad[ball] = self.direction_rad[ball].max(sigma_rad);
            self.direction_rad[other] = self.direction_rad[other].max(sigma_rad);
        }
        sigma_mm
    }
}
