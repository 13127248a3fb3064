use baize_frame::CueDetection;
use baize_frame::limits::MAX_CUE_DETECTIONS;
use heapless::Vec as FixedVec;

use super::line::{Line, clip};
use super::{CUE_CHANNELS, Candidate, Grid, logit, sigmoid};
use crate::manifest::Manifest;
use crate::preprocess::Letterbox;

const AXIS_CHANNEL: usize = 1;
const DIRECTION_CHANNEL: usize = 3;
const TIP_CHANNEL: usize = 5;
const BUTT_CHANNEL: usize = 8;

/// A vote belongs to a stick when the axis point that it tells lies this near to the stick's line, and its direction is
/// turned by no more than the angle of the cosine. One width a fit: the line of a single vote is rough.
const FIT_STRIDES: [f32; 4] = [1.0, 0.6, 0.4, 0.4];
const LEAST_COSINE: f32 = 0.85;

/// A hand, a ball or an arm hides so much of a stick; beyond a wider gap another one begins.
const WIDEST_GAP_STRIDES: usize = 7;

/// Votes this near to a stick found make no second one.
const SAME_STICK_STRIDES: f32 = 1.5;

/// Fewer votes, or a shorter stick, are noise.
const LEAST_VOTES: usize = 2;
const LEAST_LENGTH_STRIDES: f32 = 1.0;

/// An end seen this probably, this near to the line and to where the votes end, is where the stick ends.
const LEAST_END_PROBABILITY: f32 = 0.3;
const END_BESIDE_STRIDES: f32 = 1.0;
const END_ALONG_STRIDES: f32 = 4.0;

/// A cell knows of what is near it; a point farther from its middle is none.
const FARTHEST_OFFSET_STRIDES: f32 = 2.0;

/// A stick without a seen end whose votes come this near to the region's edge leaves the region there.
const LEAVES_WITHIN_STRIDES: f32 = 1.5;

pub(super) struct CueDecoder {
    grid: Grid,
    threshold_logit: f32,
    candidates: Vec<Candidate>,
    votes: Vec<Vote>,
    tips: Vec<End>,
    butts: Vec<End>,
}

/// What a cell says of the stick that runs through it; input pixels.
#[derive(Clone, Copy)]
struct Vote {
    axis: [f32; 2],
    /// Unit vector from butt to tip.
    direction: [f32; 2],
    probability: f32,
    taken: bool,
}

/// What a cell says of a stick's end near it; input pixels.
#[derive(Clone, Copy)]
struct End {
    at: [f32; 2],
    probability: f32,
}

/// A stick along its line: it reaches from the first to the second position.
struct Stick {
    line: Line,
    reach: [f32; 2],
    score: f32,
}

impl CueDecoder {
    pub fn new(manifest: &Manifest) -> Self {
        let grid = Grid::new(manifest.input_px(), manifest.outputs.cues.stride);
        let cells = grid.cells();
        Self {
            threshold_logit: logit(manifest.thresholds.cue),
            candidates: Vec::with_capacity(cells),
            votes: Vec::with_capacity(cells),
            tips: Vec::with_capacity(cells),
            butts: Vec::with_capacity(cells),
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
        self.read_votes(output);
        if self.votes.is_empty() {
            return;
        }
        let Self { grid, candidates, .. } = self;
        read_ends(grid, output, TIP_CHANNEL, candidates, &mut self.tips);
        read_ends(grid, output, BUTT_CHANNEL, candidates, &mut self.butts);
        for seed in 0..self.votes.len() {
            if self.votes[seed].taken {
                continue;
            }
            let Some(stick) = self.fit(seed) else {
                continue;
            };
            self.take(&stick);
            let ends = self.ends(&stick, letterbox).map(|end| letterbox.to_picture(end));
            let Some([tip_px, butt_px]) = clip(ends, letterbox.region()) else {
                continue;
            };
            let cue = CueDetection {
                tip_px,
                butt_px,
                score: stick.score,
            };
            // Found from the most probable vote on: a stick too many is the least probable.
            if out.push(cue).is_err() {
                break;
            }
        }
        out.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    }

    /// The cells above the threshold, best first.
    fn read_votes(&mut self, output: &[f32]) {
        let Self {
            grid,
            candidates,
            votes,
            ..
        } = self;
        grid.candidates(output, self.threshold_logit, candidates);
        votes.clear();
        for candidate in candidates.iter() {
            let cell = candidate.cell as usize;
            let Some(axis) = grid.values(output, AXIS_CHANNEL, cell) else {
                continue;
            };
            let Some([x, y]) = grid.values::<2>(output, DIRECTION_CHANNEL, cell) else {
                continue;
            };
            let length = f32::hypot(x, y);
            let near = axis
                .iter()
                .all(|offset: &f32| offset.abs() <= FARTHEST_OFFSET_STRIDES);
            if near && length > 0.0 && length.is_finite() {
                votes.push(Vote {
                    axis: grid.point(cell, axis),
                    direction: [x / length, y / length],
                    probability: sigmoid(candidate.logit),
                    taken: false,
                });
            }
        }
    }

    /// The stick that the vote `seed` belongs to; `None` where too little speaks for one.
    fn fit(&self, seed: usize) -> Option<Stick> {
        let stride = self.grid.stride_px;
        let start = self.votes[seed];
        let mut line = Line::new(start.axis, start.direction);
        for beside in FIT_STRIDES {
            let reach = self.reach(&line, start.axis, beside * stride)?;
            let points = self
                .members(line, reach, beside * stride)
                .map(|vote| (vote.axis, vote.direction, vote.probability));
            line = line.refitted(points, stride);
        }
        let beside = FIT_STRIDES[FIT_STRIDES.len() - 1] * stride;
        let reach = self.reach(&line, start.axis, beside)?;
        let (mut votes, mut sum, mut squares) = (0, 0.0, 0.0);
        for vote in self.members(line, reach, beside) {
            votes += 1;
            sum += vote.probability;
            squares += vote.probability * vote.probability;
        }
        (votes >= LEAST_VOTES && reach[1] - reach[0] >= LEAST_LENGTH_STRIDES * stride).then(|| Stick {
            line,
            reach,
            score: squares / sum,
        })
    }

    /// The votes not yet taken that lie so near to a part of a line.
    fn members(&self, line: Line, reach: [f32; 2], beside: f32) -> impl Iterator<Item = &Vote> + Clone {
        self.votes.iter().filter(move |vote| {
            let along = line.along(vote.axis);
            belongs(vote, &line, beside) && along >= reach[0] && along <= reach[1]
        })
    }

    /// From where to where along the line there are votes without too wide a gap, going out from `start`.
    fn reach(&self, line: &Line, start: [f32; 2], beside: f32) -> Option<[f32; 2]> {
        let stride = self.grid.stride_px;
        // One bin a stride, `start` in the middle one; the diagonal of any input this program takes is shorter.
        const BINS: i32 = 1024;
        let mut filled = [false; BINS as usize];
        let origin = line.along(start);
        let bin = |along: f32| ((along - origin) / stride).round() as i32 + BINS / 2;
        for vote in self.votes.iter().filter(|vote| belongs(vote, line, beside)) {
            if let Some(bin) = filled.get_mut(usize::try_from(bin(line.along(vote.axis))).ok()?) {
                *bin = true;
            }
        }
        let middle = (BINS / 2) as usize;
        let last = |bins: &mut dyn Iterator<Item = usize>| {
            let mut last = middle;
            let mut gap = 0;
            for at in bins {
                gap += 1;
                if filled[at] {
                    (last, gap) = (at, 0);
                } else if gap > WIDEST_GAP_STRIDES {
                    break;
                }
            }
            last
        };
        let (low, high) = (
            last(&mut (0..middle).rev()),
            last(&mut (middle + 1..BINS as usize)),
        );
        let inside = |along: f32| (low as i32..=high as i32).contains(&bin(along));
        let own = self.votes.iter().filter(|vote| belongs(vote, line, beside));
        let along = own
            .map(|vote| line.along(vote.axis))
            .filter(|&along| inside(along));
        let [from, to] = along.fold([f32::MAX, f32::MIN], |[from, to], along| {
            [from.min(along), to.max(along)]
        });
        (from <= to).then_some([from, to])
    }

    fn take(&mut self, stick: &Stick) {
        let near = SAME_STICK_STRIDES * self.grid.stride_px;
        for vote in &mut self.votes {
            let along = stick.line.along(vote.axis);
            let beside = stick.line.across(vote.axis).abs() <= near;
            let within = along >= stick.reach[0] - near && along <= stick.reach[1] + near;
            vote.taken |= beside && within && stick.line.cosine(vote.direction).abs() >= LEAST_COSINE;
        }
    }

    /// Tip and butt, in input pixels.
    fn ends(&self, stick: &Stick, letterbox: &Letterbox) -> [[f32; 2]; 2] {
        let stride = self.grid.stride_px;
        let [low, high] = stick.reach;
        let seen = |ends: &[End], at: f32| {
            let own = ends.iter().filter(|end| {
                stick.line.across(end.at).abs() <= END_BESIDE_STRIDES * stride
                    && (stick.line.along(end.at) - at).abs() <= END_ALONG_STRIDES * stride
            });
            own.max_by(|a, b| a.probability.total_cmp(&b.probability))
                .copied()
        };
        let probability = |end: Option<End>| end.map_or(0.0, |end| end.probability);
        let (tip_high, butt_low) = (seen(&self.tips, high), seen(&self.butts, low));
        let (tip_low, butt_high) = (seen(&self.tips, low), seen(&self.butts, high));
        let mut for_high = probability(tip_high) + probability(butt_low);
        for_high -= probability(tip_low) + probability(butt_high);
        let (mut sum, mut weight) = (0.0, 0.0);
        for vote in &self.votes {
            let along = stick.line.along(vote.axis);
            if stick.line.across(vote.axis).abs() <= stride && along >= low && along <= high {
                sum += vote.probability * stick.line.cosine(vote.direction);
                weight += vote.probability;
            }
        }
        if weight > 0.0 {
            for_high += sum / weight;
        }
        let place = |end: Option<End>, at: f32, outwards: f32| match end {
            Some(end) => stick.line.point(stick.line.along(end.at)),
            None => stick
                .line
                .point(at + outwards * self.to_edge(stick, at, outwards, letterbox)),
        };
        if for_high >= 0.0 {
            [place(tip_high, high, 1.0), place(butt_low, low, -1.0)]
        } else {
            [place(tip_low, low, -1.0), place(butt_high, high, 1.0)]
        }
    }

    /// How far a stick whose end was not seen goes on beyond its last vote: out of the region where that is near.
    fn to_edge(&self, stick: &Stick, at: f32, outwards: f32, letterbox: &Letterbox) -> f32 {
        let further = LEAVES_WITHIN_STRIDES * self.grid.stride_px;
        let [x, y] = letterbox.to_picture(stick.line.point(at + outwards * further));
        let region = letterbox.region();
        let leaves = |at: f32, first: u32, length: u32| at < first as f32 || at > (first + length) as f32;
        let out = leaves(x, region.x, region.width) || leaves(y, region.y, region.height);
        if out { further } else { 0.0 }
    }
}

/// The cells that say more than probably that an end is near.
fn read_ends(
    grid: &Grid,
    output: &[f32],
    channel: usize,
    candidates: &mut Vec<Candidate>,
    ends: &mut Vec<End>,
) {
    grid.candidates(
        &output[channel * grid.cells()..],
        logit(LEAST_END_PROBABILITY),
        candidates,
    );
    ends.clear();
    for candidate in candidates.iter() {
        let cell = candidate.cell as usize;
        let offset = grid.values(output, channel + 1, cell);
        let near = |offset: &[f32; 2]| offset.iter().all(|part| part.abs() <= FARTHEST_OFFSET_STRIDES);
        if let Some(offset) = offset.filter(near) {
            ends.push(End {
                at: grid.point(cell, offset),
                probability: sigmoid(candidate.logit),
            });
        }
    }
}

fn belongs(vote: &Vote, line: &Line, beside: f32) -> bool {
    !vote.taken && line.across(vote.axis).abs() <= beside && line.cosine(vote.direction).abs() >= LEAST_COSINE
}
