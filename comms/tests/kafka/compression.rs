//! Batches that are compressed on their way.

use std::fs;
use std::path::{Path, PathBuf};

use comms::broker::Broker;
use comms::testing::servers;

use crate::support::*;

/// The numbers are those of a batch's attributes.
const KINDS: [(&str, u8); 5] = [("none", 0), ("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)];

/// How the first batches of a topic are compressed on the broker's disk, and how large they are.
fn stored(data: &Path, topic: &str) -> Vec<(u8, usize)> {
    let of_topic = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.rsplit_once('-').is_some_and(|(name, _)| name == topic)
    };
    let partitions = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).filter(of_topic);
    let segments = partitions.map(|partition| fs::read(partition.join("00000000000000000000.log")).unwrap());
    // Offset (8), length (4), epoch (4), magic (1), checksum (4), attributes (2).
    segments.filter(|segment| segment.len() > 23).map(|segment| (segment[22] & 7, segment.len())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_compressed_in_any_way_is_read_by_whoever_compresses_in_another() {
    let server = servers::Kafka::shared().await;
    let (url, data) = (server.url(), server.data_directory());
    let reader = connect(&url, "").await.unwrap();
    for (kind, number) in KINDS {
        let topic = format!("squeezed-{kind}");
        let mut consumer = subscribe(&reader, &subscription("g", &topic)).await;
        let writer = connect(&url, &format!("compression={kind}")).await.unwrap();
        let text = kind.repeat(1000);
        publish(&writer, &topic, None, &text).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert_eq!(body(&delivery), text);
        delivery.ack();
        let stored = stored(&data, &topic);
        let [(found, size)] = stored[..] else { panic!("one batch, and not {stored:?}") };
        assert_eq!(found, number, "{kind} is {number}");
        assert_eq!(number == 0, size > text.len(), "{kind}: {size} bytes of {}", text.len());
        writer.close().await;
    }
    reader.close().await;
}

/// The broker compresses everything anew: it has to read what librdkafka compressed in each way, and librdkafka what another library did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_java_has_compressed_with_zstd_is_read() {
    let server = servers::Kafka::builder().config("compression.type=zstd").start().await.unwrap();
    let broker = connect(&server.url(), "").await.unwrap();
    let mut consumer = subscribe(&broker, &subscription("g", "foreign")).await;
    for (kind, _) in KINDS {
        let writer = connect(&server.url(), &format!("compression={kind}")).await.unwrap();
        let text = kind.repeat(1000);
        publish(&writer, "foreign", Some("k"), &text).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert_eq!(body(&delivery), text);
        delivery.ack();
        writer.close().await;
    }
    let [(4, size)] = stored(&server.data_directory(), "foreign")[..] else { panic!("a batch of zstd") };
    assert!(size < 3000, "{size} bytes of more than 20000");
    broker.close().await;
}
