//! Fixed-point weights of every line and column, worked out once for a picture's shape and a region of it.
//!
//! Lines are blended first: weights of 15 bits, levels kept with 7 bits behind the point in 16-bit numbers. Columns are
//! then summed in 32 bits, with filter and colour conversion in one weight of 13 or 14 bits. The worst sum, an illegal
//! blue of 3.2 times white, stays below 2^31. The error of all roundings together is a few hundredths of a level, and may be
//! a hundredth more for each line where scores of them make one.

use baize_frame::{FrameFormat, Region};

use super::filter::taps;
use super::layout::{Layout, MAX_PLANES, Plane, plane_start};
use super::letterbox::Letterbox;

/// Bits behind the point of a row weight, and of a level in a blended line.
pub(super) const ROW_WEIGHT_BITS: u32 = 15;
pub(super) const LINE_BITS: u32 = 7;

/// Output columns are worked on in groups of this many.
pub(super) const GROUP: usize = 8;
/// Elements of a line are multiplied in chunks of this many.
pub(super) const CHUNK: usize = 8;
pub(super) const CHANNELS: usize = 3;

/// Weights of the source lines that make one line of the input.
pub(super) struct RowSpan<'a> {
    /// First line, counted from the plane's first.
    pub first: usize,
    pub weights: &'a [i16],
}

#[derive(Default)]
pub(super) struct RowTable {
    spans: Vec<(u32, u32, u32)>,
    weights: Vec<i16>,
}

impl RowTable {
    pub fn span(&self, y: usize) -> RowSpan<'_> {
        let (first, begin, end) = self.spans[y];
        RowSpan {
            first: first as usize,
            weights: &self.weights[begin as usize..end as usize],
        }
    }

    fn build(&mut self, plane: &Plane, first_y: u32, source: u32, destination: u32) {
        self.spans.clear();
        self.weights.clear();
        for index in 0..destination {
            let begin = self.weights.len();
            let mut first_row = 0;
            let mut rounding = Rounding::new(f64::from(1 << ROW_WEIGHT_BITS));
            for (tap, weight) in taps(index, source, destination) {
                let row = (first_y + tap) >> plane.row_shift;
                if self.weights.len() == begin {
                    first_row = row;
                }
                let at = begin + (row - first_row) as usize;
                if at == self.weights.len() {
                    self.weights.push(0);
                }
                // The weight one has no 16-bit form; the nearest below it costs 1/128 of a level.
                let sum = i32::from(self.weights[at]) + rounding.next(weight);
                self.weights[at] = sum.min(i32::from(i16::MAX)) as i16;
            }
            self.spans
                .push((first_row, begin as u32, self.weights.len() as u32));
        }
    }
}

/// Weights of a chunk of elements of each column of a group. Aligned as registers like it.
#[derive(Clone)]
#[repr(align(32))]
pub(super) struct ChunkWeights {
    /// For each pair of elements and each channel: the two weights of each column, one column after the other.
    pub pairs: [[[i16; 2 * GROUP]; CHANNELS]; CHUNK / 2],
}

impl ChunkWeights {
    const NONE: Self = Self {
        pairs: [[[0; 2 * GROUP]; CHANNELS]; CHUNK / 2],
    };
}

/// For each output column the window of a blended line that makes it, and its weights for red, green and blue.
#[derive(Default)]
pub(super) struct ColumnTable {
    firsts: Vec<[u32; GROUP]>,
    weights: Vec<ChunkWeights>,
    chunks: usize,
    reach: usize,
}

impl ColumnTable {
    /// The first elements of the windows of a group's columns, and the weights of the windows, chunk by chunk.
    ///
    /// A first element plus the chunks' length is at most [`reach`](Self::reach).
    #[inline]
    pub fn group(&self, group: usize) -> (&[u32; GROUP], &[ChunkWeights]) {
        (
            &self.firsts[group],
            &self.weights[group * self.chunks..][..self.chunks],
        )
    }

    /// Length of the longest line that windows reach into.
    pub const fn reach(&self) -> usize {
        self.reach
    }

    fn reserve(&mut self, groups: usize, chunks: usize) {
        reserve(&mut self.firsts, groups);
        reserve(&mut self.weights, groups * chunks);
    }

    fn build(&mut self, plane: &Plane, first_x: u32, source: u32, destination: u32, weight_bits: u32) {
        let groups = (destination as usize).div_ceil(GROUP);
        let base = first_byte(plane, first_x);
        self.firsts.clear();
        self.firsts.resize(groups, [0; GROUP]);
        let mut longest = 0;
        for index in 0..destination {
            let (mut begin, mut end) = (u32::MAX, 0);
            for (tap, _) in taps(index, source, destination) {
                for sample in plane.samples {
                    let element = sample.byte_of(first_x + tap) - base;
                    begin = begin.min(element);
                    end = end.max(element + 1);
                }
            }
            self.firsts.as_flattened_mut()[index as usize] = begin;
            longest = longest.max(end - begin);
        }
        self.chunks = (longest as usize).div_ceil(CHUNK);
        let last = self.firsts.as_flattened().iter().max();
        self.reach = last.map_or(0, |&first| first as usize) + self.chunks * CHUNK;
        self.weights.clear();
        self.weights.resize(groups * self.chunks, ChunkWeights::NONE);
        for index in 0..destination {
            let (group, column) = (index as usize / GROUP, index as usize % GROUP);
            let first = base + self.firsts[group][column];
            let weights = &mut self.weights[group * self.chunks..][..self.chunks];
            for sample in plane.samples {
                for (channel, share) in sample.rgb.into_iter().enumerate() {
                    let mut rounding = Rounding::new(share * f64::from(1 << weight_bits));
                    for (tap, weight) in taps(index, source, destination) {
                        let element = (sample.byte_of(first_x + tap) - first) as usize;
                        let pair = &mut weights[element / CHUNK].pairs[element % CHUNK / 2];
                        // See `weight_bits`: the largest sum fits.
                        pair[channel][2 * column + element % 2] += rounding.next(weight) as i16;
                    }
                }
            }
        }
    }
}

/// Rounds a run of weights so that their sum is the rounded sum.
struct Rounding {
    scale: f64,
    exact: f64,
    given: f64,
}

impl Rounding {
    const fn new(scale: f64) -> Self {
        Self {
            scale,
            exact: 0.0,
            given: 0.0,
        }
    }

    fn next(&mut self, weight: f64) -> i32 {
        self.exact += weight * self.scale;
        let next = self.exact.round() - self.given;
        self.given += next;
        next as i32
    }
}

/// What one plane of the picture needs.
#[derive(Default)]
pub(super) struct PlanePlan {
    /// Where the region's bytes begin in the plane's first line, counted from the picture's first byte.
    pub start: usize,
    /// Bytes of the region in each line.
    pub row_bytes: usize,
    pub rows: RowTable,
    pub columns: ColumnTable,
    /// The blended line; a chunk longer than any window, the rest stays zero.
    pub line: Vec<i16>,
}

/// Everything that stays the same from picture to picture.
pub(super) struct Plan {
    key: Option<(FrameFormat, Region)>,
    pub letterbox: Letterbox,
    pub planes: [PlanePlan; MAX_PLANES],
    pub plane_count: usize,
    /// From a column's sum to 0..1.
    pub scale: f32,
    pub bias: [f32; CHANNELS],
}

impl Plan {
    pub fn new() -> Self {
        let nothing = Region {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
        };
        Self {
            key: None,
            letterbox: Letterbox::fit(nothing, [1, 1]),
            planes: Default::default(),
            plane_count: 0,
            scale: 0.0,
            bias: [0.0; CHANNELS],
        }
    }

    pub fn is_for(&self, format: FrameFormat, region: Region) -> bool {
        self.key == Some((format, region))
    }

    /// Makes room for every region of such a picture.
    pub fn reserve(&mut self, format: FrameFormat, input_px: [u32; 2]) {
        let [width, height] = input_px.map(|size| size as usize);
        let shrink = (f64::from(format.width) / f64::from(input_px[0]))
            .max(f64::from(format.height) / f64::from(input_px[1]))
            .max(1.0);
        // Rounding the size in the input to whole pixels stretches the narrowest regions by up to a half.
        let most_taps = (1.5 * shrink).ceil() as usize + 2;
        let most_chunks = (3 * most_taps + 4).div_ceil(CHUNK);
        for plane in &mut self.planes[..Layout::of(format.pixels).planes.len()] {
            reserve(&mut plane.rows.spans, height);
            reserve(&mut plane.rows.weights, height * most_taps);
            plane.columns.reserve(width.div_ceil(GROUP), most_chunks);
            reserve(
                &mut plane.line,
                format.stride as usize + (most_chunks + 1) * CHUNK,
            );
        }
    }

    /// Works out the weights for `region`, which lies in a picture of this `format`.
    pub fn build(&mut self, format: FrameFormat, region: Region, input_px: [u32; 2]) {
        let layout = Layout::of(format.pixels);
        let letterbox = Letterbox::fit(region, input_px);
        let bits = weight_bits(region.width, letterbox.width());
        for (index, (plan, plane)) in self.planes.iter_mut().zip(layout.planes).enumerate() {
            let begin = first_byte(plane, region.x);
            let end = last_byte(plane, region.x + region.width - 1) + 1;
            plan.start = plane_start(&format, index) + begin as usize;
            plan.row_bytes = (end - begin) as usize;
            plan.rows
                .build(plane, region.y, region.height, letterbox.height());
            plan.columns
                .build(plane, region.x, region.width, letterbox.width(), bits);
            plan.line.clear();
            plan.line.resize(plan.row_bytes.max(plan.columns.reach()), 0);
        }
        self.plane_count = layout.planes.len();
        self.letterbox = letterbox;
        self.scale = (1.0 / (255.0 * f64::from(1u32 << (LINE_BITS + bits)))) as f32;
        self.bias = layout.bias_rgb.map(|bias| (bias / 255.0) as f32);
        self.key = Some((format, region));
    }
}

/// Bits behind the point of a column weight: 14 where the largest weight, blue from a Cb that two pixels share, stays
/// below two with them, otherwise 13.
fn weight_bits(source: u32, destination: u32) -> u32 {
    if f64::from(source) > 2.1 * f64::from(destination) {
        14
    } else {
        13
    }
}

fn first_byte(plane: &Plane, x: u32) -> u32 {
    plane
        .samples
        .iter()
        .map(|sample| sample.byte_of(x))
        .min()
        .unwrap_or(0)
}

fn last_byte(plane: &Plane, x: u32) -> u32 {
    plane
        .samples
        .iter()
        .map(|sample| sample.byte_of(x))
        .max()
        .unwrap_or(0)
}

fn reserve<T>(room: &mut Vec<T>, wanted: usize) {
    room.reserve_exact(wanted.saturating_sub(room.len()));
}
