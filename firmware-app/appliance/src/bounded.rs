//! Reading files that should be small.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// What is in a file; `None` where that is more than `max_bytes`. Devices, which have no size and no end, are no danger.
pub fn read(file: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = File::open(file)?.take(max_bytes + 1).read_to_end(&mut bytes)?;
    Ok((read as u64 <= max_bytes).then_some(bytes))
}
