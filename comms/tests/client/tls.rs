//! Peers behind TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use comms::Classify as _;
use comms::client::{CallError, Channel};
use comms::config::ClientConfig;
use comms::testing::servers::Certificates;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::addresses::echo;
use crate::peer::{caller, ok};

struct World {
    certificates: Certificates,
    _directory: Directory,
}

/// Gone when dropped.
struct Directory(std::path::PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn world() -> World {
    let directory = std::env::temp_dir().join(format!("comms-client-tls-{}", uuid::Uuid::now_v7()));
    World { certificates: Certificates::generate(&directory).unwrap(), _directory: Directory(directory) }
}

fn pem(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Answers `1` to everybody who shows a certificate of the authority.
async fn peer(certificates: &Certificates) -> SocketAddr {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pem(&certificates.ca_path()));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.server_key_path()).unwrap();
    let config = config.with_client_cert_verifier(verifier).with_single_cert(pem(&certificates.server_certificate_path()), key).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut request = Vec::new();
                while !request.ends_with(b"\"x\"") {
                    request.push(stream.read_u8().await?);
                }
                stream.write_all(ok("1").as_bytes()).await?;
                stream.shutdown().await
            });
        }
    });
    address
}

fn config(address: SocketAddr, certificates: &Certificates) -> ClientConfig {
    let mut config = ClientConfig::at(format!("https://{address}"));
    config.tls.ca = Some(certificates.ca_path());
    config.tls.certificate = Some(certificates.client_certificate_path());
    config.tls.key = Some(certificates.client_key_path());
    config
}

#[tokio::test]
async fn both_sides_show_who_they_are() {
    let world = world();
    let config = config(peer(&world.certificates).await, &world.certificates);
    assert_eq!(echo(&caller(&config), "x").await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_not_called() {
    let (world, stranger) = (world(), self::world());
    let address = peer(&world.certificates).await;
    let mut other = config(address, &world.certificates);
    other.tls.ca = Some(stranger.certificates.ca_path());
    let mut renamed = config(address, &world.certificates);
    renamed.tls.server_name = Some("bank.example".to_owned());
    for (config, why) in [(other, "invalid peer certificate: BadSignature"), (renamed, "not valid for name \"bank.example\"")] {
        let error = echo(&caller(&config), "x").await.unwrap_err();
        assert!(matches!(&error, CallError::Unreachable { .. }) && error.class() == comms::Class::Retryable, "{error:?}");
        assert!(error.to_string().contains(why), "{why} is not in {error}");
    }
}

#[tokio::test]
async fn files_that_can_not_be_read_are_named_before_anything_is_called() {
    let world = world();
    let good = config(SocketAddr::from(([127, 0, 0, 1], 1)), &world.certificates);
    let refused = |change: fn(&mut ClientConfig)| {
        let mut config = good.clone();
        change(&mut config);
        Channel::of("bank", &config).unwrap_err().to_string()
    };
    let missing = refused(|config| config.tls.ca = Some("/nowhere/ca.pem".into()));
    assert!(missing.starts_with("[clients.bank] tls.ca: could not read certificates from /nowhere/ca.pem"), "{missing}");
    let swapped = refused(|config| config.tls.certificate.clone_from(&config.tls.key));
    assert!(swapped.contains("tls.certificate") && swapped.contains("has no certificate; expected PEM"), "{swapped}");
    let name = refused(|config| config.tls.server_name = Some("a b".to_owned()));
    assert!(name.contains("tls.server_name: `a b` is neither"), "{name}");
}

#[tokio::test]
async fn an_instance_of_https_may_turn_up_later() {
    let (world, plain, moving) = (world(), crate::peer::Peer::of_json("2").await, crate::moving::Moving::none());
    let address = peer(&world.certificates).await;
    // Certificates of its own are read at once, and serve whichever instance is one of `https://`.
    let mut config = config(address, &world.certificates);
    config.addresses.clear();
    let caller =
        comms::client::HttpCaller::new(Channel::to("bank", moving.clone(), &config).unwrap(), comms::client::Settings::of("bank", &config));
    moving.to(&[plain.url()]);
    assert_eq!(echo(&caller, "x").await.unwrap(), 2);
    moving.to(&[format!("https://{address}")]);
    assert_eq!(echo(&caller, "x").await.unwrap(), 1);
}

#[tokio::test]
async fn the_authorities_of_the_system_are_read_when_https_first_turns_up() {
    let (world, moving) = (world(), crate::moving::Moving::none());
    let address = peer(&world.certificates).await;
    let config = ClientConfig::default();
    let caller =
        comms::client::HttpCaller::new(Channel::to("bank", moving.clone(), &config).unwrap(), comms::client::Settings::of("bank", &config));
    moving.to(&[format!("https://{address}")]);
    let text = echo(&caller, "x").await.unwrap_err().to_string();
    // It is the handshake that fails: the certificate is of an authority that no system knows, or there is none at all.
    assert!(text.contains("UnknownIssuer") || text.contains("no trusted authorities"), "{text}");
}
