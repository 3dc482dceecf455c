//! TLS with rustls and ring.

use redis::{Client, ClientTlsConfig, ConnectionInfo, TlsCertificates};
use tokio_rustls::rustls::crypto::ring;

use super::RedisConfig;
use super::error::broker_error;
use crate::broker::{BrokerError, pem};

/// The files are read at each connection, so that a renewed certificate is taken up without a restart.
pub(super) async fn client(info: ConnectionInfo, config: &RedisConfig) -> Result<Client, BrokerError> {
    let made = if config.tls {
        // redis-rs asks for the provider of the process; one that the application chose stays.
        let _ = ring::default_provider().install_default();
        let certificates = certificates(config).await?;
        Client::build_with_tls(info, certificates)
    } else {
        Client::open(info)
    };
    made.map_err(|error| broker_error("use the Redis URL", &error))
}

async fn certificates(config: &RedisConfig) -> Result<TlsCertificates, BrokerError> {
    let root_cert = match &config.ca {
        Some(path) => Some(pem::read("Redis", "ca", path).await?),
        None => None,
    };
    let client_tls = match (&config.cert, &config.key) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig {
            client_cert: pem::read("Redis", "cert", cert).await?,
            client_key: pem::read("Redis", "key", key).await?,
        }),
        _ => None,
    };
    Ok(TlsCertificates { client_tls, root_cert })
}
