//! Two balls that met, told from where both were seen before and after: when, where, and how fast they went on.
//!
//! For every instant that is tried, a straight way that is bent then is fitted to each ball's sightings: the centres are
//! a diameter apart, both ways are bent by the same push along the line of centres, and the push is what the closing
//! speed makes of it. The instant with the least misfit wins; how much worse the ways are without a push says whether
//! they met at all.

use super::collide::BALL_RESTITUTION;
use super::least_squares::LeastSquares;
use super::party::Party;
use crate::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};

/// Sightings so long before and after an impact tell its time; where other impacts disturb them, fewer.
const WINDOWS_US: [[f64; 2]; 2] = [[110_000.0, 85_000.0], [50_000.0, 45_000.0]];
/// What a sighting may leave unexplained, squared in sigma.
const FITS: f64 = 2.5;
/// Instants tried on each side of the guess.
const TRIED: i32 = 16;
/// How well the distance of two touching balls is kept by ways that friction bends.
const TOUCH_SIGMA_MM: f64 = 0.4;
/// Friction between balls as a part of the push.
const RUB_PART: f64 = 0.05;
/// What the push may differ by from what the closing speed makes of it, as a part and in mm/s.
const PUSH_PART: f64 = 0.03;
const PUSH_SIGMA_MM_S: f64 = 5.0;
/// What spin and friction do to the speed after an impact: 0.2 g, and no more than this part of the push in all.
const SLIDING_MM_S2: f64 = 1962.0;
const SLIDING_PART: f64 = 0.35;
const SPIN_LASTS_S: f64 = 0.085;
/// What curves the way of a ball that met nothing: a part of that while it still slides from before, and what slows rolling.
const SLIDING_WITHOUT_PUSH: f64 = 0.3;
const ROLLING_MM_S2: f64 = 98.0;
/// A push that is hardly one, mm/s.
const LEAST_PUSH_MM_S: f64 = 20.0;
/// How well a resting ball's place is known.
const REST_SIGMA_MM: f64 = 0.3;
const REST_SIGMA_MM_S: f64 = 0.5;
/// A push or a speed that nothing is known of, mm/s.
const ANY_MM_S: f64 = 1e4;

/// Two balls that met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting {
    pub at_us: f64,
    pub places_mm: [Vec2; 2],
    /// Just afterwards.
    pub velocities_mm_s: [Vec2; 2],
    /// What the impact changed each velocity by along the line of centres.
    pub push_mm_s: f64,
    /// How much worse both ways are without the push, as -2 log-likelihood.
    pub gain: f64,
    /// What the meeting and what straight ways leave unexplained, a sighting.
    pub misfit: f64,
    pub straight_misfit: f64,
}

/// Both ways, bent at one instant.
#[derive(Debug, Clone, Copy)]
struct Bent {
    places_mm: [Vec2; 2],
    velocities_mm_s: [Vec2; 2],
    push_mm_s: f64,
    misfit: f64,
}

/// When and how two balls met within `reach_us` of an instant. `alone`: nothing else pushed either at that time. `None` if
/// too little was seen of them.
pub fn meeting(
    parties: &[Party<'_>; 2],
    around_us: f64,
    reach_us: f64,
    touch_mm: f64,
    alone: bool,
) -> Option<Meeting> {
    let mut best: Option<Meeting> = None;
    for [before_us, after_us] in WINDOWS_US {
        let within = |centre_us: f64| parties.map(|party| party.around(centre_us, before_us, after_us));
        let Some(near) = meeting_within(&within(around_us), around_us, reach_us, touch_mm, alone) else {
            continue;
        };
        let Some(met) = meeting_within(&within(near.at_us), near.at_us, 0.5 * reach_us, touch_mm, alone)
        else {
            continue;
        };
        if met.misfit < FITS {
            return Some(met);
        }
        best.get_or_insert(met);
    }
    best
}

fn meeting_within(
    parties: &[Party<'_>; 2],
    around_us: f64,
    reach_us: f64,
    touch_mm: f64,
    alone: bool,
) -> Option<Meeting> {
    let earliest_us = parties[0]
        .from_us
        .max(parties[1].from_us)
        .max(around_us - reach_us);
    let latest_us = parties[0]
        .until_us
        .min(parties[1].until_us)
        .min(around_us + reach_us);
    let mut best: Option<(f64, Bent)> = None;
    let mut around = 0.5 * (earliest_us + latest_us);
    let mut step = 0.5 * (latest_us - earliest_us) / f64::from(TRIED);
    for turn in 0..2 {
        let tried = if turn == 0 { TRIED } else { 4 };
        for k in -tried..=tried {
            let at_us = around + step * f64::from(k);
            let Some(bent) = bend(parties, at_us, touch_mm, alone) else {
                continue;
            };
            if best.is_none_or(|(_, so_far)| bent.misfit < so_far.misfit) {
                best = Some((at_us, bent));
            }
        }
        around = best?.0;
        step /= 5.0;
    }
    let (at_us, bent) = best?;
    let (mut straight, mut count) = (0.0, 0.0);
    for party in parties {
        straight += straight_misfit(party, at_us)?;
        count += party.sightings().count() as f64;
    }
    let freedom = (2.0 * count - 8.0).max(2.0);
    Some(Meeting {
        at_us,
        places_mm: bent.places_mm,
        velocities_mm_s: bent.velocities_mm_s,
        push_mm_s: bent.push_mm_s,
        gain: straight - bent.misfit,
        misfit: bent.misfit / freedom,
        straight_misfit: straight / freedom,
    })
}

/// Whether enough was seen before and after an instant.
fn is_seen(parties: &[Party<'_>; 2], at_us: f64) -> bool {
    let seen = parties.map(|party| party.was_seen(at_us));
    seen.iter().all(|[before, after]| *before || *after)
        && seen.iter().any(|[before, after]| *before && *after)
}

/// It lay still before: the unknown `place` and the velocity after it.
fn rested<const N: usize>(equations: &mut LeastSquares<N>, place: usize, at_mm: f64) {
    equations.add(&[(place, 1.0)], at_mm, REST_SIGMA_MM);
    equations.add(&[(place + 1, 1.0)], 0.0, REST_SIGMA_MM_S);
}

/// One ball's way along a side, from what was seen of it: its place and velocity at an instant, and a third unknown that
/// adds `third` times itself at a time in seconds from there.
fn way(party: &Party<'_>, side: usize, at_us: f64, third: impl Fn(f64) -> f64) -> LeastSquares<3> {
    let mut equations = LeastSquares::new();
    if let Some(rest_mm) = party.rest_mm {
        rested(&mut equations, 0, rest_mm[side]);
    }
    for seen in party.sightings() {
        let t = (seen.exposure_us as f64 - at_us) / 1e6;
        equations.add(
            &[(0, 1.0), (1, t), (2, third(t))],
            seen.place_mm[side],
            party.sigma_mm,
        );
    }
    equations
}

/// Place at an instant and the velocities before and after, along each side, from one ball alone.
fn alone_bent(party: &Party<'_>, at_us: f64) -> Option<[[f64; 3]; 2]> {
    let mut sides = [[0.0; 3]; 2];
    for (i, side) in sides.iter_mut().enumerate() {
        let mut equations = way(party, i, at_us, |t| t.max(0.0));
        equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(2, 1.0)], 0.0, ANY_MM_S);
        *side = equations.solve()?.unknowns;
    }
    Some(sides)
}

/// What a straight way leaves unexplained, with spin and friction.
fn straight_misfit(party: &Party<'_>, at_us: f64) -> Option<f64> {
    let mut misfit = 0.0;
    for i in 0..2 {
        let mut equations = way(party, i, at_us, |t| 0.5 * t * t);
        let curved = match party.rest_mm {
            Some(_) => REST_SIGMA_MM_S,
            None if party.slides => SLIDING_WITHOUT_PUSH * SLIDING_MM_S2,
            None => ROLLING_MM_S2,
        };
        equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(2, 1.0)], 0.0, curved);
        misfit += equations.solve()?.misfit;
    }
    Some(misfit)
}

/// Both ways bent at `at_us` by one push.
fn bend(parties: &[Party<'_>; 2], at_us: f64, touch_mm: f64, alone: bool) -> Option<Bent> {
    if !is_seen(parties, at_us) {
        return None;
    }
    let sides = [alone_bent(&parties[0], at_us)?, alone_bent(&parties[1], at_us)?];
    let place = |k: usize| [sides[k][0][0], sides[k][1][0]];
    let velocity = |k: usize| [sides[k][0][1], sides[k][1][1]];
    let apart = sub2(place(1), place(0));
    let normal = scale2(apart, 1.0 / norm2(apart).max(1e-9));
    let closing = dot2(sub2(velocity(0), velocity(1)), normal).max(0.0);
    along_centres(parties, at_us, normal, closing, touch_mm, alone)
}

fn along_centres(
    parties: &[Party<'_>; 2],
    at_us: f64,
    normal: Vec2,
    closing: f64,
    touch_mm: f64,
    alone: bool,
) -> Option<Bent> {
    let across = [-normal[1], normal[0]];
    let slowing = SLIDING_MM_S2.min(SLIDING_PART * (closing + LEAST_PUSH_MM_S) / SPIN_LASTS_S);
    // Of each ball: place, velocity before, push, acceleration after.
    let mut equations = LeastSquares::<8>::new();
    let mut misfit = 0.0;
    let (mut places_mm, mut velocities_mm_s) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    for (k, party) in parties.iter().enumerate() {
        let mut beside = LeastSquares::<4>::new();
        let first = 4 * k;
        let sign = if k == 0 { -1.0 } else { 1.0 };
        if let Some(rest_mm) = party.rest_mm {
            rested(&mut equations, first, dot2(rest_mm, normal));
            rested(&mut beside, 0, dot2(rest_mm, across));
        }
        for seen in party.sightings() {
            let t = (seen.exposure_us as f64 - at_us) / 1e6;
            let after = t.max(0.0);
            let curve = 0.5 * after * after;
            equations.add(
                &[
                    (first, 1.0),
                    (first + 1, t),
                    (first + 2, sign * after),
                    (first + 3, curve),
                ],
                dot2(seen.place_mm, normal),
                party.sigma_mm,
            );
            beside.add(
                &[(0, 1.0), (1, t), (2, after), (3, curve)],
                dot2(seen.place_mm, across),
                party.sigma_mm,
            );
        }
        equations.add(&[(first + 3, 1.0)], 0.0, slowing);
        equations.add(&[(first + 1, 1.0)], 0.0, ANY_MM_S);
        beside.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(first + 2, 1.0)], 0.0, ANY_MM_S);
        let rub = if alone {
            RUB_PART * (closing + LEAST_PUSH_MM_S)
        } else {
            ANY_MM_S
        };
        beside.add(&[(2, 1.0)], 0.0, rub);
        beside.add(&[(3, 1.0)], 0.0, slowing);
        let fit = beside.solve()?;
        misfit += fit.misfit;
        let [place, velocity, rubbed, _] = fit.unknowns;
        places_mm[k] = scale2(across, place);
        velocities_mm_s[k] = scale2(across, velocity + rubbed);
    }
    equations.add(&[(4, 1.0), (0, -1.0)], touch_mm, TOUCH_SIGMA_MM);
    if alone {
        let kept = 0.5 * (1.0 + BALL_RESTITUTION);
        equations.add(&[(2, 1.0), (6, -1.0)], 0.0, PUSH_SIGMA_MM_S);
        equations.add(
            &[(2, 0.5), (6, 0.5), (1, -kept), (5, kept)],
            0.0,
            PUSH_PART * closing + PUSH_SIGMA_MM_S,
        );
    }
    let fit = equations.solve()?;
    let found = fit.unknowns;
    for k in 0..2 {
        let [place, velocity, push, _] = [0, 1, 2, 3].map(|i| found[4 * k + i]);
        let sign = if k == 0 { -1.0 } else { 1.0 };
        places_mm[k] = add2(places_mm[k], scale2(normal, place));
        velocities_mm_s[k] = add2(velocities_mm_s[k], scale2(normal, velocity + sign * push));
    }
    Some(Bent {
        places_mm,
        velocities_mm_s,
        push_mm_s: 0.5 * (found[2] + found[6]),
        misfit: misfit + fit.misfit,
    })
}
