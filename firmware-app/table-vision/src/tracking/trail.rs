//! Where a ball was seen of late, and what its way since the last impact says.

use heapless::Vec;

use crate::geometry::linear::{Vec2, add2, dot2, norm2, scale2, sub2};

/// Places that are remembered: a third of a second at 120 frames a second.
pub const PLACES: usize = 64;
const _: () = assert!(PLACES <= 64, "a bit for each place");
/// Two balls are never nearer to each other than they are wide; seen nearer than this part of that, they were seen as one.
const BLURRED_PART: f64 = 0.8;
/// Deceleration of a ball that slides, as most do just after an impact: 0.2 g.
const SLIDING_MM_S2: f64 = 1962.0;

/// A ball seen so far beside its first way, for each time as far as it came, has turned aside; a shorter way has no direction.
const TURNED_MM: f64 = 4.0;
const TURNS_MM: f64 = 12.0;

/// A place and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    pub exposure_us: u64,
    pub place_mm: Vec2,
}

/// The newest places of a ball, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    places: Vec<Sighting, PLACES>,
}

/// A way that began at a known place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departure {
    /// When, in µs; between exposures.
    pub at_us: f64,
    /// Just after it began.
    pub velocity_mm_s: Vec2,
}

impl Trail {
    pub const fn new() -> Self {
        Self { places: Vec::new() }
    }

    pub fn push(&mut self, exposure_us: u64, place_mm: Vec2) {
        if self.places.is_full() {
            self.places.remove(0);
        }
        // Within capacity: made room above.
        let _ = self.places.push(Sighting {
            exposure_us,
            place_mm,
        });
    }

    pub fn last(&self) -> Option<&Sighting> {
        self.places.last()
    }

    /// The exposure before the newest, if it showed the ball near a place from which the newest is twice as far as near.
    pub fn last_near(&self, place_mm: Vec2, near_mm: f64) -> Option<u64> {
        let [.., before, newest] = &self.places[..] else {
            return None;
        };
        let off_mm = |seen: &Sighting| norm2(sub2(seen.place_mm, place_mm));
        (off_mm(before) < near_mm && off_mm(newest) > 2.0 * near_mm).then_some(before.exposure_us)
    }

    /// The places seen later than `since_us`.
    pub fn since(&self, since_us: u64) -> impl Iterator<Item = &Sighting> + Clone {
        let first = self.places.partition_point(|seen| seen.exposure_us <= since_us);
        self.places[first..].iter()
    }

    /// Which places, a bit each, are those of a blur of this ball and another one: where the other one, which was not seen
    /// then, leaves no room for it.
    pub fn blurs_with(&self, other: &Self, touch_mm: f64) -> u64 {
        let mut blurs = 0;
        let mut later = 0;
        for (i, seen) in self.places.iter().enumerate() {
            while (other.places.get(later)).is_some_and(|its| its.exposure_us < seen.exposure_us) {
                later += 1;
            }
            let Some(after) = other.places.get(later) else {
                break;
            };
            let before = later.checked_sub(1).map_or(after, |before| &other.places[before]);
            let gap_us = (after.exposure_us - before.exposure_us).max(1) as f64;
            let part = (seen.exposure_us as f64 - before.exposure_us as f64) / gap_us;
            if after.exposure_us == seen.exposure_us || !(0.0..=1.0).contains(&part) {
                continue;
            }
            let its_mm = add2(
                before.place_mm,
                scale2(sub2(after.place_mm, before.place_mm), part),
            );
            if norm2(sub2(seen.place_mm, its_mm)) < BLURRED_PART * touch_mm {
                blurs |= 1 << i;
            }
        }
        blurs
    }

    /// When this ball and another one were seen nearest to each other later than `since_us`.
    pub fn nearest(&self, other: &Self, since_us: u64) -> Option<Nearest> {
        let mut nearest: Option<Nearest> = None;
        let mut before: Option<Vec2> = None;
        let mut its_places = other.since(since_us).peekable();
        for own in self.since(since_us) {
            while its_places
                .next_if(|its| its.exposure_us < own.exposure_us)
                .is_some()
            {}
            let Some(its) = its_places.next_if(|its| its.exposure_us == own.exposure_us) else {
                continue;
            };
            let apart = sub2(its.place_mm, own.place_mm);
            let step_mm = before.map_or(0.0, |before| norm2(sub2(apart, before)));
            if let Some(nearest) = nearest.as_mut().filter(|nearest| nearest.step_mm == 0.0) {
                nearest.step_mm = step_mm;
            }
            if nearest.is_none_or(|so_far| norm2(apart) < so_far.apart_mm) {
                nearest = Some(Nearest {
                    at_us: own.exposure_us,
                    apart_mm: norm2(apart),
                    step_mm,
                });
            }
            before = Some(apart);
        }
        nearest
    }

    /// Whether both balls were seen farther apart than that between two instants.
    pub fn was_apart(&self, other: &Self, from_us: u64, until_us: u64, apart_mm: f64) -> bool {
        let between = |seen: &&Sighting| seen.exposure_us < until_us;
        self.since(from_us).take_while(between).any(|own| {
            let its = other
                .since(from_us)
                .find(|its| its.exposure_us == own.exposure_us);
            its.is_some_and(|its| norm2(sub2(its.place_mm, own.place_mm)) > apart_mm)
        })
    }

    /// How close the ball came to a place between two instants: straight from sighting to sighting, or straight on from
    /// the sightings before, for its way may have been bent there. `None` if it was not seen then.
    pub fn approach(&self, to_mm: Vec2, from_us: f64, until_us: f64) -> Option<Approach> {
        let mut approach: Option<Approach> = None;
        for (i, (a, b)) in self.places.iter().zip(self.places.iter().skip(1)).enumerate() {
            if (b.exposure_us as f64) < from_us || a.exposure_us as f64 > until_us {
                continue;
            }
            let step_mm = norm2(sub2(b.place_mm, a.place_mm));
            let mut distance_mm = distance_to_way(to_mm, a.place_mm, b.place_mm);
            if let Some(before) = i.checked_sub(1).map(|i| &self.places[i]) {
                let on = add2(a.place_mm, sub2(a.place_mm, before.place_mm));
                distance_mm = distance_mm.min(distance_to_way(to_mm, a.place_mm, on));
            }
            let so_far = approach.unwrap_or(Approach {
                distance_mm: f64::INFINITY,
                step_mm: 0.0,
                moved_mm: 0.0,
            });
            approach = Some(Approach {
                distance_mm: so_far.distance_mm.min(distance_mm),
                step_mm: so_far.step_mm.max(step_mm),
                moved_mm: so_far.moved_mm + step_mm,
            });
        }
        approach
    }
}

/// How near two balls were seen to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    pub at_us: u64,
    pub apart_mm: f64,
    /// How much that changed from one sighting to the next then.
    pub step_mm: f64,
}

/// How a ball passed a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approach {
    pub distance_mm: f64,
    /// The longest way between two sightings meanwhile.
    pub step_mm: f64,
    /// How far it went meanwhile.
    pub moved_mm: f64,
}

/// How far a point is from the straight way between two others.
pub fn distance_to_way(point: Vec2, from: Vec2, to: Vec2) -> f64 {
    let way = sub2(to, from);
    let length_squared = dot2(way, way);
    let part = if length_squared > 0.0 {
        (dot2(sub2(point, from), way) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    norm2(sub2(add2(from, scale2(way, part)), point))
}

/// The last sighting before a ball that left a place turned aside, if it did.
pub fn turned_after<'a>(from_mm: Vec2, seen: impl Iterator<Item = &'a Sighting> + Clone) -> Option<u64> {
    let legs = seen.clone().zip(seen.skip(1));
    for (before, after) in legs {
        let way = sub2(before.place_mm, from_mm);
        let on = sub2(after.place_mm, before.place_mm);
        let (way_mm, on_mm) = (norm2(way), norm2(on));
        let beside_mm = (way[0] * on[1] - way[1] * on[0]).abs() / way_mm.max(1e-6);
        if way_mm > TURNS_MM && beside_mm > TURNED_MM * (1.0 + on_mm / way_mm) {
            return Some(before.exposure_us);
        }
    }
    None
}

/// When and how fast a ball left `from_mm`, no earlier than `earliest_us` and no later than its first sighting elsewhere.
pub fn departure<'a>(
    from_mm: Vec2,
    earliest_us: u64,
    seen: impl Iterator<Item = &'a Sighting> + Clone,
) -> Option<Departure> {
    let first_us = seen.clone().next()?.exposure_us;
    let last = seen.clone().last()?;
    let way = sub2(last.place_mm, from_mm);
    let length = norm2(way);
    if length < 1e-3 {
        return None;
    }
    let direction = scale2(way, 1.0 / length);
    let count = seen.clone().count() as f64;
    let relative_s = |us: u64| us.saturating_sub(earliest_us) as f64 / 1e6;
    let window_s = relative_s(first_us);
    let mut start_s = 0.5 * window_s;
    let mut speed = length / (relative_s(last.exposure_us) - start_s).max(1e-4);
    if count >= 2.0 {
        // Distances with the slowing added back lie on a line: its slope is the speed, its foot the start.
        for _ in 0..4 {
            let (mut st, mut sd, mut stt, mut std) = (0.0, 0.0, 0.0, 0.0);
            for sighting in seen.clone() {
                let t = relative_s(sighting.exposure_us);
                let moving_s = (t - start_s).max(0.0);
                // A ball stops sliding when two sevenths of its speed are gone.
                let sliding_s = moving_s.min(2.0 / 7.0 * speed / SLIDING_MM_S2);
                let lost = SLIDING_MM_S2 * sliding_s * (moving_s - 0.5 * sliding_s);
                let d = dot2(sub2(sighting.place_mm, from_mm), direction) + lost;
                st += t;
                sd += d;
                stt += t * t;
                std += t * d;
            }
            let spread = count * stt - st * st;
            speed = ((count * std - st * sd) / spread).max(1.0);
            start_s = ((st - sd / speed) / count).clamp(0.0, window_s);
            if !(start_s > 0.0 && start_s < window_s) {
                // The start is where it can be at most; the speed follows from it.
                let (mut num, mut den) = (0.0, 0.0);
                for sighting in seen.clone() {
                    let t = relative_s(sighting.exposure_us) - start_s;
                    let sliding_s = t.min(2.0 / 7.0 * speed / SLIDING_MM_S2);
                    let lost = SLIDING_MM_S2 * sliding_s * (t - 0.5 * sliding_s);
                    num += t * (dot2(sub2(sighting.place_mm, from_mm), direction) + lost);
                    den += t * t;
                }
                speed = (num / den.max(1e-9)).max(1.0);
            }
        }
    }
    Some(Departure {
        at_us: earliest_us as f64 + start_s * 1e6,
        velocity_mm_s: scale2(direction, speed),
    })
}
