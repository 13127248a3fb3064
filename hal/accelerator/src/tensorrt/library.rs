use std::error::Error as _;
use std::ffi::c_void;
use std::fmt;
use std::path::{Path, PathBuf};

use libloading::os::unix;

use super::abi::{Object, Owned};
use super::messages;
use super::runtime::{Runtime, RuntimeError};

/// What the system's loader is asked for.
const NAME: &str = "libnvinfer.so.10";

type GetVersion = unsafe extern "C" fn() -> i32;
type CreateRuntime = unsafe extern "C" fn(*mut c_void, i32) -> *mut Object;

/// TensorRT's library, loaded for the rest of the process: it is never unloaded.
#[derive(Debug, Clone, Copy)]
pub struct Library {
    version: Version,
    create_runtime: CreateRuntime,
}

/// A version of TensorRT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// As in 10.3.0.
    pub major: u32,
    /// As in 10.3.0.
    pub minor: u32,
    /// As in 10.3.0.
    pub patch: u32,
}

/// Why TensorRT cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LibraryError {
    /// The loader does not find or take the library.
    NotLoaded {
        /// Which.
        library: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// A library, but not TensorRT's.
    NotTensorRt {
        /// Which.
        library: PathBuf,
        /// What it does not have.
        symbol: &'static str,
    },
    /// A version whose tables of functions differ from those known here, or may.
    UnsupportedVersion {
        /// Which library.
        library: PathBuf,
        /// Its version.
        found: Version,
    },
}

impl Library {
    /// Loads the library at `path`, or the one that the system's loader knows. This runs the library's own start-up code.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn open(path: Option<&Path>) -> Result<Self, LibraryError> {
        let path = path.unwrap_or(Path::new(NAME));
        // SAFETY: what the configuration or the system names as TensorRT is trusted like the program itself.
        let library = unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) };
        let library = library.map_err(|error| LibraryError::NotLoaded {
            library: path.to_owned(),
            // The loader's own words are the cause.
            reason: error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
        })?;
        // SAFETY: TensorRT's headers declare it so.
        let get_version: GetVersion = unsafe { symbol(&library, "getInferLibVersion", path) }?;
        // SAFETY: as above.
        let create_runtime: CreateRuntime = unsafe { symbol(&library, "createInferRuntime_INTERNAL", path) }?;
        // TensorRT keeps threads and exit handlers; its code has to stay.
        std::mem::forget(library);
        // SAFETY: takes nothing and keeps nothing.
        let version = Version::from_number(unsafe { get_version() });
        if !version.is_supported() {
            return Err(LibraryError::UnsupportedVersion {
                library: path.to_owned(),
                found: version,
            });
        }
        Ok(Self {
            version,
            create_runtime,
        })
    }

    /// The library's version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Starts TensorRT. CUDA has to be initialised: without a driver TensorRT itself crashes here.
    ///
    /// # Errors
    /// [`RuntimeError`].
    pub fn runtime(&self) -> Result<Runtime, RuntimeError> {
        // SAFETY: the logger lives for ever. The version is the library's own: we use none of its headers' newer parts.
        let returned = unsafe { (self.create_runtime)(messages::logger(), self.version.to_number()) };
        // SAFETY: it was just created for us.
        match unsafe { Owned::new(returned) } {
            Some(runtime) => Ok(Runtime::new(runtime)),
            None => Err(RuntimeError {
                said: messages::said(),
            }),
        }
    }
}

/// # Safety
/// `T` is the type of that function.
unsafe fn symbol<T: Copy>(
    library: &unix::Library,
    name: &'static str,
    path: &Path,
) -> Result<T, LibraryError> {
    // SAFETY: the caller's promise.
    let found = unsafe { library.get::<T>(name) };
    match found {
        Ok(found) => Ok(*found),
        Err(_) => Err(LibraryError::NotTensorRt {
            library: path.to_owned(),
            symbol: name,
        }),
    }
}

impl Version {
    /// The first whose tables are known.
    const FIRST: Self = Self {
        major: 10,
        minor: 3,
        patch: 0,
    };
    /// The first whose tables are known to be others.
    const END: Self = Self {
        major: 11,
        minor: 0,
        patch: 0,
    };

    fn is_supported(self) -> bool {
        (Self::FIRST..Self::END).contains(&self)
    }

    /// From `NV_TENSORRT_VERSION`: 100300 is 10.3.0; before version 10, 8601 was 8.6.1.
    fn from_number(number: i32) -> Self {
        let number = number.unsigned_abs();
        let thousands = if number < 10_000 { 1_000 } else { 10_000 };
        Self {
            major: number / thousands,
            minor: number % thousands / 100,
            patch: number % 100,
        }
    }

    const fn to_number(self) -> i32 {
        (self.major * 10_000 + self.minor * 100 + self.patch).cast_signed()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl fmt::Display for LibraryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded { library, reason } => write!(
                f,
                "TensorRT's library {} cannot be loaded ({reason}); install TensorRT 10, which is part of JetPack 6 and 7",
                library.display()
            ),
            Self::NotTensorRt { library, symbol } => {
                write!(
                    f,
                    "{} is not TensorRT's library: it has no {symbol}",
                    library.display()
                )
            }
            Self::UnsupportedVersion { library, found } => write!(
                f,
                "{} is TensorRT {found}, this program can use {} and newer, but not {}",
                library.display(),
                Version::FIRST,
                Version::END
            ),
        }
    }
}

impl std::error::Error for LibraryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_tensorrt_numbers_them() {
        for (number, version, supported) in [
            (8_601, "8.6.1", false),
            (100_201, "10.2.1", false),
            (100_300, "10.3.0", true),
            (101_602, "10.16.2", true),
            (110_000, "11.0.0", false),
            (-1, "0.0.1", false),
        ] {
            let read = Version::from_number(number);
            assert_eq!(
                (read.to_string().as_str(), read.is_supported()),
                (version, supported)
            );
        }
    }
}
