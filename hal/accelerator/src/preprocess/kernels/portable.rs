//! The kernels in plain Rust. The others give the same bits.

use super::{ColumnJob, RowJob};
use crate::preprocess::plan::{CHANNELS, CHUNK, GROUP, LINE_BITS, ROW_WEIGHT_BITS};

/// Elements that stay in registers while the rows pass by.
const BLOCK: usize = 32;

pub(super) fn blend_rows(job: RowJob<'_>, line: &mut [i16]) {
    let (blocks, rest) = line.as_chunks_mut::<BLOCK>();
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut sums = [0; BLOCK];
        for (row, &weight) in job.weights.iter().enumerate() {
            let bytes = job.bytes[row * job.stride + index * BLOCK..].first_chunk::<BLOCK>();
            let bytes = bytes.expect("rows lie in the picture");
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                *sum += weigh(byte, weight);
            }
        }
        *block = sums;
    }
    let done = blocks.len() * BLOCK;
    for (at, level) in rest.iter_mut().enumerate() {
        let bytes = job
            .weights
            .iter()
            .enumerate()
            .map(|(row, &weight)| (job.bytes[row * job.stride + done + at], weight));
        *level = bytes.map(|(byte, weight)| weigh(byte, weight)).sum();
    }
}

/// A level times a weight, rounded to the bits behind the point of a line.
fn weigh(level: u8, weight: i16) -> i16 {
    const SURPLUS_BITS: u32 = ROW_WEIGHT_BITS - LINE_BITS;
    ((i32::from(level) * i32::from(weight) + (1 << (SURPLUS_BITS - 1))) >> SURPLUS_BITS) as i16
}

pub(super) fn sum_columns(job: ColumnJob<'_>, outputs: [&mut [f32]; CHANNELS]) {
    let [red, green, blue] = outputs;
    let groups = red
        .chunks_mut(GROUP)
        .zip(green.chunks_mut(GROUP))
        .zip(blue.chunks_mut(GROUP));
    for (group, ((red, green), blue)) in groups.enumerate() {
        let sums = sum_group(job, group);
        for (channel, output) in [red, green, blue].into_iter().enumerate() {
            for (output, sum) in output.iter_mut().zip(sums[channel]) {
                *output = (sum as f32 * job.scale + job.bias[channel]).clamp(0.0, 1.0);
            }
        }
    }
}

/// Red, green and blue of each column of a group.
fn sum_group(job: ColumnJob<'_>, group: usize) -> [[i32; GROUP]; CHANNELS] {
    let mut sums = [[0; GROUP]; CHANNELS];
    for plane in job.planes {
        let (firsts, chunks) = plane.columns.group(group);
        for (chunk, weights) in chunks.iter().enumerate() {
            for (column, &first) in firsts.iter().enumerate() {
                let window = &plane.line[first as usize + chunk * CHUNK..][..CHUNK];
                for (element, &level) in window.iter().enumerate() {
                    let weights = &weights.pairs[element / 2];
                    for (sums, weights) in sums.iter_mut().zip(weights) {
                        sums[column] += i32::from(level) * i32::from(weights[2 * column + element % 2]);
                    }
                }
            }
        }
    }
    sums
}
