//! From the network's raw outputs to detections in pixels of the picture: thresholds, boxes, non-maximum suppression,
//! votes for cues. Works in rooms taken once; whatever the network puts out, infinities and NaN too, is survived.

mod balls;
mod cues;
mod line;

use baize_frame::Detections;

use crate::manifest::Manifest;
use crate::preprocess::Letterbox;

pub(crate) use balls::is_one_ball;

/// Channels of the output `balls`: one logit, five kinds, centre, size.
pub(crate) const BALL_CHANNELS: usize = 10;
/// Channels of the output `cues`: logit of a stick, nearest point of its axis, direction to its tip; logit and place of
/// its tip; logit and place of its butt.
pub(crate) const CUE_CHANNELS: usize = 11;

/// Turns raw outputs into detections.
pub struct Decoder {
    balls: balls::BallDecoder,
    cues: cues::CueDecoder,
}

impl Decoder {
    /// For outputs of the model that `manifest` describes.
    pub fn new(manifest: &Manifest) -> Self {
        Self {
            balls: balls::BallDecoder::new(manifest),
            cues: cues::CueDecoder::new(manifest),
        }
    }

    /// Replaces what `out` holds by what the outputs show, best score first. `balls` and `cues` are whole output
    /// tensors; `letterbox` is where the picture's region lay in the input.
    ///
    /// # Panics
    /// Where the outputs have other lengths than the manifest says.
    pub fn decode(&mut self, balls: &[f32], cues: &[f32], letterbox: &Letterbox, out: &mut Detections) {
        out.clear();
        self.balls.decode(balls, letterbox, out);
        self.cues.decode(cues, letterbox, &mut out.cues);
    }
}

/// A cell of an output whose logit is above the threshold.
#[derive(Clone, Copy)]
struct Candidate {
    logit: f32,
    cell: u32,
}

/// An output tensor, channel after channel, each a grid of cells.
struct Grid {
    columns: usize,
    rows: usize,
    /// Input pixels from one cell to the next.
    stride_px: f32,
}

impl Grid {
    fn new(input_px: [u32; 2], stride_px: u32) -> Self {
        Self {
            columns: (input_px[0] / stride_px) as usize,
            rows: (input_px[1] / stride_px) as usize,
            stride_px: stride_px as f32,
        }
    }

    const fn cells(&self) -> usize {
        self.columns * self.rows
    }

    /// The input pixel that lies `offset` strides from the middle of a cell.
    fn point(&self, cell: usize, offset: [f32; 2]) -> [f32; 2] {
        let (column, row) = (cell % self.columns, cell / self.columns);
        [
            (column as f32 + 0.5 + offset[0]) * self.stride_px,
            (row as f32 + 0.5 + offset[1]) * self.stride_px,
        ]
    }

    /// Puts the cells whose logit, the first channel, exceeds `threshold` into `candidates`, best first.
    fn candidates(&self, output: &[f32], threshold: f32, candidates: &mut Vec<Candidate>) {
        // Long enough to be compared a register at a time, short enough to skip most of an empty table.
        const RUN: usize = 16;
        candidates.clear();
        for (run, logits) in output[..self.cells()].chunks(RUN).enumerate() {
            if !logits.iter().fold(false, |any, &logit| any | (logit > threshold)) {
                continue;
            }
            for (at, &logit) in logits.iter().enumerate() {
                if logit > threshold && logit.is_finite() {
                    candidates.push(Candidate {
                        logit,
                        cell: (run * RUN + at) as u32,
                    });
                }
            }
        }
        candidates.sort_unstable_by(|a, b| b.logit.total_cmp(&a.logit).then(a.cell.cmp(&b.cell)));
    }

    /// The `N` channels from `first` on at `cell`; `None` where one is not a finite number.
    fn values<const N: usize>(&self, output: &[f32], first: usize, cell: usize) -> Option<[f32; N]> {
        let values = std::array::from_fn(|channel| output[(first + channel) * self.cells() + cell]);
        values
            .iter()
            .all(|value: &f32| value.is_finite())
            .then_some(values)
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logit whose sigmoid is `probability`.
fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}
