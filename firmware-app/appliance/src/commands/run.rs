//! `baize run`: the appliance.

use std::time::Duration;

use baize_realtime::shutdown::Signals;

use super::args::RunArgs;
use crate::appliance;
use crate::failure::Failure;
use crate::panel::Panel;
use crate::sources;

/// Runs until SIGTERM or Ctrl-C.
pub fn run(args: &RunArgs) -> Result<(), Failure> {
    // Before any thread starts: each inherits what is blocked.
    let signals = Signals::block();
    let mut config = sources::config(&args.config)?;
    if let Some(source) = &args.source {
        config.camera.source.clone_from(source);
    }
    if let Some(broker) = &args.broker {
        config.broker.url.clone_from(broker);
    }
    if let Some(table) = &args.table {
        config.table.name.clone_from(table);
    }
    let panel = Panel::open(&config.board);
    appliance::run(&config, panel, || signals.wait(Duration::ZERO).is_some())
}
