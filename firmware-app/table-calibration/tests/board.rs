//! A lens from pictures of a checkerboard, drawn through a known lens.

use baize_frame::{FrameFormat, ImageView, PixelFormat};
use baize_simulated_table::{Random, Scene, SimulatedTable};
use baize_table_calibration::board::{Board, LensReason, solve_lens};
use baize_table_vision::geometry::{CameraModel, Pose};

const WIDTH: usize = 960;
const HEIGHT: usize = 540;
/// Fields along and across.
const FIELDS: [f64; 2] = [10.0, 7.0];
const FIELD_MM: f64 = 30.0;

/// A wide lens, off the middle of its picture.
const LENS: CameraModel = CameraModel {
    width_px: WIDTH as u32,
    height_px: HEIGHT as u32,
    fx: 640.0,
    fy: 640.0,
    cx: 488.0,
    cy: 263.0,
    k1: -0.21,
    k2: 0.06,
    p1: 0.0007,
    p2: -0.0005,
    k3: 0.0,
};

/// What is printed on the board.
#[derive(Clone, Copy, PartialEq)]
enum Print {
    Checkerboard,
    /// A mark of black and white squares in every white field.
    Charuco,
}

/// Draws boards as the lens shows them.
struct Artist {
    /// The direction that each corner of each pixel shows.
    rays: Vec<[f64; 2]>,
    random: Random,
}

impl Artist {
    fn new() -> Self {
        let ray = |at: usize| {
            let pixel = [at % (WIDTH + 1), at / (WIDTH + 1)].map(|value| value as f64);
            LENS.pixel_to_normalised(pixel)
                .expect("the lens shows its whole picture")
        };
        Self {
            rays: (0..(WIDTH + 1) * (HEIGHT + 1)).map(ray).collect(),
            random: Random::new(5, 5),
        }
    }

    /// A grey picture: nine samples a pixel, and the sensor's noise.
    fn draw(&mut self, pose: &Pose, print: Print) -> Vec<u8> {
        let centre = pose.camera_centre_mm();
        let mut bytes = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let corner = |right: usize, down: usize| self.rays[(y + down) * (WIDTH + 1) + x + right];
                let [a, b, c, d] = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
                let mut light = 0.0;
                for sample in 0..9 {
                    let [right, down] = [sample % 3, sample / 3].map(|part| (f64::from(part) + 0.5) / 3.0);
                    let ray = [0, 1].map(|i| {
                        (a[i] * (1.0 - right) + b[i] * right) * (1.0 - down)
                            + (c[i] * (1.0 - right) + d[i] * right) * down
                    });
                    let direction = pose.direction_to_table([ray[0], ray[1], 1.0]);
                    let way = -centre[2] / direction[2];
                    let at = [0, 1].map(|i| (centre[i] + way * direction[i]) / FIELD_MM);
                    light += printed(at, print) / 9.0;
                }
                bytes.push((light + 2.0 * self.random.gaussian()).clamp(0.0, 255.0) as u8);
            }
        }
        bytes
    }
}

fn printed([x, y]: [f64; 2], print: Print) -> f64 {
    let (white, black, wall) = (205.0, 40.0, 120.0);
    let beyond = |value: f64, fields: f64| (-value).max(value - fields);
    match beyond(x, FIELDS[0]).max(beyond(y, FIELDS[1])) {
        outside if outside > 0.7 => return wall,
        outside if outside > 0.0 => return white,
        _ => {}
    }
    if (x.floor() + y.floor()) as i64 % 2 == 0 {
        return black;
    }
    let mark = [x, y].map(|value| ((value - value.floor() - 0.14) / 0.12).floor() as i64);
    if print == Print::Charuco && mark.iter().all(|bit| (0..6).contains(bit)) {
        let number = x.floor() as i64 * 7 + y.floor() as i64 * 13;
        let is_rim = mark.iter().any(|bit| *bit == 0 || *bit == 5);
        let bit = (number * 2_654_435_761 + mark[0] * 97 + mark[1] * 1031) >> 3;
        return if is_rim || bit % 2 == 0 { black } else { white };
    }
    white
}

/// A board whose middle lies in this direction, as far away, leaning about an axis in the picture by so many degrees.
fn placed(middle: [f64; 2], distance_mm: f64, axis_deg: f64, leaning_deg: f64) -> Pose {
    let (axis, leaning) = (axis_deg.to_radians(), leaning_deg.to_radians());
    let pose = Pose::from_rotation_vector([leaning * axis.cos(), leaning * axis.sin(), 0.1], [0.0; 3]);
    let own = [FIELDS[0] * FIELD_MM / 2.0, FIELDS[1] * FIELD_MM / 2.0, 0.0];
    let turned = pose.to_camera(own);
    let wanted = [middle[0] * distance_mm, middle[1] * distance_mm, distance_mm];
    Pose {
        translation_mm: [0, 1, 2].map(|i| wanted[i] - turned[i]),
        ..pose
    }
}

fn found(bytes: &[u8]) -> Option<Board> {
    let format = FrameFormat::packed(WIDTH as u32, HEIGHT as u32, PixelFormat::Grey);
    Board::find(&ImageView::new(bytes, format).expect("the picture has the format's size"))
}

/// Over the whole picture and beyond its edge, leaning every way.
fn all_over() -> Vec<Pose> {
    let mut poses = Vec::new();
    for (row, y) in [-0.28, 0.0, 0.28].into_iter().enumerate() {
        for (column, x) in [-0.52, 0.0, 0.52].into_iter().enumerate() {
            let number = (3 * row + column) as f64;
            poses.push(placed([x, y], 620.0 + 31.0 * number, 80.0 * number, 33.0));
        }
    }
    poses
}

fn boards(poses: &[Pose]) -> Vec<Board> {
    let mut artist = Artist::new();
    poses
        .iter()
        .filter_map(|pose| found(&artist.draw(pose, Print::Checkerboard)))
        .collect()
}

/// The largest distance between where two lenses show the same direction, over the picture. A shift of the whole picture
/// is left out: it is a turn of the camera, which the table tells.
fn apart_px(a: &CameraModel, b: &CameraModel) -> f64 {
    let steps = (0..=12).flat_map(|i| (0..=8).map(move |j| [f64::from(i) / 12.0, f64::from(j) / 8.0]));
    let shifts: Vec<[f64; 2]> = steps
        .map(|[right, down]| {
            let pixel = [right * WIDTH as f64, down * HEIGHT as f64];
            let [x, y] = a.pixel_to_normalised(pixel).expect("within the picture");
            let there = b.project([x, y, 1.0]).expect("before the camera");
            [there[0] - pixel[0], there[1] - pixel[1]]
        })
        .collect();
    let mean = [0, 1].map(|i| shifts.iter().map(|shift| shift[i]).sum::<f64>() / shifts.len() as f64);
    let off = |shift: &[f64; 2]| (shift[0] - mean[0]).hypot(shift[1] - mean[1]);
    shifts.iter().map(off).fold(0.0, f64::max)
}

#[test]
fn the_lens_that_took_pictures_of_a_board_is_found_to_a_pixel_over_the_whole_picture() {
    let boards = boards(&all_over());
    assert_eq!(boards.len(), 9);
    let fit = solve_lens(&boards).unwrap();
    println!("{fit:?}, {:.3} px apart", apart_px(&LENS, &fit.lens));
    assert!(fit.residual_px < 0.1, "{fit:?}");
    assert!((fit.lens.fx / LENS.fx - 1.0).abs() < 0.003, "{fit:?}");
    assert!(apart_px(&LENS, &fit.lens) < 1.0, "{fit:?}");
}

#[test]
fn every_meeting_of_four_fields_is_found_where_the_lens_shows_it() {
    let pose = placed([0.05, -0.03], 700.0, 20.0, 25.0);
    let board = found(&Artist::new().draw(&pose, Print::Checkerboard)).unwrap();
    assert_eq!(board.points.len(), 9 * 6);
    for point in &board.points {
        let nearest = (1..10)
            .flat_map(|x| (1..7).map(move |y| [f64::from(x) * FIELD_MM, f64::from(y) * FIELD_MM, 0.0]))
            .filter_map(|place| LENS.project(pose.to_camera(place)))
            .map(|[x, y]| (x - point.at_px[0]).hypot(y - point.at_px[1]))
            .fold(f64::INFINITY, f64::min);
        assert!(nearest < 0.2, "{nearest} px off at {:?}", point.at_px);
    }
}

#[test]
fn the_marks_of_a_charuco_board_do_not_hide_its_fields() {
    let pose = placed([0.02, 0.01], 370.0, 20.0, 12.0);
    let board = found(&Artist::new().draw(&pose, Print::Charuco)).unwrap();
    assert!(board.points.len() >= 45, "{} of 54", board.points.len());
}

#[test]
fn a_part_of_the_picture_without_a_board_is_named() {
    let mut poses = all_over();
    // The top left, and what else shows the board there.
    poses.drain(0..2);
    poses.remove(1);
    let boards = boards(&poses);
    assert_eq!(boards.len(), 6);
    let reason = solve_lens(&boards).unwrap_err();
    assert!(reason.to_string().contains("top left"), "{reason}");
}

#[test]
fn boards_that_all_lie_flat_do_not_tell_the_focal_length_and_that_is_said() {
    let poses: Vec<Pose> = all_over()
        .iter()
        .map(|pose| {
            let [x, y, z] = pose.to_camera([FIELDS[0] * FIELD_MM / 2.0, FIELDS[1] * FIELD_MM / 2.0, 0.0]);
            placed([x / z, y / z], 700.0, 0.0, 0.0)
        })
        .collect();
    let reason = solve_lens(&boards(&poses)).unwrap_err();
    assert!(matches!(reason, LensReason::Flat { .. }), "{reason}");
}

#[test]
fn a_bent_board_is_refused() {
    let mut boards = boards(&all_over());
    for board in &mut boards {
        for point in &mut board.points {
            point.at_px[1] += 2.0 * f64::from(point.cell[0] % 3 - 1);
        }
    }
    assert!(matches!(solve_lens(&boards), Err(LensReason::PoorFit { .. })));
}

#[test]
fn too_few_boards_are_counted_and_a_billiard_table_is_no_board() {
    let boards = boards(&all_over()[..2]);
    let reason = solve_lens(&boards).unwrap_err();
    assert_eq!(reason, LensReason::TooFew { found: 2, wanted: 6 });
    for seed in 0..4 {
        let format = FrameFormat::packed(WIDTH as u32, HEIGHT as u32, PixelFormat::Yuyv);
        let mut table = SimulatedTable::new(Scene::random(seed), format).unwrap();
        let mut bytes = vec![0; format.size_bytes()];
        table.render(&mut bytes).unwrap();
        assert_eq!(
            Board::find(&ImageView::new(&bytes, format).unwrap()),
            None,
            "scene {seed}"
        );
    }
}
