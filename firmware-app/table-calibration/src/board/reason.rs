//! Why pictures of a board do not tell the lens yet, and what to do.

use std::fmt;

/// A ninth of the picture: column and row, from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// 0 to 2.
    pub column: u8,
    /// 0 to 2.
    pub row: u8,
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.row, self.column) {
            (0, 0) => "top left",
            (0, 1) => "top",
            (0, _) => "top right",
            (1, 0) => "left",
            (1, 1) => "middle",
            (1, _) => "right",
            (_, 0) => "bottom left",
            (_, 1) => "bottom",
            _ => "bottom right",
        })
    }
}

/// Why there is no lens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LensReason {
    /// Pictures of different sizes.
    SizesDiffer,
    /// The board shows in too few pictures.
    TooFew {
        /// Pictures with a board.
        found: usize,
        /// Pictures needed.
        wanted: usize,
    },
    /// No board was in these parts of the picture, where the lens would be a guess.
    NotSeen {
        /// Which.
        zones: Vec<Zone>,
    },
    /// The boards lie too flat before the camera to tell how long the lens is.
    Flat {
        /// Standard deviation of the focal length, in percent.
        focal_percent: f64,
    },
    /// No lens explains the boards.
    PoorFit {
        /// How far points are from where the best lens has them, root mean square.
        residual_px: f64,
    },
    /// What explains the boards is no lens that shows the whole picture.
    NotALens,
}

impl fmt::Display for LensReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SizesDiffer => f.write_str("the pictures differ in size; take all with one camera, at one size"),
            Self::TooFew { found, wanted } => write!(
                f,
                "the board shows in {found} pictures, {wanted} are needed; show it larger, flat, evenly lit and held still"
            ),
            Self::NotSeen { zones } => {
                f.write_str("the board was not yet here:")?;
                for (number, zone) in zones.iter().enumerate() {
                    write!(f, "{}{zone}", if number == 0 { " " } else { ", " })?;
                }
                f.write_str("; show it there, it may stick out of the picture")
            }
            Self::Flat { focal_percent } => write!(
                f,
                "the focal length is known to {focal_percent:.1} % only; lean the board by 30 degrees and more, each way"
            ),
            Self::PoorFit { residual_px } => write!(
                f,
                "the boards are {residual_px:.2} pixels off any lens; the board must be flat, its fields square, the camera unzoomed and in focus"
            ),
            Self::NotALens => f.write_str(
                "what explains the boards is no lens that shows the whole picture; show the board in the picture's corners",
            ),
        }
    }
}

impl std::error::Error for LensReason {}
