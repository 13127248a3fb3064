//! Recordings as cameras: a picture, a folder of pictures, a clip.

mod clip;
mod folder;
mod picture;
mod probe;

pub(crate) use clip::ClipReader;
pub(crate) use folder::FolderReader;
pub use folder::picture_files;
pub use picture::{Picture, PictureError, load_picture};
pub(crate) use picture::{decode_into, jpeg_format};
pub use probe::ClipError;
