//! What is asked of a calibration and what comes out of it.

use baize_frame::BallDetection;
use baize_table_vision::geometry::{Calibration, CameraModel, TableSize};

/// What is known before a picture is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The bed, between the noses.
    pub table: TableSize,
    /// The balls' diameter. The noses' height is a fixed share of it.
    pub ball_diameter_mm: f64,
    /// Whether the table frame lies the other way round: its origin in the corner opposite to the agreed one.
    pub turned: bool,
    /// What a person or a file adds; nothing is needed.
    pub hints: Hints,
    /// Balls seen in one of the pictures, to check the scale; may be empty.
    pub balls: &'a [BallDetection],
}

impl Request<'_> {
    /// A table and its balls, without hints.
    pub fn new(table: TableSize, ball_diameter_mm: f64) -> Self {
        Self {
            table,
            ball_diameter_mm,
            turned: false,
            hints: Hints::default(),
            balls: &[],
        }
    }
}

/// What helps where a picture alone does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// The corners of the noses by hand, about: any corner first, then around the table in either direction.
    pub corners_px: Option<[[f64; 2]; 4]>,
    /// Focal length in pixels of these pictures. A straight-down view does not show it. See
    /// [`focal_from_field_of_view`].
    pub focal_px: Option<f64>,
    /// A lens measured elsewhere, for pictures of this size: taken as it is.
    pub lens: Option<CameraModel>,
}

/// The focal length in pixels of a picture this wide that shows this angle from its left to its right edge.
pub fn focal_from_field_of_view(width_px: u32, horizontal_deg: f64) -> f64 {
    f64::from(width_px) / 2.0 / (horizontal_deg.to_radians() / 2.0).tan()
}

/// Why a calibration was accepted or refused.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The table was found and everything fits.
    Accepted,
    /// No picture, or pictures of different sizes.
    NoCommonPicture,
    /// The camera moved between the pictures.
    CameraMoved,
    /// The table's size or the balls' is not possible.
    BadTable,
    /// The lens given is for pictures of another size, or impossible.
    BadLens,
    /// Nothing in the picture is a table.
    NoTable,
    /// The table goes on beyond the picture's border.
    CutOff,
    /// The edge between cushion and bed shows on too few sides.
    NosesNotFound {
        /// Sides on which it was found.
        sides_found: u8,
    },
    /// The table has other proportions than said.
    AnotherShape {
        /// Length over width, as seen.
        seen: f64,
    },
    /// What was taken for the noses lies beyond them: diamonds show where the cushions should be.
    BeyondTheNoses,
    /// The noses do not fit one camera over one rectangular bed.
    PoorFit,
    /// Too little shows to place balls well everywhere: positions might be off by three times this, in mm.
    Uncertain {
        /// Standard deviation of positions, where it is largest.
        sigma_mm: f64,
    },
    /// No camera explains the noses.
    Unsolvable,
    /// The balls are too large or too small for the table said.
    BallsContradict {
        /// Diameter seen over diameter expected.
        ratio: f64,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted => f.write_str("the table was found and fits"),
            Self::NoCommonPicture => f.write_str("no picture, or pictures of different sizes; give pictures of one camera"),
            Self::CameraMoved => {
                f.write_str("the camera moved between the pictures; fix it, or calibrate from one picture")
            }
            Self::BadTable => f.write_str("the sizes of table and balls are not those of a table and its balls"),
            Self::BadLens => f.write_str("the lens given is impossible or made for pictures of another size"),
            Self::NoTable => f.write_str(
                "no table was found: no even-coloured region with four straight sides; look at the picture, add light, or give the corners by hand",
            ),
            Self::CutOff => f.write_str(
                "the cloth runs out of the picture; show the whole table with its rails, or give the corners by hand",
            ),
            Self::NosesNotFound { sides_found } => write!(
                f,
                "the edge between cushion and bed shows on {sides_found} of 4 sides only; clear the table's edge, or give the corners by hand",
            ),
            Self::AnotherShape { seen } => write!(
                f,
                "the table in the picture is {seen:.2} times as long as wide, unlike the one named; check the table's size",
            ),
            Self::BeyondTheNoses => f.write_str(
                "the backs of the cushions, or the rails, were taken for the noses; add light from above, or give the corners by hand",
            ),
            Self::PoorFit => f.write_str(
                "the sides found do not fit one rectangular bed well enough; clear the table's edge, or give the lens",
            ),
            Self::Uncertain { sigma_mm } => write!(
                f,
                "what shows of the table leaves positions somewhere uncertain by {sigma_mm:.1} mm; clear the table's edge, add light, or give the lens"
            ),
            Self::Unsolvable => f.write_str("no camera above the table explains the sides found"),
            Self::BallsContradict { ratio } => write!(
                f,
                "the balls seem {ratio:.2} times as large as they should on this table; check the sizes of table and balls",
            ),
        }
    }
}

/// A place measured in the picture, against where the solution has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Where it was seen.
    pub at_px: [f64; 2],
    /// Where the solution would show it.
    pub expected_px: [f64; 2],
    /// How far that is on the table: of a nose, across it; of a diamond, along the rail or across.
    pub off_mm: f64,
}

/// The result of a calibration, also of a refused one: what was found shows what is wrong.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether `calibration` may be used.
    pub accepted: bool,
    /// Why, or why not.
    pub reason: Reason,
    /// How far the places found on the noses are from the model, root mean square, in the plane of the noses.
    pub residual_mm: Option<f64>,
    /// Of the same distances, what 95 % stay below.
    pub residual_p95_mm: Option<f64>,
    /// The corners of the noses as the picture shows them: the origin, then along x, then counter-clockwise. The noses
    /// are above the bed, so this is not where the bed's own corners would show.
    pub corners_px: Option<[[f64; 2]; 4]>,
    /// Where the cloth ends: the back of the cushions.
    pub cloth_px: Option<[[f64; 2]; 4]>,
    /// The places measured on noses and diamonds, against the solution.
    pub places: Vec<Place>,
    /// How many diamonds were found; none where fewer than half of them show.
    pub diamonds_found: u8,
    /// Pockets that show as holes where the table named has them, and those that could show: dark cloth hides them.
    pub pockets_found: [u8; 2],
    /// Standard deviation, along each axis, of the places of balls that the solution gives: the root mean square over
    /// the bed of what the measurements leave uncertain.
    pub place_sigma_mm: Option<f64>,
    /// The same where on the bed it is largest.
    pub worst_sigma_mm: Option<f64>,
    /// On which sides the nose itself was found: y = 0, x = length, y = width, x = 0.
    pub sides_found: [bool; 4],
    /// The table's proportions as seen, free of what was said of them; good to a percent or so where the focal length
    /// is known.
    pub length_over_width_seen: Option<f64>,
    /// Standard deviation of its logarithm.
    pub length_over_width_log_sigma: Option<f64>,
    /// Whether the picture itself (or a hint) told the focal length. Where not, it is a usual one; positions of balls
    /// depend on it little, since noses and ball centres are nearly equally high.
    pub focal_known: bool,
    /// The camera over the table, also of a refused calibration if one was solved.
    pub calibration: Option<Calibration>,
}

impl Outcome {
    pub(crate) fn refused(reason: Reason) -> Self {
        Self {
            accepted: false,
            reason,
            residual_mm: None,
            residual_p95_mm: None,
            corners_px: None,
            cloth_px: None,
            places: Vec::new(),
            diamonds_found: 0,
            pockets_found: [0; 2],
            place_sigma_mm: None,
            worst_sigma_mm: None,
            sides_found: [false; 4],
            length_over_width_seen: None,
            length_over_width_log_sigma: None,
            focal_known: false,
            calibration: None,
        }
    }
}
