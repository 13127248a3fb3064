use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that vanishes with its owner.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    #[expect(clippy::new_without_default, reason = "making a folder is no default")]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("baize-tests-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        Self(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it and says where it is.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, content).expect("the temporary folder can be written");
        file
    }

    /// Copies another folder into it, under the same name.
    ///
    /// # Panics
    /// When either cannot be used.
    pub fn take_over(&self, folder: &Path) {
        let copy = self.0.join(folder.file_name().expect("a folder has a name"));
        std::fs::create_dir_all(&copy).expect("the temporary folder can be written");
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let entry = entry.expect("the folder can be read");
            std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("it can be copied");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The system empties its temporary folder in the end.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
