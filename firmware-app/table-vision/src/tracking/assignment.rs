use heapless::Vec;

use crate::limits::{MAX_OBSERVATIONS, MAX_TRACKS};

/// Columns of the problem: each observation, and for each track the choice to go without.
const COLUMNS: usize = MAX_OBSERVATIONS + MAX_TRACKS;
/// Stands for "no row" and "no column".
const NONE: u8 = u8::MAX;

const _: () = assert!(COLUMNS < NONE as usize, "rows and columns are counted in bytes");

/// Which observation belongs to which track, at the least total cost: successive shortest augmenting paths over dual
/// prices (Kuhn, Munkres, Jonker, Volgenant), in fixed memory. The work grows with the cube of the balls at worst; with
/// tracks that are where they were expected, with the square.
#[derive(Debug)]
pub struct Assignment {
    /// By track and observation, below zero: what is gained by pairing them. Zero or more: they must not be paired.
    costs: [[f32; MAX_OBSERVATIONS]; MAX_TRACKS],
    row_price: [f32; MAX_TRACKS],
    column_price: [f32; COLUMNS],
    row_of_column: [u8; COLUMNS],
    /// The shortest way to each column so far, and the column before it on that way.
    way_cost: [f32; COLUMNS],
    column_before: [u8; COLUMNS],
    reached: [bool; COLUMNS],
}

impl Assignment {
    pub const fn new() -> Self {
        Self {
            costs: [[0.0; MAX_OBSERVATIONS]; MAX_TRACKS],
            row_price: [0.0; MAX_TRACKS],
            column_price: [0.0; COLUMNS],
            row_of_column: [NONE; COLUMNS],
            way_cost: [0.0; COLUMNS],
            column_before: [NONE; COLUMNS],
            reached: [false; COLUMNS],
        }
    }

    /// Says what pairing costs, relative to leaving both alone.
    pub fn set_cost(&mut self, track: usize, observation: usize, cost: f32) {
        self.costs[track][observation] = cost.min(0.0);
    }

    /// For each of the first `tracks` tracks, the observation that is its own among the first `observations`.
    pub fn solve(&mut self, tracks: usize, observations: usize) -> Vec<Option<u8>, MAX_TRACKS> {
        let columns = observations + tracks;
        self.row_price[..tracks].fill(0.0);
        self.column_price[..columns].fill(0.0);
        self.row_of_column[..columns].fill(NONE);
        for row in 0..tracks {
            self.place(row, observations, columns);
        }
        let mut pairs = Vec::new();
        for _ in 0..tracks {
            // Within capacity: `tracks` indexes arrays of MAX_TRACKS.
            let _ = pairs.push(None);
        }
        for (column, &row) in self.row_of_column[..observations].iter().enumerate() {
            if row != NONE && self.costs[usize::from(row)][column] < 0.0 {
                pairs[usize::from(row)] = Some(column as u8);
            }
        }
        pairs
    }

    /// Finds a column for one more row, moving rows placed before where that is cheaper.
    fn place(&mut self, new_row: usize, observations: usize, columns: usize) {
        self.way_cost[..columns].fill(f32::INFINITY);
        self.reached[..columns].fill(false);
        let (mut row, mut last) = (new_row, NONE);
        loop {
            let (mut nearest, mut least) = (0, f32::INFINITY);
            for column in 0..columns {
                if self.reached[column] {
                    continue;
                }
                let cost = if column < observations {
                    self.costs[row][column]
                } else {
                    0.0
                };
                let reduced = cost - self.row_price[row] - self.column_price[column];
                if reduced < self.way_cost[column] {
                    self.way_cost[column] = reduced;
                    self.column_before[column] = last;
                }
                if self.way_cost[column] < least {
                    least = self.way_cost[column];
                    nearest = column;
                }
            }
            self.row_price[new_row] += least;
            for column in 0..columns {
                if self.reached[column] {
                    self.row_price[usize::from(self.row_of_column[column])] += least;
                    self.column_price[column] -= least;
                } else {
                    self.way_cost[column] -= least;
                }
            }
            self.reached[nearest] = true;
            last = nearest as u8;
            if self.row_of_column[nearest] == NONE {
                break;
            }
            row = usize::from(self.row_of_column[nearest]);
        }
        while last != NONE {
            let before = self.column_before[usize::from(last)];
            self.row_of_column[usize::from(last)] = match before {
                NONE => new_row as u8,
                column => self.row_of_column[usize::from(column)],
            };
            last = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best_by_trying_all(costs: &[[f32; 5]], row: usize, taken: &mut [bool; 5]) -> f32 {
        let Some(line) = costs.get(row) else { return 0.0 };
        let mut best = best_by_trying_all(costs, row + 1, taken);
        for column in 0..5 {
            if !taken[column] && line[column] < 0.0 {
                taken[column] = true;
                best = best.min(line[column] + best_by_trying_all(costs, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    #[test]
    fn no_other_pairing_costs_less() {
        let mut seed = 1_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 / 65_536.0
        };
        let mut assignment = Assignment::new();
        for _ in 0..500 {
            let rows = 1 + (random() * 5.0) as usize;
            let mut costs = [[0.0; 5]; 5];
            for (row, line) in costs[..rows].iter_mut().enumerate() {
                for (column, cost) in line.iter_mut().enumerate() {
                    *cost = (random() * 20.0 - 14.0).min(0.0);
                    assignment.set_cost(row, column, *cost);
                }
            }
            let pairs = assignment.solve(rows, 5);
            let mut taken = [false; 5];
            let mut total = 0.0;
            for (row, pair) in pairs.iter().enumerate() {
                if let Some(column) = pair.map(usize::from) {
                    assert!(
                        !core::mem::replace(&mut taken[column], true),
                        "an observation is given twice"
                    );
                    total += costs[row][column];
                }
            }
            let best = best_by_trying_all(&costs[..rows], 0, &mut [false; 5]);
            assert!((total - best).abs() < 1e-3, "{total} instead of {best}");
        }
    }

    #[test]
    fn a_full_problem_and_an_empty_one_are_solved() {
        let mut assignment = Assignment::new();
        assert!(assignment.solve(0, 0).is_empty());
        for track in 0..MAX_TRACKS {
            for observation in 0..MAX_OBSERVATIONS {
                let cost = if (track * 7) % MAX_OBSERVATIONS == observation {
                    -1.0
                } else {
                    -0.25
                };
                assignment.set_cost(track, observation, cost);
            }
        }
        assert!(
            assignment
                .solve(MAX_TRACKS, MAX_OBSERVATIONS)
                .iter()
                .all(Option::is_some)
        );
    }
}
