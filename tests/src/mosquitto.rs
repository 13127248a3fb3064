use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Scratch;
use crate::wait;

/// A port on loopback that nobody listens on.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

/// A Mosquitto of this test's own.
#[derive(Debug)]
pub struct Mosquitto {
    scratch: Scratch,
    port: u16,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts one that lets everybody in. `None`, and a line that says so, where Mosquitto is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(Scratch::new(), "allow_anonymous true\n")
    }

    /// Starts one with these lines in its configuration, below the line of its listener.
    ///
    /// # Panics
    /// When it is installed but does not start.
    pub fn start_with(scratch: Scratch, lines: &str) -> Option<Self> {
        Self::start_configured(scratch, |port| {
            format!("listener {port} 127.0.0.1\npersistence false\nlog_dest stderr\n{lines}")
        })
    }

    /// Starts one with this configuration, which is to have a listener on the port it is given.
    ///
    /// # Panics
    /// When it is installed but does not start.
    pub fn start_configured(scratch: Scratch, config: impl FnOnce(u16) -> String) -> Option<Self> {
        let port = free_port();
        // Else it would give up the rights that the tests' files need.
        scratch.write("mosquitto.conf", format!("user root\n{}", config(port)));
        let mut mosquitto = Self {
            scratch,
            port,
            child: None,
        };
        if program().is_none() {
            baize_skips::skipped("mosquitto");
            return None;
        }
        mosquitto.start_again();
        Some(mosquitto)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Kills it: connections break, and what was retained is forgotten.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What it has said since it was started.
    ///
    /// # Panics
    /// When its log is gone.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("mosquitto.log")).expect("it writes one")
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.kill();
        let program = program().expect("it was there when this was made");
        let log =
            std::fs::File::create(self.scratch.path().join("mosquitto.log")).expect("the folder is there");
        let child = Command::new(program)
            .arg("-c")
            .arg(self.scratch.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it can be started");
        self.child = Some(child);
        wait::until("Mosquitto to listen", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
        });
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Debian puts it where users other than root do not look.
fn program() -> Option<&'static Path> {
    [
        "/usr/sbin/mosquitto",
        "/usr/bin/mosquitto",
        "/usr/local/sbin/mosquitto",
    ]
    .map(Path::new)
    .into_iter()
    .find(|path| path.is_file())
}
