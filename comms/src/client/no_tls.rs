//! Connections as they are: the feature `tls` is off.

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::ChannelError;
use crate::config::{ClientConfig, ClientTlsConfig};
use crate::error::BoxError;

/// A connection.
pub(super) type Stream = TokioIo<TcpStream>;

#[derive(Clone)]
pub(super) struct Tls(());

impl Tls {
    /// # Errors
    /// When TLS is wanted.
    pub(super) fn of(client: &'static str, wanted: bool, config: &ClientConfig) -> Result<Self, ChannelError> {
        if wanted || config.tls != ClientTlsConfig::default() {
            let reason = "wants TLS: build with the feature `tls` of `comms`, or take an address of `http://`";
            return Err(ChannelError::Tls { client, reason: reason.to_owned() });
        }
        Ok(Self(()))
    }

    pub(super) async fn secure(&self, uri: &Uri, stream: Stream) -> Result<Stream, BoxError> {
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err("`https://` needs the feature `tls` of `comms`".into());
        }
        Ok(stream)
    }
}
