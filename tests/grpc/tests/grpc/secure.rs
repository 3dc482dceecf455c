//! gRPC over TLS: our client and that of Python, with and without certificates of their own.

use std::path::PathBuf;

use comms::client::{Channel, Settings};
use comms::config::ClientConfig;
use comms::grpc::{Client, Code};
use comms::testing::servers::Certificates;
use comms::{Class, Classify};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{InventoryClient, Offer};
use comms_grpc_tests::serving::until;
use comms_grpc_tests::whole::Whole;
use futures_util::{StreamExt, stream};

use super::python::{PROTOS, ended, script};
use super::raw::{nothing_left, tasks};
use super::{delivery, reserve, watch};

/// An authority with its certificates, in files that are gone at the end.
struct Authority {
    certificates: Certificates,
    directory: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("comms-grpc-{}-{name}", std::process::id()));
        Self { certificates: Certificates::generate(&directory).unwrap(), directory }
    }

    /// Serves with a certificate of it, and answers whom the further lines allow.
    async fn serve(&self, further: &str) -> Whole {
        let (certificate, key) = (self.certificates.server_certificate_path(), self.certificates.server_key_path());
        let (certificate, key) = (certificate.display(), key.display());
        let config =
            format!("[http]\naddress = \"127.0.0.1:0\"\n[http.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{further}\n");
        Whole::start(&config).await
    }

    fn only_its_own(&self) -> String {
        format!("client_ca = \"{}\"", self.certificates.ca_path().display())
    }

    /// The options of Python's client: whom it trusts, and what it shows.
    fn of_python(&self, shows: Option<&Self>) -> Vec<String> {
        let mut options = vec![self.certificates.ca_path()];
        if let Some(Self { certificates, .. }) = shows {
            options.extend([certificates.client_certificate_path(), certificates.client_key_path()]);
        }
        options.iter().map(|path| path.display().to_string()).collect()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A client that trusts one authority, and shows a certificate of another, or none.
fn client(whole: &Whole, trusts: &Authority, shows: Option<&Authority>) -> InventoryClient {
    let mut config = ClientConfig::at(format!("https://localhost:{}", whole.address().port()));
    config.protocol = comms::config::Protocol::Http2;
    config.tls.ca = Some(trusts.certificates.ca_path());
    if let Some(Authority { certificates, .. }) = shows {
        config.tls.certificate = Some(certificates.client_certificate_path());
        config.tls.key = Some(certificates.client_key_path());
    }
    let channel = Channel::of("inventory", &config).unwrap_or_else(|error| panic!("{error}"));
    InventoryClient::from(Client::over(channel, Settings::of("inventory", &config)))
}

async fn use_all(client: &InventoryClient) {
    assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
    assert_eq!(client.watch(watch("chair", 100)).await.unwrap().count().await, 100);
    assert_eq!(client.receive(stream::iter((0..100).map(|_| delivery("chair", 1)))).await.unwrap().deliveries, 100);
    assert_eq!(client.haggle(stream::iter([Offer::default(), Offer::default()])).await.unwrap().count().await, 2);
}

#[tokio::test]
async fn our_client_calls_over_tls_where_it_trusts_the_authority() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let whole = ours.serve("").await;
    let before = tasks();
    let trusting = client(&whole, &ours, None);
    use_all(&trusting).await;
    let error = client(&whole, &other, None).reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
    let (text, port) = (error.to_string(), whole.address().port());
    assert!(text.contains(&format!("https://localhost:{port}")) && text.contains("certificate"), "{text}");
    assert_eq!(whole.seen.begun.load(std::sync::atomic::Ordering::SeqCst), 4, "the other was not answered");
    drop(trusting);
    nothing_left(&whole, before).await;
}

#[tokio::test]
async fn only_our_clients_with_a_certificate_of_the_authority_are_answered_where_one_is_named() {
    let (ours, other) = (Authority::new("mutual"), Authority::new("strangers"));
    let whole = ours.serve(&ours.only_its_own()).await;
    let before = tasks();
    let known = client(&whole, &ours, Some(&ours));
    use_all(&known).await;
    for stranger in [None, Some(&other)] {
        let error = client(&whole, &ours, stranger).reserve(reserve("chair", 1)).await.unwrap_err();
        assert!(matches!(error.class(), Class::Retryable | Class::Unknown), "{error:?}");
        assert!(error.message().contains("https://localhost:"), "{error}");
    }
    assert_eq!(whole.seen.begun.load(std::sync::atomic::Ordering::SeqCst), 4, "nobody else was answered");
    drop(known);
    nothing_left(&whole, before).await;
}

#[tokio::test]
async fn the_client_of_python_calls_over_tls_and_says_why_it_does_not() {
    let (ours, other) = (Authority::new("python"), Authority::new("python-other"));
    for mutual in [false, true] {
        let further = if mutual { ours.only_its_own() } else { String::new() };
        let whole = ours.serve(&further).await;
        let address = format!("localhost:{}", whole.address().port());
        let python = async |options: Vec<String>, refused: bool| {
            let mut arguments = vec![address.clone(), PROTOS.to_owned()];
            arguments.extend(options);
            arguments.extend(refused.then(|| "refused".to_owned()));
            ended(script("client", &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await).await;
        };
        python(ours.of_python(mutual.then_some(&ours)), false).await;
        let seen = whole.seen.begun.load(std::sync::atomic::Ordering::SeqCst);
        python(other.of_python(mutual.then_some(&ours)), true).await;
        if mutual {
            python(ours.of_python(None), true).await;
            python(ours.of_python(Some(&other)), true).await;
        }
        assert_eq!(whole.seen.begun.load(std::sync::atomic::Ordering::SeqCst), seen, "nobody else was answered");
        until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
        assert_eq!(whole.app.shutdown().await, comms::Stopped::Drained);
    }
}
