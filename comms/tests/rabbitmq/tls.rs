//! TLS.

use std::path::Path;

use comms::broker::{BrokerErrorKind, Reach};
use comms::testing::servers;

use crate::support::*;

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

#[tokio::test]
async fn tls_needs_the_right_authority_and_the_client_its_certificate() {
    let server = servers::RabbitMq::builder().tls(true).require_client_certificate().start().await.unwrap();
    let (url, files) = (server.tls_url().unwrap(), server.certificates().unwrap());
    let (ca, cert, key) =
        (option("ca", &files.ca_path()), option("cert", &files.client_certificate_path()), option("key", &files.client_key_path()));
    let world = World::at(&url, &format!("{ca}&{cert}&{key}")).await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    assert_eq!(world.publish("orders", "x").await, Reach::Subscribed);
    assert_eq!(take(&mut consumer, 1).await, ["x"]);

    let untrusting = connect(&format!("{url}?{cert}&{key}&connect_timeout=1s")).await.err().unwrap();
    assert_eq!(untrusting.kind(), BrokerErrorKind::Authentication, "{untrusting}");
    assert!(untrusting.to_string().contains("`ca`"), "{untrusting}");
    assert!(connect(&format!("{url}?{ca}&connect_timeout=1s")).await.is_err());
    let missing = connect(&format!("{url}?ca=/no/such/file")).await.err().unwrap();
    assert_eq!(missing.kind(), BrokerErrorKind::Config, "{missing}");
}
