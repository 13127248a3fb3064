//! The command line: one file a command.

mod args;
mod bench;
mod calibrate;
mod calibrations;
#[cfg(feature = "demo")]
mod demo;
mod detect;
mod doctor;
mod identity;
mod lens;
mod live;
mod replay;
mod replay_drawing;
mod run;
mod track;
mod watch;

use args::{Command, DetectorArgs};

pub use args::Cli;

use baize_realtime::shutdown;

use crate::config;
use crate::failure::Failure;
use crate::logging;

/// Does what the command line says.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    logging::start();
    let result = dispatch(cli);
    logging::finish();
    result
}

fn dispatch(cli: &Cli) -> Result<(), Failure> {
    if !matches!(cli.command, Command::Run(_)) {
        shutdown::end_on_broken_pipe();
    }
    match &cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Run(args) => run::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Detect(args) => detect::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Track(args) => track::run(args),
        Command::Calibrate(args) if args.live => live::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Lens(args) => lens::run(args),
        Command::Calibrations(args) => calibrations::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Config => {
            print!("{}", config::reference());
            Ok(())
        }
        Command::Identity(args) => identity::run(args),
    }
}

impl DetectorArgs {
    /// Puts what was said on the command line over the configuration.
    fn apply(&self, config: &mut config::Detector) {
        if let Some(model) = &self.model {
            config.model.clone_from(model);
        }
        if let Some(backend) = &self.backend {
            config.backend.clone_from(backend);
        }
    }
}
