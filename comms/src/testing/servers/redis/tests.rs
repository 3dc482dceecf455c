//! Against the real server; `./test` installs it.

use super::{Redis, RedisCluster};
use crate::testing::servers::ServerError;

async fn get(server: &Redis, key: &str) -> String {
    server.cli(&["GET", key]).await.unwrap().trim().to_owned()
}

#[tokio::test]
async fn two_servers_run_side_by_side_and_leave_nothing_behind_when_dropped() {
    let (one, two) = tokio::join!(Redis::start(), Redis::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.address(), two.address());
    one.cli(&["SET", "only-in", "one"]).await.unwrap();
    assert_eq!((get(&one, "only-in").await.as_str(), get(&two, "only-in").await.as_str()), ("one", ""));
    let directories = [&one, &two].map(|server| server.node.sandbox.directory().to_owned());
    drop((one, two));
    assert!(directories.iter().all(|directory| !directory.exists()), "{directories:?}");
}

#[tokio::test]
async fn a_server_is_paused_stopped_killed_and_restarted_on_its_port_and_keeps_what_it_answered() {
    let server = Redis::start().await.unwrap();
    server.cli(&["SET", "k", "v"]).await.unwrap();
    server.pause().await.unwrap();
    assert!(!server.node.answers(), "a paused server answered");
    server.resume().await.unwrap();
    assert!(server.node.answers(), "a resumed server did not answer");

    server.pause().await.unwrap();
    server.stop().await.unwrap();
    assert!(!server.node.answers(), "a stopped server answered");
    assert!(matches!(server.pause().await, Err(ServerError::NotRunning { .. })));
    let refused = server.cli(&["PING"]).await.unwrap_err();
    assert!(refused.to_string().contains("call `restart()` first"), "{refused}");

    server.restart().await.unwrap();
    server.kill().await.unwrap();
    assert!(!server.node.answers(), "a killed server answered");
    server.restart().await.unwrap();
    assert_eq!(get(&server, "k").await, "v");
}

#[tokio::test]
async fn without_persistence_a_killed_server_comes_back_empty() {
    let server = Redis::builder().persistent(false).start().await.unwrap();
    server.cli(&["SET", "k", "v"]).await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(get(&server, "k").await, "");
}

#[tokio::test]
async fn a_server_that_ends_before_it_is_ready_shows_its_log() {
    let error = Redis::builder().config("no-such-key 1").start().await.unwrap_err();
    assert!(matches!(error, ServerError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("FATAL CONFIG FILE ERROR"), "{error}");
}

#[tokio::test]
async fn users_have_the_rights_of_their_rule() {
    let server = Redis::builder().user("reader on >pw ~comms:* +get").start().await.unwrap();
    let answer = server.cli(&["--user", "reader", "--pass", "pw", "SET", "comms:k", "v"]).await.unwrap();
    assert!(answer.contains("NOPERM"), "{answer}");
}

#[tokio::test]
async fn a_cluster_serves_every_slot_puts_a_replica_in_the_place_of_a_master_and_moves_slots() {
    let cluster = RedisCluster::with_replicas().await.unwrap();
    let owner = cluster.master_of("k").await.unwrap().unwrap();
    let other = (owner + 1) % 3;
    assert_eq!(cluster.nodes()[owner].cli(&["SET", "k", "v"]).await.unwrap().trim(), "OK");
    let moved = cluster.nodes()[other].cli(&["GET", "k"]).await.unwrap();
    assert!(moved.contains("MOVED"), "{moved}");
    cluster.move_slot_of("k", other).await.unwrap();
    assert_eq!(get(&cluster.nodes()[other], "k").await, "v");

    cluster.nodes()[other].kill().await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while cluster.master_of("k").await.unwrap() != Some(other + 3) {
        assert!(std::time::Instant::now() < deadline, "no replica stepped in");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(get(&cluster.nodes()[other + 3], "k").await, "v");
    cluster.nodes()[other].restart().await.unwrap();
    cluster.ready().await.unwrap();
}
