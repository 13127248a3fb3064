use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::wait;

/// Where cargo put the program: beside the folder of the tests, as it does for every test of a package with a program.
///
/// # Panics
/// Outside of tests.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests lie in target/PROFILE/deps");
    folder.join("baize-under-test")
}

/// Lines that a process wrote, as they come.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn collect(stream: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let sink = lines.clone();
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_string();
                sink.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                line.clear();
            }
        });
        (lines, reader)
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running process of `baize`, in a process group of its own that is killed with it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    out: Lines,
    err: Lines,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended and what it wrote.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Lines on standard output.
    pub out: Vec<String>,
    /// Lines on standard error.
    pub err: Vec<String>,
}

/// Runs `baize` with these arguments to its end.
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Finished {
    Program::start(args).finish()
}

impl Program {
    /// Starts `baize` with these arguments.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start_in(args, &[])
    }

    /// The same, with these variables in its environment.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_in<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let mut child = Command::new(binary())
            .args(args)
            .env_remove("BAIZE_LOG")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the program can be started");
        let (out, out_reader) = Lines::collect(child.stdout.take().expect("it is piped"));
        let (err, err_reader) = Lines::collect(child.stderr.take().expect("it is piped"));
        Self {
            child,
            out,
            err,
            readers: vec![out_reader, err_reader],
        }
    }

    /// Lines on standard output so far.
    pub fn out(&self) -> Vec<String> {
        self.out.all()
    }

    /// Lines on standard error so far.
    pub fn err(&self) -> Vec<String> {
        self.err.all()
    }

    /// Processor time that its thread of this name has used, in the kernel's ticks (a hundred a second).
    ///
    /// # Panics
    /// When there is no such thread.
    pub fn thread_ticks(&self, name: &str) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .find_map(|stat| {
                let (before, after) = stat.split_once(") ")?;
                let fields: Vec<&str> = after.split(' ').collect();
                let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
                before.ends_with(name).then(|| Some(ticks(11)? + ticks(12)?))?
            })
            .expect("there is such a thread")
    }

    /// The kernel's number of its thread of this name.
    ///
    /// # Panics
    /// When there is no such thread.
    pub fn thread_id(&self, name: &str) -> i32 {
        wait::until(&format!("the thread {name}"), || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
            tasks.filter_map(Result::ok).find_map(|task| {
                let called = std::fs::read_to_string(task.path().join("comm")).ok()?;
                let number = task.file_name().to_str()?.parse().ok()?;
                (called.trim_end() == name).then_some(number)
            })
        })
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`, `STOP`, `CONT`.
    ///
    /// # Panics
    /// When there is no such process any more.
    pub fn signal(&self, name: &str) {
        assert!(
            send_signal(name, &self.child.id().to_string()),
            "no process to signal; it said {:#?}",
            self.err()
        );
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn finish(mut self) -> Finished {
        let status = wait::for_at_most(wait::PATIENCE, || self.child.try_wait().ok().flatten());
        let Some(status) = status else {
            panic!("it does not end; it said {:#?}", self.err())
        };
        for reader in self.readers.drain(..) {
            // A reader that panicked has nothing to say that its lines do not.
            let _ = reader.join();
        }
        let finished = Finished {
            status,
            out: self.out(),
            err: self.err(),
        };
        assert!(
            !finished.err.iter().any(|line| line.contains("panicked")),
            "it panicked: {:#?}",
            finished.err
        );
        finished
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // With the process itself go those that it started; they and it may be gone already.
        let _ = send_signal("KILL", &format!("-{}", self.child.id()));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shell's own `kill`: sending a signal is no safe call of the standard library.
fn send_signal(name: &str, whom: &str) -> bool {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {whom}")])
        .stderr(Stdio::null())
        .status();
    sent.is_ok_and(|status| status.success())
}

impl Finished {
    /// Standard error as one text.
    pub fn said(&self) -> String {
        self.err.join("\n")
    }

    /// Standard output, every line read as JSON.
    ///
    /// # Panics
    /// At a line that is none.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {line}: {error}"))
        };
        self.out.iter().map(parse).collect()
    }

    /// Checks that it did what was asked.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.status, self.said());
        self
    }

    /// Checks that it refused, in one sentence on standard error that holds all of `parts`, and wrote nothing else.
    ///
    /// # Panics
    /// When it did not.
    pub fn refused_with(&self, parts: &[&str]) {
        let said = self.said();
        assert_eq!(
            self.status.code(),
            Some(1),
            "it is to end with exit code 1, not {}: {said}",
            self.status
        );
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    }
}
