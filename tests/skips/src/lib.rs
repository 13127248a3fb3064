//! A test that cannot run on this machine says so: [`skipped`].
//!
//! The test harness hides what a test prints when it passes, so each word is also kept in the file that `$BAIZE_SKIPS`
//! names; `ci/test` shows them at its end, and in continuous integration fails where something is missing that
//! `ci/setup` installs.
#![forbid(unsafe_code)]

use std::io::Write as _;

/// Says that the test of the calling thread, or a part of it, is skipped for lack of something: the name of a program,
/// or a few words.
///
/// # Panics
/// When `$BAIZE_SKIPS` names a file that cannot be written: a skip must not go unheard.
pub fn skipped(for_lack_of: &str) {
    let thread = std::thread::current();
    let line = format!("{for_lack_of}: {}\n", thread.name().unwrap_or("a test"));
    print!("SKIPPED for lack of {line}");
    if let Some(file) = std::env::var_os("BAIZE_SKIPS") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        // One write a line, so that lines of tests in parallel do not mix.
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file of $BAIZE_SKIPS can be written");
    }
}
