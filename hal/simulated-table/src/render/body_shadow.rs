//! The soft shadow of a body, computed on a coarse grid.

use glam::DVec3;

use crate::person::Limb;
use crate::render::Stage;
use crate::render::canvas::Area;
use crate::render::light::Seen;
use crate::render::limb::pass;
use crate::render::shadow::hidden_by;
use crate::scene::MAX_LAMPS;

/// Pixels between the points at which a body's shadow is computed: it is soft.
const BODY_SPACING: usize = 8;
/// Beyond so many radii a limb hides less than 5 % of the room's light.
const LIMB_REACH: f64 = 3.5;

/// What the limbs leave of the room's light and of each lamp's at one point.
#[derive(Debug, Clone, Copy)]
struct Left {
    room: f32,
    lamps: Seen,
}

impl Left {
    const ALL: Self = Self {
        room: 1.0,
        lamps: [1.0; MAX_LAMPS],
    };
}

/// The shadow of a body on a grid over the picture.
pub struct BodyShadow {
    columns: usize,
    lines: usize,
    left: Vec<Left>,
    /// Part of all light that is left at each point.
    light: Vec<f32>,
}

impl BodyShadow {
    pub fn new(width: u32, height: u32) -> Self {
        let columns = width as usize / BODY_SPACING + 2;
        let lines = height as usize / BODY_SPACING + 2;
        Self {
            columns,
            lines,
            left: vec![Left::ALL; columns * lines],
            light: vec![1.0; columns * lines],
        }
    }

    /// Dims the canvas under a body.
    pub fn draw(&mut self, stage: &mut Stage, limbs: &[Limb]) {
        self.left.fill(Left::ALL);
        let mut reach: Option<Area> = None;
        let mut widen = |area: Area| reach = Some(reach.map_or(area, |r: Area| r.union(area)));
        for limb in limbs {
            let thick = limb.from_radius.max(limb.to_radius);
            let under = self.under(
                stage,
                [limb.from.with_z(0.0), limb.to.with_z(0.0)],
                LIMB_REACH * thick,
            );
            widen(under);
            self.for_each_point(stage, under, |point, left| left.room *= room_left(limb, point));
            for (i, lamp) in stage.lighting.lamps.iter().enumerate() {
                if limb.from.z.max(limb.to.z) > 0.8 * lamp.position.z {
                    continue;
                }
                let fall = |p: DVec3| p + (p - lamp.position) * (p.z / (lamp.position.z - p.z));
                let grow = |p: DVec3| lamp.position.z / (lamp.position.z - p.z);
                let wide = grow(limb.from).max(grow(limb.to));
                let soft = thick * wide + lamp.radius * (wide - 1.0);
                let under = self.under(stage, [fall(limb.from), fall(limb.to)], 1.1 * soft);
                widen(under);
                self.for_each_point(stage, under, |point, left| {
                    left.lamps[i] *= 1.0 - hidden_by(limb, lamp, point)
                });
            }
        }
        if let Some(reach) = reach {
            self.join(stage, reach);
            self.dim(stage, reach);
        }
    }

    /// The grid points around the image of a line on the cloth, `margin` wide.
    fn under(&self, stage: &Stage, ends: [DVec3; 2], margin: f64) -> Area {
        let everything = Area {
            x0: 0,
            y0: 0,
            x1: self.columns as i32,
            y1: self.lines as i32,
        };
        let mut around: Option<Area> = None;
        for end in ends {
            for (dx, dy) in [
                (-margin, -margin),
                (margin, -margin),
                (margin, margin),
                (-margin, margin),
            ] {
                let Some([x, y]) = stage.camera.project((end + DVec3::new(dx, dy, 0.0)).to_array()) else {
                    return everything;
                };
                let spacing = BODY_SPACING as f64;
                let here = Area::around(
                    x / spacing - 1.0,
                    y / spacing - 1.0,
                    x / spacing + 1.0,
                    y / spacing + 1.0,
                );
                around = Some(around.map_or(here, |a| a.union(here)));
            }
        }
        around.map_or(everything, |a| a.within(self.columns as i32, self.lines as i32))
    }

    fn for_each_point(&mut self, stage: &Stage, area: Area, mut visit: impl FnMut(DVec3, &mut Left)) {
        for line in area.y0..area.y1 {
            for column in area.x0..area.x1 {
                if let Some(point) = point_at(stage, column, line) {
                    visit(
                        point,
                        &mut self.left[line as usize * self.columns + column as usize],
                    );
                }
            }
        }
    }

    /// What is left of all light together.
    fn join(&mut self, stage: &Stage, area: Area) {
        for line in area.y0..area.y1 {
            for column in area.x0..area.x1 {
                let at = line as usize * self.columns + column as usize;
                let left = &self.left[at];
                self.light[at] = 1.0;
                if let Some(point) = point_at(stage, column, line) {
                    let lamps = stage.lighting.lamps.iter().zip(left.lamps);
                    let direct: f32 = lamps.map(|(lamp, left)| lamp.on_level(point) * left).sum();
                    self.light[at] =
                        (direct + stage.lighting.ambient * left.room) / stage.lighting.on_level(point);
                }
            }
        }
    }

    fn dim(&self, stage: &mut Stage, area: Area) {
        let spacing = BODY_SPACING as i32;
        for y in area.y0 * spacing..((area.y1 - 1) * spacing).min(stage.canvas.height) {
            let ty = (y % spacing) as f32 / spacing as f32;
            for column in area.x0..area.x1 - 1 {
                let at = (y / spacing) as usize * self.columns + column as usize;
                let below = at + self.columns;
                let left = self.light[at] + (self.light[below] - self.light[at]) * ty;
                let right = self.light[at + 1] + (self.light[below + 1] - self.light[at + 1]) * ty;
                let x0 = column * spacing;
                let x1 = (x0 + spacing).min(stage.canvas.width);
                if left.min(right) > 0.985 || x0 >= x1 {
                    continue;
                }
                stage.canvas.touch(y, x0, x1);
                for x in x0..x1 {
                    let at = stage.canvas.index(x, y);
                    if stage.surfaces[at].takes_shadow() {
                        let tx = (x - x0) as f32 / spacing as f32;
                        stage.canvas.dim(at, left + (right - left) * tx, stage.tone);
                    }
                }
            }
        }
    }
}

/// Where a grid point looks on the cloth's plane.
fn point_at(stage: &Stage, column: i32, line: i32) -> Option<DVec3> {
    let at = |index: i32, most: i32| f64::from((index * BODY_SPACING as i32).min(most));
    let direction = stage
        .rays
        .direction(at(column, stage.canvas.width), at(line, stage.canvas.height));
    stage.rays.meet(direction, 0.0)
}

/// What a limb close above leaves of the room's light.
fn room_left(limb: &Limb, point: DVec3) -> f32 {
    let pass = pass(limb, point, DVec3::Z);
    let radius = limb.from_radius + (limb.to_radius - limb.from_radius) * pass.along;
    let d2 = pass.apart * pass.apart + pass.distance * pass.distance;
    1.0 - (0.7 * radius * radius / d2.max(radius * radius)) as f32
}
