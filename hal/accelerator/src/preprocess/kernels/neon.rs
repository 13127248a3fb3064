//! The kernels on the 128-bit registers that every aarch64 processor has.

use std::arch::aarch64::*;

use super::{ColumnJob, Kernels, RowJob, portable};
use crate::preprocess::plan::{CHANNELS, CHUNK, GROUP};

const BLOCK: usize = 16;
const HALF: usize = GROUP / 2;

pub(super) fn kernels() -> Option<Kernels> {
    Some(Kernels {
        // SAFETY: NEON is part of every aarch64 target that std exists for.
        blend_rows: |job, line| unsafe { blend_rows(job, line) },
        // SAFETY: as above.
        sum_columns: |job, outputs| unsafe { sum_columns(job, outputs) },
    })
}

#[target_feature(enable = "neon")]
fn blend_rows(job: RowJob<'_>, line: &mut [i16]) {
    let (blocks, rest) = line.as_chunks_mut::<BLOCK>();
    let done = blocks.len() * BLOCK;
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut low = vdupq_n_s16(0);
        let mut high = vdupq_n_s16(0);
        for (row, &weight) in job.weights.iter().enumerate() {
            let bytes = load_bytes(&job.bytes[row * job.stride + index * BLOCK..]);
            let levels = vreinterpretq_s16_u16(vshll_n_u8::<7>(vget_low_u8(bytes)));
            low = vaddq_s16(low, vqrdmulhq_n_s16(levels, weight));
            let levels = vreinterpretq_s16_u16(vshll_high_n_u8::<7>(bytes));
            high = vaddq_s16(high, vqrdmulhq_n_s16(levels, weight));
        }
        for (levels, half) in block.as_chunks_mut().0.iter_mut().zip([low, high]) {
            store_levels(levels, half);
        }
    }
    if !rest.is_empty() {
        let bytes = &job.bytes[done..];
        portable::blend_rows(RowJob { bytes, ..job }, rest);
    }
}

#[target_feature(enable = "neon")]
fn sum_columns(job: ColumnJob<'_>, outputs: [&mut [f32]; CHANNELS]) {
    let [red, green, blue] = outputs;
    let halves = red
        .chunks_mut(HALF)
        .zip(green.chunks_mut(HALF))
        .zip(blue.chunks_mut(HALF));
    for (half, ((red, green), blue)) in halves.enumerate() {
        let sums = sum_half(job, half);
        for (channel, output) in [red, green, blue].into_iter().enumerate() {
            let level = vmulq_n_f32(vcvtq_f32_s32(sums[channel]), job.scale);
            let level = vaddq_f32(level, vdupq_n_f32(job.bias[channel]));
            let level = vminq_f32(vmaxq_f32(level, vdupq_n_f32(0.0)), vdupq_n_f32(1.0));
            if let Some(output) = output.as_mut_array::<HALF>() {
                store_floats(output, level);
            } else {
                let mut levels = [0.0; HALF];
                store_floats(&mut levels, level);
                output.copy_from_slice(&levels[..output.len()]);
            }
        }
    }
}

/// Red, green and blue of each column of half a group.
#[target_feature(enable = "neon")]
#[inline]
fn sum_half(job: ColumnJob<'_>, half: usize) -> [int32x4_t; CHANNELS] {
    // Products of two columns each; the two elements of a column are added at the end.
    let mut products = [[vdupq_n_s32(0); 2]; CHANNELS];
    for plane in job.planes {
        let (firsts, chunks) = plane.columns.group(half / 2);
        let firsts = &firsts[half % 2 * HALF..][..HALF];
        for (chunk, weights) in chunks.iter().enumerate() {
            let mut levels = [vdupq_n_s16(0); HALF];
            for (levels, &first) in levels.iter_mut().zip(firsts) {
                *levels = load_levels(&plane.line[first as usize + chunk * CHUNK..]);
            }
            for (levels, weights) in transpose(levels).into_iter().zip(&weights.pairs) {
                for ([low, high], weights) in products.iter_mut().zip(weights) {
                    let weights = load_levels(&weights[half % 2 * CHUNK..]);
                    *low = vmlal_s16(*low, vget_low_s16(levels), vget_low_s16(weights));
                    *high = vmlal_high_s16(*high, levels, weights);
                }
            }
        }
    }
    let [[r0, r1], [g0, g1], [b0, b1]] = products;
    [vpaddq_s32(r0, r1), vpaddq_s32(g0, g1), vpaddq_s32(b0, b1)]
}

/// From chunks of four columns to first, second, third and last pairs of all columns.
#[target_feature(enable = "neon")]
#[inline]
fn transpose(chunks: [int16x8_t; HALF]) -> [int16x8_t; HALF] {
    let [a, b, c, d] = chunks;
    let (a, b) = (vreinterpretq_s32_s16(a), vreinterpretq_s32_s16(b));
    let (c, d) = (vreinterpretq_s32_s16(c), vreinterpretq_s32_s16(d));
    let (ab_even, ab_odd) = (
        vreinterpretq_s64_s32(vtrn1q_s32(a, b)),
        vreinterpretq_s64_s32(vtrn2q_s32(a, b)),
    );
    let (cd_even, cd_odd) = (
        vreinterpretq_s64_s32(vtrn1q_s32(c, d)),
        vreinterpretq_s64_s32(vtrn2q_s32(c, d)),
    );
    [
        vreinterpretq_s16_s64(vtrn1q_s64(ab_even, cd_even)),
        vreinterpretq_s16_s64(vtrn1q_s64(ab_odd, cd_odd)),
        vreinterpretq_s16_s64(vtrn2q_s64(ab_even, cd_even)),
        vreinterpretq_s16_s64(vtrn2q_s64(ab_odd, cd_odd)),
    ]
}

#[target_feature(enable = "neon")]
fn load_bytes(from: &[u8]) -> uint8x16_t {
    let bytes = from.first_chunk::<BLOCK>().expect("rows lie in the picture");
    // SAFETY: the array has 16 bytes.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn load_levels(from: &[i16]) -> int16x8_t {
    let levels = from
        .first_chunk::<CHUNK>()
        .expect("the plan made the line as long as its windows reach");
    // SAFETY: the array has eight elements of 16 bits.
    unsafe { vld1q_s16(levels.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn store_levels(to: &mut [i16; CHUNK], levels: int16x8_t) {
    // SAFETY: the array has eight elements of 16 bits.
    unsafe { vst1q_s16(to.as_mut_ptr(), levels) }
}

#[target_feature(enable = "neon")]
fn store_floats(to: &mut [f32; HALF], floats: float32x4_t) {
    // SAFETY: the array has four floats.
    unsafe { vst1q_f32(to.as_mut_ptr(), floats) }
}
