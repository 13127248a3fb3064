use baize_frame::limits::{MAX_BALL_DETECTIONS, MAX_DOUBTFUL_DETECTIONS};
use baize_frame::{BallDetection, BallKind, Detections, KindShares, Reading, Region};
use heapless::Vec as FixedVec;

use super::{BALL_CHANNELS, Candidate, Grid, logit, sigmoid};
use crate::manifest::Manifest;
use crate::preprocess::Letterbox;

const KIND_CHANNEL: usize = 1;
const CENTRE_CHANNEL: usize = 6;
const SIZE_CHANNEL: usize = 8;

/// Boxes whose middles are nearer than this part of the smaller one are of one ball; or one of them is of this ball and
/// another. Two that touch are no nearer than 0.7, seen 40 degrees from straight down in boxes a little larger than they are;
/// but boxes of small balls beside each other lie nearer than these: with 0.55 one of the cameras of `positions` lost a ball.
const ONE_BALL: f32 = 0.5;

pub(super) struct BallDecoder {
    grid: Grid,
    input_px: [f32; 2],
    threshold_logit: f32,
    /// What is below is not even doubtful.
    lowest_logit: f32,
    threshold_iou: f32,
    candidates: Vec<Candidate>,
}

/// A box in the network's input.
#[derive(Clone, Copy)]
struct BallBox {
    centre: [f32; 2],
    size: [f32; 2],
}

impl BallDecoder {
    pub fn new(manifest: &Manifest) -> Self {
        let input_px = manifest.input_px();
        let grid = Grid::new(input_px, manifest.outputs.balls.stride);
        Self {
            input_px: input_px.map(|size| size as f32),
            threshold_logit: logit(manifest.thresholds.ball),
            lowest_logit: logit(manifest.thresholds.doubtful.unwrap_or(manifest.thresholds.ball)),
            threshold_iou: manifest.thresholds.nms_iou,
            candidates: Vec::with_capacity(grid.cells()),
            grid,
        }
    }

    pub fn decode(&mut self, output: &[f32], letterbox: &Letterbox, out: &mut Detections) {
        assert_eq!(
            output.len(),
            BALL_CHANNELS * self.grid.cells(),
            "the output `balls` has its own size"
        );
        self.grid
            .candidates(output, self.lowest_logit, &mut self.candidates);
        let mut kept = FixedVec::<BallBox, { MAX_BALL_DETECTIONS + MAX_DOUBTFUL_DETECTIONS }>::new();
        for candidate in &self.candidates {
            let cell = candidate.cell as usize;
            let Some(found) = self.ball_box(output, cell) else {
                continue;
            };
            let centre_px = letterbox.to_picture(found.centre);
            if !lies_in(letterbox.region(), centre_px)
                || kept
                    .iter()
                    .any(|better| is_same(better, &found) || overlap(better, &found) > self.threshold_iou)
            {
                continue;
            }
            let Some(kind_shares) = self.kinds(output, cell) else {
                continue;
            };
            let [scale_x, scale_y] = letterbox.picture_px_per_input_px();
            let ball = BallDetection {
                centre_px,
                size_px: [found.size[0] * scale_x, found.size[1] * scale_y],
                kind: kind_shares.most_probable(),
                kind_shares,
                score: sigmoid(candidate.logit),
                reading: Reading::NOTHING,
            };
            // Best first: what does not fit any more is the least probable.
            let is_out = if candidate.logit > self.threshold_logit {
                out.balls.push(ball).is_err()
            } else {
                out.doubtful.push(ball).is_err()
            };
            if is_out || kept.push(found).is_err() {
                return;
            }
        }
    }

    /// `None` where the box is not finite or larger than the picture.
    fn ball_box(&self, output: &[f32], cell: usize) -> Option<BallBox> {
        let offset = self.grid.values(output, CENTRE_CHANNEL, cell)?;
        let log_size: [f32; 2] = self.grid.values(output, SIZE_CHANNEL, cell)?;
        let size = log_size.map(|log| log.exp() * self.grid.stride_px);
        let sensible = size
            .iter()
            .zip(self.input_px)
            .all(|(&size, limit)| size > 0.0 && size <= limit);
        sensible.then(|| BallBox {
            centre: self.grid.point(cell, offset),
            size,
        })
    }

    fn kinds(&self, output: &[f32], cell: usize) -> Option<KindShares> {
        let logits: [f32; BallKind::ALL.len()] = self.grid.values(output, KIND_CHANNEL, cell)?;
        let highest = logits.iter().copied().fold(f32::MIN, f32::max);
        let shares = logits.map(|logit| (logit - highest).exp());
        let sum: f32 = shares.iter().sum();
        Some(KindShares::new(shares.map(|share| share / sum)))
    }
}

fn lies_in(region: Region, point_px: [f32; 2]) -> bool {
    let inside = |at: f32, first: u32, length: u32| at >= first as f32 && at < (first + length) as f32;
    inside(point_px[0], region.x, region.width) && inside(point_px[1], region.y, region.height)
}

/// Whether boxes of these sizes, their middles so far apart, are of one ball. A smear is long: what lies beside it is near its
/// middle for its length, and far for its width.
pub(crate) fn is_one_ball(apart: [f32; 2], a: [f32; 2], b: [f32; 2]) -> bool {
    let part = |axis: usize| apart[axis] / a[axis].min(b[axis]);
    f32::hypot(part(0), part(1)) < ONE_BALL
}

fn is_same(a: &BallBox, b: &BallBox) -> bool {
    let apart = [0, 1].map(|axis: usize| a.centre[axis] - b.centre[axis]);
    is_one_ball(apart, a.size, b.size)
}

/// Area that two boxes share over the area that they cover together.
fn overlap(a: &BallBox, b: &BallBox) -> f32 {
    let shared = |axis: usize| {
        let half = (a.size[axis] + b.size[axis]) * 0.5 - (a.centre[axis] - b.centre[axis]).abs();
        half.clamp(0.0, a.size[axis].min(b.size[axis]))
    };
    let intersection = shared(0) * shared(1);
    let area = |ball: &BallBox| ball.size[0] * ball.size[1];
    intersection / (area(a) + area(b) - intersection)
}
