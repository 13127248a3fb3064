//! The kernels on 256-bit registers.

use std::arch::x86_64::*;

use super::{ColumnJob, Kernels, RowJob, portable};
use crate::preprocess::plan::{CHANNELS, CHUNK, GROUP};

/// Bytes of a row that are blended at a time.
const BLOCK: usize = 32;

pub(super) fn kernels() -> Option<Kernels> {
    std::arch::is_x86_feature_detected!("avx2").then_some(Kernels {
        // SAFETY: this processor has AVX2.
        blend_rows: |job, line| unsafe { blend_rows(job, line) },
        // SAFETY: this processor has AVX2.
        sum_columns: |job, outputs| unsafe { sum_columns(job, outputs) },
    })
}

#[target_feature(enable = "avx2")]
fn blend_rows(job: RowJob<'_>, line: &mut [i16]) {
    let (blocks, rest) = line.as_chunks_mut::<BLOCK>();
    let done = blocks.len() * BLOCK;
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut low = _mm256_setzero_si256();
        let mut high = _mm256_setzero_si256();
        for (row, &weight) in job.weights.iter().enumerate() {
            let bytes = load_bytes(&job.bytes[row * job.stride + index * BLOCK..]);
            let weight = _mm256_set1_epi16(weight);
            low = _mm256_add_epi16(
                low,
                weigh(_mm256_unpacklo_epi8(_mm256_setzero_si256(), bytes), weight),
            );
            high = _mm256_add_epi16(
                high,
                weigh(_mm256_unpackhi_epi8(_mm256_setzero_si256(), bytes), weight),
            );
        }
        // Unpacking works within each half of a register: bring the quarters back into line.
        let quarters = [
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ];
        for (levels, quarters) in block.as_chunks_mut().0.iter_mut().zip(quarters) {
            store_levels(levels, quarters);
        }
    }
    if !rest.is_empty() {
        let bytes = &job.bytes[done..];
        portable::blend_rows(RowJob { bytes, ..job }, rest);
    }
}

/// Levels with 8 bits behind the point times weights with 15, rounded to 7 bits behind the point.
#[target_feature(enable = "avx2")]
fn weigh(levels: __m256i, weight: __m256i) -> __m256i {
    _mm256_mulhrs_epi16(_mm256_srli_epi16::<1>(levels), weight)
}

#[target_feature(enable = "avx2")]
fn sum_columns(job: ColumnJob<'_>, outputs: [&mut [f32]; CHANNELS]) {
    let [red, green, blue] = outputs;
    let groups = red
        .chunks_mut(GROUP)
        .zip(green.chunks_mut(GROUP))
        .zip(blue.chunks_mut(GROUP));
    for (group, ((red, green), blue)) in groups.enumerate() {
        // SAFETY: asserted above.
        let sums = unsafe { sum_group(job, group) };
        for (channel, output) in [red, green, blue].into_iter().enumerate() {
            let level = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[channel]), _mm256_set1_ps(job.scale));
            let level = _mm256_add_ps(level, _mm256_set1_ps(job.bias[channel]));
            let level = _mm256_min_ps(_mm256_max_ps(level, _mm256_setzero_ps()), _mm256_set1_ps(1.0));
            if let Some(output) = output.as_mut_array::<GROUP>() {
                store_floats(output, level);
            } else {
                let mut levels = [0.0; GROUP];
                store_floats(&mut levels, level);
                output.copy_from_slice(&levels[..output.len()]);
            }
        }
    }
}

/// Red, green and blue of each column of a group.
///
/// # Safety
/// Each plane's line is as long as its windows reach.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sum_group(job: ColumnJob<'_>, group: usize) -> [__m256i; CHANNELS] {
    let mut sums = [_mm256_setzero_si256(); CHANNELS];
    for plane in job.planes {
        let (firsts, chunks) = plane.columns.group(group);
        for (chunk, weights) in chunks.iter().enumerate() {
            // Loops, not closures: those are not inlined through functions that lack the feature.
            let mut levels = [_mm256_setzero_si256(); GROUP / 2];
            for (column, levels) in levels.iter_mut().enumerate() {
                let [low, high] = [column, column + GROUP / 2];
                // SAFETY: the caller made sure that the line is as long as the windows reach.
                let low = unsafe { load_levels(&plane.line, firsts[low] as usize + chunk * CHUNK) };
                // SAFETY: as above.
                let high = unsafe { load_levels(&plane.line, firsts[high] as usize + chunk * CHUNK) };
                *levels = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high);
            }
            for (levels, weights) in transpose(levels).into_iter().zip(&weights.pairs) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(levels, load_weights(weights)));
                }
            }
        }
    }
    sums
}

/// From chunks of columns 0 to 3, with those of columns 4 to 7 above them, to first, second, third and last pairs of
/// all columns.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}

#[target_feature(enable = "avx2")]
fn load_bytes(from: &[u8]) -> __m256i {
    let bytes = from.first_chunk::<BLOCK>().expect("rows lie in the picture");
    // SAFETY: the array has 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// # Safety
/// The chunk that begins at `first` lies in the line.
#[target_feature(enable = "avx2")]
unsafe fn load_levels(line: &[i16], first: usize) -> __m128i {
    debug_assert!(first + CHUNK <= line.len());
    // SAFETY: `first` lies in the line.
    let from = unsafe { line.as_ptr().add(first) };
    // SAFETY: eight elements of 16 bits lie there. Checks of each load make the whole pass a fifth slower.
    unsafe { _mm_loadu_si128(from.cast()) }
}

#[target_feature(enable = "avx2")]
fn load_weights(weights: &[i16; 2 * GROUP]) -> __m256i {
    // SAFETY: the array has 32 bytes.
    unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store_levels(to: &mut [i16; BLOCK / 2], levels: __m256i) {
    // SAFETY: the array has 32 bytes.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), levels) }
}

#[target_feature(enable = "avx2")]
fn store_floats(to: &mut [f32; GROUP], floats: __m256) {
    // SAFETY: the array has 32 bytes.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), floats) }
}
