use std::io;
use std::path::{Path, PathBuf};

use baize_frame::FrameFormat;
use baize_realtime::sealing::library_scope;

use crate::camera::CameraLost;
use crate::limits::{MAX_ENCODED_BYTES, MAX_FRAME_BYTES};
use crate::paced::{Read, Reader};
use crate::picture::{PictureError, decode_into, picture_format, read_file};
use crate::pool::Slot;

/// The pictures of a folder in the order in which replay plays them: by name, numbers by their value.
///
/// # Errors
/// The folder cannot be read.
pub fn picture_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        if path.is_file() && extension.is_some_and(|e| e == "png" || e == "jpg" || e == "jpeg") {
            files.push(path);
        }
    }
    files.sort_by_cached_key(|path| natural_key(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(files)
}

/// A stretch of a file's name. Numbers come before text; equal numbers are told apart by their leading zeros.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NamePart {
    Number(u128, String),
    Text(String),
}

/// Splits a name into its text and its numbers, so that `frame9` comes before `frame10`.
fn natural_key(name: &str) -> Vec<NamePart> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(text_end);
        let digits_end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (digits, tail) = tail.split_at(digits_end);
        if !text.is_empty() {
            key.push(NamePart::Text(text.to_owned()));
        }
        if !digits.is_empty() {
            key.push(NamePart::Number(
                digits.parse().unwrap_or(u128::MAX),
                digits.to_owned(),
            ));
        }
        rest = tail;
    }
    key
}

/// Pictures of a folder, or a single one, at an even rate.
pub(crate) struct FolderReader {
    files: Vec<PathBuf>,
    description: String,
    format: FrameFormat,
    interval_us: u32,
    looped: bool,
    played: u64,
    encoded: Vec<u8>,
    scratch: Vec<u8>,
    /// The last picture that could not be read, and why.
    bad: Option<(usize, PictureError)>,
}

impl FolderReader {
    /// `files` must not be empty; the first one must be a picture that fits a slot.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        name: &Path,
        rate_hz: f32,
        looped: bool,
    ) -> Result<Self, (PathBuf, PictureError)> {
        let largest = files
            .iter()
            .filter_map(|file| file.metadata().ok())
            .map(|data| data.len())
            .max();
        // Of one that is larger no more is read than shows that it is.
        let most = largest.unwrap_or(0).min(MAX_ENCODED_BYTES as u64);
        let mut encoded = Vec::with_capacity(most as usize + 1);
        let first = files[0].clone();
        let format = read_file(&first, &mut encoded).and_then(|()| picture_format(&encoded));
        let format = format.map_err(|error| (first.clone(), error))?;
        if format.size_bytes() > MAX_FRAME_BYTES {
            let (width, height) = (format.width, format.height);
            return Err((first, PictureError::LargerThanSlot { width, height }));
        }
        let noun = if files.len() == 1 { "picture" } else { "pictures" };
        let description = format!(
            "{} ({} {noun}, {}x{})",
            name.display(),
            files.len(),
            format.width,
            format.height
        );
        let interval_us = (1e6 / rate_hz.clamp(0.01, 1000.0)) as u32;
        Ok(Self {
            files,
            description,
            format,
            interval_us,
            looped,
            played: 0,
            encoded,
            scratch: Vec::new(),
            bad: None,
        })
    }
}

impl Reader for FolderReader {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn describe(&self) -> &str {
        &self.description
    }

    fn interval_us(&self) -> u32 {
        self.interval_us
    }

    fn read(&mut self, slot: &mut Slot, _deadline_us: u64) -> Result<Read, CameraLost> {
        let count = self.files.len() as u64;
        if self.played >= count && !self.looped {
            return Ok(Read::End);
        }
        let index = (self.played % count) as usize;
        let file = &self.files[index];
        let media_us = self.played * u64::from(self.interval_us);
        self.played += 1;
        let _decoder_allocates = library_scope();
        let decoded = read_file(file, &mut self.encoded)
            .and_then(|()| decode_into(&self.encoded, &mut self.scratch, slot.bytes_mut()));
        Ok(match decoded {
            Ok(format) => Read::Frame { format, media_us },
            Err(error) => {
                self.bad = Some((index, error));
                Read::Undecodable
            }
        })
    }

    fn complaint(&self) -> Option<String> {
        let (index, error) = self.bad.as_ref()?;
        Some(format!("{}: {error}", self.files[*index].display()))
    }
}

#[cfg(test)]
mod tests {
    use super::natural_key;

    #[test]
    fn names_are_ordered_by_the_value_of_their_numbers() {
        let mut names = [
            "b1.png",
            "frame10.png",
            "frame9.png",
            "frame2.png",
            "a.png",
            "7.png",
            "frame010.png",
        ];
        names.sort_by_key(|name| natural_key(name));
        assert_eq!(
            names,
            [
                "7.png",
                "a.png",
                "b1.png",
                "frame2.png",
                "frame9.png",
                "frame010.png",
                "frame10.png"
            ]
        );
    }
}
