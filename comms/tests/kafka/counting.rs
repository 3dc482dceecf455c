//! That a message may have been delivered is written down first.

use std::time::Duration;

use comms::testing::servers;

use crate::support::*;

/// The brokers take the text beside an offset of a member that fetches a few messages ahead, and refuse the longer one of a member that
/// fetches many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_delivered_that_could_not_be_counted() {
    let server = servers::Kafka::builder().config("offset.metadata.max.bytes=15").start().await.unwrap();
    let broker = connect(&server.url(), "partitions=1").await.unwrap();
    let mut listening = subscription("counting", "counted");
    listening.concurrency = 64;
    let mut consumer = subscribe(&broker, &listening).await;
    publish(&broker, "counted", None, "1").await.unwrap();
    let early = next_within(&mut consumer, Duration::from_secs(3)).await;
    assert!(early.is_none(), "{:?} would not be counted if it ended the process", early.as_ref().map(body));
    drop(consumer);
    listening.concurrency = 1;
    let delivery = next(&mut subscribe(&broker, &listening).await).await;
    assert_eq!((body(&delivery).as_str(), delivery.attempt()), ("1", 1));
    delivery.ack();
}
