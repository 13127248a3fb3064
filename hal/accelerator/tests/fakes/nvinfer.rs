//! The fake libnvinfer, and plans for it.

use std::path::PathBuf;

/// A plan with the inputs, outputs and values of the network in `fixtures/spots`.
pub const SPOTS: &str = "baize-fake-plan\n\
    input image f32 1x3x384x640\noutput balls f32 1x10x48x80\noutput cues f32 1x11x24x40\n\
    compute spots\nscratch 4096\n";

/// The same for the reader in `fixtures/mean-colours`.
pub const MEAN_COLOURS: &str = "baize-fake-plan\n\
    input crops f32 16x3x40x40\noutput faces f32 16x24x1x1\ncompute mean-colours\nscratch 512\n";

/// Path of the library, compiled with these definitions; `None`, and a skip, where there is no C++ compiler.
pub fn library(definitions: &[&str]) -> Option<PathBuf> {
    super::library("nvinfer.cpp", "libnvinfer.so.10", definitions)
}
