//! The files that TLS needs.

use std::path::Path;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

use super::RabbitMqConfig;
use super::config::config_error;
use crate::broker::BrokerError;

/// Read at each connection, so that a renewed certificate is taken up without a restart.
pub(super) async fn files(config: &RabbitMqConfig) -> Result<OwnedTLSConfig, BrokerError> {
    let mut tls = OwnedTLSConfig::default();
    if let Some(path) = &config.ca {
        let pem = read("ca", path).await?;
        tls.cert_chain = Some(String::from_utf8(pem).map_err(|_| config_error(format!("{} is no PEM file", path.display())))?);
    }
    if let (Some(cert), Some(key)) = (&config.cert, &config.key) {
        tls.identity = Some(OwnedIdentity::PKCS8 { pem: read("cert", cert).await?, key: read("key", key).await? });
    }
    Ok(tls)
}

async fn read(option: &str, path: &Path) -> Result<Vec<u8>, BrokerError> {
    let owned = path.to_owned();
    let content = match tokio::task::spawn_blocking(move || std::fs::read(owned)).await {
        Ok(content) => content,
        Err(failed) => Err(std::io::Error::other(failed)),
    };
    content.map_err(|error| {
        config_error(format!("could not read {}, given as the option `{option}` of the RabbitMQ URL", path.display())).with_source(error)
    })
}
