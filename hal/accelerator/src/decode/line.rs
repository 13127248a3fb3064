use baize_frame::Region;

/// Of the spread across a line's votes, so many strides make its direction that of the points; nearer together, the
/// points say less of it than the votes' own directions do.
const LEAST_SPREAD_STRIDES: f32 = 1.0;

/// A directed straight line.
#[derive(Clone, Copy)]
pub(super) struct Line {
    point: [f32; 2],
    direction: [f32; 2],
}

impl Line {
    /// Through a point, along a unit vector.
    pub const fn new(point: [f32; 2], direction: [f32; 2]) -> Self {
        Self { point, direction }
    }

    /// How far along the line the foot of a point is.
    pub fn along(&self, point: [f32; 2]) -> f32 {
        let [dx, dy] = [point[0] - self.point[0], point[1] - self.point[1]];
        dx * self.direction[0] + dy * self.direction[1]
    }

    /// How far beside the line a point is, signed.
    pub fn across(&self, point: [f32; 2]) -> f32 {
        let [dx, dy] = [point[0] - self.point[0], point[1] - self.point[1]];
        dx * self.direction[1] - dy * self.direction[0]
    }

    /// The point so far along the line.
    pub fn point(&self, along: f32) -> [f32; 2] {
        [
            self.point[0] + along * self.direction[0],
            self.point[1] + along * self.direction[1],
        ]
    }

    /// Cosine of the angle to a unit vector.
    pub fn cosine(&self, direction: [f32; 2]) -> f32 {
        self.direction[0] * direction[0] + self.direction[1] * direction[1]
    }

    /// The line nearest to points (position, unit vector along it with either sign, weight): least squares across it.
    /// Points that lie too close together give no direction; then it is the mean of theirs. Points that say nothing
    /// leave the line as it is.
    pub fn refitted(
        self,
        points: impl Iterator<Item = ([f32; 2], [f32; 2], f32)> + Clone,
        stride: f32,
    ) -> Self {
        let (mut weight, mut mean, mut own) = (0.0f32, [0.0f32; 2], [0.0f32; 2]);
        for (at, direction, w) in points.clone() {
            let sign = if self.cosine(direction) < 0.0 { -w } else { w };
            weight += w;
            for axis in 0..2 {
                mean[axis] += w * at[axis];
                own[axis] += sign * direction[axis];
            }
        }
        if weight <= 0.0 {
            return self;
        }
        let mean = mean.map(|sum| sum / weight);
        let (mut xx, mut xy, mut yy) = (0.0f32, 0.0f32, 0.0f32);
        for (at, _, w) in points {
            let [dx, dy] = [at[0] - mean[0], at[1] - mean[1]];
            xx += w * dx * dx;
            xy += w * dx * dy;
            yy += w * dy * dy;
        }
        let spread = ((xx + yy) / weight).sqrt();
        let direction = if spread >= LEAST_SPREAD_STRIDES * stride {
            // The principal axis of the points.
            let turn = 0.5 * f32::atan2(2.0 * xy, xx - yy);
            let axis = [turn.cos(), turn.sin()];
            if self.cosine(axis) < 0.0 {
                axis.map(|part| -part)
            } else {
                axis
            }
        } else {
            let length = f32::hypot(own[0], own[1]);
            if length <= 0.0 {
                return Self::new(mean, self.direction);
            }
            own.map(|part| part / length)
        };
        Self::new(mean, direction)
    }
}

/// The part of a stick that lies in the region; `None` where none does.
pub(super) fn clip(ends: [[f32; 2]; 2], region: Region) -> Option<[[f32; 2]; 2]> {
    let [tip, butt] = ends;
    let first = [region.x, region.y].map(|at| at as f32);
    let last = [region.x + region.width, region.y + region.height].map(|at| at as f32);
    // Shares of the way from tip to butt between which both coordinates are inside.
    let (mut from, mut to) = (0.0f32, 1.0f32);
    for axis in 0..2 {
        let step = butt[axis] - tip[axis];
        if step == 0.0 {
            if tip[axis] < first[axis] || tip[axis] > last[axis] {
                return None;
            }
            continue;
        }
        let at = [(first[axis] - tip[axis]) / step, (last[axis] - tip[axis]) / step];
        from = from.max(at[0].min(at[1]));
        to = to.min(at[0].max(at[1]));
    }
    let point = |share: f32| {
        [
            tip[0] + share * (butt[0] - tip[0]),
            tip[1] + share * (butt[1] - tip[1]),
        ]
    };
    (from < to).then(|| {
        [
            if from > 0.0 { point(from) } else { tip },
            if to < 1.0 { point(to) } else { butt },
        ]
    })
}
