use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a blocked direction looks whether it is free again.
const LOOK: Duration = Duration::from_millis(5);

/// A way to a broker that can be blocked, so that nothing is read from either side and no connection breaks, or cut, so
/// that connections break and new ones are refused.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    way: Arc<Way>,
}

#[derive(Debug, Default)]
struct Way {
    blocked: AtomicBool,
    cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A free way to the broker on this port.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub fn to(broker: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let proxy = Self {
            port,
            way: Arc::default(),
        };
        let way = Arc::clone(&proxy.way);
        // Ends with the test's process, like the threads of its connections.
        std::thread::spawn(move || {
            for here in listener
                .incoming()
                .flatten()
                .filter(|_| !way.cut.load(Ordering::SeqCst))
            {
                let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, broker)) else {
                    continue;
                };
                for (from, to) in [(&here, &there), (&there, &here)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                        continue;
                    };
                    let way = Arc::clone(&way);
                    std::thread::spawn(move || carry(from, to, &way.blocked));
                }
                way.open.lock().unwrap_or_else(PoisonError::into_inner).push(here);
            }
        });
        proxy
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Blocks the way, or frees it.
    pub fn block(&self, yes: bool) {
        self.way.blocked.store(yes, Ordering::SeqCst);
    }

    /// Breaks every connection and refuses new ones, until told otherwise.
    pub fn cut(&self, yes: bool) {
        self.way.cut.store(yes, Ordering::SeqCst);
        for connection in self
            .way
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            // It may be broken already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// Carries bytes one way. What it had read when the way was blocked it still delivers: a segment at most.
fn carry(mut from: TcpStream, mut to: TcpStream, blocked: &AtomicBool) {
    // Small, so that little is under way inside the proxy itself.
    let mut bytes = [0; 1024];
    // A read that is under way when the way is blocked would otherwise still take what comes next.
    let _ = from.set_read_timeout(Some(LOOK));
    loop {
        while blocked.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK);
        }
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => {
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
