//! Outlines of cushions: facings, rounded jaws.

use glam::DVec2;

/// Straight pieces of a rounded jaw.
pub const JAW_STEPS: usize = 6;

/// Where a facing that starts at (`start`, 0) and makes this angle with the nose reaches the depth of the cushion.
pub fn facing_end(start: f64, facing_deg: f64, depth: f64) -> DVec2 {
    let along = depth / libm::tan((180.0 - facing_deg).to_radians());
    DVec2::new(start - along, -depth)
}

/// Emits the corner at `b` of the path a, b, c, rounded.
pub fn rounded(a: DVec2, b: DVec2, c: DVec2, radius: f64, push: &mut impl FnMut(DVec2)) {
    let (to_a, to_c) = ((a - b).normalize(), (c - b).normalize());
    let half = libm::acos(to_a.dot(to_c).clamp(-1.0, 1.0)) / 2.0;
    let reach = (radius / libm::tan(half))
        .min(0.45 * b.distance(a))
        .min(0.45 * b.distance(c));
    let radius = reach * libm::tan(half);
    let centre = b + (to_a + to_c).normalize() * (radius / libm::sin(half));
    let (from, to) = (b + to_a * reach - centre, b + to_c * reach - centre);
    for step in 0..=JAW_STEPS {
        if reach < 1e-6 {
            push(b);
            continue;
        }
        let t = step as f64 / JAW_STEPS as f64;
        push(centre + (from * (1.0 - t) + to * t).normalize() * radius);
    }
}

/// Whether a closed polygon holds a point.
pub fn inside(polygon: &[DVec2], point: DVec2) -> bool {
    let mut inside = false;
    let mut previous = polygon[polygon.len() - 1];
    for &vertex in polygon {
        if (vertex.y > point.y) != (previous.y > point.y) {
            let x = previous.x + (point.y - previous.y) / (vertex.y - previous.y) * (vertex.x - previous.x);
            inside ^= point.x < x;
        }
        previous = vertex;
    }
    inside
}
