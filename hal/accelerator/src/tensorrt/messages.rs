//! What TensorRT says: kept in a fixed ring by its own threads, taken out by ours.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ptr;

use heapless::String;

use super::ring::Ring;

/// Messages that wait to be taken; a failing build or load says some ten at once.
const MESSAGES: usize = 64;

/// Of longer messages the beginning is kept: it names the place.
const TEXT_BYTES: usize = 240;

/// One thing that TensorRT said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// Its words, or their beginning.
    pub text: String<TEXT_BYTES>,
}

/// How bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something failed.
    Error,
    /// It goes on, but other than was wished.
    Warning,
}

static KEPT: Ring<Message, MESSAGES> = Ring::new();

/// The next message that was not taken yet, the oldest first. There is one ring for the process, as TensorRT has one
/// logger.
pub fn next() -> Option<Message> {
    KEPT.pop()
}

/// How many messages found the ring full since the last call.
pub fn lost() -> u32 {
    KEPT.lost()
}

/// Everything that waits in the ring, as one text for an error.
pub(super) fn said() -> std::string::String {
    let mut said: Vec<std::string::String> = std::iter::from_fn(next)
        .map(|message| message.text.as_str().to_owned())
        .collect();
    match lost() {
        0 => {}
        lost => said.push(format!("and {lost} messages more")),
    }
    if said.is_empty() {
        return "it gave no reason".to_owned();
    }
    said.join("; ")
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The one logger, an object of C++ that was never made by C++.
pub(super) fn logger() -> *mut c_void {
    ptr::from_ref(&LOGGER).cast_mut().cast()
}

type Log = unsafe extern "C" fn(*mut c_void, i32, *const c_char);
type Destructor = extern "C" fn(*mut c_void);

/// The table of `nvinfer1::ILogger`. The C++ ABI puts two words before it that only casts between classes look at.
#[repr(C)]
struct Table {
    log: Log,
    destructor: Destructor,
    deleting_destructor: Destructor,
}

#[repr(C)]
struct Logger {
    table: &'static Table,
}

static LOGGER: Logger = Logger {
    table: &Table {
        log,
        destructor: ignore,
        deleting_destructor: ignore,
    },
};

/// On threads of TensorRT's: takes no memory and waits for nothing.
unsafe extern "C" fn log(_logger: *mut c_void, severity: i32, text: *const c_char) {
    // Information and chatter would push out what matters.
    let severity = match severity {
        0 | 1 => Severity::Error,
        2 => Severity::Warning,
        _ => return,
    };
    if text.is_null() {
        return;
    }
    // SAFETY: TensorRT gives a text with its end, for the time of the call.
    let text = unsafe { CStr::from_ptr(text) };
    KEPT.push(Message {
        severity,
        text: beginning(text.to_bytes()),
    });
}

/// The logger is a static: whoever destroys it is not heard.
extern "C" fn ignore(_logger: *mut c_void) {}

/// As many whole characters as there is room for; what is no character becomes a question mark, line ends become blanks.
fn beginning(bytes: &[u8]) -> String<TEXT_BYTES> {
    let mut text = String::new();
    for chunk in bytes.trim_ascii_end().utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { "" } else { "?" };
        for character in chunk.valid().chars().chain(replaced.chars()) {
            let character = if character.is_control() { ' ' } else { character };
            if text.push(character).is_err() {
                return text;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_bytes_is_kept_in_whole_characters() {
        assert_eq!(beginning(b"plain\n"), "plain");
        assert_eq!(beginning(b"two\nlines \xff end"), "two lines ? end");
        assert_eq!(beginning(b""), "");
        let long = "é".repeat(TEXT_BYTES);
        assert_eq!(beginning(long.as_bytes()).len(), TEXT_BYTES);
        let odd = format!("x{long}");
        assert_eq!(beginning(odd.as_bytes()).len(), TEXT_BYTES - 1);
    }
}
