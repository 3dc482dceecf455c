//! What only an AMQP client can see.

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use super::*;
use crate::testing::proxy::Proxy;

async fn connect(url: &str) -> lapin::Result<Connection> {
    Connection::connect(url, ConnectionProperties::default()).await
}

async fn publish_confirmed(url: &str, queue: &str, body: &[u8]) {
    let channel = connect(url).await.unwrap().create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let persistent = properties.with_delivery_mode(2);
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let confirm = channel.basic_publish("".into(), queue.into(), options, body, persistent).await.unwrap();
    assert!(confirm.await.unwrap().is_ack());
}

#[tokio::test]
async fn a_confirmed_message_survives_kill_and_restart() {
    let server = RabbitMq::builder().user("me", "p@ss/word").start().await.unwrap();
    publish_confirmed(&server.url(), "orders", b"one").await;
    server.sync_declarations().await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();

    let queues = server.queues().await.unwrap();
    assert_eq!(queues.len(), 1, "{queues:?}");
    assert_eq!((queues[0].name.as_str(), queues[0].messages), ("orders", 1), "{queues:?}");
    assert!(queues[0].durable && queues[0].kind == "classic", "{queues:?}");
    let channel = connect(&server.url()).await.unwrap().create_channel().await.unwrap();
    let options = BasicGetOptions::default();
    let message = channel.basic_get("orders".into(), options).await.unwrap();
    assert_eq!(message.unwrap().delivery.data, b"one");
}

#[tokio::test]
async fn a_proxy_in_front_cuts_a_client_off_and_lets_it_in_again() {
    let server = RabbitMq::shared().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let url = server.url_at(proxy.addr());
    let connection = connect(&url).await.unwrap();
    proxy.cut().await;
    let channel = tokio::time::timeout(Duration::from_secs(20), connection.create_channel());
    assert!(channel.await.unwrap().is_err());
    assert!(connect(&url).await.is_err());
    proxy.heal().await.unwrap();
    connect(&url).await.unwrap().create_channel().await.unwrap();
}

#[cfg(feature = "rabbitmq-tls")]
mod tls {
    use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

    use super::*;
    use crate::testing::servers::Certificates;

    fn trusting(server: &Certificates, client: Option<&Certificates>) -> OwnedTLSConfig {
        OwnedTLSConfig {
            cert_chain: Some(server.ca_pem().to_owned()),
            identity: client
                .map(|client| OwnedIdentity::PKCS8 { pem: client.client_certificate_pem().into(), key: client.client_key_pem().into() }),
        }
    }

    async fn connect(url: &str, tls: OwnedTLSConfig) -> lapin::Result<Connection> {
        let properties = ConnectionProperties::default();
        let runtime = lapin::runtime::default_runtime().unwrap();
        Connection::connect_with_config(url, properties, tls, runtime).await
    }

    #[tokio::test]
    async fn only_a_client_with_a_certificate_of_the_servers_authority_is_let_in() {
        let builder = RabbitMq::builder().require_client_certificate();
        let server = builder.start().await.unwrap();
        let url = server.tls_url().unwrap();
        let ours = server.certificates().unwrap();
        let others = Certificates::generate(directory(&server).join("others")).unwrap();

        connect(&url, trusting(ours, Some(ours))).await.unwrap();
        assert!(connect(&url, trusting(ours, None)).await.is_err());
        assert!(connect(&url, trusting(ours, Some(&others))).await.is_err());
        assert!(connect(&url, trusting(&others, Some(ours))).await.is_err());
    }
}
