//! The line of a cue to a fraction of a pixel, from the two edges of its shaft.
//!
//! A network sees a reduced picture, and its line is turned by half a degree: 9 mm on a way of a metre. A shaft has two edges, as
//! straight as any on a table. Every line near the detected one is asked how much of an edge the picture shows along it; of the
//! clearest ones a pair is taken that is as far apart as the edges of a shaft, and fitted.
//!
//! Lengths across the shaft are in diameters of a ball.

use core::ops::RangeInclusive;

use baize_frame::{CueDetection, Luminance};
use heapless::Vec;

use crate::peak::strongest_near;

/// Places along the shaft where edges are looked for.
const STATIONS: usize = 32;
/// Samples across the shaft at each of them. They reach a ball to both sides: half of the thickest shaft, and farther than nine of
/// ten detected lines are off. With more of them other things than shafts are found.
const SAMPLES: usize = 85;
const STEP: f32 = 0.025;
/// Samples to each side over which an edge is measured.
const EDGE_REACH: usize = 2;
/// Places across the shaft where an edge may be.
const EDGES: usize = SAMPLES - 2 * EDGE_REACH;
const FIRST_EDGE: f32 = -STEP * ((EDGES - 1) / 2) as f32;
/// An edge of so many levels counts half of what the clearest does. Were it a fifth of this, a shadow's would count nearly as much
/// as a shaft's.
const HALF_LEVELS: f32 = 80.0;

/// Lines are tried from every second place at one end to every second place at the other.
const COARSE: usize = EDGES.div_ceil(2);
/// So many of the clearest are paired. With half of them a shadow's and a finger's edges left no room for the shaft's now and then.
const LINES: usize = 24;
/// How thick a shaft is: 9 mm at the tip of a snooker cue; at its butt 31 mm, which may be nearer to the camera than a ball.
const THICKNESS: RangeInclusive<f32> = 0.12..=1.0;
/// It hardly becomes thinner towards the butt.
const LEAST_TAPER: f32 = 0.75;
/// What a pair half a ball aside of the detected line must show more than one on it.
const RELUCTANCE: f32 = 0.05;
const HALF_A_BALL: f32 = 0.5;
/// So much of the detected line, from the tip on, is looked along, and so much of both edges must show there. Lines are drawn aside to
/// the forearm beside the cue, at their ends by more than a ball; then the half near the tip shows the shaft, if clearly.
const LOOKED_ALONG: [(f32, f32); 2] = [(1.0, 0.3), (0.5, 0.45)];
/// Fewer places within the picture tell no direction.
const LEAST_STATIONS: usize = 12;

const FIT_ROUNDS: usize = 3;
/// An edge belongs to a line that is no farther away than this.
const FIT_REACH: f32 = 0.08;
const FIT_STEPS: i32 = (FIT_REACH / STEP) as i32;
/// How far an edge at one place usually is from its line.
const EDGE_SIGMA: f32 = 0.02;
/// On path-traced pictures two of three ends were off by this and less.
const LEAST_SIGMA: f32 = 0.03;
/// A fit that rests on less is one on noise.
const LEAST_DETERMINANT: f32 = 1e-3;

/// A place on the detected line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Station {
    pub at_px: [f32; 2],
    /// From there to a ball's diameter beside the line.
    pub across_px: [f32; 2],
}

/// Where the middle of a shaft is beside the detected line.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// At the tip and at the butt.
    pub ends: [f32; 2],
    pub sigma: f32,
}

/// The same cue with its ends moved across onto the middle of its shaft, in a picture where balls have this diameter. As it was
/// where no shaft shows. Where a calibration is known, [`TableStage`](crate::TableStage) does the same in the table's plane.
pub fn straightened(luminance: Luminance<'_>, cue: CueDetection, ball_px: f32) -> CueDetection {
    let CueDetection { tip_px, butt_px, .. } = cue;
    let along = [0, 1].map(|k| butt_px[k] - tip_px[k]);
    let length_px = libm::hypotf(along[0], along[1]);
    if length_px.is_nan() || length_px <= 0.0 {
        return cue;
    }
    let across_px = [-along[1], along[0]].map(|way| way * ball_px / length_px);
    let station_at = |part: f32| {
        Some(Station {
            at_px: [0, 1].map(|k| tip_px[k] + part * along[k]),
            across_px,
        })
    };
    let Some(beside) = beside(luminance, station_at) else {
        return cue;
    };
    let moved = |end: [f32; 2], by: f32| [0, 1].map(|k| end[k] + by * across_px[k]);
    CueDetection {
        tip_px: moved(tip_px, beside.ends[0]),
        butt_px: moved(butt_px, beside.ends[1]),
        ..cue
    }
}

/// Where the shaft is beside a line; `station_at` tells the place that is this part of the way from its tip to its butt. `None` where no
/// shaft shows.
pub fn beside(luminance: Luminance<'_>, station_at: impl Fn(f32) -> Option<Station>) -> Option<Beside> {
    LOOKED_ALONG.into_iter().find_map(|(looked_along, least_shown)| {
        let mut stations = [Station::default(); STATIONS];
        for (station, to) in stations.iter_mut().enumerate() {
            *to = station_at(looked_along * part(station))?;
        }
        let found = beside_stations(luminance, &stations, least_shown)?;
        let [tip, last] = found.ends;
        Some(Beside {
            ends: [tip, tip + (last - tip) / looked_along],
            sigma: found.sigma / looked_along,
        })
    })
}

/// How far along the stations, from the first to the last, a station is.
fn part(station: usize) -> f32 {
    (station as f32 + 0.5) / STATIONS as f32
}

/// The same, along these stations alone.
fn beside_stations(
    luminance: Luminance<'_>,
    stations: &[Station; STATIONS],
    least_shown: f32,
) -> Option<Beside> {
    let edges = Edges::of(luminance, stations);
    if edges.seen < LEAST_STATIONS {
        return None;
    }
    let shaft = edges.clearest_shaft()?;
    let [first, second] = [edges.fitted(shaft[0])?, edges.fitted(shaft[1])?];
    let fitted = [first.line, second.line];
    (is_shaft(fitted) && edges.shown(fitted) >= least_shown).then(|| Beside {
        ends: axis(fitted).ends,
        sigma: (0.5 * libm::sqrtf(first.variance + second.variance)).max(LEAST_SIGMA),
    })
}

/// A line across the stations: its places at the tip and at the butt.
#[derive(Debug, Clone, Copy)]
struct Line {
    ends: [f32; 2],
}

impl Line {
    fn at(self, part: f32) -> f32 {
        self.ends[0] + part * (self.ends[1] - self.ends[0])
    }
}

/// The middle between two lines.
fn axis([first, second]: [Line; 2]) -> Line {
    Line {
        ends: [0, 1].map(|end| 0.5 * (first.ends[end] + second.ends[end])),
    }
}

/// Whether the second line is as far from the first as one edge of a shaft from the other.
fn is_shaft([first, second]: [Line; 2]) -> bool {
    let [tip, butt] = [0, 1].map(|end| second.ends[end] - first.ends[end]);
    THICKNESS.contains(&tip) && THICKNESS.contains(&butt) && butt >= LEAST_TAPER * tip
}

/// A line moved to the edges near it.
struct Fitted {
    line: Line,
    /// Of its ends' places.
    variance: f32,
}

/// How clear an edge is at each place of each station, from nothing to 1.
struct Edges {
    /// Nothing where a station is not in the picture.
    clear: [[f32; EDGES]; STATIONS],
    /// Stations in the picture.
    seen: usize,
}

impl Edges {
    fn of(luminance: Luminance<'_>, stations: &[Station; STATIONS]) -> Self {
        let mut edges = Self {
            clear: [[0.0; EDGES]; STATIONS],
            seen: 0,
        };
        for (station, clear) in stations.iter().zip(&mut edges.clear) {
            if let Some(across) = edges_across(luminance, station) {
                *clear = across;
                edges.seen += 1;
            }
        }
        edges
    }

    /// The pair of lines that shows most of a shaft near the detected line.
    fn clearest_shaft(&self) -> Option<[Line; 2]> {
        let lines = self.clearest_lines();
        let mut best: Option<([Line; 2], f32)> = None;
        for &first in &lines {
            for &second in &lines {
                let shaft = [first, second];
                if !is_shaft(shaft) {
                    continue;
                }
                let [tip, butt] = axis(shaft).ends.map(|end| end / HALF_A_BALL);
                let score = self.shown(shaft) - RELUCTANCE * 0.5 * (tip * tip + butt * butt);
                if best.is_none_or(|(_, most)| score > most) {
                    best = Some((shaft, score));
                }
            }
        }
        best.map(|(shaft, _)| shaft)
    }

    /// The lines along which most of an edge shows.
    fn clearest_lines(&self) -> Vec<Line, LINES> {
        let mut clear = [[0.0f32; COARSE]; COARSE];
        for (station, edges) in self.clear.iter().enumerate() {
            // A coarse line passes an edge by one place at most.
            let wide: [f32; EDGES] = core::array::from_fn(|i| {
                let around = &edges[i.saturating_sub(1)..(i + 2).min(EDGES)];
                around.iter().copied().fold(0.0, f32::max)
            });
            let part = part(station);
            for (tip, row) in clear.iter_mut().enumerate() {
                for (butt, clear) in row.iter_mut().enumerate() {
                    let place = 2.0 * (tip as f32 + part * (butt as f32 - tip as f32));
                    *clear += wide.get((place + 0.5) as usize).copied().unwrap_or(0.0);
                }
            }
        }
        let mut clearest: Vec<(Line, f32), LINES> = Vec::new();
        for tip in 0..COARSE {
            for butt in 0..COARSE {
                let here = clear[tip][butt];
                if !is_top(&clear, tip, butt) {
                    continue;
                }
                let rank = clearest.iter().take_while(|(_, other)| *other >= here).count();
                if rank == LINES {
                    continue;
                }
                if clearest.is_full() {
                    clearest.pop();
                }
                let ends = [tip, butt].map(|at| FIRST_EDGE + 2.0 * STEP * at as f32);
                let _ = clearest.insert(rank, (Line { ends }, here));
            }
        }
        clearest.iter().map(|(line, _)| *line).collect()
    }

    /// How much of both edges of a shaft shows at once, from nothing to 1.
    fn shown(&self, shaft: [Line; 2]) -> f32 {
        let both = (0..STATIONS).map(|station| {
            let [first, second] = shaft.map(|line| self.near(station, line.at(part(station))));
            libm::sqrtf(first * second)
        });
        both.sum::<f32>() / self.seen as f32
    }

    /// How clear the edge is at a place of a station, or beside it.
    fn near(&self, station: usize, place: f32) -> f32 {
        let middle = libm::roundf((place - FIRST_EDGE) / STEP) as i32;
        let at = |i: i32| usize::try_from(i).ok().and_then(|i| self.clear[station].get(i));
        let around = (middle - 1..=middle + 1).filter_map(at);
        around.copied().fold(0.0, f32::max)
    }

    /// Least squares, weak and far edges counting less; `None` where there are none.
    fn fitted(&self, mut line: Line) -> Option<Fitted> {
        let mut variance = 0.0;
        for _ in 0..FIT_ROUNDS {
            let (mut normal, mut right) = ([[0.0f32; 2]; 2], [0.0f32; 2]);
            let (mut squares, mut weights) = (0.0, 0.0);
            for (station, edges) in self.clear.iter().enumerate() {
                let part = part(station);
                let expected = line.at(part);
                let Some((at, clear)) = strongest_near(edges, (expected - FIRST_EDGE) / STEP, FIT_STEPS)
                else {
                    continue;
                };
                let off = FIRST_EDGE + STEP * at - expected;
                let closeness = (1.0 - (off / FIT_REACH) * (off / FIT_REACH)).max(0.0);
                let weight = clear * clear * closeness * closeness;
                let slope = [1.0 - part, part];
                for i in 0..2 {
                    for j in 0..2 {
                        normal[i][j] += weight * slope[i] * slope[j];
                    }
                    right[i] += weight * slope[i] * off;
                }
                squares += weight * off * off;
                weights += weight;
            }
            let [[a, b], [_, d]] = normal;
            let determinant = a * d - b * b;
            if determinant.is_nan() || determinant < LEAST_DETERMINANT {
                return None;
            }
            line.ends[0] += (d * right[0] - b * right[1]) / determinant;
            line.ends[1] += (a * right[1] - b * right[0]) / determinant;
            let of_one = (squares / weights).max(EDGE_SIGMA * EDGE_SIGMA);
            variance = of_one * a.max(d) / determinant;
        }
        Some(Fitted { line, variance })
    }
}

/// Whether nothing around is clearer. Of neighbours that are as clear the first is the top.
fn is_top(clear: &[[f32; COARSE]; COARSE], tip: usize, butt: usize) -> bool {
    let around = |at: usize| at.saturating_sub(1)..(at + 2).min(COARSE);
    let here = clear[tip][butt];
    let is_below = |(i, j): (usize, usize)| {
        let other = clear[i][j];
        other < here || (other <= here && (i, j) >= (tip, butt))
    };
    here > 0.0 && around(tip).all(|i| around(butt).all(|j| is_below((i, j))))
}

/// How clear an edge is at each place across the shaft; `None` at the picture's rim.
fn edges_across(luminance: Luminance<'_>, station: &Station) -> Option<[f32; EDGES]> {
    let chroma = luminance.chroma();
    let mut lights = [[0.0f32; 3]; SAMPLES];
    for (i, light) in lights.iter_mut().enumerate() {
        let aside = STEP * (i as f32 - ((SAMPLES - 1) / 2) as f32);
        let place = [0, 1].map(|k| station.at_px[k] + aside * station.across_px[k]);
        let [blue, red] = chroma.between(place)?;
        *light = [luminance.between(place)?, blue, red];
    }
    Some(core::array::from_fn(|i| {
        let (before, after) = (lights[i], lights[i + 2 * EDGE_REACH]);
        let levels: f32 = (0..3).map(|k| (after[k] - before[k]).abs()).sum();
        levels / (levels + HALF_LEVELS)
    }))
}
