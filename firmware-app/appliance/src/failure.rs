//! Why a command ended without doing what was asked.

use std::fmt;

/// One sentence for the person at the terminal: what, where, and what to do.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A sentence of our own.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// An error that already is such a sentence.
    pub fn from_error(error: impl std::error::Error) -> Self {
        Self(error.to_string())
    }

    /// An error with the place where it happened.
    pub fn at(place: impl fmt::Display, error: impl std::error::Error) -> Self {
        Self(format!("{place}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
