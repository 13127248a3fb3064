//! Vectors and matrices of the two sizes that seeing a table needs.

/// A vector of two.
pub type Vec2 = [f64; 2];
/// A vector of three.
pub type Vec3 = [f64; 3];
/// Two rows of two.
pub type Mat2 = [[f64; 2]; 2];
/// Three rows of three.
pub type Mat3 = [[f64; 3]; 3];

/// The matrix that changes nothing.
pub const IDENTITY3: Mat3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// `a + b`.
pub fn add2(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] + b[0], a[1] + b[1]]
}

/// `a - b`.
pub fn sub2(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] - b[0], a[1] - b[1]]
}

/// `a * factor`.
pub fn scale2(a: Vec2, factor: f64) -> Vec2 {
    [a[0] * factor, a[1] * factor]
}

/// The product of two vectors, element by element, summed.
pub fn dot2(a: Vec2, b: Vec2) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// The length of a vector.
pub fn norm2(a: Vec2) -> f64 {
    libm::sqrt(dot2(a, a))
}

/// `m * v`.
pub fn mul2(m: &Mat2, v: Vec2) -> Vec2 {
    [dot2(m[0], v), dot2(m[1], v)]
}

/// `a * b`.
pub fn mul22(a: &Mat2, b: &Mat2) -> Mat2 {
    let bt = transpose2(b);
    a.map(|row| [dot2(row, bt[0]), dot2(row, bt[1])])
}

/// The matrix with rows and columns exchanged.
pub fn transpose2(m: &Mat2) -> Mat2 {
    [[m[0][0], m[1][0]], [m[0][1], m[1][1]]]
}

/// The determinant.
pub fn det2(m: &Mat2) -> f64 {
    m[0][0] * m[1][1] - m[0][1] * m[1][0]
}

/// The inverse; `None` where there is none that doubles can express.
pub fn inverse2(m: &Mat2) -> Option<Mat2> {
    let factor = 1.0 / det2(m);
    factor.is_finite().then(|| {
        [
            [m[1][1] * factor, -m[0][1] * factor],
            [-m[1][0] * factor, m[0][0] * factor],
        ]
    })
}

/// `a + b`.
pub fn add3(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// `a - b`.
pub fn sub3(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// The product of two vectors, element by element, summed.
pub fn dot3(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// `m * v`.
pub fn mul3(m: &Mat3, v: Vec3) -> Vec3 {
    [dot3(m[0], v), dot3(m[1], v), dot3(m[2], v)]
}

/// The matrix with rows and columns exchanged.
pub fn transpose3(m: &Mat3) -> Mat3 {
    [
        [m[0][0], m[1][0], m[2][0]],
        [m[0][1], m[1][1], m[2][1]],
        [m[0][2], m[1][2], m[2][2]],
    ]
}

/// `a * b`.
pub fn mul33(a: &Mat3, b: &Mat3) -> Mat3 {
    let bt = transpose3(b);
    a.map(|row| [dot3(row, bt[0]), dot3(row, bt[1]), dot3(row, bt[2])])
}
