//! Linear least squares of a few unknowns, row by row.

/// Normal equations of `N` unknowns.
#[derive(Debug, Clone, Copy)]
pub struct LeastSquares<const N: usize> {
    /// Its lower triangle.
    matrix: [[f64; N]; N],
    right: [f64; N],
    squares: f64,
}

/// Unknowns that fit best, and the sum of squared residuals in sigma that they leave.
#[derive(Debug, Clone, Copy)]
pub struct Fit<const N: usize> {
    pub unknowns: [f64; N],
    pub misfit: f64,
    /// Lower triangle; its square is the normal equations' matrix.
    root: [[f64; N]; N],
}

impl<const N: usize> Fit<N> {
    /// The variance of a sum of terms, each an unknown's index and its factor.
    pub fn variance(&self, terms: &[(usize, f64)]) -> f64 {
        let mut parts = [0.0; N];
        for &(i, factor) in terms {
            parts[i] += factor;
        }
        for i in 0..N {
            parts[i] = (0..i).fold(parts[i], |sum, k| sum - self.root[i][k] * parts[k]) / self.root[i][i];
        }
        parts.iter().map(|part| part * part).sum()
    }
}

impl<const N: usize> LeastSquares<N> {
    pub const fn new() -> Self {
        Self {
            matrix: [[0.0; N]; N],
            right: [0.0; N],
            squares: 0.0,
        }
    }

    /// One more equation: the sum of `terms`, each an unknown's index and its factor, is `value` to within `sigma`.
    pub fn add(&mut self, terms: &[(usize, f64)], value: f64, sigma: f64) {
        let weight = 1.0 / (sigma * sigma);
        for &(i, a) in terms {
            for &(j, b) in terms.iter().filter(|(j, _)| *j <= i) {
                self.matrix[i][j] += weight * a * b;
            }
            self.right[i] += weight * a * value;
        }
        self.squares += weight * value * value;
    }

    /// The same where every unknown counts; `weight` is 1 / sigma².
    #[inline(always)]
    pub fn weigh(&mut self, factors: [f64; N], value: f64, weight: f64) {
        for (i, a) in factors.into_iter().enumerate() {
            let weighed = weight * a;
            for (entry, b) in self.matrix[i].iter_mut().zip(&factors[..=i]) {
                *entry += weighed * b;
            }
            self.right[i] += weighed * value;
        }
        self.squares += weight * value * value;
    }

    /// Adds all equations of some of the unknowns, those from `first` on.
    pub fn include<const M: usize>(&mut self, first: usize, part: &LeastSquares<M>) {
        for i in 0..M {
            for (entry, more) in self.matrix[first + i][first..]
                .iter_mut()
                .zip(&part.matrix[i][..=i])
            {
                *entry += more;
            }
            self.right[first + i] += part.right[i];
        }
        self.squares += part.squares;
    }

    /// The solution by Cholesky's method; `None` if the equations leave an unknown open.
    pub fn solve(&self) -> Option<Fit<N>> {
        let mut root = self.matrix;
        let mut unknowns = self.right;
        for i in 0..N {
            for j in 0..=i {
                let sum = (0..j).fold(root[i][j], |sum, k| sum - root[i][k] * root[j][k]);
                if i != j {
                    root[i][j] = sum / root[j][j];
                } else if sum > 1e-12 * self.matrix[i][i] {
                    root[i][i] = libm::sqrt(sum);
                } else {
                    return None;
                }
            }
            unknowns[i] = (0..i).fold(unknowns[i], |sum, k| sum - root[i][k] * unknowns[k]) / root[i][i];
        }
        let explained: f64 = unknowns.iter().map(|part| part * part).sum();
        for i in (0..N).rev() {
            unknowns[i] = (i + 1..N).fold(unknowns[i], |sum, k| sum - root[k][i] * unknowns[k]) / root[i][i];
        }
        Some(Fit {
            unknowns,
            misfit: (self.squares - explained).max(0.0),
            root,
        })
    }
}
