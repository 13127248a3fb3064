use baize_frame::limits::MAX_CUE_DETECTIONS;
use baize_frame::{CueDetection, Region};
use heapless::Vec as FixedVec;

use super::{CUE_CHANNELS, Candidate, Grid, logit, sigmoid};
use crate::manifest::Manifest;
use crate::preprocess::Letterbox;

const ENDS_CHANNEL: usize = 1;

/// Votes whose ends both lie within this many strides of the best vote's ends are averaged with it. Cells along a stick
/// guess its far end with about a stride of error.
const SAME_END_STRIDES: f32 = 2.0;

/// Votes that lie this close to the best vote's line, and beside it, tell of the same stick, but not well enough to be
/// averaged. Two sticks do not lie in one line.
const SAME_LINE_STRIDES: f32 = 1.0;

/// Shorter sticks are noise.
const MIN_LENGTH_STRIDES: f32 = 0.5;

pub(super) struct CueDecoder {
    grid: Grid,
    threshold_logit: f32,
    candidates: Vec<Candidate>,
}

type Ends = [[f32; 2]; 2];

/// Votes for one stick; tip and butt in input pixels.
struct Stick {
    best: Ends,
    best_score: f32,
    weighted_ends: Ends,
    weight: f32,
}

impl CueDecoder {
    pub fn new(manifest: &Manifest) -> Self {
        let grid = Grid::new(manifest.input_px(), manifest.outputs.cues.stride);
        Self {
            threshold_logit: logit(manifest.thresholds.cue),
            candidates: Vec::with_capacity(grid.cells()),
            grid,
        }
    }

    pub fn decode(
        &mut self,
        output: &[f32],
        letterbox: &Letterbox,
        out: &mut FixedVec<CueDetection, MAX_CUE_DETECTIONS>,
    ) {
        assert_eq!(
            output.len(),
            CUE_CHANNELS * self.grid.cells(),
            "the output `cues` has its own size"
        );
        self.grid
            .candidates(output, self.threshold_logit, &mut self.candidates);
        let mut sticks = FixedVec::<Stick, MAX_CUE_DETECTIONS>::new();
        for candidate in &self.candidates {
            let Some(ends) = self.ends(output, candidate.cell as usize) else {
                continue;
            };
            self.vote(&mut sticks, ends, sigmoid(candidate.logit));
        }
        for stick in &sticks {
            let ends = stick.weighted_ends.map(|end| end.map(|sum| sum / stick.weight));
            let ends = ends.map(|end| letterbox.to_picture(end));
            if let Some([tip_px, butt_px]) = clip(ends, letterbox.region()) {
                let cue = CueDetection {
                    tip_px,
                    butt_px,
                    score: stick.best_score,
                };
                // There are no more sticks than fit.
                let _ = out.push(cue);
            }
        }
    }

    /// `None` where an end is not finite, or the stick is longer than the picture or too short.
    fn ends(&self, output: &[f32], cell: usize) -> Option<Ends> {
        let [tip_x, tip_y, butt_x, butt_y] = self.grid.values(output, ENDS_CHANNEL, cell)?;
        let length = f32::hypot(tip_x - butt_x, tip_y - butt_y);
        let longest = (self.grid.columns + self.grid.rows) as f32;
        (length >= MIN_LENGTH_STRIDES && length <= longest).then(|| {
            [
                self.grid.point(cell, [tip_x, tip_y]),
                self.grid.point(cell, [butt_x, butt_y]),
            ]
        })
    }

    fn vote(&self, sticks: &mut FixedVec<Stick, MAX_CUE_DETECTIONS>, ends: Ends, score: f32) {
        let same_end_px = SAME_END_STRIDES * self.grid.stride_px;
        let same_line_px = SAME_LINE_STRIDES * self.grid.stride_px;
        for stick in sticks.iter_mut() {
            if (0..2).all(|end| distance(stick.best[end], ends[end]) <= same_end_px) {
                for (sum, value) in stick
                    .weighted_ends
                    .as_flattened_mut()
                    .iter_mut()
                    .zip(ends.as_flattened())
                {
                    *sum += score * value;
                }
                stick.weight += score;
                return;
            }
            if lies_along(stick.best, ends, same_line_px) {
                return;
            }
        }
        // Best first: a stick too many is the least probable.
        let _ = sticks.push(Stick {
            best: ends,
            best_score: score,
            weighted_ends: ends.map(|end| end.map(|value| score * value)),
            weight: score,
        });
    }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    f32::hypot(a[0] - b[0], a[1] - b[1])
}

/// True where both ends of `vote` are within `tolerance` of the line through `stick`, and the two lie beside each other
/// for a part of their length.
fn lies_along(stick: Ends, vote: Ends, tolerance: f32) -> bool {
    let [tip, butt] = stick;
    let length = distance(tip, butt);
    let along = [(butt[0] - tip[0]) / length, (butt[1] - tip[1]) / length];
    let across = |point: [f32; 2]| ((point[0] - tip[0]) * along[1] - (point[1] - tip[1]) * along[0]).abs();
    let position = |point: [f32; 2]| (point[0] - tip[0]) * along[0] + (point[1] - tip[1]) * along[1];
    let positions = vote.map(position);
    let nearest = positions[0].min(positions[1]);
    let farthest = positions[0].max(positions[1]);
    vote.into_iter().all(|end| across(end) <= tolerance) && nearest <= length && farthest >= 0.0
}

/// The part of a stick that lies in the region; `None` where none does.
fn clip(ends: Ends, region: Region) -> Option<Ends> {
    let [tip, butt] = ends;
    let first = [region.x, region.y].map(|at| at as f32);
    let last = [region.x + region.width, region.y + region.height].map(|at| at as f32);
    // Shares of the way from tip to butt between which both coordinates are inside.
    let (mut from, mut to) = (0.0f32, 1.0f32);
    for axis in 0..2 {
        let step = butt[axis] - tip[axis];
        if step == 0.0 {
            if tip[axis] < first[axis] || tip[axis] > last[axis] {
                return None;
            }
            continue;
        }
        let at = [(first[axis] - tip[axis]) / step, (last[axis] - tip[axis]) / step];
        from = from.max(at[0].min(at[1]));
        to = to.min(at[0].max(at[1]));
    }
    let point = |share: f32| {
        [
            tip[0] + share * (butt[0] - tip[0]),
            tip[1] + share * (butt[1] - tip[1]),
        ]
    };
    (from < to).then(|| {
        [
            if from > 0.0 { point(from) } else { tip },
            if to < 1.0 { point(to) } else { butt },
        ]
    })
}
