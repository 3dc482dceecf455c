//! How the shop ends: unready first, and at work; then streams are told, what is in hand is finished, and the ports are closed.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use comms::client::Channel;
use comms::config::{ClientConfig, Protocol};
use comms::grpc::{Client, Code};
use shop_contracts::proto::shop::inventory::v1::{InventoryClient, WatchRequest};

use crate::process::Shop;

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(3);

/// The status that `curl` gets; nothing where nobody answers.
fn status(url: &str, more: &[&str]) -> Option<u16> {
    let output = Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", url]).args(more).output().expect("`curl` runs");
    let status = String::from_utf8_lossy(&output.stdout).parse().expect("a status");
    (status != 0).then_some(status)
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What `grpc.health.v1` says: 1 of what serves, 2 of what does not. A message of one text is a text on the wire, one of a number a number.
async fn health(client: &Client<Channel>) -> i32 {
    client.unary("/grpc.health.v1.Health/Check", String::new()).await.expect("it is answered")
}

#[tokio::test]
async fn it_is_unready_while_it_still_answers_then_its_streams_end_and_its_ports_close() {
    let mut shop = Shop::start_with(&[("COMMS__SHUTDOWN__UNREADY_FOR", "3s")]);
    let (orders, ready) = (format!("http://{}/orders", shop.http), format!("http://{}/health/ready", shop.admin));
    let mut config = ClientConfig::at(format!("http://{}", shop.http));
    config.protocol = Protocol::Http2;
    let client = Client::new(Channel::of("shop", &config).expect("an address"));
    let mut levels = InventoryClient::from(client.clone()).watch(WatchRequest { article: "lamp".into() }).await.expect("it begins");
    levels.message().await.expect("the first level").expect("there is one");
    assert_eq!((status(&ready, &[]), health(&client).await), (Some(200), 1));

    let begun = Instant::now();
    shop.terminate();
    until("it is unready", || status(&ready, &[]) == Some(503)).await;
    let mut number = 0;
    while begun.elapsed() < PAUSE / 2 {
        number += 1;
        let order = format!(r#"{{"order_id": "late-{number}", "customer": "ada", "article": "book", "quantity": 1}}"#);
        assert_eq!(status(&orders, &["--json", &order]), Some(201), "an order is taken");
        assert_eq!((status(&ready, &[]), health(&client).await), (Some(503), 2));
    }
    assert!(number > 0 && shop.ended().is_none());

    let address = shop.http.parse().expect("an address");
    until("nobody is accepted", || TcpStream::connect_timeout(&address, PATIENCE).is_err()).await;
    assert!(begun.elapsed() >= PAUSE, "{:?}", begun.elapsed());
    let end = loop {
        match tokio::time::timeout(PATIENCE, levels.message()).await.expect("the stream ends") {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended as if it were over"),
            Err(error) => break error,
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    let mut how = None;
    until("the process has ended", || {
        how = shop.ended();
        how.is_some()
    })
    .await;
    assert!(how.is_some_and(|how| how.success()), "{how:?}");
    assert!(begun.elapsed() < PAUSE + Duration::from_secs(10), "{:?}", begun.elapsed());
}
