//! From detections in pixels to observations in millimetres.

use core::cmp::Ordering;

use baize_frame::limits::MAX_CUE_DETECTIONS;
use baize_frame::{BallDetection, BallKind, CueDetection, Detections, Luminance};
use baize_table_state::{Colour, Game};
use heapless::Vec;

use crate::cloth::Cloth;
use crate::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};
use crate::geometry::{BallOutline, Calibration};
use crate::limits::MAX_OBSERVATIONS;
use crate::readings::{Face, face};
use crate::refine::{BALLS_IN_BOX, Centre, MORE_OF_RIM, Picture, Refiner, Rim};
use crate::shaft::{Station, beside};
use crate::taken::Taken;

/// A ball's centre may be seen outside the noses by this part of its radius: errors at the far end of the picture and
/// balls in the jaws of a pocket. Chalk on a rail is farther out.
const BED_MARGIN_RADII: f64 = 0.5;
/// Detections closer than this part of a diameter are one ball: no two balls' centres can be.
const ONE_BALL_DIAMETERS: f64 = 0.6;
/// A rim a radius aside of its box is worth so many rays less when it is asked whose it is.
const RAYS_A_RADIUS_ASIDE: f32 = 5.0;
/// What is moved out of another ball is off by this part of the way.
const MOVED_SIGMA: f64 = 0.5;
/// A box smaller than the ball's image by more than this is not a ball, a half hidden one neither.
const SMALLEST_BOX: f32 = 0.35;
/// A box larger than the ball's image by more than this, in its smaller extent, is a head or a lamp. A ball blurred
/// along the diagonal by 10 m/s and 20 ms is four times larger.
const LARGEST_BOX: f32 = 4.5;
/// A doubtful box is not a ball's unless it has the size of one, to these parts. Boxes of small balls were measured up to 1.22 times
/// too large.
const DOUBTFUL_BOX: core::ops::RangeInclusive<f32> = 0.75..=1.4;
/// A ball's centre is a radius inside the noses. The mouths of pockets, round and dark, are not.
const DOUBTFUL_INSIDE_RADII: f64 = 0.7;
/// Nearer to a cue than this, what is doubtful is rather a finger.
const BESIDE_CUE_DIAMETERS: f64 = 2.0;
const ON_TIP_DIAMETERS: f64 = 0.5;
/// No place is known better than to half a millimetre from one picture, however sharp it is: light and shadow change.
pub const LEAST_VARIANCE_MM2: f64 = 0.25;

/// Boxes of one exposure that are searched for balls where none shows in their middle: a search costs as much as some five
/// balls. More of them are a break, where balls are fast.
const MAX_PARTED: usize = 3;
/// What is known of the look of a ball that shares its box with another.
const SHARED_KIND_SCORE: f32 = 0.0;

/// Ends of thin lines are detected to this many pixels.
const TIP_SIGMA_PX: f64 = 4.0;

/// A ball seen in one exposure, in the table frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The ball's centre.
    pub place_mm: Vec2,
    /// Variances of the place along the two sides.
    pub variance_mm2: Vec2,
    /// The middle of the ball's image.
    pub pixel: [f32; 2],
    /// What the ball looked like.
    pub kind: BallKind,
    /// The number read on it, 1 to 15.
    pub number: Option<u8>,
    /// The colour it showed; [`Colour::UNKNOWN`] where nobody looked.
    pub colour: Colour,
    /// Probability of what it looked like.
    pub kind_score: f32,
    /// Probability that this is a ball at all.
    pub score: f32,
}

/// A cue seen in one exposure, in the table frame. Both ends are taken to be at the height of the balls' centres: the
/// tip is, when it strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CueLine {
    /// The end that strikes.
    pub tip_mm: Vec2,
    /// The other end, or where the cue leaves the picture.
    pub butt_mm: Vec2,
    /// Standard deviation of either end, along each side.
    pub sigma_mm: f64,
    /// The same across the cue's line: less where both edges of its shaft show.
    pub across_mm: f64,
    /// Probability that this is a cue.
    pub score: f32,
}

/// All that one exposure shows, in millimetres: what the table stage works on, and what a recording keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The balls on the bed: those whose rim shows in a box of their own, clearest first, then those that share one, the doubtful,
    /// those whose box lies between others, and those that only their box tells.
    pub balls: Vec<Observation, MAX_OBSERVATIONS>,
    /// The cues.
    pub cues: Vec<CueLine, MAX_CUE_DETECTIONS>,
}

/// What was detected, seen from above the table.
pub fn observe(
    game: Game,
    calibration: &Calibration,
    refiner: &Refiner,
    detections: &Detections,
    luminance: Option<Luminance<'_>>,
) -> Observations {
    Observations {
        balls: observe_balls(game, calibration, refiner, detections, luminance),
        cues: detections
            .cues
            .iter()
            .filter_map(|cue| observe_cue(calibration, cue, luminance))
            .collect(),
    }
}

fn observe_cue(
    calibration: &Calibration,
    seen: &CueDetection,
    luminance: Option<Luminance<'_>>,
) -> Option<CueLine> {
    let height_mm = calibration.ball_radius_mm();
    let tip_mm = calibration.pixel_to_plane(seen.tip_px.map(f64::from), height_mm)?;
    let butt_mm = calibration.pixel_to_plane(seen.butt_px.map(f64::from), height_mm)?;
    let covariance = calibration.position_covariance(tip_mm, TIP_SIGMA_PX)?;
    let sigma_mm = libm::sqrt(covariance[0][0].max(covariance[1][1]));
    let detected = CueLine {
        tip_mm,
        butt_mm,
        sigma_mm,
        across_mm: sigma_mm,
        score: seen.score,
    };
    let straightened = luminance.and_then(|luminance| straighten(calibration, &detected, luminance));
    Some(straightened.unwrap_or(detected))
}

/// The line of the shaft that shows near a detected one; `None` where none shows.
fn straighten(calibration: &Calibration, cue: &CueLine, luminance: Luminance<'_>) -> Option<CueLine> {
    let along = sub2(cue.butt_mm, cue.tip_mm);
    let across = scale2([-along[1], along[0]], calibration.ball_diameter_mm / norm2(along));
    let pixel = |[x, y]: Vec2| calibration.project([x, y, calibration.ball_radius_mm()]);
    let station_at = |part: f32| {
        let at_mm = add2(cue.tip_mm, scale2(along, f64::from(part)));
        let at_px = pixel(at_mm)?;
        let across_px = sub2(pixel(add2(at_mm, across))?, at_px);
        Some(Station {
            at_px: at_px.map(|v| v as f32),
            across_px: across_px.map(|v| v as f32),
        })
    };
    let beside = beside(luminance, station_at)?;
    let [tip_mm, butt_mm] = [(cue.tip_mm, beside.ends[0]), (cue.butt_mm, beside.ends[1])]
        .map(|(end_mm, by)| add2(end_mm, scale2(across, f64::from(by))));
    Some(CueLine {
        tip_mm,
        butt_mm,
        across_mm: cue
            .sigma_mm
            .min(f64::from(beside.sigma) * calibration.ball_diameter_mm),
        ..*cue
    })
}

/// The balls on the bed among what was detected.
fn observe_balls(
    game: Game,
    calibration: &Calibration,
    refiner: &Refiner,
    detections: &Detections,
    luminance: Option<Luminance<'_>>,
) -> Vec<Observation, MAX_OBSERVATIONS> {
    let picture = luminance.map(|luminance| Picture {
        luminance,
        cloth: Cloth::of(luminance, calibration),
    });
    let look = Look {
        calibration,
        refiner,
        picture,
    };
    let mut candidates: Vec<Candidate<'_>, MAX_OBSERVATIONS> = detections
        .balls
        .iter()
        .filter_map(|detection| look.candidate(detection))
        .collect();
    candidates.sort_unstable_by(Candidate::clearest_first);
    let mut placed = Placed {
        calibration,
        observations: Vec::new(),
        clear: Taken::new(calibration.ball_diameter_mm),
    };
    let mut parted = 0;
    let mut second: Vec<Observation, MAX_PARTED> = Vec::new();
    let mut moved: Vec<Observation, MAX_OBSERVATIONS> = Vec::new();
    let mut by_box: Vec<Observation, MAX_OBSERVATIONS> = Vec::new();
    for candidate in &candidates {
        let detection = candidate.detection;
        let Some(Located { centres, by }) = look.located(candidate, &placed.clear, &mut parted) else {
            continue;
        };
        let face = match centres.len() {
            1 => face(game, detection),
            _ => Face {
                kind: BallKind::Ball,
                kind_score: SHARED_KIND_SCORE,
                number: None,
                colour: Colour::UNKNOWN,
            },
        };
        let mut seen = centres
            .iter()
            .filter_map(|centre| observation(calibration, detection, centre, &face));
        if let Some(first) = seen.next() {
            match by {
                By::ClearRim => placed.add(first, true),
                By::Rim => placed.add(first, false),
                // There is room: one for each candidate.
                By::MovedRim => drop(moved.push(first)),
                By::Box => drop(by_box.push(first)),
            }
        }
        second.extend(seen);
    }
    // A ball seen in its own box may be the other one of a box that shows two.
    for seen in second {
        placed.add(seen, false);
    }
    let clear_of_cues = |ball: &&BallDetection| !detections.cues.iter().any(|cue| is_beside(ball, cue));
    for detection in detections.doubtful.iter().filter(clear_of_cues) {
        if let Some(seen) = look.doubtful(game, detection, &placed.clear) {
            placed.add(seen, false);
        }
    }
    // A box between balls, or one that shows no rim, may show any of those.
    for seen in moved.into_iter().chain(by_box) {
        placed.add(seen, false);
    }
    placed.observations
}

/// The balls of one exposure so far.
struct Placed<'a> {
    calibration: &'a Calibration,
    observations: Vec<Observation, MAX_OBSERVATIONS>,
    clear: Taken,
}

impl Placed<'_> {
    /// Adds what is not there yet. What is clear leaves no room for others.
    fn add(&mut self, seen: Observation, is_clear: bool) {
        let apart_mm = ONE_BALL_DIAMETERS * self.calibration.ball_diameter_mm;
        let is_another = |seen: &Observation| {
            let is_apart = |other: &Observation| norm2(sub2(other.place_mm, seen.place_mm)) > apart_mm;
            self.observations.iter().all(is_apart)
        };
        if !is_another(&seen) {
            return;
        }
        let seen = self.beside_the_clear(seen);
        if is_another(&seen) {
            if is_clear {
                self.clear.push(seen.place_mm);
            }
            // Where there is no room, what came last is left out: the detections are as many, what shares a box comes after them.
            let _ = self.observations.push(seen);
        }
    }

    /// Moved out of the balls that were seen clearly, and the less certain for it.
    fn beside_the_clear(&self, seen: Observation) -> Observation {
        if self.clear.is_free(seen.place_mm) {
            return seen;
        }
        let place_mm = self.clear.beside(seen.place_mm);
        let moved_mm = norm2(sub2(place_mm, seen.place_mm));
        let pixel = self.calibration.ball_outline(place_mm);
        Observation {
            place_mm,
            variance_mm2: seen
                .variance_mm2
                .map(|variance| variance + (MOVED_SIGMA * moved_mm) * (MOVED_SIGMA * moved_mm)),
            pixel: pixel.map_or(seen.pixel, |outline| outline.centre_px.map(|v| v as f32)),
            ..seen
        }
    }
}

/// A detection that may be a ball on the bed, and the rim that shows around the middle of its box.
struct Candidate<'a> {
    detection: &'a BallDetection,
    outline: BallOutline,
    /// The box may show two balls.
    has_room: bool,
    rim: Option<Rim>,
}

impl Candidate<'_> {
    /// How much of a rim shows, less where it is rather that of another candidate; nothing where it is not sure.
    fn clarity(&self) -> f32 {
        self.rim
            .filter(|rim| rim.is_sure(self.has_room))
            .map_or(0.0, |rim| {
                rim.of_rim - RAYS_A_RADIUS_ASIDE * rim.aside(&self.outline) as f32
            })
    }

    fn clearest_first(a: &Self, b: &Self) -> Ordering {
        let by_clarity = b.clarity().total_cmp(&a.clarity());
        by_clarity.then(b.detection.score.total_cmp(&a.detection.score))
    }
}

/// Where a candidate's balls are.
struct Located {
    centres: Vec<Centre, BALLS_IN_BOX>,
    by: By,
}

/// A rim that is not that of a ball seen clearly before.
struct OwnRim {
    rim: Option<Rim>,
    /// Looked for beside such a ball, where the box is not.
    is_moved: bool,
}

/// What tells where a ball is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A rim that is no other ball's.
    ClearRim,
    Rim,
    /// A rim beside the balls that the box lies between.
    MovedRim,
    Box,
}

/// What balls are looked for with.
#[derive(Clone, Copy)]
struct Look<'a> {
    calibration: &'a Calibration,
    refiner: &'a Refiner,
    picture: Option<Picture<'a>>,
}

impl Look<'_> {
    fn candidate<'a>(&self, detection: &'a BallDetection) -> Option<Candidate<'a>> {
        let outline = expected_outline(self.calibration, detection)?;
        Some(Candidate {
            detection,
            outline,
            has_room: Refiner::has_room(&outline, detection.size_px),
            rim: self
                .picture
                .and_then(|picture| self.refiner.rim(picture, &outline, detection.size_px)),
        })
    }

    /// `None` where a candidate is a ball that was seen clearly before, once more.
    fn located(&self, candidate: &Candidate<'_>, clear: &Taken, parted: &mut usize) -> Option<Located> {
        let &Candidate {
            detection,
            outline,
            has_room,
            ..
        } = candidate;
        let OwnRim { rim, is_moved } = self.own_rim(candidate, clear)?;
        let sure = rim.filter(|rim| rim.is_sure(has_room));
        let is_alone = sure.is_some_and(|rim| !has_room || rim.is_in_middle(&outline));
        let mut centres: Vec<Centre, BALLS_IN_BOX> = Vec::new();
        if let Some(picture) = self.picture
            && !is_alone
            && *parted < MAX_PARTED
        {
            *parted += 1;
            centres = self.refiner.part(picture.luminance, &outline, detection.size_px);
            if let [only] = centres[..]
                && !self.place(only.pixel).is_some_and(|place| clear.is_free(place))
            {
                centres.clear();
            }
        }
        let of_box = Refiner::of_box(&outline, detection.size_px);
        let centre = |rim: Rim| match is_moved {
            // The box lies between balls.
            true => rim.centre,
            false => rim.centre_with(&of_box),
        };
        let mut by = if is_alone { By::ClearRim } else { By::Rim };
        let asks_rim = match sure {
            Some(_) => centres.len() < BALLS_IN_BOX,
            None => centres.is_empty() && !has_room,
        };
        if let Some(rim) = rim.filter(|_| asks_rim) {
            centres = Vec::from_iter([centre(rim)]);
            if is_moved {
                by = By::MovedRim;
            }
        }
        if centres.is_empty() {
            by = By::Box;
            let _ = centres.push(of_box);
        }
        Some(Located { centres, by })
    }

    /// A candidate's rim, looked for once more where it is another's that was seen clearly; `None` where the candidate is that
    /// ball, once more.
    fn own_rim(&self, candidate: &Candidate<'_>, clear: &Taken) -> Option<OwnRim> {
        let unmoved = OwnRim {
            rim: candidate.rim,
            is_moved: false,
        };
        let (Some(rim), Some(picture)) = (candidate.rim, self.picture) else {
            return Some(unmoved);
        };
        if clear.is_free(self.place(rim.centre.pixel)?) {
            return Some(unmoved);
        }
        let box_mm = self.place(candidate.outline.centre_px)?;
        let same_mm = ONE_BALL_DIAMETERS * self.calibration.ball_diameter_mm;
        if clear.is_within(box_mm, same_mm) {
            return None;
        }
        let beside = self.calibration.ball_outline(clear.beside(box_mm))?;
        Some(OwnRim {
            rim: self.rim_clear_of(clear, picture, candidate.detection, &beside),
            is_moved: true,
        })
    }

    fn place(&self, pixel: Vec2) -> Option<Vec2> {
        self.calibration.outline_centre_to_place(pixel)
    }

    fn rim_clear_of(
        &self,
        clear: &Taken,
        picture: Picture<'_>,
        detection: &BallDetection,
        outline: &BallOutline,
    ) -> Option<Rim> {
        let is_free = clear.room_around(self.calibration, outline.centre_px)?;
        self.refiner
            .rim_where(picture, outline, detection.size_px, is_free)
    }

    /// A ball that the detector doubted; `None` unless it has a ball's size, shows most of a rim, and lies where a ball can.
    fn doubtful(&self, game: Game, detection: &BallDetection, clear: &Taken) -> Option<Observation> {
        let calibration = self.calibration;
        let outline = expected_outline(calibration, detection)?;
        let expected = outline.box_size_px();
        let is_ball_sized =
            (0..2).all(|i| DOUBTFUL_BOX.contains(&(detection.size_px[i] / expected[i] as f32)));
        let rim = is_ball_sized
            .then(|| self.rim_clear_of(clear, self.picture?, detection, &outline))
            .flatten()
            .filter(|rim| rim.of_rim >= MORE_OF_RIM)?;
        let inside_mm = DOUBTFUL_INSIDE_RADII * calibration.ball_radius_mm();
        observation(
            calibration,
            detection,
            &rim.centre_with(&Refiner::of_box(&outline, detection.size_px)),
            &face(game, detection),
        )
        .filter(|seen| calibration.is_on_bed(seen.place_mm, -inside_mm))
    }
}

/// Whether a box is on a cue's tip or beside its shaft, where knuckles and fingers are. Ahead of it is the ball addressed.
fn is_beside(ball: &BallDetection, cue: &CueDetection) -> bool {
    let [tip, butt, at] = [cue.tip_px, cue.butt_px, ball.centre_px].map(|point| point.map(f64::from));
    let along = sub2(butt, tip);
    let from_tip = sub2(at, tip);
    let part = dot2(from_tip, along) / dot2(along, along).max(1.0);
    let off_px = norm2(sub2(from_tip, scale2(along, part.clamp(0.0, 1.0))));
    let reach = if part > 0.0 {
        BESIDE_CUE_DIAMETERS
    } else {
        ON_TIP_DIAMETERS
    };
    off_px < reach * f64::from(ball.size_px[0].max(ball.size_px[1]))
}

/// The image that a ball would have where the box's middle is; `None` where no ball can be.
fn expected_outline(calibration: &Calibration, detection: &BallDetection) -> Option<BallOutline> {
    let numbers = [
        detection.centre_px,
        detection.size_px,
        [detection.score, detection.kind_score()],
    ];
    if !numbers.iter().flatten().all(|number| number.is_finite()) {
        return None;
    }
    let box_centre = detection.centre_px.map(f64::from);
    let guess_mm = calibration.outline_centre_to_place(box_centre)?;
    // A box may be off by half a ball where it is half hidden; refinement decides what is on the bed.
    if !calibration.is_on_bed(guess_mm, 2.0 * bed_margin_mm(calibration)) {
        return None;
    }
    let outline = calibration.ball_outline(guess_mm)?;
    let expected = outline.box_size_px().map(|extent| extent as f32);
    let [width, height] = [0, 1].map(|i| detection.size_px[i] / expected[i]);
    (SMALLEST_BOX..=LARGEST_BOX)
        .contains(&width.min(height))
        .then_some(outline)
}

fn bed_margin_mm(calibration: &Calibration) -> f64 {
    BED_MARGIN_RADII * calibration.ball_radius_mm()
}

/// A ball whose image has its middle there; `None` where it is not on the bed.
fn observation(
    calibration: &Calibration,
    detection: &BallDetection,
    centre: &Centre,
    face: &Face,
) -> Option<Observation> {
    let place_mm = calibration.outline_centre_to_place(centre.pixel)?;
    if !calibration.is_on_bed(place_mm, bed_margin_mm(calibration)) {
        return None;
    }
    let covariance = calibration.position_covariance(place_mm, centre.sigma_px)?;
    Some(Observation {
        place_mm,
        variance_mm2: [covariance[0][0], covariance[1][1]].map(|variance| variance.max(LEAST_VARIANCE_MM2)),
        pixel: centre.pixel.map(|v| v as f32),
        kind: face.kind,
        number: face.number,
        colour: face.colour,
        kind_score: face.kind_score,
        score: detection.score.clamp(0.0, 1.0),
    })
}
