//! What is said when a connection can't be made.

use comms::broker::{Broker, BrokerErrorKind, ConnectionState};
use comms::testing::proxy::Proxy;
use comms::testing::servers;

use crate::support::*;

async fn error(url: &str) -> (BrokerErrorKind, String) {
    let error = connect(url).await.err().unwrap();
    (error.kind(), format!("{error} {error:?}"))
}

#[tokio::test]
async fn a_wrong_password_or_vhost_is_said_at_once_and_without_the_password() {
    let server = servers::RabbitMq::shared().await;
    let address = server.address();
    let (kind, text) = error(&format!("amqp://nobody:s3cret@{address}")).await;
    assert_eq!(kind, BrokerErrorKind::Authentication, "{text}");
    assert!(text.contains("nobody") && text.contains(&address.to_string()) && !text.contains("s3cret"), "{text}");
    let (kind, text) = error(&server.url_for("no-such-vhost")).await;
    assert_eq!(kind, BrokerErrorKind::Authentication, "{text}");
    assert!(text.contains("no-such-vhost"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_given_up_after_the_connect_timeout() {
    let (kind, text) = error("amqp://127.0.0.1:1?connect_timeout=500ms").await;
    assert_eq!(kind, BrokerErrorKind::Connection, "{text}");
    assert!(text.contains("127.0.0.1:1"), "{text}");
}

#[tokio::test]
async fn another_address_takes_over_when_the_first_is_lost() {
    let server = servers::RabbitMq::shared().await;
    let (first, second) = (Proxy::start(server.address()).await.unwrap(), Proxy::start(server.address()).await.unwrap());
    let url = server.url_at(first.addr()).replace(&first.addr().to_string(), &format!("{},{}", first.addr(), second.addr()));
    let world = World::at(&url, "").await;
    let mut consumer = world.subscribe(&world.subscription("g", "orders")).await;
    first.cut().await;
    world.publish("orders", "x").await;
    assert_eq!(take(&mut consumer, 1).await, ["x"]);
}

#[tokio::test]
async fn the_server_shows_the_connections_by_name() {
    let server = servers::RabbitMq::shared().await;
    let url = format!("{}?connection_name=till-7", server.url());
    let _broker = connect(&url).await.unwrap();
    let shown = server.ctl(&["list_connections", "client_properties"]).await.unwrap();
    assert!(shown.contains("till-7 (publish)"), "{shown}");
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let server = servers::RabbitMq::shared().await;
    let url = server.url().replace('@', "@127.0.0.1:1,");
    let broker = connect(&url).await.unwrap();
    assert_eq!(broker.state(), comms::broker::ConnectionState::Connected);
}

#[tokio::test]
async fn who_waits_is_told_when_the_connection_is_lost_and_when_it_is_back() {
    let server = servers::RabbitMq::shared().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let broker = connect(&server.url_at(proxy.addr())).await.unwrap();
    let lost = broker.state_changed().expect("RabbitMQ tells");
    let changes = async {
        proxy.cut().await;
        lost.await;
        assert!(matches!(broker.state(), ConnectionState::Reconnecting { .. }), "{:?}", broker.state());
        proxy.heal().await.unwrap();
        loop {
            let changed = broker.state_changed().expect("RabbitMQ tells");
            if broker.state() == ConnectionState::Connected {
                break;
            }
            changed.await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), changes).await.expect("lost, and back");
    let closed = broker.state_changed().expect("RabbitMQ tells");
    broker.close().await;
    closed.await;
    assert_eq!(broker.state(), ConnectionState::Closed);
}
