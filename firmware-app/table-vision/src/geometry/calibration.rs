use baize_frame::Region;

use super::linear::{Mat2, Vec2, Vec3, add2, inverse2, mul22, sub2, transpose2};
use super::{BallOutline, CameraModel, ParseTableSizeError, Pose, TableSize};

/// Balls from toys to the largest made.
const BALL_DIAMETER_RANGE_MM: core::ops::RangeInclusive<f64> = 20.0..=80.0;
/// How far a rotation read from a file may be from a true one: a decimal text of six digits is.
const RIGID_TOLERANCE: f64 = 1e-5;
/// Points along each side of the table whose images bound it; a side bent by the lens lies between them to well below a
/// pixel.
const REGION_POINTS_PER_SIDE: u32 = 16;

/// Everything that turns pixels of one camera into millimetres on one table.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Calibration {
    /// Tells one calibration of a table from the next; published with every state.
    pub id: u32,
    /// The lens.
    pub camera: CameraModel,
    /// Where the camera is.
    pub pose: Pose,
    /// The bed.
    pub table: TableSize,
    /// The balls' diameter.
    pub ball_diameter_mm: f64,
    /// How well the calibration explains what it was made from: root mean square, on the cloth.
    pub residual_mm: f64,
    /// Standard deviation along each axis of the places of balls that the calibration itself leaves; part of every
    /// published sigma.
    #[cfg_attr(feature = "serde", serde(default = "place_sigma_of_older_files_mm"))]
    pub place_sigma_mm: f64,
}

/// Files from before this was computed: what the calibrations of that time were off by.
#[cfg(feature = "serde")]
fn place_sigma_of_older_files_mm() -> f64 {
    2.0
}

/// Why numbers are not a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CalibrationError {
    /// A number is infinite or not a number.
    NotFinite,
    /// The bed is no table's.
    Table(ParseTableSizeError),
    /// The balls are smaller or larger than any made.
    BallDiameter,
    /// Size, focal length or lens terms describe no lens that shows the whole picture.
    Lens,
    /// The rotation is not one.
    Rotation,
    /// The camera is not above the cloth.
    CameraBelowTable,
    /// The table is not in the picture.
    TableNotInPicture,
    /// The residual, or the standard deviation of places, is negative.
    Residual,
}

impl core::fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let text = match self {
            Self::NotFinite => "a number of the calibration is infinite or not a number",
            Self::Table(error) => return error.fmt(f),
            Self::BallDiameter => "the calibration's ball diameter is not within 20 to 80 mm",
            Self::Lens => "the calibration's lens terms describe no lens that shows the whole picture",
            Self::Rotation => "the calibration's rotation is not a rotation",
            Self::CameraBelowTable => "the calibration has the camera below the cloth",
            Self::TableNotInPicture => "the calibration has the table outside the picture",
            Self::Residual => "the calibration's residual or its standard deviation of places is negative",
        };
        f.write_str(text)?;
        f.write_str("; calibrate again")
    }
}

impl core::error::Error for CalibrationError {}

impl Calibration {
    /// A made-up camera high above the middle of the bed: for observations that come in millimetres.
    pub fn seen_from_above(table: TableSize, ball_diameter_mm: f64) -> Self {
        const HEIGHT_MM: f64 = 10_000.0;
        Self {
            id: 1,
            // A pixel a millimetre on the cloth, and room around the largest table.
            camera: CameraModel::pinhole(6000, 6000, HEIGHT_MM),
            pose: Pose {
                rotation: [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]],
                translation_mm: [-table.length_mm / 2.0, table.width_mm / 2.0, HEIGHT_MM],
            },
            table,
            ball_diameter_mm,
            residual_mm: 0.0,
            place_sigma_mm: 0.0,
        }
    }

    /// Checks numbers that came from outside. What passes, no later step of the geometry stumbles over.
    pub fn check(&self) -> Result<(), CalibrationError> {
        let CameraModel {
            width_px,
            height_px,
            fx,
            fy,
            cx,
            cy,
            k1,
            k2,
            p1,
            p2,
            k3,
        } = self.camera;
        let lens = [fx, fy, cx, cy, k1, k2, p1, p2, k3];
        let sizes = [
            self.table.length_mm,
            self.table.width_mm,
            self.ball_diameter_mm,
            self.residual_mm,
            self.place_sigma_mm,
        ];
        let all = lens
            .iter()
            .chain(&sizes)
            .chain(&self.pose.translation_mm)
            .chain(self.pose.rotation.iter().flatten());
        if !all.into_iter().all(|number| number.is_finite()) {
            return Err(CalibrationError::NotFinite);
        }
        self.table.check().map_err(CalibrationError::Table)?;
        if !BALL_DIAMETER_RANGE_MM.contains(&self.ball_diameter_mm) {
            return Err(CalibrationError::BallDiameter);
        }
        if self.residual_mm < 0.0 || self.place_sigma_mm < 0.0 {
            return Err(CalibrationError::Residual);
        }
        if width_px == 0 || height_px == 0 || fx <= 0.0 || fy <= 0.0 || !self.camera.covers_picture() {
            return Err(CalibrationError::Lens);
        }
        if !self.pose.is_rigid(RIGID_TOLERANCE) {
            return Err(CalibrationError::Rotation);
        }
        if self.pose.camera_centre_mm()[2] <= self.ball_diameter_mm {
            return Err(CalibrationError::CameraBelowTable);
        }
        self.region_of_interest(0.0)
            .map(|_| ())
            .ok_or(CalibrationError::TableNotInPicture)
    }

    /// Whether it is for pictures of this size.
    pub fn fits(&self, width_px: u32, height_px: u32) -> bool {
        (self.camera.width_px, self.camera.height_px) == (width_px, height_px)
    }

    /// Whether the table frame lies the other way round than agreed: x to the left, or downwards where the long side
    /// stands upright in the picture.
    pub fn is_turned(&self) -> bool {
        let (length, middle) = (self.table.length_mm, self.table.width_mm / 2.0);
        let ends = [0.0, length].map(|x| self.project([x, middle, 0.0]));
        let [Some(near), Some(far)] = ends else {
            return false;
        };
        let [x, y] = sub2(far, near);
        if libm::fabs(x) >= libm::fabs(y) {
            x < 0.0
        } else {
            y > 0.0
        }
    }

    /// Half of the balls' diameter: the height of their centres above the cloth.
    pub fn ball_radius_mm(&self) -> f64 {
        self.ball_diameter_mm / 2.0
    }

    /// The pixel that shows a point of the table frame; `None` where the camera cannot see it. It may lie outside the
    /// picture.
    pub fn project(&self, point_mm: Vec3) -> Option<Vec2> {
        self.camera.project(self.pose.to_camera(point_mm))
    }

    /// Where the viewing ray of a pixel meets the plane at height `z_mm` above the cloth; `None` where it does not.
    pub fn pixel_to_plane(&self, pixel: Vec2, z_mm: f64) -> Option<Vec2> {
        let [xn, yn] = self.camera.pixel_to_normalised(pixel)?;
        let direction = self.pose.direction_to_table([xn, yn, 1.0]);
        let centre = self.pose.camera_centre_mm();
        let distance = (z_mm - centre[2]) / direction[2];
        let point = [
            centre[0] + distance * direction[0],
            centre[1] + distance * direction[1],
        ];
        (distance > 0.0 && point.iter().all(|v| v.is_finite())).then_some(point)
    }

    /// How a pixel moves with a place on the plane at height `z_mm`: rows of d(u, v) / d(x, y), in pixels a millimetre.
    pub fn pixel_jacobian(&self, [x_mm, y_mm]: Vec2, z_mm: f64) -> Option<Mat2> {
        let [x, y, z] = self.pose.to_camera([x_mm, y_mm, z_mm]);
        if z <= 0.0 {
            return None;
        }
        let rotation = &self.pose.rotation;
        let (xn, yn) = (x / z, y / z);
        let pinhole = [
            [
                (rotation[0][0] - xn * rotation[2][0]) / z,
                (rotation[0][1] - xn * rotation[2][1]) / z,
            ],
            [
                (rotation[1][0] - yn * rotation[2][0]) / z,
                (rotation[1][1] - yn * rotation[2][1]) / z,
            ],
        ];
        let [du, dv] = mul22(&self.camera.distortion_jacobian([xn, yn]), &pinhole);
        Some([du.map(|d| d * self.camera.fx), dv.map(|d| d * self.camera.fy)])
    }

    /// The covariance in mm² of a ball's place whose pixel is known to `sigma_px` in every direction.
    pub fn position_covariance(&self, place_mm: Vec2, sigma_px: f64) -> Option<Mat2> {
        let jacobian = self.pixel_jacobian(place_mm, self.ball_radius_mm())?;
        let information = mul22(&transpose2(&jacobian), &jacobian);
        Some(inverse2(&information)?.map(|row| row.map(|v| v * sigma_px * sigma_px)))
    }

    /// The image of a ball that lies on the cloth at this place.
    pub fn ball_outline(&self, [x_mm, y_mm]: Vec2) -> Option<BallOutline> {
        let radius = self.ball_radius_mm();
        BallOutline::of_ball(&self.camera, self.pose.to_camera([x_mm, y_mm, radius]), radius)
    }

    /// The place of the ball whose outline has this centre: the ray through the centre of an outline does not meet the
    /// ball's centre, and what it misses by is known once the place is.
    pub fn outline_centre_to_place(&self, centre_px: Vec2) -> Option<Vec2> {
        let radius = self.ball_radius_mm();
        let uncorrected = self.pixel_to_plane(centre_px, radius)?;
        let outline = self.ball_outline(uncorrected)?;
        let image_of_centre = self.project([uncorrected[0], uncorrected[1], radius])?;
        let bias = sub2(image_of_centre, outline.centre_px);
        self.pixel_to_plane(add2(centre_px, bias), radius)
    }

    /// Whether a ball's centre may be here: within the noses, or outside by no more than `margin_mm`.
    pub fn is_on_bed(&self, place_mm: Vec2, margin_mm: f64) -> bool {
        self.table.is_on_bed(place_mm, margin_mm)
    }

    /// The part of the picture that shows the bed and what is within `margin_mm` of it; `None` where that is nothing.
    /// Columns and lines are even, as pictures with shared colour need it.
    pub fn region_of_interest(&self, margin_mm: f64) -> Option<Region> {
        let (length, width) = (self.table.length_mm, self.table.width_mm);
        let corners = [
            [-margin_mm, -margin_mm],
            [length + margin_mm, -margin_mm],
            [length + margin_mm, width + margin_mm],
            [-margin_mm, width + margin_mm],
        ];
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for (from, to) in corners.into_iter().zip(corners.into_iter().cycle().skip(1)) {
            for step in 0..REGION_POINTS_PER_SIDE {
                let part = f64::from(step) / f64::from(REGION_POINTS_PER_SIDE);
                let point = [
                    from[0] + part * (to[0] - from[0]),
                    from[1] + part * (to[1] - from[1]),
                    0.0,
                ];
                let Some(pixel) = self.project(point) else {
                    continue;
                };
                for axis in 0..2 {
                    low[axis] = low[axis].min(pixel[axis]);
                    high[axis] = high[axis].max(pixel[axis]);
                }
            }
        }
        let (x, width) = even_span(low[0], high[0], self.camera.width_px)?;
        let (y, height) = even_span(low[1], high[1], self.camera.height_px)?;
        Some(Region { x, y, width, height })
    }
}

/// The even start and the even length of the whole pixels that touch `low..high`, within `size` pixels.
fn even_span(low: f64, high: f64, size: u32) -> Option<(u32, u32)> {
    let end_of_picture = f64::from(size - size % 2);
    let start = libm::floor(low.max(0.0) / 2.0) * 2.0;
    let end = (libm::ceil(high / 2.0) * 2.0).min(end_of_picture);
    (end > start).then_some((start as u32, (end - start) as u32))
}
