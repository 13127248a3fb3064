//! The service manager's notification protocol (`sd_notify`), spoken directly: datagrams to `$NOTIFY_SOCKET`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A service manager that does not read for this long must not stop the supervisor.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// The service manager that started this process and wants to hear of it.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    watchdog_interval: Option<Duration>,
}

impl ServiceManager {
    /// The service manager named by the environment; `None` when nobody wants to be notified, as in a shell.
    ///
    /// # Errors
    /// When the environment names a socket that cannot be reached, or a watchdog time that is not a number.
    pub fn from_environment() -> Result<Option<Self>, NotifyError> {
        Self::from_variables(|name| env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, NotifyError> {
        let Some(address) = variable("NOTIFY_SOCKET") else {
            return Ok(None);
        };
        let watchdog_interval = watchdog_interval(&variable)?;
        let socket = connect(&address).map_err(|error| NotifyError::Unreachable { address, error })?;
        Ok(Some(Self {
            socket,
            watchdog_interval,
        }))
    }

    /// How long the manager waits for [`ServiceManager::alive`] before it restarts the process; send it at least twice
    /// as often. `None` when there is no watchdog for this process.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog_interval
    }

    /// Start-up is over (READY=1).
    ///
    /// # Errors
    /// When the manager does not take the message.
    pub fn ready(&self) -> Result<(), NotifyError> {
        self.send("READY=1")
    }

    /// All is well (WATCHDOG=1).
    ///
    /// # Errors
    /// When the manager does not take the message.
    pub fn alive(&self) -> Result<(), NotifyError> {
        self.send("WATCHDOG=1")
    }

    /// One line for `systemctl status` (STATUS=…). Control characters become spaces.
    ///
    /// # Errors
    /// When the manager does not take the message.
    pub fn status(&self, line: &str) -> Result<(), NotifyError> {
        // A line break would begin another assignment.
        self.send(&format!("STATUS={}", line.replace(char::is_control, " ")))
    }

    /// The process is about to end (STOPPING=1).
    ///
    /// # Errors
    /// When the manager does not take the message.
    pub fn stopping(&self) -> Result<(), NotifyError> {
        self.send("STOPPING=1")
    }

    fn send(&self, message: &str) -> Result<(), NotifyError> {
        self.socket
            .send(message.as_bytes())
            .map(drop)
            .map_err(NotifyError::NotSent)
    }
}

fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a path nor an abstract name",
            ));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

fn watchdog_interval(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Duration>, NotifyError> {
    let Some(interval) = variable("WATCHDOG_USEC") else {
        return Ok(None);
    };
    // The variables are inherited; a watchdog for another process is none of ours.
    if variable("WATCHDOG_PID").is_some_and(|pid| pid != std::process::id().to_string().as_str()) {
        return Ok(None);
    }
    match interval.to_str().and_then(|text| text.parse().ok()) {
        Some(interval_us @ 1..) => Ok(Some(Duration::from_micros(interval_us))),
        _ => Err(NotifyError::BadWatchdog { interval }),
    }
}

/// Why the service manager cannot be notified.
#[derive(Debug)]
pub enum NotifyError {
    /// Nobody listens at the address in `$NOTIFY_SOCKET`.
    Unreachable {
        /// The address.
        address: OsString,
        /// What went wrong.
        error: io::Error,
    },
    /// `$WATCHDOG_USEC` is not a positive number.
    BadWatchdog {
        /// What it is instead.
        interval: OsString,
    },
    /// The manager did not take a message.
    NotSent(io::Error),
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, error } => write!(
                f,
                "cannot reach the service manager at NOTIFY_SOCKET={}: {error}; is it set by hand, or the socket outside \
                 of the sandbox?",
                address.display()
            ),
            Self::BadWatchdog { interval } => write!(
                f,
                "WATCHDOG_USEC={} is not a positive number of microseconds: leave it to WatchdogSec= in the unit",
                interval.display()
            ),
            Self::NotSent(error) => {
                write!(
                    f,
                    "the service manager did not take a notification: {error}; does the unit set NotifyAccess=none?"
                )
            }
        }
    }
}

impl std::error::Error for NotifyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(variables: &[(&str, &OsStr)]) -> Result<Option<ServiceManager>, NotifyError> {
        ServiceManager::from_variables(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn listen(address: &SocketAddr) -> UnixDatagram {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn abstract_address(name: &str) -> (OsString, SocketAddr) {
        let name = format!("baize-test-{name}-{}", std::process::id());
        (
            format!("@{name}").into(),
            SocketAddr::from_abstract_name(name).unwrap(),
        )
    }

    #[test]
    fn each_message_reaches_a_socket_in_the_file_system() {
        let path = env::temp_dir().join(format!("baize-notify-{}", std::process::id()));
        let socket = listen(&SocketAddr::from_pathname(&path).unwrap());
        let manager = manager(&[("NOTIFY_SOCKET", path.as_os_str())]).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        manager.ready().unwrap();
        assert_eq!(received(&socket), "READY=1");
        manager.alive().unwrap();
        assert_eq!(received(&socket), "WATCHDOG=1");
        manager.status("60 fps\nREADY=0").unwrap();
        assert_eq!(received(&socket), "STATUS=60 fps READY=0");
        manager.stopping().unwrap();
        assert_eq!(received(&socket), "STOPPING=1");
    }

    #[test]
    fn an_abstract_socket_is_reached_too() {
        let (name, address) = abstract_address("abstract");
        let socket = listen(&address);
        manager(&[("NOTIFY_SOCKET", &name)])
            .unwrap()
            .unwrap()
            .ready()
            .unwrap();
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn without_a_service_manager_there_is_nobody_to_notify() {
        assert!(manager(&[]).unwrap().is_none());
        assert!(manager(&[("WATCHDOG_USEC", "1000".as_ref())]).unwrap().is_none());
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_named() {
        for address in ["/nonexistent/notify", "@baize-test-nobody", "vsock:2:1234", ""] {
            let error = manager(&[("NOTIFY_SOCKET", address.as_ref())]).unwrap_err();
            assert!(
                error.to_string().contains(&format!("NOTIFY_SOCKET={address}")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_watchdog_is_ours_only_with_our_process_id() {
        let (name, address) = abstract_address("watchdog");
        let _socket = listen(&address);
        let own_id = OsString::from(std::process::id().to_string());
        let interval = |variables: &[(&str, &OsStr)]| {
            let all = [&[("NOTIFY_SOCKET", name.as_os_str())], variables].concat();
            manager(&all).map(|manager| manager.unwrap().watchdog_interval())
        };
        let two_seconds = ("WATCHDOG_USEC", "2000000".as_ref());
        assert_eq!(interval(&[]).unwrap(), None);
        assert_eq!(interval(&[two_seconds]).unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(
            interval(&[two_seconds, ("WATCHDOG_PID", &own_id)]).unwrap(),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            interval(&[two_seconds, ("WATCHDOG_PID", "1".as_ref())]).unwrap(),
            None
        );
        for nonsense in ["", "soon", "0", "-1"] {
            let error = interval(&[("WATCHDOG_USEC", nonsense.as_ref())]).unwrap_err();
            assert!(matches!(error, NotifyError::BadWatchdog { .. }), "{error}");
        }
    }

    #[test]
    fn a_manager_that_went_away_is_an_error_not_a_hang() {
        let (name, address) = abstract_address("gone");
        let socket = listen(&address);
        let manager = manager(&[("NOTIFY_SOCKET", &name)]).unwrap().unwrap();
        drop(socket);
        assert!(matches!(manager.alive(), Err(NotifyError::NotSent(_))));
    }
}
