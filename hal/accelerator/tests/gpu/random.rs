//! Pictures, shapes and regions by chance.

use baize_accelerator::gpu::{SourceFormat, SourcePixels};
use baize_frame::Region;

pub const ALL: [SourcePixels; 5] = [
    SourcePixels::Yuyv,
    SourcePixels::Nv12,
    SourcePixels::Grey,
    SourcePixels::Rgb24,
    SourcePixels::Rg10,
];

/// Numbers that look like chance, the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % end
    }

    /// A picture of noise, or of edges in full contrast.
    pub fn picture(&mut self, format: &SourceFormat) -> Vec<u8> {
        let is_hard = self.below(2) == 0;
        let byte = |random: &mut Self| match (format.pixels, is_hard) {
            (_, true) => [0, 255][random.below(2) as usize],
            (_, false) => random.below(256) as u8,
        };
        let mut bytes: Vec<u8> = (0..format.size_bytes()).map(|_| byte(self)).collect();
        if format.pixels == SourcePixels::Rg10 {
            // Ten bits of 16.
            bytes.chunks_exact_mut(format.stride as usize).for_each(|line| {
                line.chunks_exact_mut(2).for_each(|sample| sample[1] &= 3);
            });
        }
        bytes
    }

    /// A shape of up to `most` pixels a side, with padding at the end of its lines or without.
    pub fn format(&mut self, pixels: SourcePixels, most: u32) -> SourceFormat {
        let even_width = !matches!(pixels, SourcePixels::Grey | SourcePixels::Rgb24);
        let even_height = matches!(pixels, SourcePixels::Nv12 | SourcePixels::Rg10);
        let even = |size: u32, needed: bool| if needed { size.next_multiple_of(2) } else { size };
        let width = even(1 + self.below(most), even_width);
        let height = even(1 + self.below(most), even_height);
        let (bytes_a_pixel, padding) = match pixels {
            SourcePixels::Yuyv => (2, self.below(40)),
            SourcePixels::Nv12 | SourcePixels::Grey => (1, self.below(40)),
            SourcePixels::Rgb24 => (3, self.below(40)),
            SourcePixels::Rg10 => (2, 2 * self.below(20)),
        };
        SourceFormat {
            width,
            height,
            stride: width * bytes_a_pixel + padding * self.below(2),
            pixels,
        }
    }

    pub fn region(&mut self, format: &SourceFormat) -> Region {
        let mut part = |size: u32| {
            let first = self.below(size);
            (first, 1 + self.below(size - first))
        };
        let ((x, width), (y, height)) = (part(format.width), part(format.height));
        Region { x, y, width, height }
    }
}
