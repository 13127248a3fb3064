//! Log lines on standard error: for people at a terminal, and for the journal, which adds time and priority itself.

use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && record.target().starts_with("baize") {
            let word = match record.level() {
                Level::Error => "error: ",
                Level::Warn => "warning: ",
                Level::Info | Level::Debug | Level::Trace => "",
            };
            // There is no one left to tell when standard error is gone.
            let _ = writeln!(std::io::stderr(), "baize: {word}{}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Starts logging; `$BAIZE_LOG` may say error, warn, info, debug or trace.
pub fn start() {
    let level = std::env::var("BAIZE_LOG").ok().and_then(|word| word.parse().ok()).unwrap_or(LevelFilter::Info);
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
}
