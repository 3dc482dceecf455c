//! Connections in TLS, where an address is one of `https://`.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig as Rustls, RootCertStore};

use super::ChannelError;
use crate::config::{ClientConfig, ClientTlsConfig, Protocol};
use crate::error::BoxError;
use crate::http::pem::{self, PemError};

/// How connections are secured: what that takes is read when the client is made if it has an `https://` address or certificates of its own then,
/// else with the first such address that turns up.
#[derive(Clone)]
pub(super) struct Tls(Arc<Lazy>);

struct Lazy {
    config: ClientTlsConfig,
    protocol: Protocol,
    secured: OnceCell<Secured>,
}

#[derive(Clone)]
struct Secured {
    connector: TlsConnector,
    server_name: Option<ServerName<'static>>,
}

impl Tls {
    /// Reads the certificates, if they are wanted now.
    ///
    /// # Errors
    /// When they can't be read.
    pub(super) fn of(client: &'static str, wanted: bool, config: &ClientConfig) -> Result<Self, ChannelError> {
        let wanted = wanted || config.tls != ClientTlsConfig::default();
        let secured = wanted.then(|| Secured::of(&config.tls, config.protocol)).transpose();
        let secured = OnceCell::new_with(secured.map_err(|reason| ChannelError::Tls { client, reason })?);
        Ok(Self(Arc::new(Lazy { config: config.tls.clone(), protocol: config.protocol, secured })))
    }

    /// The connection, in TLS where the address wants it.
    pub(super) async fn secure(&self, uri: &Uri, stream: TokioIo<TcpStream>) -> Result<Stream, BoxError> {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Ok(Stream::Plain(stream));
        }
        let secured = self.0.secured().await?;
        let name = match &secured.server_name {
            Some(name) => name.clone(),
            None => name_of(uri)?,
        };
        let stream = secured.connector.connect(name, stream.into_inner()).await?;
        Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
    }
}

impl Lazy {
    async fn secured(&self) -> Result<&Secured, BoxError> {
        let read = || async {
            let (config, protocol) = (self.config.clone(), self.protocol);
            // Files are read.
            Ok(tokio::task::spawn_blocking(move || Secured::of(&config, protocol)).await??)
        };
        self.secured.get_or_try_init(read).await
    }
}

impl Secured {
    fn of(config: &ClientTlsConfig, protocol: Protocol) -> Result<Self, String> {
        let builder = Rustls::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("tls: {error}"))?.with_root_certificates(roots(config.ca.as_deref())?);
        let mut rustls = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => {
                let shown = builder.with_client_auth_cert(certificates("certificate", certificate)?, private_key(key)?);
                shown.map_err(|error| format!("tls: the certificate and the key do not make a pair: {error}"))?
            }
            _ => builder.with_no_client_auth(),
        };
        rustls.alpn_protocols = vec![if protocol == Protocol::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let server_name = config.server_name.clone().map(|name| ServerName::try_from(name.clone()).map_err(|_| wrong_name(&name)));
        Ok(Self { connector: TlsConnector::from(Arc::new(rustls)), server_name: server_name.transpose()? })
    }
}

fn wrong_name(name: &str) -> String {
    format!("tls.server_name: `{name}` is neither a DNS name nor an IP address")
}

fn name_of(uri: &Uri) -> Result<ServerName<'static>, BoxError> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    Ok(ServerName::try_from(host.to_owned())?)
}

/// The authorities of the file; those of the operating system when there is none.
fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let trusted = match ca {
        Some(path) => certificates("ca", path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    // The store of an operating system may hold what nobody can read: the others count.
    let (added, ignored) = roots.add_parsable_certificates(trusted);
    match (added, ca) {
        (0, None) => Err("tls: the operating system has no trusted authorities: set `ca` under it".to_owned()),
        (_, Some(path)) if ignored > 0 => Err(format!("tls.ca: {} has a certificate that is none", path.display())),
        _ => Ok(roots),
    }
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    pem::certificates(path).map_err(|error| wrong_file(key, path, "certificates", &error))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    pem::private_key(path).map_err(|error| wrong_file("key", path, "a private key", &error))
}

fn wrong_file(key: &str, path: &Path, wanted: &str, error: &PemError) -> String {
    let path = path.display();
    match error {
        PemError::Unreadable(error) => format!("tls.{key}: could not read {wanted} from {path}: {error}"),
        PemError::Without(what) => format!("tls.{key}: {path} has no {what}; expected PEM"),
    }
}

/// A connection, in TLS or not.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Stream {
    fn pinned(self: Pin<&mut Self>) -> Pin<&mut (dyn Duplex + '_)> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

trait Duplex: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Duplex for T {}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(stream) => stream.connected(),
            Self::Tls(stream) => {
                let (tcp, tls) = stream.inner().get_ref();
                let connected = tcp.connected();
                if tls.alpn_protocol() == Some(b"h2") { connected.negotiated_h2() } else { connected }
            }
        }
    }
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_read(task, buffer)
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.pinned().poll_write(task, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_shutdown(task)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.pinned().poll_write_vectored(task, bytes)
    }
}
