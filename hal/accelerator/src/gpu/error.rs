use std::fmt;

/// Why something with the GPU did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuError {
    /// The NVIDIA driver's library cannot be loaded; the loader's words.
    NoDriver(String),
    /// The driver lacks a function that is needed.
    DriverTooOld {
        /// The function.
        missing: &'static str,
    },
    /// There is a driver, but no GPU that it can use.
    NoDevice,
    /// The driver refused a call.
    Call {
        /// The driver's function.
        function: &'static str,
        /// CUDA's number of the error.
        code: u32,
        /// CUDA's name for it.
        name: &'static str,
    },
    /// The network does not fit, or its engine failed; its words.
    Network(String),
    /// The GPU did not finish in time.
    Stuck {
        /// How long it was waited for.
        waited_ms: u32,
    },
}

impl fmt::Display for GpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDriver(reason) => write!(f, "no NVIDIA driver on this machine: {reason}"),
            Self::DriverTooOld { missing } => write!(
                f,
                "the NVIDIA driver lacks {missing}; install one of CUDA 12.0 or newer (JetPack 6 or newer)"
            ),
            Self::NoDevice => write!(
                f,
                "the NVIDIA driver finds no GPU; see `nvidia-smi`, in a container also whether the GPU was passed in"
            ),
            Self::Call { function, code, name } => {
                write!(f, "the NVIDIA driver's {function} failed with {name} ({code})")
            }
            Self::Network(reason) => f.write_str(reason),
            Self::Stuck { waited_ms } => write!(
                f,
                "the GPU did not finish within {waited_ms} ms; its driver's words are in the kernel's log (dmesg)"
            ),
        }
    }
}

impl std::error::Error for GpuError {}
