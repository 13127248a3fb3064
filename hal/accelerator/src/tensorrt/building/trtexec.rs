//! Runs NVIDIA's `trtexec` and follows what it says.

use std::fmt;
use std::fs;
use std::io::{self, PipeReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What every build is given: numbers as the ONNX file has them, one stream, no trial run afterwards.
pub const ARGUMENTS: [&str; 3] = ["--stronglyTyped", "--maxAuxStreams=0", "--skipInference"];

/// Where NVIDIA's packages put it.
const PACKAGED: &str = "/usr/src/tensorrt/bin/trtexec";

/// A person who waits is told that it goes on.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// How soon a request to stop, or the end of the time, is noticed.
const TURN: Duration = Duration::from_millis(100);

/// Of longer lines the beginning is kept.
const LINE_BYTES_MAX: usize = 300;

/// How to build.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The program.
    pub trtexec: PathBuf,
    /// A build that takes longer is given up.
    pub time_limit: Duration,
}

/// Why there is no engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The program is nowhere.
    NoTrtexec {
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// The program cannot be started.
    NotStarted {
        /// Which.
        trtexec: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The program ended in failure.
    Failed {
        /// How it ended.
        status: String,
        /// Its last words, errors first.
        said: String,
    },
    /// The program ended well but left no plan.
    NoPlan,
    /// The program took too long, and was ended.
    TooLong {
        /// How long it may take.
        limit: Duration,
        /// The last that it said.
        said: String,
    },
    /// The appliance stops.
    Stopped,
    /// A file could not be written or read again.
    Unwritten {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

/// The program: the one that is configured, otherwise that of `$PATH` or of NVIDIA's packages.
///
/// # Errors
/// [`BuildError::NoTrtexec`].
pub fn find_trtexec(configured: Option<&Path>) -> Result<PathBuf, BuildError> {
    let tried = match configured {
        Some(path) => vec![path.to_owned()],
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let in_path = std::env::split_paths(&path).map(|folder| folder.join("trtexec"));
            in_path.chain([PathBuf::from(PACKAGED)]).collect()
        }
    };
    match tried.iter().find(|path| path.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(BuildError::NoTrtexec { tried }),
    }
}

/// Builds the plan of an ONNX file.
pub fn build(
    onnx: &Path,
    plan: &Path,
    options: &BuildOptions,
    tell: &mut dyn FnMut(Duration, &str),
    stop: &dyn Fn() -> bool,
) -> Result<(), BuildError> {
    // One of an earlier build must not be taken for this one's.
    let _ = fs::remove_file(plan);
    let not_started = |error| BuildError::NotStarted {
        trtexec: options.trtexec.clone(),
        error,
    };
    let (mut child, lines) = start(onnx, plan, &options.trtexec).map_err(not_started)?;
    let followed = follow(&mut child, &lines, options.time_limit, tell, stop);
    if followed.is_err() {
        // It may have ended meanwhile; either way it is waited for.
        let _ = child.kill();
        let _ = child.wait();
    }
    followed?;
    match fs::metadata(plan) {
        Ok(plan) if plan.len() > 0 => Ok(()),
        _ => Err(BuildError::NoPlan),
    }
}

fn start(onnx: &Path, plan: &Path, trtexec: &Path) -> io::Result<(Child, Receiver<String>)> {
    let with_path = |option: &str, path: &Path| {
        let mut argument = std::ffi::OsString::from(option);
        argument.push(path);
        argument
    };
    let (output, errors) = io::pipe()?;
    let mut command = Command::new(trtexec);
    command
        .arg(with_path("--onnx=", onnx))
        .arg(with_path("--saveEngine=", plan))
        .args(ARGUMENTS)
        .stdin(Stdio::null())
        .stdout(errors.try_clone()?)
        .stderr(errors);
    let child = command.spawn()?;
    let (sender, lines) = channel();
    // The thread ends with the program's output. Where it cannot be started, the program runs unheard.
    let _ = std::thread::Builder::new()
        .name("baize-trtexec".into())
        .spawn(move || pass_lines(output, &sender));
    Ok((child, lines))
}

/// Waits for the program's end, within its time.
fn follow(
    child: &mut Child,
    lines: &Receiver<String>,
    limit: Duration,
    tell: &mut dyn FnMut(Duration, &str),
    stop: &dyn Fn() -> bool,
) -> Result<(), BuildError> {
    let started = Instant::now();
    let mut heard = Heard::default();
    let mut told = None;
    loop {
        let ended = child.try_wait().ok().flatten();
        match lines.recv_timeout(TURN) {
            Ok(line) => {
                if told.is_none_or(|told: Instant| told.elapsed() >= TELL_EVERY) {
                    told = Some(Instant::now());
                    tell(started.elapsed(), &line);
                }
                heard.keep(line);
                continue_or(stop, started, limit, &heard)?;
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Its output is closed, but it goes on.
            Err(RecvTimeoutError::Disconnected) if ended.is_none() => std::thread::sleep(TURN),
            Err(RecvTimeoutError::Disconnected) => {}
        }
        // Asked before the lines were: none is left of a program that had ended then.
        if let Some(status) = ended {
            return match status.success() {
                true => Ok(()),
                false => Err(BuildError::Failed {
                    status: status.to_string(),
                    said: heard.text(),
                }),
            };
        }
        continue_or(stop, started, limit, &heard)?;
    }
}

fn continue_or(
    stop: &dyn Fn() -> bool,
    started: Instant,
    limit: Duration,
    heard: &Heard,
) -> Result<(), BuildError> {
    if stop() {
        return Err(BuildError::Stopped);
    }
    if started.elapsed() >= limit {
        return Err(BuildError::TooLong {
            limit,
            said: heard.text(),
        });
    }
    Ok(())
}

/// What is worth telling of a failure: the first errors, otherwise the last line.
#[derive(Default)]
struct Heard {
    errors: Vec<String>,
    last: String,
}

impl Heard {
    fn keep(&mut self, line: String) {
        if line.contains("[E]") && self.errors.len() < 3 {
            self.errors.push(line.clone());
        }
        self.last = line;
    }

    fn text(&self) -> String {
        match (&self.errors[..], self.last.as_str()) {
            ([], "") => "it said nothing".to_owned(),
            ([], last) => last.to_owned(),
            (errors, _) => errors.join("; "),
        }
    }
}

fn pass_lines(mut output: PipeReader, lines: &Sender<String>) {
    let mut line = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = output.read(&mut bytes) {
        for &byte in &bytes[..read] {
            match byte {
                b'\n' | b'\r' => {
                    let text = String::from_utf8_lossy(&line).trim().to_owned();
                    line.clear();
                    if !text.is_empty() && lines.send(text).is_err() {
                        // Read on: a program that cannot write would wait for ever.
                        let _ = io::copy(&mut output, &mut io::sink());
                        return;
                    }
                }
                _ if line.len() < LINE_BYTES_MAX => line.push(byte),
                _ => {}
            }
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTrtexec { tried } => {
                let tried: Vec<_> = tried.iter().map(|path| path.display().to_string()).collect();
                write!(
                    f,
                    "no trtexec to build the engine with, tried {}; it comes with the package libnvinfer-bin",
                    tried.join(", ")
                )
            }
            Self::NotStarted { trtexec, error } => {
                write!(f, "{} cannot be started: {error}", trtexec.display())
            }
            Self::Failed { status, said } => write!(f, "trtexec did not build the engine ({status}): {said}"),
            Self::NoPlan => write!(f, "trtexec said that it built the engine, but left none"),
            Self::TooLong { limit, said } => write!(
                f,
                "trtexec did not build the engine within {} s and was ended; it said at last: {said}",
                limit.as_secs()
            ),
            Self::Stopped => write!(f, "the build was given up because the appliance stops"),
            Self::Unwritten { path, error } => {
                write!(
                    f,
                    "{} cannot be written: {error}; is the disk full?",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for BuildError {}
