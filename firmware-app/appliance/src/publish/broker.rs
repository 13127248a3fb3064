//! Where the broker is and how to be let in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::bounded;
use crate::config;

/// The schema is the largest message, 12 KiB; rumqttc's own limit is 10.
const PACKET_OUT_BYTES_MAX: usize = 64 * 1024;

/// A command is some hundred bytes. One too large to be received ends the connection, and where the broker keeps it,
/// every connection after that; so the limit is far above what anybody sends by mistake.
const PACKET_IN_BYTES_MAX: usize = 1024 * 1024;

/// No password file is larger; what is, is something else.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// How long a silent link lasts before it is taken for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Why the broker's configuration was refused. The broker itself may still be absent: that is no error.
#[derive(Debug)]
pub enum BrokerError {
    /// Not `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
    Url(String),
    /// A file with a password, certificate or key cannot be used.
    File {
        /// Which one.
        file: PathBuf,
        /// Why not.
        message: String,
    },
    /// Certificates are given for a connection that would not use them.
    NotSecure(String),
    /// One of two keys of the configuration that go together.
    Half {
        /// The one that is there.
        given: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// Certificates and keys that make no TLS configuration.
    Tls(String),
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                write!(
                    f,
                    "`{url}` is not a broker's address; write mqtt://HOST:PORT or mqtts://HOST:PORT"
                )
            }
            Self::File { file, message } => write!(f, "{}: {message}", file.display()),
            Self::NotSecure(url) => write!(
                f,
                "certificates are configured, but `{url}` would be spoken to in the clear; write mqtts://HOST:PORT"
            ),
            Self::Half { given, missing } => {
                write!(
                    f,
                    "{given} is configured, {missing} is not; the one is nothing without the other"
                )
            }
            Self::Tls(message) => write!(
                f,
                "the certificates for the broker do not work together: {message}"
            ),
        }
    }
}

impl std::error::Error for BrokerError {}

/// Options for a client called `client_id` of the broker in `config`.
pub fn options(client_id: &str, config: &config::Broker) -> Result<MqttOptions, BrokerError> {
    let address = Address::parse(&config.url)?;
    let is_given = |value: &std::ffi::OsStr| !value.is_empty();
    let user = ("broker.user", is_given(config.user.as_ref()));
    let password_file = ("broker.password_file", is_given(config.password_file.as_os_str()));
    let certificate = (
        "broker.certificate_file",
        is_given(config.certificate_file.as_os_str()),
    );
    let key = ("broker.key_file", is_given(config.key_file.as_os_str()));
    // A user may have no password.
    for (given, missing) in [(password_file, user), (certificate, key), (key, certificate)] {
        if given.1 && !missing.1 {
            return Err(BrokerError::Half {
                given: given.0,
                missing: missing.0,
            });
        }
    }
    let mut options = MqttOptions::new(client_id, address.host, address.port);
    options.set_keep_alive(KEEP_ALIVE).set_clean_session(true);
    options.set_max_packet_size(PACKET_IN_BYTES_MAX, PACKET_OUT_BYTES_MAX);
    if !config.user.is_empty() {
        options.set_credentials(&config.user, password(&config.password_file)?);
    }
    let certificates = [&config.ca_file, &config.certificate_file, &config.key_file];
    if address.tls {
        options.set_transport(Transport::Tls(tls(config)?));
    } else if certificates.iter().any(|file| !file.as_os_str().is_empty()) {
        return Err(BrokerError::NotSecure(config.url.clone()));
    }
    Ok(options)
}

struct Address<'a> {
    tls: bool,
    host: &'a str,
    port: u16,
}

impl<'a> Address<'a> {
    fn parse(url: &'a str) -> Result<Self, BrokerError> {
        let bad = || BrokerError::Url(url.to_string());
        let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
        let (tls, default_port) = match scheme {
            "mqtt" | "tcp" => (false, 1883),
            "mqtts" | "ssl" => (true, 8883),
            _ => return Err(bad()),
        };
        let rest = rest.trim_end_matches('/');
        // A colon within brackets belongs to an IPv6 address.
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| bad())?),
            None => (rest, default_port),
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(bad());
        }
        Ok(Self { tls, host, port })
    }
}

fn password(file: &Path) -> Result<String, BrokerError> {
    if file.as_os_str().is_empty() {
        return Ok(String::new());
    }
    let refuse = |why: &dyn fmt::Display| BrokerError::File {
        file: file.into(),
        message: format!("cannot read the password: {why}"),
    };
    let bytes = bounded::read(file, PASSWORD_BYTES_MAX).map_err(|error| refuse(&error))?;
    let bytes = bytes.ok_or_else(|| refuse(&"the file is too large"))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse(&"it is no text"))?;
    Ok(text.lines().next().unwrap_or_default().to_string())
}

fn tls(config: &config::Broker) -> Result<TlsConfiguration, BrokerError> {
    let mut roots = rustls::RootCertStore::empty();
    if config.ca_file.as_os_str().is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        for certificate in certificates(&config.ca_file)? {
            roots.add(certificate).map_err(|error| BrokerError::File {
                file: config.ca_file.clone(),
                message: format!("not an authority's certificate: {error}"),
            })?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BrokerError::Tls(error.to_string()))?
        .with_root_certificates(roots);
    let client = if config.certificate_file.as_os_str().is_empty() {
        builder.with_no_client_auth()
    } else {
        let key = PrivateKeyDer::from_pem_file(&config.key_file).map_err(|error| BrokerError::File {
            file: config.key_file.clone(),
            message: format!("no private key: {error}"),
        })?;
        builder
            .with_client_auth_cert(certificates(&config.certificate_file)?, key)
            .map_err(|error| BrokerError::Tls(error.to_string()))?
    };
    Ok(TlsConfiguration::Rustls(Arc::new(client)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, BrokerError> {
    let refuse = |message: String| BrokerError::File {
        file: file.into(),
        message,
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(format!("no certificate: {error}")))?;
    if certificates.is_empty() {
        return Err(refuse("no certificate in it".to_string()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_port() {
        for (url, tls, host, port) in [
            ("mqtt://table.local", false, "table.local", 1883),
            ("mqtts://10.0.0.2/", true, "10.0.0.2", 8883),
            ("mqtt://[::1]:1999", false, "[::1]", 1999),
            ("mqtt://[::1]", false, "[::1]", 1883),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(
                (address.tls, address.host, address.port),
                (tls, host, port),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "localhost",
            "http://x",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://h:99999",
            "mqtt://u@h",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn certificates_for_a_connection_in_the_clear_are_refused() {
        let config = config::Broker {
            url: "mqtt://h".into(),
            ca_file: "ca.pem".into(),
            ..config::Broker::default()
        };
        assert!(matches!(options("t", &config), Err(BrokerError::NotSecure(_))));
    }

    #[test]
    fn half_of_what_goes_together_is_refused() {
        let password_file = config::Broker {
            password_file: "/nonexistent".into(),
            ..config::Broker::default()
        };
        let certificate_file = config::Broker {
            url: "mqtts://h".into(),
            certificate_file: "/nonexistent".into(),
            ..config::Broker::default()
        };
        let key_file = config::Broker {
            url: "mqtts://h".into(),
            key_file: "/nonexistent".into(),
            ..config::Broker::default()
        };
        for (config, missing) in [
            (password_file, "broker.user"),
            (certificate_file, "broker.key_file"),
            (key_file, "broker.certificate_file"),
        ] {
            let error = options("t", &config).expect_err(missing).to_string();
            assert!(error.contains(&format!("{missing} is not")), "{error}");
        }
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let config = config::Broker {
            url: "mqtts://h".into(),
            ca_file: "/nonexistent/ca.pem".into(),
            ..config::Broker::default()
        };
        let error = options("t", &config)
            .expect_err("there is no such file")
            .to_string();
        assert!(error.contains("/nonexistent/ca.pem"), "{error}");
    }
}
