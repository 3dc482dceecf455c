//! Certificates for servers under test: an authority of their own, made anew for each.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::ServerError;
use super::error::Attempt;

/// A test authority, and a certificate for the server and one for a client, signed by it.
///
/// The server's is valid for `localhost` and `127.0.0.1`, the client's names `comms-test-client`.
/// All are PEM files in one directory, the keys in PKCS #8.
#[derive(Debug, Clone)]
pub struct Certificates {
    directory: PathBuf,
    ca_pem: String,
    client_certificate_pem: String,
    client_key_pem: String,
}

impl Certificates {
    /// Makes an authority and its two certificates in `directory`, which is created if need be.
    ///
    /// Use it to get a client that a server must refuse: another call is another authority.
    ///
    /// # Errors
    /// [`ServerError::Certificates`] when they can't be made, [`ServerError::Io`] when they can't be
    /// written.
    pub fn generate(directory: impl Into<PathBuf>) -> Result<Self, ServerError> {
        let directory = directory.into();
        let authority = Authority::new()?;
        let (server, server_key) = authority.sign(server_params()?)?;
        let (client_certificate_pem, client_key_pem) = authority.sign(client_params()?)?;
        let made = Self { directory, ca_pem: authority.pem, client_certificate_pem, client_key_pem };
        made.write_all(&server, &server_key)?;
        Ok(made)
    }

    fn write_all(&self, server: &str, server_key: &str) -> Result<(), ServerError> {
        fs::create_dir_all(&self.directory).attempt(|| format!("make {}", self.directory.display()))?;
        write(&self.ca_path(), &self.ca_pem)?;
        write(&self.server_certificate_path(), server)?;
        write(&self.server_key_path(), server_key)?;
        write(&self.client_certificate_path(), &self.client_certificate_pem)?;
        write(&self.client_key_path(), &self.client_key_pem)
    }

    /// The authority's certificate, as PEM text.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The client's certificate, as PEM text.
    #[must_use]
    pub fn client_certificate_pem(&self) -> &str {
        &self.client_certificate_pem
    }

    /// The client's key, as PEM text.
    #[must_use]
    pub fn client_key_pem(&self) -> &str {
        &self.client_key_pem
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The server's certificate.
    #[must_use]
    pub fn server_certificate_path(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    /// The server's key.
    #[must_use]
    pub fn server_key_path(&self) -> PathBuf {
        self.directory.join("server-key.pem")
    }

    /// The client's certificate.
    #[must_use]
    pub fn client_certificate_path(&self) -> PathBuf {
        self.directory.join("client.pem")
    }

    /// The client's key.
    #[must_use]
    pub fn client_key_path(&self) -> PathBuf {
        self.directory.join("client-key.pem")
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, ServerError> {
        let mut params = named("comms test authority", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { pem, issuer })
    }

    /// A certificate and its key, both as PEM text.
    fn sign(&self, params: CertificateParams) -> Result<(String, String), ServerError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

fn server_params() -> Result<CertificateParams, ServerError> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = named("comms test server", names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client_params() -> Result<CertificateParams, ServerError> {
    let mut params = named("comms-test-client", Vec::new())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn named(name: &str, alternatives: Vec<String>) -> Result<CertificateParams, ServerError> {
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    fs::write(path, text).attempt(|| format!("write {}", path.display()))
}
