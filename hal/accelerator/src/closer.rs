//! A second, closer look at pictures whose balls come out small.

use std::fmt;

use baize_frame::{BallDetection, Detections, FrameFormat, ImageView, Region, SlotMemory};
use heapless::Vec as FixedVec;

use crate::decode::is_one_ball;
use crate::preprocess::Letterbox;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo};

/// Balls smaller than this in the network's input are missed, misplaced and taken together with their neighbours.
const SMALL_PX: f32 = 10.0;
/// So many balls tell how large balls are, the surest.
const SURE_BALLS: usize = 9;
/// What a closer look makes of them, as far as the picture has the pixels.
const WISHED_PX: f32 = 16.0;
/// Tiles to a side: more make nothing larger that the picture shows at all.
const MOST_TILES: u32 = 3;
/// Input pixels that a pixel of the picture is blown up to at most.
const LARGEST_SCALE: f32 = 1.5;
/// Neighbouring tiles share this many balls' widths, so that every ball is whole in one of them.
const SHARED_BALLS: f32 = 2.5;
/// A box this near to where a tile was cut, in parts of its size, may show a part of a ball.
const CUT: f32 = 0.1;

/// A detector that looks again, tile after tile, where the balls that it finds are small. The cues are those of the first look:
/// they are long.
pub fn closer(detector: Box<dyn Detector>) -> Box<dyn Detector> {
    Box::new(Closer {
        detector,
        first: Detections::new(),
        tile: Detections::new(),
    })
}

struct Closer {
    detector: Box<dyn Detector>,
    /// What the first look found.
    first: Detections,
    tile: Detections,
}

impl Detector for Closer {
    fn info(&self) -> &DetectorInfo {
        self.detector.info()
    }

    fn settle(&mut self) {
        self.detector.settle();
    }

    fn expect_slots(&mut self, slots: &[SlotMemory], picture_bytes: usize) {
        self.detector.expect_slots(slots, picture_bytes);
    }

    fn prepare(&mut self, format: FrameFormat) {
        self.detector.prepare(format);
    }

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        let took = self.detector.detect(image, region, out)?;
        let Some((ball_px, tiles)) = tiles(out, region, self.info().input_px) else {
            return Ok(took);
        };
        match self.look_again(image, region, ball_px, tiles, out) {
            Ok(again) => Ok(took + again),
            Err(error) => {
                out.clear();
                Err(error)
            }
        }
    }

    fn trouble(&self) -> Option<&dyn fmt::Display> {
        self.detector.trouble()
    }
}

impl Closer {
    fn look_again(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        ball_px: f32,
        tiles: u32,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        self.first.clone_from(out);
        out.balls.clear();
        out.doubtful.clear();
        let mut took = DetectTimings::default();
        let shared_px = SHARED_BALLS * ball_px;
        for (row, column) in (0..tiles).flat_map(|row| (0..tiles).map(move |column| (row, column))) {
            let (x, width) = part(region.x, region.width, (column, tiles), shared_px);
            let (y, height) = part(region.y, region.height, (row, tiles), shared_px);
            let tile = Region { x, y, width, height };
            took = took + self.detector.detect(image, tile, &mut self.tile)?;
            let is_whole = |ball: &&BallDetection| is_whole(ball, tile, region);
            self.tile
                .balls
                .iter()
                .filter(is_whole)
                .for_each(|ball| keep_better(ball, &mut out.balls));
            self.tile
                .doubtful
                .iter()
                .filter(is_whole)
                .for_each(|ball| keep_better(ball, &mut out.doubtful));
        }
        // What is larger than the tiles' overlap may be cut in all of them.
        let large = self.first.balls.iter().filter(|ball| size(ball) > shared_px);
        large.for_each(|ball| keep_better(ball, &mut out.balls));
        let balls = out.balls.clone();
        out.doubtful
            .retain(|doubtful| !balls.iter().any(|ball| is_same(ball, doubtful)));
        out.balls.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        out.doubtful.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        Ok(took)
    }
}

/// How large the balls of the picture are, and how many tiles to a side are needed; `None` where the balls are large enough, or
/// the picture shows no more of them than the network has seen.
fn tiles(found: &Detections, region: Region, input_px: [u32; 2]) -> Option<(f32, u32)> {
    let surest = found.balls.iter().chain(&found.doubtful).take(SURE_BALLS);
    let mut sizes: FixedVec<f32, SURE_BALLS> = surest.map(size).collect();
    sizes.sort_unstable_by(f32::total_cmp);
    let ball_px = *sizes.get(sizes.len() / 2)?;
    let letterbox = Letterbox::fit(region, input_px);
    let scale = letterbox.width() as f32 / region.width as f32;
    let most = (LARGEST_SCALE / scale).min(WISHED_PX / (ball_px * scale));
    let tiles = (most.ceil() as u32).min(MOST_TILES);
    (ball_px * scale < SMALL_PX && tiles > 1).then_some((ball_px, tiles))
}

/// Where one of so many parts of a length begins, and how long it is. They share so many pixels; all are even, as pictures with
/// shared colour need it.
fn part(first: u32, length: u32, (index, of): (u32, u32), shared_px: f32) -> (u32, u32) {
    let shared = (shared_px / 2.0).ceil() as u32;
    let begin = (length * index / of).saturating_sub(if index == 0 { 0 } else { shared });
    let end = (length * (index + 1) / of + if index + 1 == of { 0 } else { shared }).min(length);
    let begin = begin & !1;
    (
        first + begin,
        (end - begin).next_multiple_of(2).min(length - begin),
    )
}

fn is_whole(ball: &BallDetection, tile: Region, region: Region) -> bool {
    let is_clear = |axis: usize, begin: u32, length: u32, whole_begin: u32, whole_length: u32| {
        let half = (0.5 + CUT) * ball.size_px[axis];
        let (low, high) = (ball.centre_px[axis] - half, ball.centre_px[axis] + half);
        (begin == whole_begin || low > begin as f32)
            && (begin + length == whole_begin + whole_length || high < (begin + length) as f32)
    };
    is_clear(0, tile.x, tile.width, region.x, region.width)
        && is_clear(1, tile.y, tile.height, region.y, region.height)
}

fn size(ball: &BallDetection) -> f32 {
    0.5 * (ball.size_px[0] + ball.size_px[1])
}

fn is_same(a: &BallDetection, b: &BallDetection) -> bool {
    let apart = [0, 1].map(|axis: usize| a.centre_px[axis] - b.centre_px[axis]);
    is_one_ball(apart, a.size_px, b.size_px)
}

/// Adds a ball, or puts it in the place of one that is less sure to be the same, or without room, to be a ball.
fn keep_better<const N: usize>(ball: &BallDetection, kept: &mut FixedVec<BallDetection, N>) {
    let is_full = kept.is_full();
    let rival = match kept.iter().position(|other| is_same(other, ball)) {
        Some(same) => Some(&mut kept[same]),
        None if is_full => kept.iter_mut().min_by(|a, b| a.score.total_cmp(&b.score)),
        None => None,
    };
    match rival {
        Some(rival) if rival.score < ball.score => *rival = *ball,
        Some(_) => {}
        None => drop(kept.push(*ball)),
    }
}
