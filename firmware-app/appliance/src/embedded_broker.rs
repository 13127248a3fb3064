//! A broker within this program, on loopback only: for the demo, which must run with nothing installed.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

use crate::failure::Failure;

/// How long its first accepted connection may take.
const START_MAX: Duration = Duration::from_secs(5);

/// Starts it on a thread of its own, and says on which port; it ends with the program.
pub fn start_on_a_free_port() -> Result<u16, Failure> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(|error| Failure::at("no free port on loopback", error))?;
    let port = probe.local_addr().map_err(Failure::from_error)?.port();
    drop(probe);
    start(port)?;
    Ok(port)
}

fn start(port: u16) -> Result<(), Failure> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connections = ConnectionSettings {
        connection_timeout_ms: 5_000,
        max_payload_size: 64 * 1024,
        max_inflight_count: 200,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "baize".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    let config = Config {
        id: 0,
        router: RouterConfig {
            max_connections: 32,
            max_outgoing_packet_count: 200,
            max_segment_size: 1024 * 1024,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("baize".to_string(), server)])),
        ..Config::default()
    };
    let mut broker = Broker::new(config);
    std::thread::Builder::new()
        .name("baize-broker".into())
        .spawn(move || {
            if let Err(error) = broker.start() {
                log::error!("the embedded broker ended: {error}");
            }
        })
        .map_err(Failure::from_error)?;
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect(listen).is_err() {
        if Instant::now() > deadline {
            return Err(Failure::new(format!(
                "the embedded broker did not start on {listen}; is the port in use?"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
