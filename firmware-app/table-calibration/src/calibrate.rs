//! The steps in their order: cloth, outline, first guess, noses, solution, noses again, gate.

use crate::first_guess::{FirstGuess, FocalPrior, Rectangle, guess};
use crate::noses::{self, CUSHION_WIDTH_MM, Noses};
use crate::outcome::{Hints, Outcome, Reason, Request};
use crate::outline::{self, NoOutline};
use crate::picture::Picture;
use crate::side::Side;
use crate::solve::{Beliefs, Observation, Solution, refine, second_radial_term};
use crate::warp::Warp;
use crate::{cloth, gate, nose_height_mm};
use baize_frame::ImageView;
use baize_table_vision::geometry::{Calibration, CameraModel};

/// Widths of the picture that a focal length has where nothing else is known: 68 degrees, a usual webcam or phone.
const USUAL_FOCAL_PER_WIDTH: f64 = 0.74;
const USUAL_FOCAL_LOG_SIGMA: f64 = 0.3;
/// How well a focal length given by a person is known.
const GIVEN_FOCAL_LOG_SIGMA: f64 = 0.03;
/// A focal length known to this much, without belief, is known.
const KNOWN_FOCAL_LOG_SIGMA: f64 = 0.05;
/// How well a place on a nose is measured.
const NOSE_SIGMA_MM: f64 = 1.5;
/// All the places on one nose are worth this many independent ones: what they share is how it was built and worn.
const PLACES_WORTH: f64 = 8.0;
/// How far tables are from their proportions.
const BUILT_OFF_LOG_SIGMA: f64 = 0.02;
/// How well the nose of a side is known where only the cushion's back was found: cushions differ, noses wear.
const UNSEEN_SIGMA_MM: f64 = 8.0;
/// How well a person marks a corner.
const BY_HAND_SIGMA_MM: f64 = 6.0;
/// Looking again: how far around the solution, in turn.
const SECOND_LOOKS_MM: [f64; 2] = [9.0, 6.0];
/// Outlines followed up, from the likeliest.
const MAX_STARTS: usize = 5;
/// A guess of this cost is half as likely to be the table as one that fits perfectly.
const LIKELY_GUESS_COST: f64 = 20.0;
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
    Calibrator {
        picture: &picture,
        request,
        nose_height_mm: nose_height_mm(request.ball_diameter_mm),
    }
    .run()
}

struct Calibrator<'a> {
    picture: &'a Picture,
    request: &'a Request<'a>,
    nose_height_mm: f64,
}

/// Where to look for the noses, and the camera to begin with.
struct Start {
    guess: FirstGuess,
    warp: Warp,
    cloth_px: Option<[[f64; 2]; 4]>,
}

impl Calibrator<'_> {
    /// Tries the starts from the likeliest; the outcome of the likeliest stands if none leads to a calibration.
    fn run(&self) -> Outcome {
        let starts = match self.request.hints.corners_px {
            Some(corners) => self.start_by_hand(corners).map(|start| vec![start]),
            None => self.starts_from_cloth(),
        };
        let starts = match starts {
            Ok(starts) => starts,
            Err(reason) => return Outcome::refused(reason),
        };
        let mut outcomes = starts.iter().map(|start| self.tried_from(start));
        let first = outcomes
            .next()
            .unwrap_or_else(|| Outcome::refused(Reason::NoTable));
        if first.accepted {
            return first;
        }
        outcomes.find(|outcome| outcome.accepted).unwrap_or(first)
    }

    fn tried_from(&self, start: &Start) -> Outcome {
        let found = Outcome {
            cloth_px: start.cloth_px,
            ..Outcome::refused(Reason::Unsolvable)
        };
        match self.follow_up(start) {
            Some((noses, lens)) => self.judged(found, start, &noses, &lens),
            None => found,
        }
    }

    /// Noses and lens in turn, each with the help of the other.
    fn follow_up(&self, start: &Start) -> Option<(Noses, Solution)> {
        let table = self.request.table;
        let guessed = |point| Some(start.warp.seen(start.guess.to_straightened.apply(point)));
        let noses = noses::find(self.picture, &guessed, table);
        let mut lens = self.solve_lens(self.first_calibration(start), &noses, start)?;
        // A side that a hand or a shadow put in the wrong place is found now that the others say where it must be.
        let mut noses = noses::find(
            self.picture,
            &self.plane(&lens.calibration),
            lens.calibration.table,
        );
        for reach_mm in SECOND_LOOKS_MM {
            lens = self.solve_lens(lens.calibration, &noses, start)?;
            let calibration = lens.calibration;
            noses = noses::refine(
                self.picture,
                &self.plane(&calibration),
                calibration.table,
                &noses,
                reach_mm,
            );
        }
        lens = self.solve_lens(lens.calibration, &noses, start)?;
        Some((noses, lens))
    }

    fn plane(&self, calibration: &Calibration) -> impl Fn([f64; 2]) -> Option<[f64; 2]> + use<> {
        let (calibration, height) = (*calibration, self.nose_height_mm);
        move |[x, y]| calibration.project([x, y, height])
    }

    fn start_by_hand(&self, corners: [[f64; 2]; 4]) -> Result<Start, Reason> {
        let warp = Warp::new([self.picture.width as f64, self.picture.height as f64], 0.0);
        let middle = [0, 1].map(|i| corners.iter().map(|corner| corner[i]).sum::<f64>() / 4.0);
        let mut corners = corners;
        // Counter-clockwise as seen, with y down.
        corners.sort_by(|a, b| {
            let angle = |p: &[f64; 2]| (middle[1] - p[1]).atan2(p[0] - middle[0]);
            angle(a).total_cmp(&angle(b))
        });
        let guess = self.guess(&corners, &warp, 0.0).ok_or(Reason::Unsolvable)?;
        Ok(Start {
            guess,
            warp,
            cloth_px: None,
        })
    }

    /// The likeliest first.
    fn starts_from_cloth(&self) -> Result<Vec<Start>, Reason> {
        let small = &self.picture.small;
        let candidates = cloth::candidates(small);
        let mut cut_off = false;
        let mut starts: Vec<(f64, Start)> = Vec::new();
        for (rank, candidate) in candidates.iter().enumerate() {
            let outline = match outline::find(&candidate.mask, small.factor) {
                Ok(outline) => outline,
                Err(why) => {
                    cut_off |= rank == 0 && why == NoOutline::CutOff;
                    continue;
                }
            };
            if let Some(guess) = self.guess(&outline.corners, &outline.warp, CUSHION_WIDTH_MM) {
                let likely =
                    outline.score * candidate.solidity.powi(2) / (1.0 + guess.cost / LIKELY_GUESS_COST);
                let start = Start {
                    guess,
                    warp: outline.warp,
                    cloth_px: Some(outline.corners.map(|corner| outline.warp.seen(corner))),
                };
                starts.push((likely, start));
            }
        }
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        starts.truncate(MAX_STARTS);
        match starts.is_empty() {
            true if cut_off => Err(Reason::CutOff),
            true => Err(Reason::NoTable),
            false => Ok(starts.into_iter().map(|(_, start)| start).collect()),
        }
    }

    fn guess(&self, corners: &[[f64; 2]; 4], warp: &Warp, margin_mm: f64) -> Option<FirstGuess> {
        let rectangle = Rectangle {
            table: self.request.table,
            margin_mm,
            height_mm: self.nose_height_mm,
        };
        guess(
            corners,
            warp,
            &rectangle,
            self.focal_prior(),
            self.picture.width as f64,
        )
    }

    fn focal_prior(&self) -> FocalPrior {
        let Hints { focal_px, lens, .. } = self.request.hints;
        match lens.map(|lens| lens.fx).or(focal_px) {
            Some(median_px) => FocalPrior {
                median_px,
                log_sigma: GIVEN_FOCAL_LOG_SIGMA,
            },
            None => FocalPrior {
                median_px: USUAL_FOCAL_PER_WIDTH * self.picture.width.max(self.picture.height) as f64,
                log_sigma: USUAL_FOCAL_LOG_SIGMA,
            },
        }
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
        }
    }

    /// Lens and pose over a table that may be built off its proportions: else a wrong lens would explain that.
    fn solve_lens(&self, from: Calibration, noses: &Noses, start: &Start) -> Option<Solution> {
        let beliefs = Beliefs {
            focal: self.focal_prior(),
            lens_is_given: self.request.hints.lens.is_some(),
            width_log_sigma: BUILT_OFF_LOG_SIGMA,
        };
        refine(
            from,
            self.nose_height_mm,
            &self.observations(noses, start),
            &beliefs,
        )
    }

    /// With the lens found, the pose over the table as said.
    fn solve_pose(&self, lens: &Calibration, noses: &Noses, start: &Start) -> Option<Calibration> {
        let beliefs = Beliefs {
            focal: self.focal_prior(),
            lens_is_given: true,
            width_log_sigma: 0.0,
        };
        let as_said = Calibration {
            table: self.request.table,
            ..*lens
        };
        Some(
            refine(
                as_said,
                self.nose_height_mm,
                &self.observations(noses, start),
                &beliefs,
            )?
            .calibration,
        )
    }

    /// The places on the noses, and for a side without any, where the start has them.
    fn observations(&self, noses: &Noses, start: &Start) -> Vec<Observation> {
        let by_hand = self.request.hints.corners_px.is_some();
        let mut observations = Vec::new();
        for (side, line) in Side::all(self.request.table).iter().enumerate() {
            match &noses[side] {
                Some(nose) => observations.extend(nose.points_px.iter().map(|&at_px| Observation {
                    side,
                    at_px,
                    sigma_mm: NOSE_SIGMA_MM,
                    weight: PLACES_WORTH / nose.points_px.len() as f64,
                })),
                None => observations.extend((0..=UNSEEN_PLACES).map(|i| {
                    let place = line.point(f64::from(i) / f64::from(UNSEEN_PLACES), 0.0);
                    Observation {
                        side,
                        at_px: start.warp.seen(start.guess.to_straightened.apply(place)),
                        sigma_mm: if by_hand {
                            BY_HAND_SIGMA_MM
                        } else {
                            UNSEEN_SIGMA_MM
                        },
                        weight: 1.0,
                    }
                })),
            }
        }
        observations
    }

    fn judged(&self, found: Outcome, start: &Start, noses: &Noses, lens: &Solution) -> Outcome {
        let hints = &self.request.hints;
        let mut outcome = found;
        outcome.nose_points_px = noses
            .iter()
            .flatten()
            .flat_map(|nose| nose.points_px.iter().copied())
            .collect();
        outcome.sides_found = noses.each_ref().map(Option::is_some);
        outcome.focal_known =
            hints.lens.is_some() || hints.focal_px.is_some() || lens.focal_log_sigma < KNOWN_FOCAL_LOG_SIGMA;
        outcome.length_over_width_seen =
            Some(lens.calibration.table.length_mm / lens.calibration.table.width_mm);
        let Some(calibration) = self.solve_pose(&lens.calibration, noses, start) else {
            return outcome;
        };
        let fit = gate::Fit::of(&calibration, self.nose_height_mm, noses);
        let plane = self.plane(&calibration);
        let [a, b, c, d] = self.request.table.corners_mm().map(plane);
        outcome.corners_px = (|| Some([a?, b?, c?, d?]))();
        outcome.residual_mm = Some(fit.rms_mm);
        outcome.residual_p95_mm = Some(fit.p95_mm);
        outcome.calibration = Some(Calibration {
            residual_mm: fit.rms_mm,
            ..calibration
        });
        outcome.reason = gate::judge(&outcome, self.request);
        outcome.accepted = outcome.reason == Reason::Accepted;
        outcome
    }
}
