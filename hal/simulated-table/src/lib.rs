//! A billiard table with physics and a camera above it, rendered with exact truth beside every frame.
//!
//! - **Scene** says what there is: table, balls, furniture, lamps, camera, sensor. [`Scene::standard`] is the table of
//!   the demonstrations, [`Scene::random`] varies everything, for training pictures.
//! - **Physics** moves the balls: sliding, rolling, collisions, cushions, pockets; a player racks, aims and strikes.
//! - **Renderer** paints the picture in software and writes it in the camera's pixel format into the caller's buffer,
//!   without allocating.
//! - **Projector**, where one is hung, throws discs of light on cloth, cushions and balls.
//! - **Truth** tells where everything really is, in millimetres and in pixels.
//!
//! The same seed gives the same bytes on every machine: own random numbers, `libm`, plain IEEE arithmetic.
//!
//! Limits: balls never jump off the cloth; the lens is in focus everywhere or nowhere; light bounces once at most.
#![forbid(unsafe_code)]

mod aim;
mod balls;
mod camera;
mod colour;
mod layout;
mod observe;
mod outline;
mod person;
mod physics;
mod play;
mod projector;
mod random;
mod render;
mod scene;
mod scene_random;
mod simulated_table;
mod table;
mod truth;

pub use balls::{Ball, BallSet, BallStyle, MAX_BALLS, Pattern};
pub use camera::{Camera, CameraPose};
pub use colour::{Rgb, from_picture};
pub use layout::Layout;
pub use physics::{BallState, Phase, Shot, World};
pub use projector::{Discs, MAX_DISCS, Projector};
pub use random::Random;
pub use scene::{Corners, Diamonds, Lamp, Lights, Looks, MAX_LAMPS, Play, Scene, Sensor};
pub use simulated_table::{PlaceError, Placement, SimulatedTable};
pub use table::{CUSHION_POINTS, Cushion, Pocket, PocketStyle, Table, TableSize};
pub use truth::{BallTruth, CueState, CueTruth, MAX_CUES, Truth};
