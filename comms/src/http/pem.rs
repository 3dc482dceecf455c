//! Certificates and keys in PEM files.

use std::io;
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is wrong with such a file.
#[derive(Debug)]
pub(crate) enum PemError {
    /// It can't be read.
    Unreadable(io::Error),
    /// It has no such thing.
    Without(&'static str),
}

/// The certificates of the file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(PemError::Without("certificate"))
}

/// The private key of the file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| PemError::Without("private key"))
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    std::fs::read(path).map_err(PemError::Unreadable)
}
