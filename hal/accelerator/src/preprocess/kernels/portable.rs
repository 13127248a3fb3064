//! The kernels in plain Rust. The others give the same bits.

use super::{ColumnJob, RowJob};
use crate::preprocess::plan::LINE_BITS;
use crate::preprocess::plan::{CHANNELS, CHUNK, ColumnTable, ROW_WEIGHT_BITS};

pub(super) fn blend_rows(job: RowJob<'_>, line: &mut [i16]) {
    // Blocks that stay in registers while the rows pass by.
    const BLOCK: usize = 32;
    for (block, line) in line.chunks_mut(BLOCK).enumerate() {
        let mut sums = [0i16; BLOCK];
        let sums = &mut sums[..line.len()];
        for (row, &weight) in job.weights.iter().enumerate() {
            let at = row * job.stride + block * BLOCK;
            let bytes = &job.bytes[at..at + line.len()];
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                let product = (i32::from(byte) << LINE_BITS) * i32::from(weight);
                let rounded = (product + (1 << (ROW_WEIGHT_BITS - 1))) >> ROW_WEIGHT_BITS;
                *sum = sum.wrapping_add(rounded as i16);
            }
        }
        line.copy_from_slice(sums);
    }
}

pub(super) fn sum_columns(job: ColumnJob<'_>, outputs: [&mut [f32]; CHANNELS]) {
    for (channel, output) in outputs.into_iter().enumerate() {
        for (column, output) in output.iter_mut().enumerate() {
            let mut sum = 0i32;
            for plane in job.planes {
                let table = &plane.columns;
                for chunk in 0..table.chunks {
                    let element = chunk * CHUNK;
                    let line = &plane.line[table.first[column] as usize + element..][..CHUNK];
                    let weights = &table.weights
                        [ColumnTable::weight_at(table.chunks, column, channel, element)..][..CHUNK];
                    for (&level, &weight) in line.iter().zip(weights) {
                        sum += i32::from(level) * i32::from(weight);
                    }
                }
            }
            *output = (sum as f32 * job.scale + job.bias[channel]).clamp(0.0, 1.0);
        }
    }
}
