//! Against the real broker; `./test` fetches it.

use super::node::answers;
use super::{Kafka, KafkaCluster};
use crate::testing::servers::ServerError;

#[tokio::test]
async fn two_brokers_run_side_by_side_and_leave_nothing_behind_when_dropped() {
    let (one, two) = tokio::join!(Kafka::start(), Kafka::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.address(), two.address());
    assert!(answers(one.address()) && answers(two.address()));
    let directories = [&one, &two].map(|broker| broker.node.sandbox.directory().to_owned());
    let pids = [&one, &two].map(|broker| broker.pid().unwrap());
    drop((one, two));
    for (directory, pid) in directories.iter().zip(pids) {
        assert!(!directory.exists(), "{}", directory.display());
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is alive");
    }
}

#[tokio::test]
async fn a_broker_is_paused_stopped_killed_and_restarted_on_its_port() {
    let server = Kafka::start().await.unwrap();
    let first = server.pid().unwrap();
    server.pause().await.unwrap();
    assert!(!answers(server.address()), "a paused broker answered");
    server.resume().await.unwrap();
    assert!(answers(server.address()), "a resumed broker did not answer");

    server.kill().await.unwrap();
    assert!(!answers(server.address()), "a killed broker answered");
    assert!(matches!(server.pause().await, Err(ServerError::NotRunning { .. })));
    server.restart().await.unwrap();
    assert_ne!(server.pid().unwrap(), first);
    assert!(answers(server.address()), "a restarted broker did not answer");

    server.pause().await.unwrap();
    server.stop().await.unwrap();
    assert!(!answers(server.address()), "a stopped broker answered");
}

#[tokio::test]
async fn a_broker_that_ends_before_it_is_ready_shows_its_log() {
    let error = Kafka::builder().config("log.cleaner.threads=no-number").start().await.unwrap_err();
    assert!(error.to_string().contains("no-number"), "{error}");
}

#[tokio::test]
async fn a_cluster_of_three_lives_on_when_one_is_killed() {
    let cluster = KafkaCluster::start().await.unwrap();
    assert_eq!(cluster.url().matches("127.0.0.1:").count(), 3);
    cluster.kill(0).await.unwrap();
    let [first, second, third] = cluster.addresses();
    assert!(!answers(first) && answers(second) && answers(third));
    cluster.restart(0).await.unwrap();
    assert!(answers(first));
}
