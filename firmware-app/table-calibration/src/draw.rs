//! What a calibration found, drawn over the picture, for a person to judge.

use crate::outcome::Outcome;
use crate::side::Side;
use baize_table_vision::geometry::Calibration;

const GRID_MM: f64 = 100.0;
/// Lines are drawn in pieces, since a lens bends them.
const PIECES: u32 = 48;
/// A place farther from the model than this is drawn as bad.
const BAD_MM: f64 = 4.0;

/// How many times longer than the error an arrow is.
const ARROW: f64 = 20.0;

const GRID: [u8; 3] = [255, 255, 255];
const CLOTH: [u8; 3] = [255, 160, 0];
const NOSE: [u8; 3] = [255, 0, 255];
const POCKET: [u8; 3] = [0, 220, 255];
const GOOD: [u8; 3] = [0, 255, 0];
const BAD: [u8; 3] = [255, 0, 0];

/// Rows of the digits that number the corners, three bits each.
const DIGITS: [[u8; 5]; 4] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b011, 0b001, 0b111],
];

/// Draws over a picture of packed RGB bytes: a grid of 100 mm on the bed, the cushions' noses, the pockets, the back of
/// the cushions, the corners with their numbers (0 is the origin, 1 lies along x), and from each place
/// measured a line that shows, twenty times enlarged, how far from the solution it was seen: red beyond 4 mm.
///
/// Draws nothing if `rgb` is shorter than the picture.
pub fn draw(rgb: &mut [u8], width: usize, height: usize, outcome: &Outcome) {
    if rgb.len() < 3 * width * height {
        return;
    }
    let mut canvas = Canvas { rgb, width, height };
    if let Some(corners) = outcome.cloth_px {
        for (k, corner) in corners.iter().enumerate() {
            canvas.line(*corner, corners[(k + 1) % 4], CLOTH, 0.8);
        }
    }
    if let Some(calibration) = &outcome.calibration {
        canvas.bed(calibration);
        canvas.places(outcome);
    }
    for (corner, digit) in outcome.corners_px.iter().flatten().zip(&DIGITS) {
        canvas.cross(*corner, NOSE);
        canvas.digit(*corner, digit);
    }
}

struct Canvas<'a> {
    rgb: &'a mut [u8],
    width: usize,
    height: usize,
}

impl Canvas<'_> {
    fn dot(&mut self, [x, y]: [f64; 2], colour: [u8; 3], strength: f64) {
        if !(x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64) {
            return;
        }
        let at = 3 * (y as usize * self.width + x as usize);
        for (old, new) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            *old = (f64::from(*old) * (1.0 - strength) + f64::from(new) * strength) as u8;
        }
    }

    fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: [u8; 3], strength: f64) {
        let span = (to[0] - from[0]).abs().max((to[1] - from[1]).abs());
        // Ends far outside of the picture are not worth the steps.
        if !span.is_finite() || span > 4.0 * (self.width + self.height) as f64 {
            return;
        }
        let steps = span.ceil().max(1.0);
        for i in 0..steps as u32 {
            let part = f64::from(i) / steps;
            self.dot(
                [0, 1].map(|k| from[k] + part * (to[k] - from[k])),
                colour,
                strength,
            );
        }
    }

    fn on_plane(
        &mut self,
        calibration: &Calibration,
        path: impl Fn(f64) -> [f64; 3],
        colour: [u8; 3],
        strength: f64,
    ) {
        for i in 0..PIECES {
            let end = |i: u32| calibration.project(path(f64::from(i) / f64::from(PIECES)));
            if let (Some(from), Some(to)) = (end(i), end(i + 1)) {
                self.line(from, to, colour, strength);
            }
        }
    }

    fn bed(&mut self, calibration: &Calibration) {
        let (length, width) = (calibration.table.length_mm, calibration.table.width_mm);
        for i in 1..(length / GRID_MM).ceil() as u32 {
            let x = f64::from(i) * GRID_MM;
            self.on_plane(calibration, |t| [x, t * width, 0.0], GRID, 0.25);
        }
        for i in 1..(width / GRID_MM).ceil() as u32 {
            let y = f64::from(i) * GRID_MM;
            self.on_plane(calibration, |t| [t * length, y, 0.0], GRID, 0.25);
        }
        for pocket in calibration.table.pockets() {
            let [x, y] = pocket.centre_mm;
            let circle = |t: f64| {
                let angle = t * std::f64::consts::TAU;
                [
                    x + pocket.radius_mm * angle.cos(),
                    y + pocket.radius_mm * angle.sin(),
                    0.0,
                ]
            };
            self.on_plane(calibration, circle, POCKET, 0.8);
        }
        let height = crate::nose_height_mm(calibration.ball_diameter_mm);
        for side in Side::all(calibration.table) {
            let nose = |t| {
                let [x, y] = side.point(t, 0.0);
                [x, y, height]
            };
            self.on_plane(calibration, nose, NOSE, 0.8);
        }
    }

    /// Each place measured, with a line to where it would be if it were as far off as it is, times `ARROW`.
    fn places(&mut self, outcome: &Outcome) {
        for place in &outcome.places {
            let colour = if place.off_mm.abs() > BAD_MM { BAD } else { GOOD };
            let end = [0, 1].map(|i| place.expected_px[i] + ARROW * (place.at_px[i] - place.expected_px[i]));
            self.line(place.expected_px, end, colour, 1.0);
        }
    }

    fn cross(&mut self, [x, y]: [f64; 2], colour: [u8; 3]) {
        self.line([x - 9.0, y], [x + 10.0, y], colour, 1.0);
        self.line([x, y - 9.0], [x, y + 10.0], colour, 1.0);
    }

    fn digit(&mut self, [x, y]: [f64; 2], rows: &[u8; 5]) {
        const DOT_PX: i32 = 4;
        for (row, bits) in rows.iter().enumerate() {
            for column in 0..3 {
                if bits & (0b100 >> column) == 0 {
                    continue;
                }
                for i in 0..DOT_PX * DOT_PX {
                    let right = 12 + column * DOT_PX + i % DOT_PX;
                    let down = row as i32 * DOT_PX + i / DOT_PX - 24;
                    self.dot([x + f64::from(right), y + f64::from(down)], NOSE, 1.0);
                }
            }
        }
    }
}
