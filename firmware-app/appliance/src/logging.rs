//! Log lines on standard error, for people at a terminal and for the journal, which adds the time itself.
//!
//! Whoever logs only leaves a line in a bounded queue; a thread of its own writes it out. So nobody waits for a slow
//! terminal or a full pipe, and nothing is allocated. What does not fit is counted and said.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use baize_realtime::park::block_on;
use baize_realtime::pi_mutex::{LockStatistics, Named, PiRawMutex};
use baize_realtime::shutdown::Signals;
use embassy_sync::channel::Channel;
use log::{Level, LevelFilter, Log, Metadata, Record};

/// A sentence of three lines of a terminal; what is longer is cut.
const LINE_BYTES: usize = 480;

/// A start with every warning there is, twice.
const LINES: usize = 64;

/// How long the end of the program waits for the last lines.
const FINISH_MAX: Duration = Duration::from_millis(500);

type Line = heapless::String<LINE_BYTES>;

enum Lines {}
impl Named for Lines {
    fn statistics() -> &'static LockStatistics {
        static STATISTICS: LockStatistics = LockStatistics::new("log");
        &STATISTICS
    }
}

static QUEUE: Channel<PiRawMutex<Lines>, Line, LINES> = Channel::new();
static LOST: AtomicU64 = AtomicU64::new(0);
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static QUEUED: AtomicU64 = AtomicU64::new(0);

struct Queue;

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && metadata.target().starts_with("baize")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let word = match record.level() {
            Level::Error => "error: ",
            Level::Warn => "warning: ",
            Level::Info | Level::Debug | Level::Trace => "",
        };
        let mut line = Line::new();
        // A sentence that does not fit is cut at its last whole part.
        let _ = write!(line, "{word}{}", record.args());
        if QUEUE.try_send(line).is_ok() {
            QUEUED.fetch_add(1, Ordering::Relaxed);
        } else {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Starts logging; `$BAIZE_LOG` may say error, warn, info, debug or trace.
pub fn start() {
    let level = std::env::var("BAIZE_LOG")
        .ok()
        .and_then(|word| word.parse().ok())
        .unwrap_or(LevelFilter::Info);
    // Without the thread nothing would be written, so nothing is queued either.
    if std::thread::Builder::new()
        .name("baize-log".into())
        .spawn(drain)
        .is_ok()
        && log::set_logger(&Queue).is_ok()
    {
        log::set_max_level(level);
    }
}

/// Waits until what was logged is written.
pub fn finish() {
    let deadline = Instant::now() + FINISH_MAX;
    while WRITTEN.load(Ordering::Relaxed) < QUEUED.load(Ordering::Relaxed) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn drain() {
    // It starts before the command that waits for signals does: one that came here would end the process.
    let _blocked = Signals::block();
    loop {
        let line = block_on(QUEUE.receive());
        let mut out = std::io::stderr().lock();
        // There is nobody left to tell when standard error is gone.
        let _ = writeln!(out, "baize: {line}");
        WRITTEN.fetch_add(1, Ordering::Relaxed);
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(out, "baize: warning: {lost} log lines did not fit the queue");
        }
    }
}
