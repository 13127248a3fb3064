use baize_frame::Region;

/// Where a region of a picture lies in the network's input.
///
/// The region is scaled with equal factors, as large as fits, and centred. Its size there is rounded to whole pixels,
/// so the factors of the two axes may differ by a fraction of a pixel over the input's width; the way back to the
/// picture uses the factors as they came out, so nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    region: Region,
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Letterbox {
    /// Fits `region`, which is not empty, into an input of `input_px` (width, height).
    pub fn fit(region: Region, input_px: [u32; 2]) -> Self {
        let [input_width, input_height] = input_px.map(u64::from);
        let (region_width, region_height) = (u64::from(region.width), u64::from(region.height));
        let limited_by_width = input_width * region_height <= input_height * region_width;
        let (width, height) = if limited_by_width {
            (
                input_width,
                rounded_ratio(region_height * input_width, region_width),
            )
        } else {
            (
                rounded_ratio(region_width * input_height, region_height),
                input_height,
            )
        };
        // Neither is larger than the input, so both fit into 32 bits.
        let (width, height) = (width.max(1) as u32, height.max(1) as u32);
        Self {
            region,
            left: (input_px[0] - width) / 2,
            top: (input_px[1] - height) / 2,
            width,
            height,
        }
    }

    /// The region of the picture that the network sees.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Columns left of the region in the network's input.
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Lines above the region in the network's input.
    pub const fn top(&self) -> u32 {
        self.top
    }

    /// Columns of the network's input that show the region.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Lines of the network's input that show the region.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Picture pixels in an input pixel, along x and y.
    pub fn picture_px_per_input_px(&self) -> [f32; 2] {
        [
            self.region.width as f32 / self.width as f32,
            self.region.height as f32 / self.height as f32,
        ]
    }

    /// From a point of the network's input to the same point of the picture.
    pub fn to_picture(&self, input_px: [f32; 2]) -> [f32; 2] {
        let [scale_x, scale_y] = self.picture_px_per_input_px();
        [
            self.region.x as f32 + (input_px[0] - self.left as f32) * scale_x,
            self.region.y as f32 + (input_px[1] - self.top as f32) * scale_y,
        ]
    }
}

const fn rounded_ratio(numerator: u64, denominator: u64) -> u64 {
    (2 * numerator + denominator) / (2 * denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT_PX: [u32; 2] = [640, 384];

    fn fit(x: u32, y: u32, width: u32, height: u32) -> Letterbox {
        Letterbox::fit(Region { x, y, width, height }, INPUT_PX)
    }

    #[test]
    fn full_hd_fills_the_width_and_is_centred_in_the_height() {
        let letterbox = fit(0, 0, 1920, 1080);
        assert_eq!(
            (
                letterbox.left(),
                letterbox.top(),
                letterbox.width(),
                letterbox.height()
            ),
            (0, 12, 640, 360)
        );
    }

    #[test]
    fn an_upright_region_fills_the_height() {
        let letterbox = fit(10, 20, 300, 900);
        assert_eq!(
            (
                letterbox.left(),
                letterbox.top(),
                letterbox.width(),
                letterbox.height()
            ),
            (256, 0, 128, 384)
        );
    }

    #[test]
    fn corners_of_the_region_come_back_exactly() {
        let letterbox = fit(101, 33, 777, 411);
        let [left, top] = [letterbox.left() as f32, letterbox.top() as f32];
        let [right, bottom] = [left + letterbox.width() as f32, top + letterbox.height() as f32];
        assert_eq!(letterbox.to_picture([left, top]), [101.0, 33.0]);
        let far = letterbox.to_picture([right, bottom]);
        assert!(
            (far[0] - 878.0).abs() < 1e-3 && (far[1] - 444.0).abs() < 1e-3,
            "{far:?}"
        );
    }

    #[test]
    fn a_line_a_pixel_high_keeps_a_pixel() {
        assert_eq!(fit(0, 0, 1920, 1).height(), 1);
        assert_eq!(fit(0, 0, 1, 1080).width(), 1);
    }
}
