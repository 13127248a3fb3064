//! The cloth seen straight from above, and how much brighter it is with the pattern than in the dark.

use baize_frame::ImageView;
use baize_table_vision::geometry::Calibration;

use crate::picture::Picture;

/// A sample every so many mm: finer than a camera's pixel on the cloth.
pub(super) const STEP_MM: f64 = 1.5;

/// Brightness gained, sample by sample.
pub(super) struct Lit {
    pub width: usize,
    pub height: usize,
    pub gain: Vec<f32>,
}

impl Lit {
    /// `None` for pictures that are missing or of different sizes.
    pub fn new(dark: &[ImageView], shown: &[ImageView], calibration: &Calibration) -> Option<Self> {
        let (dark, shown) = (Picture::merge(dark)?, Picture::merge(shown)?);
        if (dark.width, dark.height) != (shown.width, shown.height) {
            return None;
        }
        let width = (calibration.table.length_mm / STEP_MM) as usize;
        let height = (calibration.table.width_mm / STEP_MM) as usize;
        let mut gain = vec![0.0; width * height];
        for (at, gain) in gain.iter_mut().enumerate() {
            let [x, y] = place_mm([(at % width) as f64, (at / width) as f64]);
            let both = calibration
                .project([x, y, 0.0])
                .and_then(|pixel| Some((dark.luma_at(pixel)?, shown.luma_at(pixel)?)));
            // What the camera does not see is not lit.
            *gain = both.map_or(0.0, |(before, after)| (after - before) as f32);
        }
        let mut lit = Self { width, height, gain };
        lit.level();
        Some(lit)
    }

    /// A camera that adapts its exposure, and light that a projector spills, change everything alike.
    fn level(&mut self) {
        let mut sorted: Vec<f32> = self.gain.iter().copied().step_by(17).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        self.gain.iter_mut().for_each(|gain| *gain -= median);
    }

    /// The gain that a part of all samples stays below.
    pub fn quantile(&self, part: f64) -> f32 {
        let mut sorted: Vec<f32> = self.gain.iter().copied().step_by(3).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let at = (part * sorted.len() as f64) as usize;
        sorted.get(at).copied().unwrap_or(0.0)
    }
}

/// Where a sample lies on the cloth, mm.
pub(super) fn place_mm(sample: [f64; 2]) -> [f64; 2] {
    sample.map(|index| (index + 0.5) * STEP_MM)
}
