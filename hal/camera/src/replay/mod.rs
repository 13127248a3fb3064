//! Recordings as cameras: a picture, a folder of pictures, a clip.

mod clip;
mod folder;
mod probe;
mod timeline;
mod words;

pub(crate) use clip::ClipReader;
pub(crate) use folder::FolderReader;
pub use folder::picture_files;
pub use probe::ClipError;
