//! Which machine this is: a short name that stays the same over restarts and updates.

use std::fmt;
use std::fs;
use std::path::Path;

/// Where the module's serial number stands on a board with a device tree.
const SERIAL_PATH: &str = "proc/device-tree/serial-number";
/// Where the installation's id stands elsewhere.
const MACHINE_ID_PATH: &str = "etc/machine-id";

/// What a machine is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    short_id: u32,
    source: IdentitySource,
}

/// Where an identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentitySource {
    /// The serial number of the module: stays with the hardware.
    SerialNumber,
    /// `/etc/machine-id`: stays with the installation.
    MachineId,
}

impl Identity {
    /// The identity of this machine.
    ///
    /// # Errors
    /// When it has neither a serial number nor a machine id.
    pub fn read() -> Result<Self, IdentityError> {
        Self::read_under(Path::new("/"))
    }

    /// The identity of the machine whose file system stands under `root`.
    ///
    /// # Errors
    /// When it has neither a serial number nor a machine id.
    pub fn read_under(root: &Path) -> Result<Self, IdentityError> {
        let sources = [
            (SERIAL_PATH, IdentitySource::SerialNumber),
            (MACHINE_ID_PATH, IdentitySource::MachineId),
        ];
        sources
            .into_iter()
            .find_map(|(path, source)| {
                let text = fs::read_to_string(root.join(path)).ok()?;
                let name = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
                says_something(name).then(|| Self {
                    short_id: short_id(name),
                    source,
                })
            })
            .ok_or(IdentityError)
    }

    /// Where the identity comes from.
    pub const fn source(&self) -> IdentitySource {
        self.source
    }

    /// Eight hexadecimal digits. Among a thousand tables the chance that any two share them is about 1 in 10 000.
    pub fn short_id(&self) -> String {
        format!("{:08x}", self.short_id)
    }

    /// The name of a table that was given none: `baize-` and the short id.
    pub fn default_table_name(&self) -> String {
        format!("baize-{:08x}", self.short_id)
    }
}

/// Unprogrammed serial numbers are all zeros; an image that has not started yet says `uninitialized`.
fn says_something(name: &str) -> bool {
    !name.chars().all(|c| c == '0') && name != "uninitialized"
}

/// FNV-1a, folded to 32 bits: a machine id is not to be published, so it is hashed, and a serial number for uniformity.
fn short_id(name: &str) -> u32 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash >> 32) as u32 ^ hash as u32
}

/// The machine has nothing to be known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityError;

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this machine has neither a serial number (/{SERIAL_PATH}) nor an id (/{MACHINE_ID_PATH}): name the table in \
             the config, or run `systemd-machine-id-setup`"
        )
    }
}

impl std::error::Error for IdentityError {}
