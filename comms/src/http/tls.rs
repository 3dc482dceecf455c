//! HTTPS: rustls with ring, the versions of HTTP by ALPN.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{Error, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::patient::Patient;
use super::pem::{self, PemError};
use crate::config::HttpTlsConfig;

/// Told to who speaks plain HTTP here.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 45\r\nconnection: close\r\n\r\nthis port speaks HTTPS: write https:// there\n";

/// So much of what it still sends is thrown away.
const DRAINED: u64 = 64 << 10;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("could not read `{key}` of `[http.tls]`, the file {}: {source}", path.display())]
    Unreadable { key: &'static str, path: PathBuf, source: io::Error },
    #[error("`{key}` of `[http.tls]`: {} holds no {what}: expected PEM, `-----BEGIN ..-----`", path.display())]
    Without { key: &'static str, path: PathBuf, what: &'static str },
    #[error("the key in {} is not that of the certificate in {}: `key` and `certificate` of `[http.tls]` belong together", key.display(), certificate.display())]
    WrongPair { certificate: PathBuf, key: PathBuf },
    #[error("`[http.tls]` with {}: {source}", path.display())]
    Unusable { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
}

impl TlsError {
    fn of(key: &'static str, path: &Path, error: PemError) -> Self {
        let path = path.to_owned();
        match error {
            PemError::Unreadable(source) => Self::Unreadable { key, path, source },
            PemError::Without(what) => Self::Without { key, path, what },
        }
    }
}

/// Makes connections secure.
#[derive(Clone)]
pub(super) struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Which of them is missing or wrong, and why.
    pub(super) fn open(config: &HttpTlsConfig) -> Result<Self, TlsError> {
        let HttpTlsConfig { certificate, key, client_ca, .. } = config;
        let provider = Arc::new(ring::default_provider());
        let unusable = |path: &Path, source: Error| TlsError::Unusable { path: path.to_owned(), source: source.into() };
        let chain = certificates("certificate", certificate)?;
        let private = private_key(key)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| unusable(certificate, error))?;
        let builder = match client_ca {
            Some(authority) => builder.with_client_cert_verifier(clients_of(authority, provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_single_cert(chain, private).map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsError::WrongPair { certificate: certificate.clone(), key: key.clone() },
            error => unusable(certificate, error),
        })?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(server))))
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// When the client speaks something else, or is refused.
    pub(super) async fn accept(&self, mut stream: Patient<TcpStream>) -> io::Result<TlsStream<Patient<TcpStream>>> {
        let mut first = [0];
        if stream.get_ref().peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            // A client that still sends would lose the answer with the connection.
            tokio::io::copy(&mut stream.take(DRAINED), &mut tokio::io::sink()).await?;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "plain text instead of TLS"));
        }
        self.0.accept(stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn clients_of(authority: &Path, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |source| TlsError::Unusable { path: authority.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", authority)? {
        roots.add(certificate).map_err(|error| unusable(error.into()))?;
    }
    WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().map_err(|error| unusable(error.into()))
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    pem::certificates(path).map_err(|error| TlsError::of(key, path, error))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    pem::private_key(path).map_err(|error| TlsError::of("key", path, error))
}
