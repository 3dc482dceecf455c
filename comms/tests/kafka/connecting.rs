//! Users, passwords and certificates.

use std::path::Path;

use comms::broker::BrokerErrorKind;
use comms::testing::servers;

use crate::support::*;

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

async fn works(url: &str, options: &str) {
    let broker = connect(url, options).await.unwrap_or_else(|error| panic!("{options}: {error}"));
    let mut consumer = subscribe(&broker, &subscription("g", "orders")).await;
    publish(&broker, "orders", None, options).await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(body(&delivery), options);
    delivery.ack();
    drop(consumer);
    comms::broker::Broker::close(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_logs_in_by_each_mechanism_and_a_wrong_password_is_refused() {
    let server = servers::Kafka::builder().user("shop", "s3cret").start().await.unwrap();
    let url = server.sasl_url().unwrap();
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        works(&url, &format!("sasl={mechanism}")).await;
        let wrong = connect(&url.replace("s3cret", "wrong"), &format!("sasl={mechanism}&connect_timeout=20s")).await.err().unwrap();
        assert_eq!(wrong.kind(), BrokerErrorKind::Authentication, "{wrong}");
        assert!(!wrong.to_string().contains("wrong@") && !wrong.to_string().contains(":wrong"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_needs_the_right_authority_and_the_client_its_certificate() {
    let server = servers::Kafka::builder().require_client_certificate().start().await.unwrap();
    let (url, files) = (server.tls_url().unwrap(), server.certificates().unwrap());
    let (ca, cert, key) =
        (option("ca", &files.ca_path()), option("cert", &files.client_certificate_path()), option("key", &files.client_key_path()));
    works(&url, &format!("{ca}&{cert}&{key}")).await;
    assert!(connect(&url, &format!("{cert}&{key}&connect_timeout=2s")).await.is_err(), "an unknown authority");
    assert!(connect(&url, &format!("{ca}&connect_timeout=2s")).await.is_err(), "no certificate of our own");
    let missing = connect(&url, "ca=/no/such/file").await.err().unwrap();
    assert_eq!(missing.kind(), BrokerErrorKind::Config, "{missing}");
}
