//! Where to begin: the outlines that may be the table, the likeliest first.

use crate::cloth::{self, Bridges, CLOSE_TOLERANCES, TOLERANCES};
use crate::first_guess::{FirstGuess, FocalPrior, Rectangle, guess};
use crate::noses::CUSHION_WIDTH_MM;
use crate::outcome::Reason;
use crate::outline::{self, BARRELS, MIN_OVERLAP, NoOutline, Outline, SMALL_OVERLAP};
use crate::picture::SmallPicture;
use crate::warp::Warp;
use baize_table_vision::geometry::TableSize;
use baize_table_vision::geometry::linear::{norm2, sub2};

/// Starts followed up, from the likeliest.
const MAX_STARTS: usize = 9;
/// What lies between an outline and the noses, and how much likelier the first is than the others: the cushions; or, where
/// the rail's wood is of the cloth's colour, narrow or wide rails besides.
const MARGINS_MM: [(f64, f64); 3] = [(CUSHION_WIDTH_MM, 1.0), (142.0, 0.3), (190.0, 0.3)];
/// Corners by hand of a greater cost are not a table's: its sides seem half as long again, say, as they should.
const MAX_COST_BY_HAND: f64 = 200.0;
/// Outlines whose corners are all closer than this, in widths of the picture, are one.
const SAME_OUTLINE: f64 = 0.01;
/// A guess of this cost is half as likely to be the table as one that fits perfectly.
const LIKELY_GUESS_COST: f64 = 20.0;

/// How regions that may be the cloth are looked for.
pub(crate) struct Look {
    bridges: Bridges,
    tolerances: &'static [f64],
    min_overlap: f64,
}

/// From the surest on: as usual; cut free where the cloth may hang together with the room; and with little certainty, where cloth
/// and floor are alike or a player splits the cloth.
pub(crate) const LOOKS: [Look; 3] = [
    Look {
        bridges: Bridges::Narrow,
        tolerances: &TOLERANCES,
        min_overlap: MIN_OVERLAP,
    },
    Look {
        bridges: Bridges::Wide,
        tolerances: &TOLERANCES,
        min_overlap: MIN_OVERLAP,
    },
    Look {
        bridges: Bridges::Narrow,
        tolerances: &CLOSE_TOLERANCES,
        min_overlap: SMALL_OVERLAP,
    },
];

/// What is known before the table is looked for.
pub(crate) struct Scene {
    pub table: TableSize,
    pub nose_height_mm: f64,
    pub turned: bool,
    pub width_px: f64,
    pub height_px: f64,
    pub focal: FocalPrior,
}

/// Where to look for the noses, and the camera to begin with.
pub(crate) struct Start {
    pub guess: FirstGuess,
    pub warp: Warp,
    pub cloth_px: Option<[[f64; 2]; 4]>,
}

impl Start {
    /// Where a point of the nose plane is seen.
    pub fn pixel(&self, point_mm: [f64; 2]) -> [f64; 2] {
        self.warp.seen(self.guess.to_straightened.apply(point_mm))
    }
}

/// One start for each strength of the lens's barrel, since four corners do not show it.
pub(crate) fn by_hand(scene: &Scene, mut corners: [[f64; 2]; 4]) -> Vec<Start> {
    let middle = [0, 1].map(|i| corners.iter().map(|corner| corner[i]).sum::<f64>() / 4.0);
    // Counter-clockwise as seen, with y down.
    corners.sort_by(|a, b| {
        let angle = |p: &[f64; 2]| (middle[1] - p[1]).atan2(p[0] - middle[0]);
        angle(a).total_cmp(&angle(b))
    });
    BARRELS
        .iter()
        .filter_map(|&barrel| {
            let warp = Warp::new([scene.width_px, scene.height_px], barrel);
            let straightened = corners.map(|corner| warp.straightened(corner));
            Some(Start {
                guess: scene
                    .guess(&straightened, &warp, 0.0)
                    .filter(|guess| guess.cost < MAX_COST_BY_HAND)?,
                warp,
                cloth_px: None,
            })
        })
        .collect()
}

/// Outlines of what may be the cloth.
pub(crate) fn from_cloth(scene: &Scene, small: &SmallPicture, look: &Look) -> Result<Vec<Start>, Reason> {
    let mut cut_off = false;
    let mut outlines: Vec<Outline> = Vec::new();
    let mut starts: Vec<(f64, Start)> = Vec::new();
    for (rank, candidate) in cloth::candidates(small, look.bridges, look.tolerances)
        .iter()
        .enumerate()
    {
        let outline = match outline::find(&candidate.mask, small.factor, look.min_overlap) {
            Ok(outline) => outline,
            Err(why) => {
                cut_off |= rank == 0 && why == NoOutline::CutOff;
                continue;
            }
        };
        if outlines.iter().any(|known| scene.are_same(known, &outline)) {
            continue;
        }
        for (margin_mm, share) in MARGINS_MM {
            if let Some(guess) = scene.guess(&outline.corners, &outline.warp, margin_mm) {
                let fits = 1.0 / (1.0 + guess.cost / LIKELY_GUESS_COST);
                let likely = share * outline.score * candidate.solidity.powi(2) * fits;
                let start = Start {
                    guess,
                    warp: outline.warp,
                    cloth_px: Some(outline.corners.map(|corner| outline.warp.seen(corner))),
                };
                starts.push((likely, start));
            }
        }
        outlines.push(outline);
    }
    starts.sort_by(|a, b| b.0.total_cmp(&a.0));
    starts.truncate(MAX_STARTS);
    match starts.is_empty() {
        true if cut_off => Err(Reason::CutOff),
        true => Err(Reason::NoTable),
        false => Ok(starts.into_iter().map(|(_, start)| start).collect()),
    }
}

impl Scene {
    fn are_same(&self, a: &Outline, b: &Outline) -> bool {
        let close = |(a, b): (&[f64; 2], &[f64; 2])| norm2(sub2(*a, *b)) < SAME_OUTLINE * self.width_px;
        a.corners.iter().zip(&b.corners).all(close)
    }

    fn guess(&self, corners: &[[f64; 2]; 4], warp: &Warp, margin_mm: f64) -> Option<FirstGuess> {
        let rectangle = Rectangle {
            table: self.table,
            margin_mm,
            height_mm: self.nose_height_mm,
            turned: self.turned,
        };
        guess(corners, warp, &rectangle, self.focal, self.width_px)
    }
}
