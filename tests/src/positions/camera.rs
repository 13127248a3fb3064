//! A random camera that shows a whole table: what a person would hang up.

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::{Camera, CameraPose, Layout, Play, Random, Scene, SimulatedTable};
use baize_table_vision::geometry::TableSize;

/// What the measured pictures are like.
pub const FORMAT: FrameFormat = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
/// From the noses to beyond the diamonds: all of this is in the picture.
const SHOWN_MM: f64 = 115.0;
/// The most balls that lie on the table.
const MAX_BALLS: usize = 16;
/// In how many pictures a player leans over the table.
const PERSON: f64 = 1.0 / 3.0;
/// Cameras hung so that the long side stands upright in the wide picture: few, for it wastes the picture.
const UPRIGHT: f64 = 0.05;
/// No room is higher: lenses that would need more are made wider.
const MAX_HEIGHT_MM: f64 = 6000.0;

/// One camera above one table.
pub struct RandomCamera {
    /// What the random numbers come from.
    pub seed: u64,
    /// Table, light, balls, camera.
    pub scene: Scene,
}

impl RandomCamera {
    /// Table, light, cloth, lens, tilt and turn as in the scenes for training; so far away that the table fits.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 97);
        let mut scene = Scene::random(seed);
        scene.play = Play::Still;
        scene.layout = match random.index(MAX_BALLS + 1) as u8 {
            0 => Layout::Empty,
            balls => Layout::Scattered(balls),
        };
        scene.person = random.chance(PERSON);
        scene.loose_cue = random.chance(0.06);
        let upright = if random.chance(UPRIGHT) { 90.0 } else { 0.0 };
        scene.camera.roll_deg = upright + 6.0 * random.gaussian();
        // How much more of the room than needed is in the picture.
        let room = random.range(1.02, 1.25);
        scene.camera = loop {
            let distance = nearest(&scene) * room;
            let pose = at_distance(&scene, distance);
            if pose.position_mm[2] < MAX_HEIGHT_MM {
                break pose;
            }
            scene.camera.hfov_deg *= 1.1;
        };
        Self { seed, scene }
    }

    /// The table to be looked at.
    pub fn table(&self) -> TableSize {
        TableSize::new(self.scene.table.length_mm, self.scene.table.width_mm)
    }

    /// The table in front of its camera.
    ///
    /// # Panics
    /// Never: the format is one of a picture.
    pub fn simulated(&self) -> SimulatedTable {
        SimulatedTable::new(self.scene.clone(), FORMAT).expect("the format is that of a picture")
    }
}

/// The least distance from the table's middle at which all of it shows.
fn nearest(scene: &Scene) -> f64 {
    let (mut too_near, mut far_enough) = (300.0, 20_000.0);
    for _ in 0..30 {
        let middle = (too_near + far_enough) / 2.0;
        if shows_all(scene, &at_distance(scene, middle)) {
            far_enough = middle;
        } else {
            too_near = middle;
        }
    }
    far_enough
}

fn at_distance(scene: &Scene, distance_mm: f64) -> CameraPose {
    let tilt = scene.camera.tilt_deg.to_radians();
    let towards = scene.camera.tilt_towards_deg.to_radians();
    let aside = distance_mm * tilt.sin();
    CameraPose {
        position_mm: [
            scene.table.length_mm / 2.0 - aside * towards.cos(),
            scene.table.width_mm / 2.0 - aside * towards.sin(),
            distance_mm * tilt.cos(),
        ],
        ..scene.camera
    }
}

fn shows_all(scene: &Scene, pose: &CameraPose) -> bool {
    let camera = Camera::new(pose, FORMAT.width, FORMAT.height);
    let (length, width) = (scene.table.length_mm, scene.table.width_mm);
    let (low, high) = (-SHOWN_MM, [length + SHOWN_MM, width + SHOWN_MM]);
    let [width_px, height_px] = [FORMAT.width, FORMAT.height].map(f64::from);
    // A lens bends the sides outwards: look along them.
    (0..=8).map(|i| f64::from(i) / 8.0).all(|part| {
        let [x, y] = high.map(|end| low + part * (end - low));
        [[x, low], [x, high[1]], [low, y], [high[0], y]]
            .iter()
            .all(|&[x, y]| {
                camera.project([x, y, 40.0]).is_some_and(|[u, v]| {
                    (3.0..width_px - 3.0).contains(&u) && (3.0..height_px - 3.0).contains(&v)
                })
            })
    })
}
