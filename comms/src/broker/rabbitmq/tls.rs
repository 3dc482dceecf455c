//! The files that TLS needs.

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

use super::RabbitMqConfig;
use super::config::config_error;
use crate::broker::{BrokerError, pem};

/// Read at each connection, so that a renewed certificate is taken up without a restart.
pub(super) async fn files(config: &RabbitMqConfig) -> Result<OwnedTLSConfig, BrokerError> {
    let mut tls = OwnedTLSConfig::default();
    if let Some(path) = &config.ca {
        let pem = pem::read("RabbitMQ", "ca", path).await?;
        tls.cert_chain = Some(String::from_utf8(pem).map_err(|_| config_error(format!("{} is no PEM file", path.display())))?);
    }
    if let (Some(cert), Some(key)) = (&config.cert, &config.key) {
        tls.identity =
            Some(OwnedIdentity::PKCS8 { pem: pem::read("RabbitMQ", "cert", cert).await?, key: pem::read("RabbitMQ", "key", key).await? });
    }
    Ok(tls)
}
