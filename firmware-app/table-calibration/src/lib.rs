//! Finds the table in a picture and solves the camera that looks at it: from pixels to millimetres without a ruler.
//!
//! The steps, a file each: the cloth's region by colour (`cloth`), its four straight edges (`outline`, `starts`), a first camera
//! from their corners (`first_guess`), the cushions' noses to a fraction of a pixel (`steps`, `noses`, `edge`), the
//! diamonds where there are (`diamonds`), the pockets (`pockets`), the camera that explains them (`model`, `solve`), and a gate that refuses what is not good enough, with the reason (`gate`, `motion`).
//!
//! Beside it: whether the camera still is where it was (`drift`), and how a projector lights the table ([`projector`]).
//!
//! - The corners of the table frame are those of the cushion **noses**, which are 0.635 of a ball's diameter above the
//!   bed. Both facts are modelled. Noses and ball centres are nearly equally high, so positions of balls hardly suffer
//!   where a straight-down view does not tell the focal length.
//! - Runs on the supervisor: `std`, allocates, takes some 100 ms. Never panics on what a picture shows.
//! - How far off positions may be is computed with the solution, from what was measured and what was believed.
//! - Limits: a lens of square pixels that OpenCV's k1, k2, p1 and p2 describe; all four noses must show over a
//!   third of their length, unless corners are given by hand; cloth and rail must differ in colour.
#![forbid(unsafe_code)]

pub mod board;
mod calibrate;
mod cloth;
mod diamonds;
mod draw;
mod drift;
mod edge;
mod first_guess;
mod gate;
mod linear;
mod mask;
mod median;
mod model;
mod motion;
mod noses;
mod outcome;
mod outline;
mod parabola;
mod picture;
mod pockets;
pub mod projector;
mod side;
mod solve;
mod starts;
mod steps;
mod warp;

pub use calibrate::calibrate;
pub use draw::draw;
pub use drift::{NoseDepths, drift_mm, nose_depths_mm};
pub use outcome::{Hints, Outcome, Place, Reason, Request, focal_from_field_of_view};

/// Height of the cushions' noses above the bed, as the World Pool-Billiard Association has it: 62.5 to 64.5 % of a
/// ball's diameter. Snooker and carom tables are alike.
pub fn nose_height_mm(ball_diameter_mm: f64) -> f64 {
    0.635 * ball_diameter_mm
}
