//! The feature `tls` is off.

use std::io;

use tokio::net::TcpStream;

use super::patient::Patient;
use crate::config::HttpTlsConfig;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
#[error("`[http.tls]` is set, but this program was built without TLS: add the feature `tls` to `comms` in Cargo.toml")]
pub(crate) struct TlsError(());

/// Of connections that are never secure.
#[derive(Clone, Debug)]
pub(super) enum Tls {}

impl Tls {
    pub(super) fn open(_: &HttpTlsConfig) -> Result<Self, TlsError> {
        Err(TlsError(()))
    }

    pub(super) async fn accept(&self, _: Patient<TcpStream>) -> io::Result<Patient<TcpStream>> {
        match *self {}
    }
}
