//! A software renderer: the still background once per camera, everything that moves per frame.

mod background;
mod ball;
mod beam;
mod blur;
mod body_shadow;
mod canvas;
mod digits;
mod light;
mod limb;
mod paint;
mod rail;
mod rays;
mod sensor;
mod shadow;

use baize_frame::FrameFormat;
use glam::DVec3;
use heapless::Vec;

pub use ball::{BallPose, area, bounds, outline};
pub use light::Lighting;

use crate::balls::{Ball, MAX_BALLS};
use crate::camera::Camera;
use crate::colour::{Rgb, multiply, scale};
use crate::person::{Limb, MAX_LIMBS};
use crate::projector::{Discs, Projector};
use crate::scene::{MAX_LAMPS, Scene};
use crate::table::Table;
use crate::truth::MAX_CUES;
use background::{Background, Surface};
use ball::BallView;
use blur::Blur;
use body_shadow::BodyShadow;
use canvas::{Canvas, Planes, Tone};
use rays::Rays;
use sensor::Sensor;

/// The most instants into which an exposure is divided.
pub const MAX_MOMENTS: usize = 8;

/// A thing at the instants of an exposure; one when it does not move.
pub type Moments<T> = Vec<T, MAX_MOMENTS>;

/// Everything that is drawn over the background.
#[derive(Debug, Clone, Default)]
pub struct Actors {
    /// Balls by id; none for a ball that is not there.
    pub balls: [Moments<BallPose>; MAX_BALLS],
    /// Cues.
    pub cues: Vec<Moments<Limb>, MAX_CUES>,
    /// Limbs, the first `under_cue` of them below the first cue.
    pub limbs: Vec<Limb, MAX_LIMBS>,
    /// See `limbs`.
    pub under_cue: usize,
}

/// What drawing needs: the canvas and how the scene looks from the camera.
struct Stage<'a> {
    camera: &'a Camera,
    rays: &'a Rays,
    lighting: &'a Lighting,
    surfaces: &'a [Surface],
    nose_height: f64,
    tone: &'a Tone,
    exposure: &'a Exposure,
    canvas: &'a mut Canvas,
    /// Pixels of each ball that can be seen.
    shown: &'a mut [f64; MAX_BALLS],
}

impl Stage<'_> {
    /// What the sensor makes of light at a pixel.
    fn sensed(&self, light: Rgb, x: i32, y: i32) -> Rgb {
        multiply(light, self.exposure.at(x, y))
    }

    /// Lays light over a pixel and keeps count of what it shows.
    fn cover(&mut self, at: usize, light: Rgb, coverage: f32, ball: Option<usize>) {
        self.canvas.blend(at, light, coverage, self.tone);
        let owner = &mut self.canvas.owner[at];
        if *owner > 0 {
            self.shown[usize::from(*owner) - 1] -= f64::from(coverage);
        }
        if let Some(id) = ball {
            self.shown[id] += f64::from(coverage);
            if coverage > 0.5 {
                *owner = id as u8 + 1;
            }
        }
    }
}

/// Gain, white balance and vignetting.
struct Exposure {
    gain: Rgb,
    centre: [f32; 2],
    falloff: f32,
}

impl Exposure {
    fn new(scene: &Scene, format: &FrameFormat) -> Self {
        let centre = [format.width as f32 / 2.0, format.height as f32 / 2.0];
        Self {
            gain: scale(scene.sensor.white_balance, scene.sensor.gain),
            centre,
            falloff: scene.sensor.vignetting / (centre[0] * centre[0] + centre[1] * centre[1]),
        }
    }

    fn at(&self, x: i32, y: i32) -> Rgb {
        let (dx, dy) = (x as f32 + 0.5 - self.centre[0], y as f32 + 0.5 - self.centre[1]);
        scale(self.gain, 1.0 - self.falloff * (dx * dx + dy * dy))
    }
}

/// Renders the scene through one camera.
pub struct Renderer {
    format: FrameFormat,
    camera: Camera,
    rays: Rays,
    lighting: Lighting,
    surfaces: std::vec::Vec<Surface>,
    background: Planes,
    nose_height: f64,
    tone: Tone,
    exposure: Exposure,
    canvas: Canvas,
    body_shadow: BodyShadow,
    blur: Option<Blur>,
    sensor: Sensor,
}

impl Renderer {
    pub fn new(scene: &Scene, table: &Table, camera: Camera, format: FrameFormat) -> Self {
        let (width, height) = (format.width, format.height);
        let pixels = width as usize * height as usize;
        let mut renderer = Self {
            format,
            camera,
            rays: Rays::new(&camera, width, height),
            lighting: Lighting::new(&scene.lights, scene.looks.cloth),
            surfaces: vec![Surface::Outside; pixels],
            background: Planes::new(pixels),
            nose_height: table.nose_height_mm,
            tone: Tone::new(),
            exposure: Exposure::new(scene, &format),
            canvas: Canvas::new(width, height),
            body_shadow: BodyShadow::new(width, height),
            blur: Blur::new(scene.sensor.blur_px, width, height),
            sensor: Sensor::new(width, scene.sensor.noise, scene.seed),
        };
        renderer.paint_background(scene, table);
        renderer
    }

    fn paint_background(&mut self, scene: &Scene, table: &Table) {
        let background = Background {
            table,
            looks: &scene.looks,
            lighting: &self.lighting,
            seed: scene.seed as u32,
        };
        let (width, height) = (self.canvas.width, self.canvas.height);
        let mut light = vec![[0.0; 3]; self.surfaces.len()];
        for y in 0..height {
            for x in 0..width {
                let at = self.canvas.index(x, y);
                let direction = self.rays.direction(f64::from(x) + 0.5, f64::from(y) + 0.5);
                (self.surfaces[at], light[at]) = background.look(&self.rays, direction);
            }
        }
        for y in 0..height {
            for x in 0..width {
                let at = self.canvas.index(x, y);
                let around = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
                let edge = around.into_iter().any(|(nx, ny)| {
                    let (nx, ny) = (nx.clamp(0, width - 1), ny.clamp(0, height - 1));
                    self.surfaces[self.canvas.index(nx, ny)] != self.surfaces[at]
                });
                let seen = if edge {
                    self.average(&background, x, y)
                } else {
                    light[at]
                };
                let sensed = multiply(seen, self.exposure.at(x, y));
                for (plane, light) in self.background.planes.iter_mut().zip(sensed) {
                    plane[at] = self.tone.encode(light);
                }
            }
        }
        for (canvas, background) in self.canvas.colours.planes.iter_mut().zip(&self.background.planes) {
            canvas.copy_from_slice(background);
        }
    }

    /// The mean of a pixel on an edge.
    fn average(&self, background: &Background, x: i32, y: i32) -> Rgb {
        const SAMPLES: i32 = 4;
        let mut sum = [0.0; 3];
        for i in 0..SAMPLES * SAMPLES {
            let sx = f64::from(x) + (f64::from(i % SAMPLES) + 0.5) / f64::from(SAMPLES);
            let sy = f64::from(y) + (f64::from(i / SAMPLES) + 0.5) / f64::from(SAMPLES);
            let (_, light) = background.look(&self.rays, self.rays.direction(sx, sy));
            for (sum, light) in sum.iter_mut().zip(light) {
                *sum += light;
            }
        }
        scale(sum, 1.0 / (SAMPLES * SAMPLES) as f32)
    }

    /// Renders picture number `frame` into `bytes`, which hold at least `format.size_bytes()`. Tells how many pixels of
    /// each ball can be seen.
    pub fn render(
        &mut self,
        scene: &Scene,
        balls: &[Ball],
        actors: &Actors,
        light: Option<(&Projector, &Discs)>,
        frame: u64,
        bytes: &mut [u8],
    ) -> [f64; MAX_BALLS] {
        let mut shown = [0.0; MAX_BALLS];
        self.canvas.restore(&self.background);
        let mut stage = Stage {
            camera: &self.camera,
            rays: &self.rays,
            lighting: &self.lighting,
            surfaces: &self.surfaces,
            nose_height: self.nose_height,
            tone: &self.tone,
            exposure: &self.exposure,
            canvas: &mut self.canvas,
            shown: &mut shown,
        };
        draw_actors(&mut stage, &mut self.body_shadow, scene, balls, actors, light);
        let picture = match &mut self.blur {
            Some(blur) => blur.apply(&self.canvas.colours),
            None => &self.canvas.colours,
        };
        self.sensor.expose(picture, frame, &self.format, bytes);
        shown
    }
}

fn draw_actors(
    stage: &mut Stage,
    body_shadow: &mut BodyShadow,
    scene: &Scene,
    balls: &[Ball],
    actors: &Actors,
    light: Option<(&Projector, &Discs)>,
) {
    let present: Vec<usize, MAX_BALLS> = (0..balls.len())
        .filter(|&id| !actors.balls[id].is_empty())
        .collect();
    let centres: Vec<DVec3, MAX_BALLS> = present.iter().map(|&id| actors.balls[id][0].centre).collect();
    let mut order: Vec<(usize, f64), MAX_BALLS> = present
        .iter()
        .zip(&centres)
        .map(|(&id, centre)| (id, centre.distance(stage.rays.eye)))
        .collect();
    // The farthest first.
    order.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
    let neighbours = |id: usize| -> Vec<DVec3, 6> {
        let reach = 2.6 * balls[id].radius_mm;
        let here = actors.balls[id][0].centre;
        let near = present
            .iter()
            .zip(&centres)
            .filter(|&(&other, c)| other != id && c.distance(here) < reach);
        near.map(|(_, &c)| c).take(6).collect()
    };
    if !actors.limbs.is_empty() {
        body_shadow.draw(stage, &actors.limbs);
    }
    for &id in &present {
        let seen = [1.0; MAX_LAMPS];
        let view = BallView {
            id,
            ball: &balls[id],
            poses: &actors.balls[id],
            seen,
            neighbours: &[],
        };
        shadow::of_ball(stage, &view);
    }
    for cue in &actors.cues {
        shadow::of_cue(stage, &cue[cue.len() / 2]);
    }
    for &(id, _) in &order {
        let neighbours = neighbours(id);
        let seen = shadow::seen_past(&actors.limbs, &stage.lighting.lamps, actors.balls[id][0].centre);
        let view = BallView {
            id,
            ball: &balls[id],
            poses: &actors.balls[id],
            seen,
            neighbours: &neighbours,
        };
        ball::draw(stage, &scene.ball_style, &view);
    }
    if let Some((projector, discs)) = light {
        beam::draw(stage, projector, discs, balls, actors);
    }
    let (under, over) = actors.limbs.split_at(actors.under_cue);
    for limb in under {
        limb::draw(stage, core::slice::from_ref(limb));
    }
    for cue in &actors.cues {
        limb::draw(stage, cue);
    }
    for limb in over {
        limb::draw(stage, core::slice::from_ref(limb));
    }
}
