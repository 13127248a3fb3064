//! What the simulated projector is told to show: a file that whoever plays its controller writes.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use baize_simulated_table::{Discs, MAX_DISCS};

/// A line a disc, of some twenty bytes, and the radius.
const BYTES_MAX: usize = 32 * (MAX_DISCS + 1);

/// A file whose first line is the radius of the discs and each further one the x and y of a disc, in the projector's
/// pixels. Read for every picture without allocating; a file that is missing, or is none, is the dark.
pub(super) struct LightFile {
    file: PathBuf,
    bytes: [u8; BYTES_MAX],
}

impl LightFile {
    pub fn new(file: &Path) -> Self {
        Self {
            file: file.into(),
            bytes: [0; BYTES_MAX],
        }
    }

    /// What it says now.
    pub fn read(&mut self) -> Discs {
        let mut length = 0;
        if let Ok(mut file) = File::open(&self.file) {
            while let Ok(read @ 1..) = file.read(&mut self.bytes[length..]) {
                length += read;
            }
        }
        let text = std::str::from_utf8(&self.bytes[..length]).unwrap_or_default();
        parse(text).unwrap_or_default()
    }
}

fn parse(text: &str) -> Option<Discs> {
    let mut lines = text.lines();
    let mut discs = Discs {
        radius_px: number(lines.next()?)?,
        ..Discs::default()
    };
    for line in lines {
        let (x, y) = line.split_once(' ')?;
        discs.points_px.push([number(x)?, number(y)?]).ok()?;
    }
    Some(discs)
}

/// Within the picture of any projector, or near it.
fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (-1e5..1e5).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radius_and_places_are_discs_and_anything_else_is_dark() {
        let discs = parse("8.5\n100 200.5\n3 4\n").expect("it is right");
        assert_eq!(discs.radius_px, 8.5);
        assert_eq!(discs.points_px[..], [[100.0, 200.5], [3.0, 4.0]]);
        for text in ["", "wide\n", "8\n1\n", "8\n1 x\n", "8\n1 inf\n", "NaN\n1 1\n"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
        let mut missing = LightFile::new(Path::new("/nonexistent/light"));
        assert_eq!(missing.read(), Discs::default());
    }
}
