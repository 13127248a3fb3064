//! A camera's lens, from pictures of a checkerboard that is held before it.
//!
//! The meetings of four fields are found (`saddles`) and walked over from one to the next (`grid`); then the lens and the
//! place of the board in each picture are solved together (`lens`). How large the fields are, how many there are and
//! which of them show does not matter: only that they are square and lie in one plane. So half a board at the picture's
//! edge is as good as a whole one. The fields of a ChArUco board are found, too, where its marks keep some 5 pixels away from
//! the meetings; no lens was solved from one yet.

mod grid;
mod lens;
mod reason;
mod saddles;

use crate::picture::Picture;
use baize_frame::ImageView;

pub use lens::{LensFit, solve_lens};
pub use reason::{LensReason, Zone};

/// A board that has moved by this part of the picture's width says something new.
const NEW_VIEW: f64 = 0.05;

/// A meeting of four fields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoardPoint {
    /// Column and row on the board, counted from anywhere.
    pub cell: [i32; 2],
    /// Where the picture shows it.
    pub at_px: [f64; 2],
}

/// A checkerboard as one picture shows it, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Width and height of the picture.
    pub size_px: [u32; 2],
    /// What shows of the board.
    pub points: Vec<BoardPoint>,
}

impl Board {
    /// Looks for a board. Never panics, whatever the picture shows.
    pub fn find(view: &ImageView) -> Option<Self> {
        let picture = Picture::merge(std::slice::from_ref(view))?;
        let points = grid::largest(&picture, &saddles::find(&picture))?;
        let size_px = [view.format().width, view.format().height];
        Some(Self { size_px, points })
    }

    /// How far the board lies from where it does in another picture of the same size: the farthest of its four ends.
    pub fn distance_px(&self, other: &Self) -> f64 {
        let apart = |(a, b): ([f64; 2], [f64; 2])| (a[0] - b[0]).hypot(a[1] - b[1]);
        let pairs = self.ends_px().into_iter().zip(other.ends_px());
        pairs.map(apart).fold(0.0, f64::max)
    }

    /// Boards farther apart than this are two views, which say more than one.
    pub fn new_view_px(&self) -> f64 {
        NEW_VIEW * f64::from(self.size_px[0])
    }

    /// The points that lie farthest towards the picture's four corners.
    fn ends_px(&self) -> [[f64; 2]; 4] {
        [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[right, down]| {
            let far = |point: &BoardPoint| right * point.at_px[0] + down * point.at_px[1];
            self.points
                .iter()
                .max_by(|a, b| far(a).total_cmp(&far(b)))
                .map_or([0.0; 2], |point| point.at_px)
        })
    }
}
