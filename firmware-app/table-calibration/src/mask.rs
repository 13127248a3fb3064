//! A set of pixels, and the few operations on it that finding the cloth needs.

/// Which pixels of a small picture belong to something.
#[derive(Clone)]
pub(crate) struct Mask {
    pub width: usize,
    pub height: usize,
    pub bits: Vec<bool>,
}

impl Mask {
    pub fn area(&self) -> usize {
        self.bits.iter().filter(|&&bit| bit).count()
    }

    pub fn get(&self, x: isize, y: isize) -> bool {
        x >= 0
            && y >= 0
            && (x as usize) < self.width
            && (y as usize) < self.height
            && self.bits[y as usize * self.width + x as usize]
    }

    /// Fills gaps of up to twice `radius`: the shadow under a cushion, a cue, a thin line.
    pub fn closed(&self, radius: usize) -> Self {
        self.inverted().opened(radius).inverted()
    }

    /// Removes what is narrower than twice `radius`: bridges of alike colour between the cloth and the room.
    pub fn opened(&self, radius: usize) -> Self {
        self.eroded(radius).inverted().eroded(radius).inverted()
    }

    fn inverted(&self) -> Self {
        Self {
            bits: self.bits.iter().map(|bit| !bit).collect(),
            ..*self
        }
    }

    /// Pixels whose square neighbourhood within the picture is all set.
    fn eroded(&self, radius: usize) -> Self {
        let rows = self.run(radius, |x, y| y * self.width + x, self.width, self.height);
        let turned = Self { bits: rows, ..*self };
        let bits = turned.run(radius, |y, x| y * self.width + x, self.height, self.width);
        Self { bits, ..*self }
    }

    fn run(
        &self,
        radius: usize,
        at: impl Fn(usize, usize) -> usize,
        length: usize,
        lines: usize,
    ) -> Vec<bool> {
        let mut bits = vec![false; self.bits.len()];
        for line in 0..lines {
            let mut unset = (0..radius.min(length))
                .filter(|&i| !self.bits[at(i, line)])
                .count();
            for i in 0..length {
                if i + radius < length && !self.bits[at(i + radius, line)] {
                    unset += 1;
                }
                bits[at(i, line)] = unset == 0;
                if i >= radius && !self.bits[at(i - radius, line)] {
                    unset -= 1;
                }
            }
        }
        bits
    }

    /// The 4-connected part whose pixels weigh most.
    pub fn heaviest_part(&self, weight: impl Fn(usize) -> usize) -> Self {
        let mut label = vec![0u32; self.bits.len()];
        let mut parts = 0;
        for start in 0..self.bits.len() {
            if self.bits[start] && label[start] == 0 {
                parts += 1;
                self.flood([start], &mut label, parts, |at| self.bits[at]);
            }
        }
        let mut weights = vec![0; parts as usize + 1];
        for (at, &of) in label.iter().enumerate() {
            weights[of as usize] += if of == 0 { 0 } else { weight(at) };
        }
        let heaviest = (1..=parts).max_by_key(|&of| weights[of as usize]);
        Self {
            bits: label.iter().map(|&of| Some(of) == heaviest).collect(),
            ..*self
        }
    }

    /// With everything that is enclosed.
    pub fn filled(&self) -> Self {
        let border = (0..self.bits.len()).filter(|&at| {
            let (x, y) = (at % self.width, at / self.width);
            !self.bits[at] && (x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height)
        });
        let mut outside = vec![0; self.bits.len()];
        self.flood(border, &mut outside, 1, |at| !self.bits[at]);
        Self {
            bits: outside.iter().map(|&mark| mark == 0).collect(),
            ..*self
        }
    }

    /// The pixels beside a pixel, as indices, within the picture.
    pub fn neighbours(&self, at: usize) -> [Option<usize>; 4] {
        let (x, y) = (at % self.width, at / self.width);
        [
            (x > 0).then(|| at - 1),
            (x + 1 < self.width).then_some(at + 1),
            (y > 0).then(|| at - self.width),
            (y + 1 < self.height).then_some(at + self.width),
        ]
    }

    fn flood(
        &self,
        starts: impl IntoIterator<Item = usize>,
        label: &mut [u32],
        mark: u32,
        belongs: impl Fn(usize) -> bool,
    ) -> usize {
        let mut area = 0;
        let mut open = Vec::new();
        for start in starts {
            if label[start] == 0 {
                label[start] = mark;
                open.push(start);
            }
        }
        while let Some(at) = open.pop() {
            area += 1;
            for neighbour in self.neighbours(at).into_iter().flatten() {
                if label[neighbour] == 0 && belongs(neighbour) {
                    label[neighbour] = mark;
                    open.push(neighbour);
                }
            }
        }
        area
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(lines: &[&str]) -> Mask {
        Mask {
            width: lines[0].len(),
            height: lines.len(),
            bits: lines
                .iter()
                .flat_map(|line| line.bytes().map(|byte| byte == b'#'))
                .collect(),
        }
    }

    #[test]
    fn a_hole_is_filled_and_a_small_part_is_dropped() {
        let mask = drawn(&["####..", "#..#.#", "####..", "......"])
            .heaviest_part(|_| 1)
            .filled();
        assert_eq!(mask.bits, drawn(&["####..", "####..", "####..", "......"]).bits);
    }

    #[test]
    fn a_thin_bridge_is_opened_and_a_thin_gap_is_closed() {
        let bridge = drawn(&["###....", "#######", "###...."]);
        assert_eq!(
            bridge.opened(1).bits,
            drawn(&["###....", "###....", "###...."]).bits
        );
        let gap = drawn(&["###.###", "###.###", "###.###"]);
        assert_eq!(gap.closed(1).area(), 21);
    }
}
