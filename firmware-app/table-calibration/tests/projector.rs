//! A projector above a simulated table is calibrated, against its exact optics.

mod common;

use baize_frame::{BallDetection, FrameFormat, ImageView, PixelFormat};
use baize_simulated_table::{CameraPose, Discs, Projector, Random, Scene, SimulatedTable, Truth};
use baize_table_calibration::projector::{Pattern, ProjectorFit, ProjectorReason, Views, solve_projector};
use baize_table_calibration::{Request, calibrate, nose_height_mm};
use baize_table_vision::geometry::{Calibration, CameraModel, Pose, TableSize};
use common::detected;

const FORMAT: FrameFormat = FrameFormat::packed(1920, 1080, PixelFormat::Nv12);
const PICTURES: usize = 3;

/// What the projector is asked for and what it shows instead.
type Controller<'a> = &'a dyn Fn(&Pattern) -> Discs;

fn shown(pattern: &Pattern) -> Discs {
    let points = pattern.points_px.iter();
    Discs {
        radius_px: f64::from(pattern.radius_px),
        points_px: points.map(|point| point.map(f64::from)).collect(),
    }
}

struct Hall {
    simulated: SimulatedTable,
    projector: Projector,
}

impl Hall {
    fn new(scene: Scene, projector: Projector) -> Self {
        let mut simulated = SimulatedTable::new(scene, FORMAT).unwrap();
        simulated.hang(projector);
        Self { simulated, projector }
    }

    fn pictures(&mut self, light: Discs) -> Vec<Vec<u8>> {
        self.simulated.project(light);
        (0..PICTURES)
            .map(|_| {
                let mut bytes = vec![0; FORMAT.size_bytes()];
                self.simulated.render(&mut bytes).unwrap();
                bytes
            })
            .collect()
    }

    fn size_px(&self) -> [u16; 2] {
        self.projector.size_px.map(|side| side as u16)
    }

    fn truth(&self) -> &Truth {
        self.simulated.truth()
    }

    /// The camera as it is.
    fn exact(&self) -> Calibration {
        let camera = &self.truth().camera;
        let [k1, k2, p1, p2, k3] = camera.distortion;
        let scene = self.simulated.scene();
        Calibration {
            id: 1,
            place_sigma_mm: 0.0,
            camera: CameraModel {
                k1,
                k2,
                p1,
                p2,
                k3,
                ..CameraModel::pinhole(FORMAT.width, FORMAT.height, camera.focal_px[0])
            },
            pose: Pose {
                rotation: camera.rotation,
                translation_mm: camera.translation_mm,
            },
            table: TableSize::new(scene.table.length_mm, scene.table.width_mm),
            ball_diameter_mm: 2.0 * scene.ball_set.size().0,
            residual_mm: 0.0,
        }
    }

    /// What the camera sees while the controller does its work.
    fn watch(&mut self, controller: Controller<'_>) -> Watched {
        let size_px = self.size_px();
        let balls = self.truth().balls.iter().filter(|ball| !ball.pocketed);
        Watched {
            balls: balls.map(detected).collect(),
            dark: self.pictures(Discs::default()),
            first: self.pictures(controller(&Pattern::first(size_px))),
            second: self.pictures(controller(&Pattern::second(size_px))),
            size_px,
        }
    }

    fn solve(&mut self, controller: Controller<'_>) -> Result<ProjectorFit, ProjectorReason> {
        let exact = self.exact();
        self.watch(controller).solve(&exact)
    }

    /// How far from a place of the cloth the light falls that is meant for where the place is `seen`, over a grid on the
    /// whole bed, mm.
    fn errors_mm(&self, fit: &ProjectorFit, seen: impl Fn([f64; 2]) -> [f64; 2]) -> Vec<f64> {
        let table = self.exact().table;
        let mut errors = Vec::new();
        for i in 0..=20 {
            for j in 0..=10 {
                let place = [
                    table.length_mm * f64::from(i) / 20.0,
                    table.width_mm * f64::from(j) / 10.0,
                ];
                let [a, b, c, d, e, f, g, h, w] = fit.homography.map(f64::from);
                let [x, y] = seen(place);
                let scale = g * x + h * y + w;
                let pixel = [(a * x + b * y + c) / scale, (d * x + e * y + f) / scale];
                let ray = self.projector.optics.ray(pixel);
                let from = self.projector.optics.position_mm();
                let reach = -from[2] / ray[2];
                let lit = [from[0] + reach * ray[0], from[1] + reach * ray[1]];
                errors.push((lit[0] - place[0]).hypot(lit[1] - place[1]));
            }
        }
        errors.sort_by(f64::total_cmp);
        errors
    }
}

/// Whether a person tells the focal length, which a view from straight above does not show.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Focal {
    Guessed,
    Told,
}

struct Watched {
    dark: Vec<Vec<u8>>,
    first: Vec<Vec<u8>>,
    second: Vec<Vec<u8>>,
    balls: Vec<BallDetection>,
    size_px: [u16; 2],
}

impl Watched {
    fn solve(&self, calibration: &Calibration) -> Result<ProjectorFit, ProjectorReason> {
        let views = Views {
            dark: &views(&self.dark),
            first: &views(&self.first),
            second: &views(&self.second),
            balls: &self.balls,
        };
        solve_projector(&views, calibration, self.size_px)
    }

    /// The camera as the calibration finds it; `None` where it is refused, or where it lies the other way round than the
    /// scene's own table frame, which the truth is in.
    fn calibrated(&self, exact: &Calibration, focal: Focal) -> Option<Calibration> {
        let mut request = Request::new(exact.table, exact.ball_diameter_mm);
        request.hints.focal_px = (focal == Focal::Told).then_some(exact.camera.fx);
        let outcome = calibrate(&views(&self.dark), &request);
        let found = outcome.calibration.filter(|_| outcome.accepted)?;
        let height = nose_height_mm(exact.ball_diameter_mm);
        let [x, y] = found.pixel_to_plane(exact.project([0.0, 0.0, height])?, height)?;
        (x.hypot(y) < 100.0).then_some(found)
    }
}

fn views(pictures: &[Vec<u8>]) -> Vec<ImageView<'_>> {
    pictures
        .iter()
        .map(|bytes| ImageView::new(bytes, FORMAT).unwrap())
        .collect()
}

fn standard() -> Hall {
    let scene = Scene::standard();
    let projector = Projector::standard(&scene.table);
    Hall::new(scene, projector)
}

/// A projector that hangs anywhere, turned anyhow, and lights the whole table and some more.
fn random_projector(scene: &Scene, random: &mut Random) -> Projector {
    let (length, width) = (scene.table.length_mm, scene.table.width_mm);
    let height = length * random.range(0.8, 1.4);
    let size_px = random.pick(&[[1920, 1080], [1280, 800], [1280, 720], [1024, 768]]);
    let aspect = f64::from(size_px[0]) / f64::from(size_px[1]);
    let half = (0.5 * length).max(0.5 * width * aspect) * random.range(1.08, 1.25);
    let lean = random.range(0.0, 8.0);
    let towards: f64 = random.range(0.0, 360.0);
    // It leans so as to light the table's middle.
    let off = height * lean.to_radians().tan();
    let pose = CameraPose {
        position_mm: [
            0.5 * length - off * towards.to_radians().cos() + random.range(-30.0, 30.0),
            0.5 * width - off * towards.to_radians().sin() + random.range(-30.0, 30.0),
            height,
        ],
        tilt_deg: lean,
        tilt_towards_deg: towards,
        roll_deg: random.pick(&[0.0, 180.0]) + random.range(-3.0, 3.0),
        hfov_deg: 2.0 * (half / height).atan().to_degrees(),
        distortion: [random.range(-0.006, 0.006), 0.0, 0.0, 0.0, 0.0],
    };
    Projector::new(&pose, size_px, random.range(0.5, 1.2) as f32)
}

#[test]
fn the_standard_projector_is_mapped_to_three_millimetres_among_balls() {
    let mut hall = standard();
    let fit = hall.solve(&shown).expect("everything is in order");
    let errors = hall.errors_mm(&fit, |place| place);
    println!(
        "residual {:.2} mm over {} discs; error median {:.2}, max {:.2} mm",
        fit.residual_mm,
        fit.points,
        errors[errors.len() / 2],
        errors[errors.len() - 1]
    );
    assert!(errors[errors.len() - 1] < 3.0);
    assert!(fit.residual_of(&fit.homography).expect("it is one") - fit.residual_mm < 0.05);
}

#[test]
fn a_projector_that_stays_dark_or_shows_another_pattern_is_refused_with_what_was_seen() {
    let mut hall = standard();
    let dark = hall.solve(&|_| Discs::default());
    assert_eq!(dark.expect_err("nothing shows"), ProjectorReason::Dark);

    let size_px = hall.size_px();
    let wrong = hall.solve(&|_| shown(&Pattern::second(size_px)));
    assert!(
        matches!(wrong, Err(ProjectorReason::AnotherPattern { .. })),
        "{wrong:?}"
    );

    let stuck = hall.solve(&|_| shown(&Pattern::first(size_px)));
    assert!(
        matches!(stuck, Err(ProjectorReason::AnotherPattern { .. })),
        "{stuck:?}"
    );
}

#[test]
fn a_pattern_of_which_most_is_hidden_is_refused() {
    let mut hall = standard();
    let quarter = hall.solve(&|pattern| {
        let mut light = shown(pattern);
        let half = f64::from(pattern.size_px[0]) / 2.0;
        light.points_px.retain(|point| point[0] < 0.7 * half);
        light
    });
    assert!(
        matches!(quarter, Err(ProjectorReason::Hidden { .. })),
        "{quarter:?}"
    );
}

#[test]
fn a_projector_that_is_moved_between_the_patterns_is_refused() {
    let mut hall = standard();
    let second = Pattern::second(hall.size_px());
    let moved = hall.solve(&|pattern| {
        let mut light = shown(pattern);
        if *pattern == second {
            light.points_px.iter_mut().for_each(|point| point[0] += 5.0);
        }
        light
    });
    let reason = moved.expect_err("it moved by five pixels");
    assert!(
        reason.residual_mm().is_some_and(|mm| (5.0..20.0).contains(&mm)),
        "{reason}"
    );
}

/// `BAIZE_PROJECTORS=200 cargo nextest run -p baize-table-calibration random_projectors --no-capture` measures more.
#[test]
fn random_projectors_are_mapped_or_refused_and_never_far_off() {
    let wanted: usize = std::env::var("BAIZE_PROJECTORS").map_or(4, |text| text.parse().expect("a number"));
    let mut random = Random::new(7, 77);
    let mut exactly = Errors::default();
    let mut calibrated =
        [Focal::Guessed, Focal::Told].map(|focal| (focal, Errors::default(), Errors::default()));
    let mut halls = 0;
    for seed in 0.. {
        if halls == wanted {
            break;
        }
        let scene = Scene::random(seed);
        let projector = random_projector(&scene, &mut random);
        let mut hall = Hall::new(scene, projector);
        if !shows_whole_bed(&hall) {
            continue;
        }
        halls += 1;
        let exact = hall.exact();
        let watched = hall.watch(&shown);
        match watched.solve(&exact) {
            Ok(fit) => {
                let errors = hall.errors_mm(&fit, |place| place);
                let worst = errors[errors.len() - 1];
                println!(
                    "scene {seed}: residual {:.2} mm, {} discs, median {:.2}, max {worst:.2}",
                    fit.residual_mm,
                    fit.points,
                    errors[errors.len() / 2]
                );
                assert!(worst < 10.0, "scene {seed} was accepted {worst} mm off");
                exactly.add(errors);
            }
            Err(reason) => println!("scene {seed}: refused: {reason}"),
        }
        for (focal, on_cloth, on_balls) in &mut calibrated {
            let Some(found) = watched.calibrated(&exact, *focal) else {
                continue;
            };
            if let Ok(fit) = watched.solve(&found) {
                on_cloth.add(hall.errors_mm(&fit, |place| place));
                on_balls.add(hall.errors_mm(&fit, |place| seen_ball(&exact, &found, place)));
            }
        }
    }
    exactly.report("through the exact camera", halls);
    for (focal, on_cloth, on_balls) in &mut calibrated {
        on_cloth.report(
            &format!("through its own calibration, focal length {focal:?}"),
            halls,
        );
        on_balls.report(
            "the same, light meant for a ball and thrown where it is seen",
            halls,
        );
    }
    assert!(10 * exactly.worst_mm.len() >= 7 * halls);
    let [_, (_, on_cloth, _)] = &calibrated;
    assert!(
        on_cloth.worst_mm.iter().all(|mm| *mm < 3.0),
        "{:?}",
        on_cloth.worst_mm
    );
}

/// How far light falls from where it is meant to, over all halls.
#[derive(Default)]
struct Errors {
    all_mm: Vec<f64>,
    /// The largest of each hall.
    worst_mm: Vec<f64>,
}

impl Errors {
    /// Those of one hall, in their order.
    fn add(&mut self, errors_mm: Vec<f64>) {
        self.worst_mm.extend(errors_mm.last());
        self.all_mm.extend(errors_mm);
    }

    fn report(&mut self, what: &str, halls: usize) {
        println!("{what}: {} of {halls} mapped", self.worst_mm.len());
        if self.all_mm.is_empty() {
            return;
        }
        self.all_mm.sort_by(f64::total_cmp);
        self.worst_mm.sort_by(f64::total_cmp);
        let at = |values: &[f64], part: f64| values[((values.len() - 1) as f64 * part) as usize];
        println!(
            "  over the bed: median {:.2}, 95 % {:.2}, max {:.2} mm; worst place of a hall: median {:.2}, then {:.1?} mm",
            at(&self.all_mm, 0.5),
            at(&self.all_mm, 0.95),
            at(&self.all_mm, 1.0),
            at(&self.worst_mm, 0.5),
            &self.worst_mm[self.worst_mm.len().saturating_sub(4)..]
        );
    }
}

/// Where a calibration sees a ball that lies at this place.
fn seen_ball(exact: &Calibration, found: &Calibration, [x, y]: [f64; 2]) -> [f64; 2] {
    let height = exact.ball_radius_mm();
    let pixel = exact.project([x, y, height]).expect("the camera sees the bed");
    found
        .pixel_to_plane(pixel, height)
        .expect("the ray meets the table")
}

fn shows_whole_bed(hall: &Hall) -> bool {
    let table = hall.exact().table;
    table.corners_mm().iter().all(|&[x, y]| {
        let seen = hall.truth().camera.project([x, y, 0.0]);
        seen.is_some_and(|[u, v]| u > 4.0 && v > 4.0 && u < 1916.0 && v < 1076.0)
    })
}
