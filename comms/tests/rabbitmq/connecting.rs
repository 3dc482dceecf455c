//! What is said when a connection can't be made.

use comms::broker::{Broker, BrokerErrorKind, ConnectionState};
use comms::testing::proxy::Proxy;
use comms::testing::servers::{self, Permissions};

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

/// Whoever may do all but one thing is told which one it is, and on what.
#[tokio::test]
async fn a_missing_permission_is_named_with_what_it_is_missing_on() {
    let server = servers::RabbitMq::shared().await;
    let world = World::new("").await;
    let subscription = world.subscription("g", "orders");
    let (queue, exchange) = (subscription.name(), world.id.clone());
    drop(world.subscribe(&subscription).await);
    let user = format!("user-{exchange}");
    server.add_user(&user, "pw").await.unwrap();
    let url = format!("amqp://{user}:pw@{}/%2f?exchange={exchange}&publish_timeout=30s", server.address());
    let everything_but = |configure: &str, write: &str, read: &str| {
        let all_but = |name: &str| if name.is_empty() { ".*".to_owned() } else { format!("^(?!{}$).*", name.replace('.', "\\.")) };
        Permissions { configure: all_but(configure), write: all_but(write), read: all_but(read) }
    };
    let cases = [
        (everything_but(&exchange, "", ""), format!("`configure` on the exchange `{exchange}`")),
        (everything_but(&queue, "", ""), format!("`configure` and `read` on the queue `{queue}`")),
        (everything_but("", &queue, ""), format!("`write` on the queue `{queue}`")),
        (everything_but("", "", &exchange), format!("`read` on the exchange `{exchange}`")),
        (everything_but("", "", &queue), format!("`read` on the queue `{queue}`")),
        (everything_but("", &exchange, ""), format!("`write` on the exchange `{exchange}`")),
    ];
    for (permissions, expected) in cases {
        server.set_permissions("/", &user, &permissions).await.unwrap();
        let broker = connect(&url).await.unwrap();
        let subscribed = broker.subscribe(subscription.clone().into()).await.map(drop);
        let published = broker.publish(envelope("orders", "x").into()).await.await.map(drop);
        let error = subscribed.and(published).expect_err(&expected);
        assert_eq!(error.kind(), BrokerErrorKind::Authentication, "{error}");
        let text = error.to_string();
        assert!(text.contains(&expected) && text.contains("rabbitmqctl set_permissions") && text.contains(&user), "{expected}: {text}");
    }
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
    tokio::time::timeout(std::time::Duration::from_secs(60), closed).await.expect("told of the end");
    assert_eq!(broker.state(), ConnectionState::Closed);
}
