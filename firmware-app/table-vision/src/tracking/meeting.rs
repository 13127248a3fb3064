//! Two balls that met, told from where both were seen before and after: when, where, and how fast they went on.
//!
//! For every instant that is tried, a straight way that is bent then is fitted to each ball's sightings: the centres are
//! a diameter apart, both ways are bent by the same push along the line of centres, and the push is what the closing
//! speed makes of it. The instant with the least misfit wins; how much worse the ways are without a push says whether
//! they met at all.

use heapless::Vec;

use super::collide::BALL_RESTITUTION;
use super::least_squares::LeastSquares;
use super::leaving::Speed;
use super::parties::AT_ONCE_US;
use super::party::{Party, SLIP_DOUBT, Watched};
use super::slide::{ROLLING_MM_S2, SLIDING_MM_S2, Slip, carried_mm, rub_part};
use crate::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};

/// Sightings so long before and after an impact tell its time; where other impacts disturb them, fewer.
const ROLLING_US: [f64; 2] = [280_000.0, 160_000.0];
const SLIDING_US: [f64; 2] = [110_000.0, 85_000.0];
const SHORTLY_US: [f64; 2] = [50_000.0, 45_000.0];
/// What a sighting may leave unexplained, squared in sigma.
const FITS: f64 = 2.5;
/// Instants tried on each side of the guess.
const TRIED: i32 = 8;
const MAX_TRIES: usize = 2 * TRIED as usize + 1;
/// And then, on each side of the mean, so many over so many standard deviations.
const TRIED_FINELY: i32 = 6;
const SPREAD_SIGMAS: f64 = 2.5;
/// How well the distance of two touching balls is kept by ways that friction bends.
const TOUCH_SIGMA_MM: f64 = 0.2;
/// What friction between balls changes the speed of their surfaces by, for each part of the push: 1 / (2/5).
const SPUN: f64 = 2.5;
/// What the push may differ by from what the closing speed makes of it, as a part and in mm/s.
const PUSH_PART: f64 = 0.03;
const PUSH_SIGMA_MM_S: f64 = 5.0;
/// The same of a ball that another one pushed at about that time.
const TOGETHER_PART: f64 = 0.1;
const TOGETHER_SIGMA_MM_S: f64 = 50.0;
/// What friction does after an impact, of a ball that may have slid before: 0.2 g, and no more than this part of the push
/// in all.
const SLIDING_PART: f64 = 0.35;
const SPIN_LASTS_S: f64 = 0.085;
/// Of a ball that rolled or lay still it is known to this part, and across the push in mm/s².
const CARRIED_DOUBT: f64 = 0.25;
const ACROSS_MM_S2: f64 = 150.0;
/// What curves the way of a ball that met nothing: a part of that while it still slides from before, and what slows rolling.
const SLIDING_WITHOUT_PUSH: f64 = 0.3;
/// A push that is hardly one, mm/s.
const LEAST_PUSH_MM_S: f64 = 20.0;
/// How well a resting ball's place is known.
const REST_SIGMA_MM: f64 = 1.0;
const REST_SIGMA_MM_S: f64 = 0.5;
/// A push or a speed that nothing is known of, mm/s.
const ANY_MM_S: f64 = 1e4;

/// Two balls that met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting {
    /// When, and what that may be off by (a standard deviation).
    pub at_us: f64,
    pub sigma_us: f64,
    pub places_mm: [Vec2; 2],
    /// Just afterwards.
    pub speeds: [Speed; 2],
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
    speed_variances: [f64; 2],
    push_mm_s: f64,
    misfit: f64,
}

/// What several instants say together, each weighed by its likelihood.
struct Average {
    at_us: f64,
    sigma_us: f64,
    /// With the least misfit of all.
    bent: Bent,
}

impl Average {
    fn of(tries: &[(f64, Bent)]) -> Option<Self> {
        let least = tries.iter().map(|(_, bent)| bent.misfit).reduce(f64::min)?;
        let (mut total, mut at_us, mut squared_us) = (0.0, 0.0, 0.0);
        let mut mean = Bent {
            places_mm: [[0.0; 2]; 2],
            velocities_mm_s: [[0.0; 2]; 2],
            speed_variances: [0.0; 2],
            push_mm_s: 0.0,
            misfit: least,
        };
        let (mut speeds, mut squared_speeds) = ([0.0; 2], [0.0; 2]);
        let first_us = tries.first()?.0;
        for (us, bent) in tries {
            let weight = libm::exp(0.5 * (least - bent.misfit));
            total += weight;
            at_us += weight * (us - first_us);
            squared_us += weight * (us - first_us) * (us - first_us);
            mean.push_mm_s += weight * bent.push_mm_s;
            for k in 0..2 {
                mean.places_mm[k] = add2(mean.places_mm[k], scale2(bent.places_mm[k], weight));
                mean.velocities_mm_s[k] =
                    add2(mean.velocities_mm_s[k], scale2(bent.velocities_mm_s[k], weight));
                let speed = norm2(bent.velocities_mm_s[k]);
                speeds[k] += weight * speed;
                squared_speeds[k] += weight * (speed * speed + bent.speed_variances[k]);
            }
        }
        at_us /= total;
        mean.push_mm_s /= total;
        for k in 0..2 {
            mean.places_mm[k] = scale2(mean.places_mm[k], 1.0 / total);
            mean.velocities_mm_s[k] = scale2(mean.velocities_mm_s[k], 1.0 / total);
            let speed = speeds[k] / total;
            mean.speed_variances[k] = (squared_speeds[k] / total - speed * speed).max(0.0);
        }
        Some(Self {
            at_us: first_us + at_us,
            sigma_us: libm::sqrt((squared_us / total - at_us * at_us).max(0.0)),
            bent: mean,
        })
    }
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
    for shortly in [false, true] {
        let within = |centre_us: f64| {
            [0, 1].map(|k| {
                let party = &parties[k];
                let [before_us, after_us] = if shortly {
                    SHORTLY_US
                } else if party.slides && party.rest_mm.is_none() {
                    SLIDING_US
                } else {
                    ROLLING_US
                };
                party.around(centre_us, before_us, after_us)
            })
        };
        let near_us = tries(&within(around_us), around_us, reach_us, touch_mm, alone, TRIED);
        let Some(near) = Average::of(&near_us) else {
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

/// Both ways bent at so many instants on each side of one, within reach of it and between the balls' other impacts.
fn tries(
    parties: &[Watched<'_>; 2],
    around_us: f64,
    reach_us: f64,
    touch_mm: f64,
    alone: bool,
    tried: i32,
) -> Vec<(f64, Bent), MAX_TRIES> {
    let [a, b] = [0, 1].map(|k| &parties[k].party);
    let earliest_us = (a.from_us.max(b.from_us) - AT_ONCE_US).max(around_us - reach_us);
    let latest_us = (a.until_us.min(b.until_us) + AT_ONCE_US).min(around_us + reach_us);
    let middle_us = 0.5 * (earliest_us + latest_us);
    let step_us = 0.5 * (latest_us - earliest_us) / f64::from(tried);
    (-tried..=tried)
        .filter_map(|k| {
            let at_us = middle_us + step_us * f64::from(k);
            Some((at_us, bend(parties, at_us, touch_mm, alone)?))
        })
        .collect()
}

fn meeting_within(
    parties: &[Watched<'_>; 2],
    around_us: f64,
    reach_us: f64,
    touch_mm: f64,
    alone: bool,
) -> Option<Meeting> {
    let coarse = Average::of(&tries(parties, around_us, reach_us, touch_mm, alone, TRIED))?;
    let finely_us = reach_us / f64::from(TRIED) + SPREAD_SIGMAS * coarse.sigma_us;
    let fine = Average::of(&tries(
        parties,
        coarse.at_us,
        finely_us,
        touch_mm,
        alone,
        TRIED_FINELY,
    ))?;
    let (mut straight, mut count) = (0.0, 0.0);
    for party in parties {
        straight += straight_misfit(party, fine.at_us)?;
        count += party.glimpses.len() as f64;
    }
    let freedom = (2.0 * count - 8.0).max(2.0);
    Some(Meeting {
        at_us: fine.at_us,
        sigma_us: fine.sigma_us,
        places_mm: fine.bent.places_mm,
        speeds: [0, 1].map(|k| Speed {
            velocity_mm_s: fine.bent.velocities_mm_s[k],
            sigma_mm_s: libm::sqrt(fine.bent.speed_variances[k] * (fine.bent.misfit / freedom).max(1.0)),
        }),
        push_mm_s: fine.bent.push_mm_s,
        gain: straight - fine.bent.misfit,
        misfit: fine.bent.misfit / freedom,
        straight_misfit: straight / freedom,
    })
}

/// Whether enough was seen before and after an instant.
fn is_seen(parties: &[Watched<'_>; 2], at_us: f64) -> bool {
    let seen = [0, 1].map(|k| parties[k].was_seen(at_us));
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
fn way(
    party: &Watched<'_>,
    side: usize,
    at_us: f64,
    after: Option<Slip>,
    third: impl Fn(f64) -> f64,
) -> LeastSquares<3> {
    let mut equations = LeastSquares::new();
    if let Some(rest_mm) = party.party.rest_mm {
        rested(&mut equations, 0, rest_mm[side]);
    }
    for seen in &party.glimpses {
        let t = (seen.at_us - at_us) / 1e6;
        let place_mm = party.party.straightened(seen, at_us, after);
        equations.weigh([1.0, t, third(t)], place_mm[side], seen.weight);
    }
    equations
}

/// Place at an instant and the velocities before and after, along each side, from one ball alone.
fn alone_bent(party: &Watched<'_>, at_us: f64) -> Option<[[f64; 3]; 2]> {
    let mut sides = [[0.0; 3]; 2];
    for (i, side) in sides.iter_mut().enumerate() {
        let mut equations = way(party, i, at_us, None, |t| t.max(0.0));
        equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(2, 1.0)], 0.0, ANY_MM_S);
        *side = equations.solve()?.unknowns;
    }
    Some(sides)
}

/// What a straight way leaves unexplained, with spin and friction.
fn straight_misfit(party: &Watched<'_>, at_us: f64) -> Option<f64> {
    let mut misfit = 0.0;
    for i in 0..2 {
        let mut equations = way(party, i, at_us, party.party.slip, |t| 0.5 * t * t);
        let curved = match party.party.rest_mm {
            Some(_) => REST_SIGMA_MM_S,
            None if party.party.slip.is_some() => SLIP_DOUBT * SLIDING_MM_S2,
            None if party.party.slides => SLIDING_WITHOUT_PUSH * SLIDING_MM_S2,
            None => ROLLING_MM_S2,
        };
        equations.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(2, 1.0)], 0.0, curved);
        misfit += equations.solve()?.misfit;
    }
    Some(misfit)
}

/// Both ways bent at `at_us` by one push.
fn bend(parties: &[Watched<'_>; 2], at_us: f64, touch_mm: f64, alone: bool) -> Option<Bent> {
    if !is_seen(parties, at_us) {
        return None;
    }
    let sides = [alone_bent(&parties[0], at_us)?, alone_bent(&parties[1], at_us)?];
    let place = |k: usize| [sides[k][0][0], sides[k][1][0]];
    let before = [0, 1].map(|k| [sides[k][0][1], sides[k][1][1]]);
    let after = [0, 1].map(|k| add2(before[k], [sides[k][0][2], sides[k][1][2]]));
    let apart = sub2(place(1), place(0));
    let normal = scale2(apart, 1.0 / norm2(apart).max(1e-9));
    let closing = dot2(sub2(before[0], before[1]), normal).max(0.0);
    let velocities = [0, 1].map(|k| [before[k], after[k]]);
    along_centres(parties, at_us, velocities, normal, closing, touch_mm, alone)
}

/// How much more the cloth takes back from a ball, as a part, because the other one's roll rubbed it: a ball that rolls
/// onto one that lies still loses roll to it, and gives it the opposite.
fn spun_part(
    parties: &[Watched<'_>; 2],
    k: usize,
    rub: f64,
    closing: f64,
    guessed_mm_s: [[Vec2; 2]; 2],
) -> f64 {
    let lies = |k: usize| parties[k].party.rest_mm.is_some();
    let rolls = |k: usize| !lies(k) && !parties[k].party.slides;
    let spun = |roller: usize| {
        let full = closing / norm2(guessed_mm_s[roller][0]).max(1.0);
        SPUN * rub * full.min(1.0)
    };
    if lies(k) && rolls(1 - k) {
        spun(1 - k)
    } else if rolls(k) && lies(1 - k) {
        -spun(k)
    } else {
        0.0
    }
}

fn along_centres(
    parties: &[Watched<'_>; 2],
    at_us: f64,
    guessed_mm_s: [[Vec2; 2]; 2],
    normal: Vec2,
    closing: f64,
    touch_mm: f64,
    alone: bool,
) -> Option<Bent> {
    let across = [-normal[1], normal[0]];
    let kept = 0.5 * (1.0 + BALL_RESTITUTION);
    let rub = rub_part(norm2(sub2(guessed_mm_s[0][0], guessed_mm_s[1][0])));
    let slowing = SLIDING_MM_S2.min(SLIDING_PART * (closing + LEAST_PUSH_MM_S) / SPIN_LASTS_S);
    // Of each ball: place, velocity before, push, friction after.
    let mut equations = LeastSquares::<8>::new();
    let mut misfit = 0.0;
    let (mut places_mm, mut velocities_mm_s) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    let mut across_variances = [0.0; 2];
    for (k, party) in parties.iter().enumerate() {
        let (mut ahead, mut beside) = (LeastSquares::<4>::new(), LeastSquares::<4>::new());
        let first = 4 * k;
        let sign = if k == 0 { -1.0 } else { 1.0 };
        let Party { rest_mm, slides, .. } = party.party;
        if let Some(rest_mm) = rest_mm {
            rested(&mut equations, first, dot2(rest_mm, normal));
            rested(&mut beside, 0, dot2(rest_mm, across));
        }
        let knows_friction = rest_mm.is_some() || !slides;
        let spun = spun_part(parties, k, rub, closing, guessed_mm_s);
        let slip = party
            .party
            .slip
            .filter(|_| !knows_friction)
            .map(|slip| slip.pushed(at_us, scale2(normal, sign * kept * closing)));
        let slowed = party.party.slowed(guessed_mm_s[k]);
        for seen in &party.glimpses {
            let t = (seen.at_us - at_us) / 1e6;
            let after = t.max(0.0);
            let curve = 0.5 * after * after;
            let carried = if knows_friction {
                -sign * carried_mm(kept * closing, after)
            } else {
                curve
            };
            let short_mm = slowed[usize::from(t >= 0.0)].short_mm(t);
            let place_mm = add2(party.party.straightened(seen, at_us, slip), short_mm);
            let along = [1.0, t, sign * after, carried];
            ahead.weigh(along, dot2(place_mm, normal), seen.weight);
            beside.weigh([1.0, t, after, curve], dot2(place_mm, across), seen.weight);
        }
        equations.include(first, &ahead);
        if knows_friction {
            equations.add(&[(first + 3, 1.0)], 1.0 + spun, CARRIED_DOUBT);
            beside.add(&[(3, 1.0)], 0.0, ACROSS_MM_S2);
        } else if slip.is_some() {
            equations.add(&[(first + 3, 1.0)], 0.0, CARRIED_DOUBT * SLIDING_MM_S2);
            beside.add(&[(3, 1.0)], 0.0, CARRIED_DOUBT * SLIDING_MM_S2);
        } else {
            equations.add(&[(first + 3, 1.0)], 0.0, slowing);
            beside.add(&[(3, 1.0)], 0.0, slowing);
        }
        equations.add(&[(first + 1, 1.0)], 0.0, ANY_MM_S);
        beside.add(&[(1, 1.0)], 0.0, ANY_MM_S);
        equations.add(&[(first + 2, 1.0)], 0.0, ANY_MM_S);
        let rubbed_mm_s = if alone {
            rub * (closing + LEAST_PUSH_MM_S)
        } else {
            ANY_MM_S
        };
        beside.add(&[(2, 1.0)], 0.0, rubbed_mm_s);
        let fit = beside.solve()?;
        misfit += fit.misfit;
        let [place, velocity, rubbed, _] = fit.unknowns;
        places_mm[k] = scale2(across, place);
        velocities_mm_s[k] = scale2(across, velocity + rubbed);
        across_variances[k] = fit.variance(&[(1, 1.0), (2, 1.0)]);
    }
    equations.add(&[(4, 1.0), (0, -1.0)], touch_mm, TOUCH_SIGMA_MM);
    let push_mm_s = if alone {
        PUSH_PART * closing + PUSH_SIGMA_MM_S
    } else {
        TOGETHER_PART * closing + TOGETHER_SIGMA_MM_S
    };
    equations.add(
        &[(2, 1.0), (6, -1.0)],
        0.0,
        if alone {
            PUSH_SIGMA_MM_S
        } else {
            TOGETHER_SIGMA_MM_S
        },
    );
    equations.add(&[(2, 0.5), (6, 0.5), (1, -kept), (5, kept)], 0.0, push_mm_s);
    let fit = equations.solve()?;
    let found = fit.unknowns;
    let mut speed_variances = [0.0; 2];
    for k in 0..2 {
        let first = 4 * k;
        let [place, velocity, push] = [0, 1, 2].map(|i| found[first + i]);
        let sign = if k == 0 { -1.0 } else { 1.0 };
        places_mm[k] = add2(places_mm[k], scale2(normal, place));
        velocities_mm_s[k] = add2(velocities_mm_s[k], scale2(normal, velocity + sign * push));
        let along = dot2(velocities_mm_s[k], normal) / norm2(velocities_mm_s[k]).max(1e-9);
        let variance = fit.variance(&[(first + 1, 1.0), (first + 2, sign)]);
        speed_variances[k] = along * along * variance + (1.0 - along * along) * across_variances[k];
    }
    Some(Bent {
        places_mm,
        velocities_mm_s,
        speed_variances,
        push_mm_s: 0.5 * (found[2] + found[6]),
        misfit: misfit + fit.misfit,
    })
}
