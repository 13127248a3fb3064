//! The two inner loops of the preprocessing, once in plain Rust and once for each instruction set. All give the same
//! bits: whole numbers throughout, and one multiplication and one addition of floats, never fused.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use super::plan::{CHANNELS, PlanePlan};

/// Source lines to blend into one.
#[derive(Clone, Copy)]
pub(super) struct RowJob<'a> {
    /// From the first byte of the first line on.
    pub bytes: &'a [u8],
    /// Bytes from one line to the next.
    pub stride: usize,
    /// One a line.
    pub weights: &'a [i16],
}

/// Blended lines to sum into columns of the input.
#[derive(Clone, Copy)]
pub(super) struct ColumnJob<'a> {
    pub planes: &'a [PlanePlan],
    /// From a sum to 0..1.
    pub scale: f32,
    pub bias: [f32; CHANNELS],
}

/// The instructions that the inner loops use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Simd {
    /// Plain Rust.
    Portable,
    /// 256-bit registers of x86-64.
    Avx2,
    /// 128-bit registers of aarch64.
    Neon,
}

impl Simd {
    /// Every kind that this machine can run, the fastest last.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::Portable, Self::Avx2, Self::Neon]
            .into_iter()
            .filter(|simd| simd.kernels().is_some())
    }

    /// The fastest kind that this machine can run.
    pub fn fastest() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }

    pub(super) fn kernels(self) -> Option<Kernels> {
        match self {
            Self::Portable => Some(Kernels {
                blend_rows: portable::blend_rows,
                sum_columns: portable::sum_columns,
            }),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::kernels(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::kernels(),
            #[allow(
                unreachable_patterns,
                reason = "which kinds are left depends on the processor"
            )]
            _ => None,
        }
    }
}

/// The inner loops of one instruction set.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    /// Weighted sum of whole lines, element by element.
    pub blend_rows: fn(RowJob<'_>, &mut [i16]),
    /// From blended lines to red, green and blue.
    pub sum_columns: fn(ColumnJob<'_>, [&mut [f32]; CHANNELS]),
}
