//! Small dense linear algebra: what a homography and a least-squares step of fixed size need, and no more.

/// Solves `a x = b` by elimination with pivoting; `None` where `a` is singular to working precision.
pub(crate) fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        let size = a[pivot][column].abs();
        if size.is_nan() || size <= 1e-12 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        let (pivot_row, pivot_value) = (a[column], b[column]);
        for row in column + 1..N {
            let factor = a[row][column] / pivot_row[column];
            for (value, above) in a[row].iter_mut().zip(&pivot_row).skip(column) {
                *value -= factor * above;
            }
            b[row] -= factor * pivot_value;
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b.iter().all(|value| value.is_finite()).then_some(b)
}

/// A projective map of the plane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Homography(pub [[f64; 3]; 3]);

impl Homography {
    /// The map that takes each of four points to its partner; `None` where three lie on a line.
    pub fn from_corners(from: &[[f64; 2]; 4], to: &[[f64; 2]; 4]) -> Option<Self> {
        let mut a = [[0.0; 8]; 8];
        let mut b = [0.0; 8];
        for (i, (&[x, y], &[u, v])) in from.iter().zip(to).enumerate() {
            a[2 * i] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y];
            a[2 * i + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y];
            (b[2 * i], b[2 * i + 1]) = (u, v);
        }
        let h = solve(a, b)?;
        Some(Self([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]]))
    }

    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [u, v, w] = self.0.map(|row| row[0] * x + row[1] * y + row[2]);
        [u / w, v / w]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_homography_takes_its_corners_where_they_were_asked_to_go() {
        let from = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]];
        let to = [[100.0, 600.0], [1100.0, 620.0], [900.0, 100.0], [200.0, 90.0]];
        let map = Homography::from_corners(&from, &to).unwrap();
        for (point, goal) in from.iter().zip(&to) {
            let [x, y] = map.apply(*point);
            assert!((x - goal[0]).abs() < 1e-6 && (y - goal[1]).abs() < 1e-6);
        }
    }

    #[test]
    fn corners_on_one_line_make_no_homography() {
        let to = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        assert!(Homography::from_corners(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 5.0]], &to).is_none());
    }
}
