//! The middle of a ball's image to a fraction of a pixel, from brightness and colour around its box.
//!
//! The geometry says how large the image is and what shape it has; only its place is sought. Rays from the middle of
//! the box see the rim as an edge, and much else besides: stripes, numbers, glare, shadows, neighbours. What only the
//! rim does is to show edges all around at the right distance: a coarse search finds the place where most rays agree, a
//! robust fit then places it exactly. Where that is far from the box's middle, it looks once more from there.

use baize_frame::Luminance;
use heapless::Vec;

use crate::cloth::{Cloth, Light};
use crate::geometry::BallOutline;
use crate::geometry::linear::{Vec2, add2, norm2, scale2, sub2};
use crate::peak::strongest_near;

/// Rays around the ball. More make the fit slower, not better: neighbouring edges are seen through the same pixels.
const RAYS: usize = 20;
/// Samples along a ray, from inside the ball to outside.
const SAMPLES: usize = 29;
/// Samples to each side over which an edge is measured: about a pixel, for a ball of 18 pixels' radius.
const EDGE_REACH: usize = 2;
/// Places along a ray where an edge may be.
const EDGES: usize = SAMPLES - 2 * EDGE_REACH;
/// All lengths below are in parts of the outline's radius in their direction.
const STEP: f32 = 0.04;
const FIRST_EDGE: f32 = 1.0 - STEP * ((EDGES - 1) / 2) as f32;
const FIRST_SAMPLE: f32 = FIRST_EDGE - STEP * EDGE_REACH as f32;

/// Edges weaker than this, in grey levels, are noise.
const NOISE_LEVELS: f32 = 8.0;
/// An edge of so many levels counts half of what the clearest does. What counts is that there is one all around: a stripe
/// shows a clearer one than the rim of a ball of the cloth's colour.
const HALF_LEVELS: f32 = 16.0;
/// Around a ball smaller than this, edges are measured over fewer pixels than they are wide: they seem so much weaker, noise too.
const SHARP_RADIUS_PX: f32 = 16.0;
/// The coarse search looks this many steps of `SEARCH_STEP` to each side of the box's middle.
const SEARCH_REACH: i32 = 5;
const SEARCH_STEP: f32 = 0.08;
const FARTHEST_SEARCHED: f32 = SEARCH_REACH as f32 * SEARCH_STEP;
const SHIFTS: usize = 81;
/// What the mean edge must gain for a place at the end of the search to be preferred to the box's middle.
const SEARCH_RELUCTANCE: f32 = 0.1;

/// Rounds of the robust fit; the third moves it by thousandths of a pixel.
const FIT_ROUNDS: usize = 3;
/// An edge belongs to the rim if it is at most this far from it.
const FIT_REACH: f32 = 0.1;
const FIT_STEPS: i32 = (FIT_REACH / STEP) as i32;
/// The outline's size is known to this; the fit may correct it, for blur and for balls that are worn.
const SIZE_SIGMA: f64 = 0.03;
/// How far a single ray's edge usually is from the rim.
const RAY_SIGMA: f64 = 0.03;
/// A place this far from the box's middle, or a ball this much larger or smaller, is a wrong edge.
const FARTHEST: f64 = 0.42;
const LARGEST_SIZE_ERROR: f64 = 0.09;
/// How much of a rim must show, in rays with an edge at its exact place: a third; the others may be hidden, by a neighbour
/// or a cue, or hardly differ from the cloth.
const SOME_OF_RIM: f32 = 6.0;
/// Where less of one shows and no ball beside it, the place is still worth weighing against the box's middle.
pub const LITTLE_OF_RIM: f32 = 4.5;
/// Of a ball that the detector doubts more is asked, and of one in a box that may show two: half of what is no ball shows the
/// other.
pub const MORE_OF_RIM: f32 = 8.0;
/// Farther than this from the box's middle, some rays begin or end beyond the rim: it is looked for again from there.
const NEAR: f64 = 0.2;
/// A ray agrees if its edge at the rim is at least this part of its strongest.
const AGREEING_EDGE: f32 = 0.3;

/// The middle of a box is off by this part of its size: a network sees pictures reduced to a third.
const BOX_SIGMA: f64 = 0.04;
/// A box that is not of the ball's size is off by this part of the difference on top: half of a ball is hidden, say.
const BOX_SIZE_SIGMA: f64 = 0.25;
/// A box larger than the ball by more than this part of its size and these pixels shows a moving ball, whose rim is smeared, or
/// two balls. Boxes of small balls are too large by some pixels.
const LARGE: f64 = 1.35;
const LARGE_PX: f64 = 5.0;
/// In such a box a ball is told from a moving ball's smear by a rim that is sharp nearly all around, a touching neighbour's part
/// left out.
const WHOLE_RIM_RAYS: usize = RAYS * 7 / 10;
/// The two ends of a smear are slopes, weaker than this part of the rim's edge elsewhere.
const SLOPE: f32 = 0.5;
/// A box is searched for balls in this many steps to each side of its middle, which must not be coarser than this part of a
/// radius: a box of more than two and a half diameters shows no two balls.
const GRID: usize = 6;
const COARSEST_STEP: f64 = 0.42;
/// Where brightness and colour inside and outside a rim are looked at, in parts of the radius.
const RING: [f64; 2] = [0.75, 1.25];
/// Two balls' middles are two radii apart, seen from above; less what their places on the grid, and then those found, are off by.
const RINGS_APART_RADII: f64 = 1.5;
const APART_RADII: f64 = 1.8;
/// A box that is larger than the ball by more than this may show two. If the ball found is so far from its middle, it probably does.
const ROOM_FOR_ANOTHER: f64 = 1.25;
const ASIDE_RADII: f64 = 0.35;
/// What a box can show.
pub const BALLS_IN_BOX: usize = 2;

/// Finds the middles of balls' images.
#[derive(Debug)]
pub struct Refiner {
    /// Cosine and sine of each ray.
    rays: [[f32; 2]; RAYS],
    shifts: [Shift; SHIFTS],
}

/// A place at which the coarse search looks.
#[derive(Debug, Clone, Copy, Default)]
struct Shift {
    by: [f32; 2],
    /// Which edge of each ray is at the rim there; beyond the last where none is.
    edges: [u8; RAYS],
    reluctance: f32,
}

/// What a ball is looked for in.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub luminance: Luminance<'a>,
    pub cloth: Cloth,
}

/// The middle of a ball's image, and how well it is known in every direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Centre {
    pub pixel: Vec2,
    pub sigma_px: f64,
}

/// A ball found by its rim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rim {
    /// The ball's middle by it alone.
    pub centre: Centre,
    /// How much of it shows, in rays.
    pub of_rim: f32,
}

impl Rim {
    /// Whether enough of it shows for it to be a ball's: more, where the box may show two balls and this be neither.
    pub fn is_sure(&self, has_room: bool) -> bool {
        self.of_rim >= if has_room { MORE_OF_RIM } else { SOME_OF_RIM }
    }

    /// How far aside of its box's middle it is, in radii.
    pub fn aside(&self, outline: &BallOutline) -> f64 {
        norm2(sub2(self.centre.pixel, outline.centre_px)) / norm2(outline.half_axes_px[1])
    }

    /// Whether this is the ball in the middle of its box.
    pub fn is_in_middle(&self, outline: &BallOutline) -> bool {
        self.aside(outline) < ASIDE_RADII
    }

    /// The ball's middle by its rim and its box, each counting as much as it is certain: a rim that hardly shows may be a shadow's
    /// edge. Where they disagree, one of them is wrong.
    pub fn centre_with(&self, of_box: &Centre) -> Centre {
        let [rim, of_a_box] = [&self.centre, of_box].map(|centre| centre.sigma_px * centre.sigma_px);
        let towards_box = rim / (rim + of_a_box);
        let way_px = sub2(of_box.pixel, self.centre.pixel);
        Centre {
            pixel: add2(self.centre.pixel, scale2(way_px, towards_box)),
            // Not less for having asked both: what draws one aside, a shadow or a neighbour, draws the other.
            sigma_px: self.centre.sigma_px.max(towards_box * norm2(way_px)),
        }
    }
}

impl Refiner {
    pub fn new() -> Self {
        let rays = core::array::from_fn(|ray| {
            let angle = core::f64::consts::TAU * ray as f64 / RAYS as f64;
            [libm::cos(angle) as f32, libm::sin(angle) as f32]
        });
        let mut shifts = [Shift::default(); SHIFTS];
        let reach = -SEARCH_REACH..=SEARCH_REACH;
        let steps = reach.clone().flat_map(|i| reach.clone().map(move |j| [i, j]));
        let near = steps.filter(|[i, j]| i * i + j * j <= SEARCH_REACH * SEARCH_REACH);
        for (shift, step) in shifts.iter_mut().zip(near) {
            let by = step.map(|i| i as f32 * SEARCH_STEP);
            let part = (by[0] * by[0] + by[1] * by[1]) / (FARTHEST_SEARCHED * FARTHEST_SEARCHED);
            *shift = Shift {
                by,
                edges: rays.map(|ray| ((rim(ray, by) - FIRST_EDGE) / STEP + 0.5).clamp(0.0, 255.0) as u8),
                reluctance: SEARCH_RELUCTANCE * part,
            };
        }
        Self { rays, shifts }
    }

    /// The middle of the ball by its rim; `outline` is the image expected of a ball at the box's middle, `box_size_px` the
    /// size that was detected. `None` where no rim shows: a moving ball has none, and between two balls there is none.
    pub fn rim(&self, picture: Picture<'_>, outline: &BallOutline, box_size_px: [f32; 2]) -> Option<Rim> {
        self.rim_where(picture, outline, box_size_px, |_| true)
    }

    /// The same, of a ball whose middle is where `may_be` allows it.
    pub fn rim_where(
        &self,
        picture: Picture<'_>,
        outline: &BallOutline,
        box_size_px: [f32; 2],
        may_be: impl Fn(Vec2) -> bool,
    ) -> Option<Rim> {
        let expected = outline.box_size_px();
        let is_large = (0..2).any(|i| f64::from(box_size_px[i]) > LARGE * expected[i] + LARGE_PX);
        if is_large {
            return None;
        }
        let mut outline = *outline;
        let mut fit = self.clearest(picture, &outline, &may_be)?;
        if norm2(fit.shift) > NEAR {
            outline.centre_px = outline.point_px(fit.shift, 1.0);
            fit = self.clearest(picture, &outline, &may_be)?;
        }
        let centre = fit.centre(&outline);
        let is_rim = fit.is_plausible() && fit.of_rim >= LITTLE_OF_RIM && may_be(centre.pixel);
        is_rim.then_some(Rim {
            centre,
            of_rim: fit.of_rim,
        })
    }

    /// Whether a box is so large that it may show two balls.
    pub fn has_room(outline: &BallOutline, box_size_px: [f32; 2]) -> bool {
        let expected = outline.box_size_px();
        (0..2).any(|i| f64::from(box_size_px[i]) > ROOM_FOR_ANOTHER * expected[i])
    }

    /// The place where most of a rim shows.
    fn clearest(
        &self,
        picture: Picture<'_>,
        outline: &BallOutline,
        may_be: &impl Fn(Vec2) -> bool,
    ) -> Option<Fit> {
        let mut edges = self.edges(picture, outline)?;
        let radius_px = norm2(outline.half_axes_px[1]) as f32;
        let half_levels = HALF_LEVELS * (radius_px / SHARP_RADIUS_PX).min(1.0);
        for edge in edges.iter_mut().flatten() {
            *edge /= *edge + half_levels;
        }
        self.fit(&edges, |shift| {
            may_be(outline.point_px(shift.map(f64::from), 1.0))
        })
    }

    /// The middle of a ball whose rim is sharp nearly all around: no smear, no shadow, nothing of another shape.
    fn whole_rim(&self, luminance: Luminance<'_>, outline: &BallOutline) -> Option<Centre> {
        let cloth = Cloth::UNKNOWN;
        let mut edges = self.edges(Picture { luminance, cloth }, outline)?;
        // Related to the strongest of all rays, the slopes at a smear's ends are none.
        let most = edges.iter().map(strongest).fold(0.0, f32::max);
        for ray in &mut edges {
            relate(ray, strongest(ray).max(SLOPE * most));
        }
        let fit = self.fit(&edges, |_| true)?;
        (fit.is_plausible() && fit.agreeing >= WHOLE_RIM_RAYS).then(|| fit.centre(outline))
    }

    /// The balls that show whole somewhere in a box, the one nearest to its middle first; none where it shows a smear.
    pub fn part(
        &self,
        luminance: Luminance<'_>,
        outline: &BallOutline,
        box_size_px: [f32; 2],
    ) -> Vec<Centre, BALLS_IN_BOX> {
        let apart_px = APART_RADII * norm2(outline.half_axes_px[1]);
        let mut balls: Vec<Centre, BALLS_IN_BOX> = self
            .rings(luminance, outline, box_size_px)
            .iter()
            .filter_map(|&centre_px| {
                let outline = BallOutline {
                    centre_px,
                    ..*outline
                };
                self.whole_rim(luminance, &outline)
            })
            .collect();
        if let [first, second] = balls[..]
            && norm2(sub2(first.pixel, second.pixel)) < apart_px
        {
            balls.truncate(1);
        }
        let off = |ball: &Centre| norm2(sub2(ball.pixel, outline.centre_px));
        balls.sort_unstable_by(|a, b| off(a).total_cmp(&off(b)));
        balls
    }

    /// The middles in a box around which inside and outside differ most, all around; none in a box too large for this.
    fn rings(
        &self,
        luminance: Luminance<'_>,
        outline: &BallOutline,
        box_size_px: [f32; 2],
    ) -> Vec<Vec2, BALLS_IN_BOX> {
        let [a, b] = outline.half_axes_px;
        let radius_px = norm2(b);
        let steps = box_size_px.map(|extent| f64::from(extent) / (2 * GRID) as f64);
        let mut best: Vec<Vec2, BALLS_IN_BOX> = Vec::new();
        if steps[0].max(steps[1]) > COARSEST_STEP * radius_px {
            return best;
        }
        let chroma = luminance.chroma();
        let ring = |centre: Vec2| -> Option<f32> {
            let mut total = 0.0;
            for [cos, sin] in self.rays.iter().step_by(2).map(|ray| ray.map(f64::from)) {
                let along = add2(scale2(a, cos), scale2(b, sin));
                let [inner, outer] = RING.map(|part| add2(centre, scale2(along, part)).map(|v| v as f32));
                let (colour_outside, colour_inside) = (chroma.between(outer)?, chroma.between(inner)?);
                let [blue, red] = [0, 1].map(|i| colour_outside[i] - colour_inside[i]);
                let level = luminance.between(outer)? - luminance.between(inner)?;
                let contrast = level.abs() + blue.abs() + red.abs();
                // What counts is that there is an edge everywhere, not how strong it is somewhere.
                total += contrast / (contrast + 2.0 * NOISE_LEVELS);
            }
            Some(total)
        };
        let mut scores = [[0.0; 2 * GRID + 1]; 2 * GRID + 1];
        let place = |i: usize, j: usize| {
            let off = [
                (i as f64 - GRID as f64) * steps[0],
                (j as f64 - GRID as f64) * steps[1],
            ];
            add2(outline.centre_px, off)
        };
        for (i, column) in scores.iter_mut().enumerate() {
            for (j, score) in column.iter_mut().enumerate() {
                *score = ring(place(i, j)).unwrap_or(0.0);
            }
        }
        while !best.is_full() {
            let (mut most, mut at) = (0.0, None);
            for (i, column) in scores.iter().enumerate() {
                for (j, &score) in column.iter().enumerate() {
                    let here = place(i, j);
                    let is_apart = |other: &Vec2| norm2(sub2(*other, here)) > RINGS_APART_RADII * radius_px;
                    if score > most && best.iter().all(is_apart) {
                        (most, at) = (score, Some(here));
                    }
                }
            }
            let Some(at) = at else { break };
            let _ = best.push(at);
        }
        best
    }

    /// What the box alone says, with the doubt that it deserves.
    pub fn of_box(outline: &BallOutline, box_size_px: [f32; 2]) -> Centre {
        let expected = outline.box_size_px();
        let [off_x, off_y] = [0, 1].map(|i| (f64::from(box_size_px[i]) - expected[i]).abs());
        Centre {
            pixel: outline.centre_px,
            sigma_px: BOX_SIGMA * expected[0].max(expected[1]) + BOX_SIZE_SIGMA * off_x.max(off_y),
        }
    }

    /// How clear the edge is at each place of each ray, in grey levels; `None` at the picture's rim.
    fn edges(
        &self,
        Picture { luminance, cloth }: Picture<'_>,
        outline: &BallOutline,
    ) -> Option<[[f32; EDGES]; RAYS]> {
        let [a, b] = outline.half_axes_px.map(|axis| axis.map(|v| v as f32));
        let [u0, v0] = outline.centre_px.map(|v| v as f32);
        let chroma = luminance.chroma();
        let mut edges = [[0.0; EDGES]; RAYS];
        for (ray, edges) in self.rays.iter().zip(&mut edges) {
            let along = [ray[0] * a[0] + ray[1] * b[0], ray[0] * a[1] + ray[1] * b[1]];
            let place = |i: usize| {
                let part = FIRST_SAMPLE + STEP * i as f32;
                [u0 + part * along[0], v0 + part * along[1]]
            };
            let mut lights: [Light; SAMPLES] = [[0.0; 3]; SAMPLES];
            for (i, light) in lights.iter_mut().enumerate() {
                light[0] = luminance.between(place(i))?;
            }
            // Colour has half the resolution: every second sample shows all of it.
            for i in (0..SAMPLES).step_by(2) {
                let [blue, red] = chroma.between(place(i))?;
                lights[i][1..].copy_from_slice(&[blue, red]);
            }
            for i in (1..SAMPLES - 1).step_by(2) {
                let ([_, blue, red], [_, next_blue, next_red]) = (lights[i - 1], lights[i + 1]);
                lights[i][1..].copy_from_slice(&[0.5 * (blue + next_blue), 0.5 * (red + next_red)]);
            }
            let lights = lights.map(|light| cloth.turned(light));
            for (i, edge) in edges.iter_mut().enumerate() {
                *edge = cloth.edge(lights[i], lights[i + 2 * EDGE_REACH]);
            }
        }
        Some(edges)
    }

    /// Where the rays agree most, of the places that `may_be` allows.
    fn fit(&self, edges: &[[f32; EDGES]; RAYS], may_be: impl Fn([f32; 2]) -> bool) -> Option<Fit> {
        let mut fit = Fit {
            shift: self.search(edges, may_be)?.map(f64::from),
            size: 0.0,
            sigma: 0.0,
            agreeing: 0,
            of_rim: 0.0,
        };
        for _ in 0..FIT_ROUNDS {
            fit = self.fit_once(edges, &fit)?;
        }
        Some(fit)
    }

    /// The place around the box's middle where the rays show the strongest edges at the rim.
    fn search(&self, edges: &[[f32; EDGES]; RAYS], may_be: impl Fn([f32; 2]) -> bool) -> Option<[f32; 2]> {
        let (mut best, mut best_score) = (None, f32::NEG_INFINITY);
        for shift in self.shifts.iter().filter(|shift| may_be(shift.by)) {
            let total: f32 = edges
                .iter()
                .zip(shift.edges)
                .map(|(edges, at)| edges.get(usize::from(at)).copied().unwrap_or(0.0))
                .sum();
            let score = total / RAYS as f32 - shift.reluctance;
            if score > best_score {
                (best, best_score) = (Some(shift.by), score);
            }
        }
        best
    }

    /// Moves and scales the rim towards the edges near it: weighted least squares, far and weak edges counting less.
    fn fit_once(&self, edges: &[[f32; EDGES]; RAYS], from: &Fit) -> Option<Fit> {
        let prior = (RAY_SIGMA / SIZE_SIGMA) * (RAY_SIGMA / SIZE_SIGMA);
        // The weak pull towards the box's middle makes the equations solvable whatever the rays show.
        let pull = (RAY_SIGMA / FARTHEST) * (RAY_SIGMA / FARTHEST);
        let mut normal = [[pull, 0.0, 0.0], [0.0, pull, 0.0], [0.0, 0.0, prior]];
        let mut right = [-pull * from.shift[0], -pull * from.shift[1], -prior * from.size];
        let (mut squares, mut weights, mut agreeing, mut of_rim) = (0.0, 0.0, 0, 0.0);
        let shift = from.shift.map(|v| v as f32);
        for (ray, edges) in self.rays.iter().zip(edges) {
            let expected = rim(*ray, shift) + from.size as f32;
            let Some((at, strength)) = strongest_near(edges, (expected - FIRST_EDGE) / STEP, FIT_STEPS)
            else {
                continue;
            };
            let off = FIRST_EDGE + STEP * at - expected;
            let part = off / FIT_REACH;
            let closeness = (1.0 - part * part).max(0.0);
            let weight = f64::from(strength * strength * closeness * closeness);
            of_rim += strength * closeness;
            if strength > AGREEING_EDGE && closeness > 0.5 {
                agreeing += 1;
            }
            let off = f64::from(off);
            let slope = [f64::from(ray[0]), f64::from(ray[1]), 1.0];
            for i in 0..3 {
                for j in 0..3 {
                    normal[i][j] += weight * slope[i] * slope[j];
                }
                right[i] += weight * slope[i] * off;
            }
            squares += weight * off * off;
            weights += weight;
        }
        let inverse = inverse3(&normal)?;
        let step = inverse.map(|row| row[0] * right[0] + row[1] * right[1] + row[2] * right[2]);
        let variance = (squares / weights.max(1.0)).max(RAY_SIGMA * RAY_SIGMA / 4.0);
        Some(Fit {
            shift: [from.shift[0] + step[0], from.shift[1] + step[1]],
            size: from.size + step[2],
            sigma: libm::sqrt(variance * inverse[0][0].max(inverse[1][1])),
            agreeing,
            of_rim,
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Fit {
    /// Of the outline, along its two half axes.
    shift: Vec2,
    /// How much larger the outline is than expected.
    size: f64,
    /// Standard deviation of the shift.
    sigma: f64,
    /// Rays that show an edge at the rim.
    agreeing: usize,
    /// The same, each counting what its edge is worth and how near it is to the rim.
    of_rim: f32,
}

impl Fit {
    fn is_plausible(&self) -> bool {
        norm2(self.shift) <= FARTHEST && self.size.abs() <= LARGEST_SIZE_ERROR
    }

    fn centre(&self, outline: &BallOutline) -> Centre {
        Centre {
            pixel: outline.point_px(self.shift, 1.0),
            // The less of the rim shows, the more of it may be something else.
            sigma_px: self.sigma * norm2(outline.half_axes_px[0]) * RAYS as f64 / f64::from(self.of_rim),
        }
    }
}

fn strongest(edges: &[f32; EDGES]) -> f32 {
    edges.iter().copied().fold(0.0, f32::max)
}

/// Makes edges parts of the strongest; noise stays weak.
fn relate(edges: &mut [f32; EDGES], strongest: f32) {
    for edge in edges {
        *edge /= strongest + NOISE_LEVELS;
    }
}

/// Where a ray from the box's middle meets the rim of an outline shifted from there.
fn rim(ray: [f32; 2], shift: [f32; 2]) -> f32 {
    let along = ray[0] * shift[0] + ray[1] * shift[1];
    let across = ray[1] * shift[0] - ray[0] * shift[1];
    1.0 + along - 0.5 * across * across
}

/// The inverse of a symmetric matrix of three.
fn inverse3(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let minor = |i: usize, j: usize| {
        let (r, s) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    let factor = 1.0 / determinant;
    factor
        .is_finite()
        .then(|| core::array::from_fn(|i| core::array::from_fn(|j| minor(j, i) * factor)))
}
