//! How many brokers keep a topic.

use std::sync::Arc;

use comms::broker::{Broker, BrokerErrorKind};
use comms::testing::servers;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_not_made_with_fewer_replicas_than_are_to_have_a_message() {
    let server = servers::Kafka::builder().config("min.insync.replicas=2").start().await.unwrap();
    let few = connect(&server.url(), "replication=1").await.unwrap();
    let error = publish(&few, "orders", None, "1").await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Config, "{error}");
    assert!(error.to_string().contains("write `replication=2` or more"), "{error}");
    let listening = Arc::new(subscription("g", "orders"));
    let error = few.subscribe(Arc::clone(&listening)).await.err().expect("refused");
    assert!(error.to_string().contains("contradicts `min.insync.replicas=2` of the brokers"), "{error}");
    // What the brokers themselves are set up for is theirs to say, and a topic that is there is used.
    let usual = connect(&server.url(), "").await.unwrap();
    usual.subscribe(Arc::clone(&listening)).await.expect("only a warning");
    publish(&few, "orders", None, "2").await.expect("only a warning");
    few.close().await;
    usual.close().await;
}
