//! What librdkafka reports of itself, in the metrics.

use std::time::Duration;

use comms::broker::Broker;
use comms::config::Config;
use comms::metrics::{ClientSnapshot, Metrics};
use comms::testing::servers;
use comms::{AppBuilder, Publisher, event, event_handler, handler};

use crate::promtool;
use crate::support::*;

/// Something to do.
#[event(name = "test.chore", version = 1, topic = "chores")]
struct Chore;

#[event_handler(service = "janitor")]
async fn on_chore(_chore: Chore) {}

/// Waits until the clients have said so.
async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_and_queues_of_each_client_are_told_and_prometheus_reads_them() {
    let server = servers::Kafka::shared().await;
    let config = format!("[brokers.default]\nurl = \"{}?statistics=100ms&prefix=told.&heartbeat=100ms&linger=0ms\"", server.url());
    let app = AppBuilder::new("janitor").config(Config::from_toml(&config).unwrap()).event_function::<handler!(on_chore)>("janitor");
    let app = app.start().await.unwrap();
    let chores: Publisher<Chore> = app.inject().unwrap();
    chores.publish(&Chore).await.unwrap();
    let metrics: Metrics = app.inject().unwrap();
    let node = format!("comms_node=\"{}/1\"", server.address());
    for client in ["publisher", "told.janitor.chores"] {
        let labels = format!("{{comms_broker=\"default\",comms_client=\"{client}\",messaging_system=\"kafka\"");
        let queue = if client == "publisher" { "publish" } else { "fetch" };
        for line in [
            format!("comms_node_connected{labels},{node}}} 1\n"),
            format!("comms_node_round_trip_seconds{labels},{node}}} 0."),
            format!("comms_node_slow_round_trip_seconds{labels},{node}}} 0."),
            format!("comms_node_unsent_requests{labels},{node}}} 0\n"),
            format!("comms_node_requests_timed_out_total{labels},{node}}} 0\n"),
            format!("comms_{queue}_queue_messages{labels}}} 0\n"),
            format!("comms_{queue}_queue_bytes{labels}}} 0\n"),
        ] {
            until(&format!("{line} in {}", metrics.text()), || metrics.text().contains(&line)).await;
        }
    }
    promtool::check(&metrics.text());
    app.shutdown().await;
    assert!(!metrics.text().contains("comms_node_connected"), "a client that is closed says nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_the_process_is_counted_and_nothing_is_asked_for_without_the_option() {
    let url = servers::Kafka::shared().await.url();
    let reader = connect(&url, "statistics=100ms").await.unwrap();
    let consumer = subscribe(&reader, &subscription("counted", "heaps")).await;
    let writer = connect(&url, "statistics=100ms&linger=2s").await.unwrap();
    let silent = connect(&url, "statistics=0s").await.unwrap();
    publish(&silent, "heaps", Some("k"), "first").await.unwrap();
    let mut confirms = Vec::new();
    for _ in 0..20 {
        confirms.push(writer.publish(envelope("heaps", Some("k"), &"x".repeat(100)).into()).await);
    }
    let of = |clients: Vec<ClientSnapshot>, name: &str| clients.into_iter().find(|client| client.client == name);
    let waiting = || of(writer.clients(), "publisher").and_then(|client| client.publish_queue);
    until("20 messages linger", || waiting().is_some_and(|queue| queue.messages == 20 && queue.bytes >= 2000)).await;
    for confirm in confirms {
        confirm.await.unwrap();
    }
    until("none is left", || waiting().is_some_and(|queue| queue.messages == 0 && queue.bytes == 0)).await;
    // Nobody takes them.
    let fetched = || of(reader.clients(), "counted.heaps").and_then(|client| client.fetch_queue);
    until("they are fetched", || fetched().is_some_and(|queue| queue.messages > 0 && queue.bytes > 100)).await;
    assert_eq!(silent.clients(), []);
    drop(consumer);
    until("the member is forgotten", || of(reader.clients(), "counted.heaps").is_none()).await;
    for broker in [reader, writer, silent] {
        broker.close().await;
    }
}
