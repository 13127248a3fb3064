//! The program `baize`: see the library's documentation, and `baize --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use baize::commands::{self, Cli};
use baize_realtime::sealing::SealingAllocator;
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

fn main() -> ExitCode {
    match commands::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("baize: {failure}");
            ExitCode::FAILURE
        }
    }
}
