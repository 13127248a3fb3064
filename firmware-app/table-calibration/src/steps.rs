//! Brightness across one side of the bed, and the steps in it.

use crate::edge::{PROFILE_MM, Profile};
use crate::median::median;
use crate::parabola::Parabola;
use crate::picture::Picture;
use crate::side::{PROFILES, Side};
use baize_table_vision::geometry::linear::{norm2, sub2};

/// A relative step in brightness counts no more than this, so that a ball or a line of glare does not outvote the rest.
const STEP_LIMIT: f64 = 0.12;
/// A relative step smaller than this is chance.
pub(crate) const MIN_STEP: f64 = 0.012;
/// Samples on either side of a step: two pixels.
const HALF: usize = 4;
/// Lines across that a station's brightness is the mean of; a station is some ten pixels long.
const LINES: usize = 5;
/// Where the cushion is looked at, beyond a step.
const CUSHION_MM: [f64; 3] = [6.0, 10.0, 14.0];
/// How differently bright one cushion may be along the way: light falls off. What differs more hides it.
const SAME_CUSHION_LOG: f64 = 0.45;
/// Keeps noise in the dark from counting as a relative step.
const DARK: f64 = 20.0;

/// Where a model of the camera says that a point of the nose plane is seen.
pub(crate) trait NosePlane {
    fn pixel(&self, point_mm: [f64; 2]) -> Option<[f64; 2]>;
}

impl<F: Fn([f64; 2]) -> Option<[f64; 2]>> NosePlane for F {
    fn pixel(&self, point_mm: [f64; 2]) -> Option<[f64; 2]> {
        self(point_mm)
    }
}

/// A straight line along a side: how deep it lies at the side's beginning and end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line {
    pub start_mm: f64,
    pub end_mm: f64,
    /// The bed is brighter than the cushion.
    pub is_reverse: bool,
}

/// Steps that lie on one slightly bent line.
pub(crate) struct Trace {
    /// The way along, 0 to 1, and the depth of the steepest place there.
    pub places: Vec<(f64, f64)>,
    pub profile: Profile,
}

/// Brightness around one side, sampled twice a pixel.
pub(crate) struct Steps {
    /// Along the side, 0 to 1.
    stations: Vec<f64>,
    first_mm: f64,
    spacing_mm: f64,
    /// Brightness, a row per station; `None` outside the picture. Each row begins `HALF` samples before `first_mm`.
    light: Vec<Vec<Option<f64>>>,
    /// Relative steps, positive where it is brighter outside.
    steps: Vec<Vec<Option<f64>>>,
}

impl Steps {
    /// From `first_mm` to `last_mm` inwards of where the side is expected; `None` where it is out of sight.
    pub fn around(
        picture: &Picture,
        plane: &impl NosePlane,
        side: &Side,
        (first_mm, last_mm): (f64, f64),
    ) -> Option<Self> {
        let middle = [
            plane.pixel(side.point(0.5, 0.0))?,
            plane.pixel(side.point(0.5, 10.0))?,
        ];
        let px_per_mm = norm2(sub2(middle[1], middle[0])) / 10.0;
        if !(0.05..50.0).contains(&px_per_mm) {
            return None;
        }
        let spacing_mm = 0.5 / px_per_mm;
        let count = ((last_mm - first_mm) / spacing_mm).ceil() as usize + 1;
        let stations: Vec<f64> = side.stations().collect();
        let light_at = |t: f64, depth_mm: f64| {
            // The mean over the way to the next station, against noise.
            let mut sum = 0.0;
            for line in 0..LINES {
                let shift = (line as f64 + 0.5) / LINES as f64 - 0.5;
                let t = t + shift / PROFILES as f64;
                sum += picture.luma_at(plane.pixel(side.point(t, depth_mm))?)?;
            }
            Some(sum / LINES as f64)
        };
        let light: Vec<Vec<Option<f64>>> = stations
            .iter()
            .map(|&t| {
                let depth = |i: usize| first_mm + (i as f64 - HALF as f64) * spacing_mm;
                (0..count + 2 * HALF).map(|i| light_at(t, depth(i))).collect()
            })
            .collect();
        Some(Self {
            stations,
            first_mm,
            spacing_mm,
            steps: light.iter().map(|row| relative_steps(row)).collect(),
            light,
        })
    }

    /// Distance of neighbouring samples: half a pixel.
    pub fn spacing_mm(&self) -> f64 {
        self.spacing_mm
    }

    /// Mean step along a line.
    pub fn along(&self, start_mm: f64, end_mm: f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (row, t) in self.steps.iter().zip(&self.stations) {
            if let Some(step) = self.between(row, start_mm + t * (end_mm - start_mm), 0) {
                sum += step.clamp(-STEP_LIMIT, STEP_LIMIT);
                count += 1;
            }
        }
        if count * 3 < self.stations.len() {
            0.0
        } else {
            sum / count as f64
        }
    }

    /// The steps near a line, each to a fraction of a sample; `None` if fewer than a third of the stations have one.
    pub fn trace(&self, line: &Line, reach_mm: f64) -> Option<Trace> {
        let sign = if line.is_reverse { -1.0 } else { 1.0 };
        let lit: Vec<(f64, f64, f64)> = (0..self.stations.len())
            .filter_map(|i| {
                let t = self.stations[i];
                let expected = line.start_mm + t * (line.end_mm - line.start_mm);
                let depth = self.steepest(&self.steps[i], sign, expected, reach_mm)?;
                Some((t, depth, self.cushion_light(&self.light[i], depth)?))
            })
            .collect();
        let usual = median(lit.iter().map(|(.., light)| *light))?;
        let steepest: Vec<(f64, f64)> = lit
            .into_iter()
            .filter(|(.., light)| ((light + DARK) / (usual + DARK)).ln().abs() < SAME_CUSHION_LOG)
            .map(|(t, depth, _)| (t, depth))
            .collect();
        let bend = Parabola::robust(&steepest);
        let tolerance = (3.0 * bend.spread).max(self.spacing_mm);
        let places: Vec<(f64, f64)> = steepest
            .into_iter()
            .filter(|&(t, depth)| (depth - bend.at(t)).abs() < tolerance)
            .collect();
        (places.len() * 3 > self.stations.len()).then(|| Trace {
            profile: self.mean_profile(&bend, &places),
            places,
        })
    }

    /// The cushion's brightness beside a step, where it is in sight.
    fn cushion_light(&self, row: &[Option<f64>], step_mm: f64) -> Option<f64> {
        median(
            CUSHION_MM
                .iter()
                .filter_map(|beyond_mm| self.between(row, step_mm - beyond_mm, HALF)),
        )
    }

    fn steepest(&self, row: &[Option<f64>], sign: f64, expected_mm: f64, reach_mm: f64) -> Option<f64> {
        let index = |depth: f64| (depth - self.first_mm) / self.spacing_mm;
        let low = index(expected_mm - reach_mm).floor().max(1.0) as usize;
        let high = (index(expected_mm + reach_mm).ceil() as usize).min(row.len().saturating_sub(2));
        let value = |i: usize| row[i].map(|step| sign * step);
        let (best, _) = (low..=high)
            .filter_map(|i| Some((i, value(i)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (before, top, after) = (value(best - 1)?, value(best)?, value(best + 1)?);
        let bend = before - 2.0 * top + after;
        // At the end of the reach it is the flank of something else.
        if top < MIN_STEP || bend >= 0.0 || best == low || best == high {
            return None;
        }
        Some(self.first_mm + (best as f64 + 0.5 * (before - after) / bend) * self.spacing_mm)
    }

    /// Brightness across the bend, relative to the cushion's, averaged over the stations that have it.
    fn mean_profile(&self, bend: &Parabola, places: &[(f64, f64)]) -> Profile {
        let (first_mm, last_mm) = PROFILE_MM;
        let count = ((last_mm - first_mm) / self.spacing_mm) as usize + 1;
        let mut sums = vec![(0.0, 0.0); count];
        for (t, row) in self.stations.iter().zip(&self.light) {
            if !places.iter().any(|(place, _)| place == t) {
                continue;
            }
            let at = |i: usize| self.between(row, bend.at(*t) + first_mm + i as f64 * self.spacing_mm, HALF);
            let outer: Vec<f64> = (0..count / 4).filter_map(at).collect();
            let level = outer.iter().sum::<f64>() / outer.len().max(1) as f64 + 1.0;
            for (i, (sum, seen)) in sums.iter_mut().enumerate() {
                if let Some(light) = at(i) {
                    *sum += light / level;
                    *seen += 1.0;
                }
            }
        }
        Profile {
            first_mm,
            spacing_mm: self.spacing_mm,
            mm_per_px: 2.0 * self.spacing_mm,
            values: sums
                .iter()
                .map(|(sum, seen)| if *seen > 0.0 { sum / seen } else { f64::NAN })
                .collect(),
        }
    }

    /// A row's value at a depth, between its samples; the row has `before` samples ahead of `first_mm`.
    fn between(&self, row: &[Option<f64>], depth_mm: f64, before: usize) -> Option<f64> {
        let index = (depth_mm - self.first_mm) / self.spacing_mm + before as f64;
        if index < 0.0 {
            return None;
        }
        let low = index.floor();
        let values = row.get(low as usize..low as usize + 2)?;
        Some(values[0]? + (index - low) * (values[1]? - values[0]?))
    }
}

fn relative_steps(light: &[Option<f64>]) -> Vec<Option<f64>> {
    light
        .windows(2 * HALF + 1)
        .map(|window| {
            let outside = window[..HALF].iter().copied().sum::<Option<f64>>()?;
            let inside = window[HALF + 1..].iter().copied().sum::<Option<f64>>()?;
            Some((outside - inside) / (outside + inside + HALF as f64 * DARK))
        })
        .collect()
}
