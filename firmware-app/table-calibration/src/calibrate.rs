//! The steps in their order: cloth, outline, first guess, noses, solution, noses again, gate.

use crate::diamonds::{self, Diamond};
use crate::first_guess::FocalPrior;
use crate::model::second_radial_term;
use crate::noses::{self, Noses};
use crate::outcome::{Hints, Outcome, Reason, Request};
use crate::picture::Picture;
use crate::side::Side;
use crate::solve::{Beliefs, Constraint, Observation, Solution, refine};
use crate::starts::{self, LOOKS, Scene, Start};
use crate::{gate, motion, nose_height_mm, pockets};
use baize_frame::ImageView;
use baize_table_vision::geometry::{Calibration, CameraModel, TableSize};

/// Widths of the picture that a focal length has where nothing else is known: 68 degrees, a usual webcam or phone.
const USUAL_FOCAL_PER_WIDTH: f64 = 0.74;
const USUAL_FOCAL_LOG_SIGMA: f64 = 0.3;
/// How well a focal length given by a person is known.
const GIVEN_FOCAL_LOG_SIGMA: f64 = 0.03;
/// A focal length known to this much, without belief, is known.
const KNOWN_FOCAL_LOG_SIGMA: f64 = 0.05;
/// How well a place on a nose is measured, beside what all places on it share.
const NOSE_SIGMA_MM: f64 = 1.2;
/// All the places on one nose are worth this many independent ones: a bump in a nose is as long as several places.
const PLACES_WORTH: f64 = 24.0;
/// How well a diamond is set, which the rules want to a 32nd of an inch, and measured.
const DIAMOND_SIGMA_MM: f64 = 0.9;
/// How far tables are from their proportions.
const BUILT_OFF_LOG_SIGMA: f64 = 0.02;
/// How well the nose of a side is known where only the cushion's back was found: cushions differ, noses wear.
const UNSEEN_SIGMA_MM: f64 = 8.0;
/// How well a person marks a corner.
const BY_HAND_SIGMA_MM: f64 = 6.0;
/// Looking again: how far around the solution, in turn.
const SECOND_LOOKS_MM: [f64; 2] = [9.0, 6.0];
/// Sides whose noses must be seen for finer lens terms to be solved: two that face or meet each other.
const MIN_SIDES_FOR_LENS: usize = 2;
/// Steps from one end to the other of a side whose nose is not seen.
const UNSEEN_PLACES: u32 = 8;

/// Finds the table in pictures of one camera that has not moved between them, and solves the camera.
///
/// Several pictures, up to nine, a second or more apart, are better than one: what moves vanishes. Never panics,
/// whatever the pictures show.
pub fn calibrate(pictures: &[ImageView], request: &Request) -> Outcome {
    if request.table.check().is_err() || !(20.0..=80.0).contains(&request.ball_diameter_mm) {
        return Outcome::refused(Reason::BadTable);
    }
    let Some(picture) = Picture::merge(pictures) else {
        return Outcome::refused(Reason::NoCommonPicture);
    };
    if let Some(lens) = &request.hints.lens
        && (lens.width_px as usize != picture.width
            || lens.height_px as usize != picture.height
            || !lens.covers_picture())
    {
        return Outcome::refused(Reason::BadLens);
    }
    let nose_height_mm = nose_height_mm(request.ball_diameter_mm);
    let mut outcome = Calibrator {
        picture: &picture,
        request,
        nose_height_mm,
    }
    .run();
    // A blend of tables is one that fits, or leaves much uncertain.
    let may_be_blend = matches!(outcome.reason, Reason::Accepted | Reason::Uncertain { .. });
    if may_be_blend
        && let Some(calibration) = &outcome.calibration
        && motion::has_moved(pictures, calibration, outcome.sides_found)
    {
        outcome.accepted = false;
        outcome.reason = Reason::CameraMoved;
    }
    outcome
}

struct Calibrator<'a> {
    picture: &'a Picture,
    request: &'a Request<'a>,
    nose_height_mm: f64,
}

impl Calibrator<'_> {
    fn run(&self) -> Outcome {
        match self.request.hints.corners_px {
            Some(corners) => self.best_by_hand(&starts::by_hand(&self.scene(), corners)),
            None => self.by_cloth(),
        }
    }

    /// Looks again where no calibration came of it, unless the table was found and too little of it shows: what was found
    /// first stands then.
    fn by_cloth(&self) -> Outcome {
        let mut refused: Option<Outcome> = None;
        for look in &LOOKS {
            let outcome = match starts::from_cloth(&self.scene(), &self.picture.small, look) {
                Ok(starts) => self.first_accepted(&starts),
                Err(reason) => Outcome::refused(reason),
            };
            if matches!(outcome.reason, Reason::Accepted | Reason::Uncertain { .. }) {
                return outcome;
            }
            let tells_more = |before: &Outcome| before.calibration.is_none() && outcome.calibration.is_some();
            if refused.as_ref().is_none_or(tells_more) {
                refused = Some(outcome);
            }
        }
        refused.unwrap_or_else(|| Outcome::refused(Reason::NoTable))
    }

    /// From the likeliest on; the outcome of the likeliest stands if none leads to a calibration.
    fn first_accepted(&self, starts: &[Start]) -> Outcome {
        let mut outcomes = starts.iter().map(|start| self.tried_from(start));
        match outcomes.next() {
            None => Outcome::refused(Reason::NoTable),
            Some(first) if first.accepted => first,
            Some(first) => outcomes.find(|outcome| outcome.accepted).unwrap_or(first),
        }
    }

    /// All are of the same table: the one with most noses found, then the one that fits best.
    fn best_by_hand(&self, starts: &[Start]) -> Outcome {
        let rank = |outcome: &Outcome| {
            let unseen = outcome.sides_found.iter().filter(|found| !**found).count() as f64;
            100.0 * unseen + outcome.residual_mm.unwrap_or(f64::INFINITY)
        };
        starts
            .iter()
            .map(|start| self.tried_from(start))
            .min_by(|a, b| rank(a).total_cmp(&rank(b)))
            .unwrap_or_else(|| Outcome::refused(Reason::Unsolvable))
    }

    fn scene(&self) -> Scene {
        Scene {
            table: self.request.table,
            nose_height_mm: self.nose_height_mm,
            turned: self.request.turned,
            width_px: self.picture.width as f64,
            height_px: self.picture.height as f64,
            focal: focal_prior(&self.request.hints, self.picture),
        }
    }

    fn tried_from(&self, start: &Start) -> Outcome {
        let found = Outcome {
            cloth_px: start.cloth_px,
            ..Outcome::refused(Reason::Unsolvable)
        };
        match self.follow_up(start) {
            Some((seen, lens)) => self.judged(found, start, &seen, &lens),
            None => found,
        }
    }

    /// Noses, diamonds and lens in turn, each with the help of the others.
    fn follow_up(&self, start: &Start) -> Option<(Seen, Solution)> {
        let table = self.request.table;
        let guessed = |point| Some(start.pixel(point));
        let mut seen = Seen {
            noses: noses::find(self.picture, &guessed, table),
            diamonds: Vec::new(),
        };
        let mut lens = self.solve_lens(self.first_calibration(start), &seen, start)?;
        // A side that a hand or a shadow put in the wrong place is found now that the others say where it must be.
        let table = lens.calibration.table;
        seen.noses = noses::find(self.picture, &self.plane(&lens.calibration), table);
        // What the gate will refuse for that is not worth a closer look.
        let is_refused =
            self.request.hints.corners_px.is_none() && seen.sides_found() < gate::MIN_SIDES_FOUND;
        let looks_mm: &[f64] = if is_refused { &[] } else { &SECOND_LOOKS_MM };
        for &reach_mm in looks_mm {
            lens = self.solve_lens(lens.calibration, &seen, start)?;
            let (plane, table) = (self.plane(&lens.calibration), lens.calibration.table);
            seen.diamonds = diamonds::find(self.picture, &plane, table);
            seen.noses = noses::refine(self.picture, &plane, table, &seen.noses, reach_mm);
        }
        lens = self.solve_lens(lens.calibration, &seen, start)?;
        Some((seen, lens))
    }

    fn plane(&self, calibration: &Calibration) -> impl Fn([f64; 2]) -> Option<[f64; 2]> + use<> {
        let (calibration, height) = (*calibration, self.nose_height_mm);
        move |[x, y]| calibration.project([x, y, height])
    }

    fn first_calibration(&self, start: &Start) -> Calibration {
        let (width, height) = (self.picture.width as u32, self.picture.height as u32);
        let focal_px = start.guess.focal_px;
        let k1 = start.warp.k1(focal_px);
        let camera = self.request.hints.lens.unwrap_or(CameraModel {
            k1,
            k2: second_radial_term(k1),
            ..CameraModel::pinhole(width, height, focal_px)
        });
        Calibration {
            id: 0,
            camera,
            pose: start.guess.pose,
            table: self.request.table,
            ball_diameter_mm: self.request.ball_diameter_mm,
            residual_mm: 0.0,
            place_sigma_mm: 0.0,
        }
    }

    /// Lens and pose over a table that may be built off its proportions: else a wrong lens would explain that.
    fn solve_lens(&self, from: Calibration, seen: &Seen, start: &Start) -> Option<Solution> {
        self.solve(from, seen, start, BUILT_OFF_LOG_SIGMA)
    }

    /// Over the table as said.
    fn solve_as_said(&self, lens: &Calibration, seen: &Seen, start: &Start) -> Option<Solution> {
        let table = self.request.table;
        let from = Calibration { table, ..*lens };
        let mut solution = self.solve(from, seen, start, 0.0)?;
        // To the last bit: tables are told apart by their size.
        solution.calibration.table = table;
        Some(solution)
    }

    fn solve(&self, from: Calibration, seen: &Seen, start: &Start, width_log_sigma: f64) -> Option<Solution> {
        let shared = seen
            .noses
            .iter()
            .flatten()
            .map(|nose| nose.offset.shared_sigma_mm);
        let beliefs = Beliefs {
            focal: focal_prior(&self.request.hints, self.picture),
            lens_is_given: self.request.hints.lens.is_some(),
            lens_is_seen: seen.sides_found() >= MIN_SIDES_FOR_LENS,
            width_log_sigma,
            nose_sigmas_mm: seen
                .noses
                .each_ref()
                .map(|nose| nose.as_ref().map_or(0.0, |nose| nose.offset.sigma_mm)),
            shared_nose_sigma_mm: shared.reduce(f64::min).unwrap_or(0.0),
        };
        let observations = self.observations(seen, start, from.table);
        refine(from, self.nose_height_mm, &observations, &beliefs)
    }

    fn unseen_sigma_mm(&self) -> f64 {
        match self.request.hints.corners_px {
            Some(_) => BY_HAND_SIGMA_MM,
            None => UNSEEN_SIGMA_MM,
        }
    }

    /// The diamonds, the places on the noses, and for a side without any, where the start has them.
    fn observations(&self, seen: &Seen, start: &Start, table: TableSize) -> Vec<Observation> {
        let mut observations = Vec::new();
        for (side, line) in Side::all(self.request.table).iter().enumerate() {
            let on_nose = |at_px, sigma_mm, weight, is_guess| Observation {
                constraint: Constraint::OnNose { side },
                at_px,
                sigma_mm,
                weight,
                is_guess,
            };
            match &seen.noses[side] {
                Some(nose) => {
                    let weight = PLACES_WORTH / nose.points_px.len() as f64;
                    let places = nose.points_px.iter();
                    observations.extend(places.map(|&at_px| on_nose(at_px, NOSE_SIGMA_MM, weight, false)));
                }
                None => observations.extend((0..=UNSEEN_PLACES).map(|i| {
                    let place = line.point(f64::from(i) / f64::from(UNSEEN_PLACES), 0.0);
                    on_nose(start.pixel(place), self.unseen_sigma_mm(), 1.0, true)
                })),
            }
        }
        for diamond in &seen.diamonds {
            observations.extend(diamond.constraints(table).map(|constraint| Observation {
                constraint,
                at_px: diamond.at_px,
                sigma_mm: DIAMOND_SIGMA_MM,
                weight: 1.0,
                is_guess: false,
            }));
        }
        observations
    }

    fn judged(&self, found: Outcome, start: &Start, seen: &Seen, lens: &Solution) -> Outcome {
        let hints = &self.request.hints;
        let mut outcome = found;
        outcome.sides_found = seen.noses.each_ref().map(Option::is_some);
        outcome.diamonds_found = seen.diamonds.len() as u8;
        outcome.focal_known =
            hints.lens.is_some() || hints.focal_px.is_some() || lens.focal_log_sigma < KNOWN_FOCAL_LOG_SIGMA;
        outcome.length_over_width_seen =
            Some(lens.calibration.table.length_mm / lens.calibration.table.width_mm);
        outcome.length_over_width_log_sigma = Some(lens.width_log_sigma);
        let Some(solution) = self.solve_as_said(&lens.calibration, seen, start) else {
            return outcome;
        };
        let calibration = solution.calibration;
        let observations = self.observations(seen, start, calibration.table);
        let fit = gate::Fit::of(&solution, self.nose_height_mm, &observations);
        outcome.places = observations
            .iter()
            .filter(|seen| !seen.is_guess)
            .filter_map(|seen| seen.against(&solution, self.nose_height_mm))
            .collect();
        let plane = self.plane(&calibration);
        let pockets = pockets::find(self.picture, &plane, self.request.table);
        outcome.pockets_found = [pockets.found, pockets.looked_at];
        let [a, b, c, d] = self.request.table.corners_mm().map(&plane);
        outcome.corners_px = (|| Some([a?, b?, c?, d?]))();
        outcome.residual_mm = Some(fit.rms_mm);
        outcome.residual_p95_mm = Some(fit.p95_mm);
        outcome.place_sigma_mm = Some(solution.place_sigma_mm);
        outcome.worst_sigma_mm = Some(solution.worst_sigma_mm);
        outcome.calibration = Some(Calibration {
            residual_mm: fit.rms_mm,
            place_sigma_mm: solution.place_sigma_mm,
            // To the last bit: the solver holds a given lens by a belief, which lets it give way by a billionth.
            camera: self.request.hints.lens.unwrap_or(calibration.camera),
            ..calibration
        });
        outcome.reason = gate::judge(&outcome, self.request);
        let may_be_beyond = hints.corners_px.is_none() && seen.diamonds.is_empty();
        if outcome.reason == Reason::Accepted
            && may_be_beyond
            && diamonds::are_too_near(self.picture, &plane, self.request.table)
        {
            outcome.reason = Reason::BeyondTheNoses;
        }
        outcome.accepted = outcome.reason == Reason::Accepted;
        outcome
    }
}

/// What was found in the picture.
struct Seen {
    noses: Noses,
    diamonds: Vec<Diamond>,
}

impl Seen {
    fn sides_found(&self) -> usize {
        self.noses.iter().flatten().count()
    }
}

/// What is believed of the focal length before the table is seen.
fn focal_prior(hints: &Hints, picture: &Picture) -> FocalPrior {
    match hints.lens.map(|lens| lens.fx).or(hints.focal_px) {
        Some(median_px) => FocalPrior {
            median_px,
            log_sigma: GIVEN_FOCAL_LOG_SIGMA,
        },
        None => FocalPrior {
            median_px: USUAL_FOCAL_PER_WIDTH * picture.width.max(picture.height) as f64,
            log_sigma: USUAL_FOCAL_LOG_SIGMA,
        },
    }
}
