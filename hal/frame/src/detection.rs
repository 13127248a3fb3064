use crate::limits::{MAX_BALL_DETECTIONS, MAX_CUE_DETECTIONS, MAX_DOUBTFUL_DETECTIONS};

/// What a single picture tells about a ball.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BallKind {
    /// The cue ball.
    Cue,
    /// The black eight.
    Eight,
    /// A solid (numbers 1 to 7).
    Solid,
    /// A stripe (numbers 9 to 15).
    Stripe,
    /// A ball of unknown kind, or of a set that knows no solids and stripes.
    Ball,
}

impl BallKind {
    /// All kinds, in the order of the network's kind outputs, which is that of their declaration.
    pub const ALL: [Self; 5] = [Self::Cue, Self::Eight, Self::Solid, Self::Stripe, Self::Ball];
}

/// A colour by which a ball of a set without numbers is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BallColour {
    /// White.
    White,
    /// Yellow.
    Yellow,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Brown.
    Brown,
    /// Blue.
    Blue,
    /// Pink.
    Pink,
    /// Black.
    Black,
}

impl BallColour {
    /// All colours, in the order of the reading network's outputs.
    pub const ALL: [Self; 8] = [
        Self::White,
        Self::Yellow,
        Self::Red,
        Self::Green,
        Self::Brown,
        Self::Blue,
        Self::Pink,
        Self::Black,
    ];
}

/// What a closer look at a ball told of its face. Which of the two answers holds is up to the set: a plain red ball is
/// the three of a pool set and a red of any other.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading {
    /// The ball's number if the set is a pool set, 0 for the cue ball; `None` where it cannot be told.
    pub number: Option<u8>,
    /// Probability of `number`, given a pool set: 0 to 1; 0 where there is none.
    pub number_score: f32,
    /// The ball's colour if the set has no numbers; `None` where it cannot be told.
    pub colour: Option<BallColour>,
    /// Probability of `colour`, given a set without numbers: 0 to 1; 0 where there is none.
    pub colour_score: f32,
}

impl Reading {
    /// Nobody looked, or nothing was to be told.
    pub const NOTHING: Self = Self {
        number: None,
        number_score: 0.0,
        colour: None,
        colour_score: 0.0,
    };
}

/// How probable each kind of a ball is, given that it is one. They sum to 1 at most: the rest is none of them, as of a ball that
/// looks like the eight beside another.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KindShares([f32; BallKind::ALL.len()]);

impl KindShares {
    /// Nothing is known: a pool set has a cue ball, an eight, and seven solids and stripes; other sets a white ball, and others of
    /// seven colours.
    pub const UNKNOWN: Self = Self([2.0 / 24.0, 1.0 / 24.0, 7.0 / 24.0, 7.0 / 24.0, 7.0 / 24.0]);

    /// In the order of [`BallKind::ALL`].
    pub const fn new(shares: [f32; BallKind::ALL.len()]) -> Self {
        Self(shares)
    }

    /// This kind is so probable, and all others alike.
    pub fn of(kind: BallKind, share: f32) -> Self {
        let other = (1.0 - share) / (BallKind::ALL.len() - 1) as f32;
        Self(BallKind::ALL.map(|each| if each == kind { share } else { other }))
    }

    /// In the order of [`BallKind::ALL`].
    pub const fn all(&self) -> [f32; BallKind::ALL.len()] {
        self.0
    }

    /// How probable this kind is.
    pub const fn share(&self, kind: BallKind) -> f32 {
        self.0[kind as usize]
    }

    /// The most probable kind, of equals the first.
    pub fn most_probable(&self) -> BallKind {
        let better = |best, kind| {
            if self.share(kind) > self.share(best) {
                kind
            } else {
                best
            }
        };
        BallKind::ALL.into_iter().fold(BallKind::ALL[0], better)
    }

    /// The most probable kind, or [`BallKind::Ball`] where none is as probable as that.
    pub fn claimed(&self, least: f32) -> BallKind {
        let likeliest = self.most_probable();
        if self.share(likeliest) < least {
            BallKind::Ball
        } else {
            likeliest
        }
    }
}

/// A ball seen in one picture; pixels of the full picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BallDetection {
    /// Centre of the box.
    pub centre_px: [f32; 2],
    /// Width and height of the box.
    pub size_px: [f32; 2],
    /// The most probable kind; where somebody looked at its face, `Ball` where no kind is probable enough.
    pub kind: BallKind,
    /// How probable each kind is.
    pub kind_shares: KindShares,
    /// Probability that this is a ball at all: 0 to 1.
    pub score: f32,
    /// Its number or colour, where somebody looked.
    pub reading: Reading,
}

impl BallDetection {
    /// Probability of `kind`, given that this is a ball: 0 to 1.
    pub const fn kind_score(&self) -> f32 {
        self.kind_shares.share(self.kind)
    }
}

/// A cue stick seen in one picture; pixels of the full picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CueDetection {
    /// The end that strikes.
    pub tip_px: [f32; 2],
    /// The other end, or where the cue leaves the picture.
    pub butt_px: [f32; 2],
    /// Probability that this is a cue: 0 to 1.
    pub score: f32,
}

/// Everything detected in one picture, best score first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detections {
    /// The balls.
    pub balls: heapless::Vec<BallDetection, MAX_BALL_DETECTIONS>,
    /// What may be a ball, for those who know where balls can be and how large they look there.
    pub doubtful: heapless::Vec<BallDetection, MAX_DOUBTFUL_DETECTIONS>,
    /// The cues.
    pub cues: heapless::Vec<CueDetection, MAX_CUE_DETECTIONS>,
}

impl Detections {
    /// Nothing detected.
    pub const fn new() -> Self {
        Self {
            balls: heapless::Vec::new(),
            doubtful: heapless::Vec::new(),
            cues: heapless::Vec::new(),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.balls.clear();
        self.doubtful.clear();
        self.cues.clear();
    }
}
