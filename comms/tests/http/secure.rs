//! HTTPS on the port.

use std::path::{Path, PathBuf};
use std::time::Instant;

use comms::config::Config;
use comms::testing::servers::Certificates;
use comms::{App, Stopped};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::client::{PATIENCE, address, connect, exchange, get, rest, until};
use crate::orders::{Gate, app};

/// A directory of its own, gone at the end.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> (Self, Certificates) {
        let path = std::env::temp_dir().join(format!("comms-http-{}-{name}", std::process::id()));
        let certificates = Certificates::generate(&path).unwrap();
        (Self(path), certificates)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(certificate: &Path, key: &Path, further: &str) -> Config {
    let (certificate, key) = (certificate.display(), key.display());
    let text = format!(
        "[http]\naddress = \"127.0.0.1:0\"\nread_timeout = \"500ms\"\n[http.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{further}\n"
    );
    Config::from_toml(&text).unwrap()
}

async fn serve(certificates: &Certificates, further: &str) -> App {
    let config = config(&certificates.server_certificate_path(), &certificates.server_key_path(), further);
    app(&Gate::new()).config(config).start().await.unwrap()
}

/// What curl reads, with the version of HTTP; or the number that it failed with.
async fn curl(app: &App, certificates: &Certificates, arguments: &[&str]) -> Result<String, i32> {
    let url = format!("https://localhost:{}/orders/7", address(app).port());
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "-w", " %{http_version}", "--cacert"]).arg(certificates.ca_path());
    let output = command.args(arguments).arg(url).output().await.expect("curl is installed");
    if output.status.success() { Ok(String::from_utf8(output.stdout).unwrap()) } else { Err(output.status.code().unwrap_or(-1)) }
}

const ORDER: &str = "{\"id\":7,\"item\":\"seven\"}";

#[tokio::test]
async fn the_client_chooses_the_version_in_the_handshake() {
    let (_files, certificates) = Files::new("versions");
    let app = serve(&certificates, "").await;
    assert_eq!(curl(&app, &certificates, &["--http2"]).await, Ok(format!("{ORDER} 2")));
    assert_eq!(curl(&app, &certificates, &["--http1.1"]).await, Ok(format!("{ORDER} 1.1")));
    assert_eq!(curl(&app, &certificates, &["--no-alpn"]).await, Ok(format!("{ORDER} 1.1")));
    assert_eq!(curl(&app, &certificates, &["--tls-max", "1.2", "--http2"]).await, Ok(format!("{ORDER} 2")));
    assert!(curl(&app, &certificates, &["--tls-max", "1.1"]).await.is_err());
    until("no connection is left", || app.http_connections() == 0).await;
    assert_eq!(app.shutdown().await, Stopped::Drained);
}

#[tokio::test]
async fn only_clients_of_the_authority_are_answered_where_one_is_named() {
    let (_files, certificates) = Files::new("clients");
    let (_others, strangers) = Files::new("strangers");
    let app = serve(&certificates, &format!("client_ca = \"{}\"", certificates.ca_path().display())).await;
    let with = |of: &Certificates| [of.client_certificate_path().display().to_string(), of.client_key_path().display().to_string()];
    let [certificate, key] = with(&certificates);
    assert_eq!(curl(&app, &certificates, &["--cert", &certificate, "--key", &key]).await, Ok(format!("{ORDER} 2")));
    let [certificate, key] = with(&strangers);
    assert!(curl(&app, &certificates, &["--cert", &certificate, "--key", &key]).await.is_err());
    assert!(curl(&app, &certificates, &[]).await.is_err());
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_or_ended() {
    let (_files, certificates) = Files::new("plain");
    let app = serve(&certificates, "").await;
    let answer = exchange(&app, &get("/orders/7")).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("this port speaks HTTPS: write https:// there\n"), "{answer}");
    for begun in [&b"\x16\x03\x01\x02\x00\x01"[..], &[0; 64], b""] {
        let mut stream = connect(&app).await;
        stream.write_all(begun).await.unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
        let read = tokio::time::timeout(PATIENCE, read).await;
        assert!(read.is_ok() && start.elapsed() < PATIENCE / 2, "{begun:?} was kept for {:?}", start.elapsed());
    }
    assert_eq!(curl(&app, &certificates, &[]).await, Ok(format!("{ORDER} 2")));
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn a_handshake_does_not_hold_up_the_end() {
    let (_files, certificates) = Files::new("end");
    let app = serve(&certificates, "").await;
    let mut begun = connect(&app).await;
    begun.write_all(b"\x16\x03\x01").await.unwrap();
    until("it is accepted", || app.http_connections() == 1).await;
    assert_eq!(app.shutdown().await, Stopped::Drained);
    assert_eq!(rest(&mut begun).await, "");
}

#[tokio::test]
async fn files_that_are_no_good_are_problems_of_the_start_by_name() {
    let (_files, certificates) = Files::new("files");
    let (_others, strangers) = Files::new("other-files");
    let (certificate, key) = (certificates.server_certificate_path(), certificates.server_key_path());
    let nowhere = certificate.with_file_name("nowhere.pem");
    let other = strangers.server_key_path();
    for (config, named, said) in [
        (config(&nowhere, &key, ""), &nowhere, "could not read `certificate` of `[http.tls]`"),
        (config(&certificate, &nowhere, ""), &nowhere, "could not read `key` of `[http.tls]`"),
        (config(&key, &key, ""), &key, "holds no certificate"),
        (config(&certificate, &certificate, ""), &certificate, "holds no private key"),
        (config(&certificate, &other, ""), &other, "is not that of the certificate in"),
        (config(&certificate, &key, &format!("client_ca = \"{}\"", nowhere.display())), &nowhere, "could not read `client_ca`"),
        (config(&certificate, &key, &format!("client_ca = \"{}\"", key.display())), &key, "holds no certificate"),
    ] {
        let error = app(&Gate::new()).config(config).start().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said) && text.contains(&named.display().to_string()), "expected {said:?}: {text}");
    }
}
