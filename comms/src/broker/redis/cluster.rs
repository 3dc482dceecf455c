//! Which node of a cluster has a slot, and whether it still has it.

use std::sync::{Arc, Mutex, PoisonError};

use rand::RngExt;
use redis::aio::MultiplexedConnection;
use redis::{RedisConnectionInfo, RedisError, Value};

use super::RedisConfig;
use super::ask::ask;
use super::error::{is_fatal, redirection};
use super::fields::{array, number, text};
use crate::broker::{BrokerError, BrokerErrorKind};

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// A node, as clients reach it.
pub(super) type Node = (String, u16);

/// The nodes that were heard of, for when those of the URL are gone.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<Vec<Node>>);

impl Nodes {
    fn all(&self, config: &RedisConfig) -> Vec<Node> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(config.nodes.iter().filter(|node| !all.contains(node)).cloned().collect::<Vec<_>>());
        // Anybody may be the first, so that one that is cut off does not mislead for ever.
        if !all.is_empty() {
            let first = rand::rng().random_range(0..all.len());
            all.rotate_left(first);
        }
        all
    }

    fn heard_of(&self, nodes: Vec<Node>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }
}

/// One slot of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) number: u16,
    /// A key of it.
    key: String,
    nodes: Arc<Nodes>,
}

impl Slot {
    /// That of the keys with this tag, of which `key` is one.
    pub(super) fn of(tag: &str, key: String, nodes: Arc<Nodes>) -> Self {
        Self { number: crc16(tag.as_bytes()) % SLOTS, key, nodes }
    }

    /// The master that has it, as the first node says that knows one.
    pub(super) async fn master(&self, config: &RedisConfig, settings: &RedisConnectionInfo, attempted: &str) -> Result<Node, BrokerError> {
        let mut last = None;
        for (host, port) in self.nodes.all(config) {
            let attempted = format!("{attempted}: ask the node at {host}:{port}");
            match ask(config, (host.clone(), port), settings.clone(), redis::cmd("CLUSTER").arg("SLOTS"), &attempted).await {
                Ok(answer) => {
                    let (master, nodes) = read(answer, self.number, &host);
                    if let Some(master) = master {
                        self.nodes.heard_of(nodes);
                        return Ok(master);
                    }
                }
                // That would be the same everywhere, and waiting does not mend it.
                Err(error) if is_fatal(error.kind()) => return Err(told(error)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| unserved(self.number, attempted)))
    }

    /// Whether the node serves it. One that was replaced, or lost the others, says so itself.
    pub(super) async fn probe(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let answer = connection.send_packed_command(redis::cmd("EXISTS").arg(&self.key)).await.and_then(Value::extract_error);
        match answer {
            // It is on its way to another node: what has not moved yet is served here.
            Err(error) if matches!(redirection(&error), Some("ASK" | "TRYAGAIN")) => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// The master of the slot, and all nodes.
fn read(answer: Value, slot: u16, asked: &str) -> (Option<Node>, Vec<Node>) {
    let (mut master, mut all) = (None, Vec::new());
    for range in array(answer) {
        let mut parts = array(range).into_iter();
        let (Some(first), Some(last)) = (parts.next().map(|first| number(&first)), parts.next().map(|last| number(&last))) else {
            continue;
        };
        let nodes: Vec<Node> = parts.filter_map(|node| read_node(node, asked)).collect();
        if (first..=last).contains(&i64::from(slot)) {
            master = nodes.first().cloned();
        }
        all.extend(nodes);
    }
    all.sort();
    all.dedup();
    (master, all)
}

/// A node that does not know by what name it is reached is reached as the one was that told of it.
fn read_node(node: Value, asked: &str) -> Option<Node> {
    let mut parts = array(node).into_iter();
    let host = text(parts.next()?).filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.to_owned());
    Some((host, u16::try_from(number(&parts.next()?)).ok()?))
}

fn unserved(slot: u16, attempted: &str) -> BrokerError {
    let message =
        format!("could not {attempted}: no node of the cluster serves the slot {slot} now; see `CLUSTER INFO` and `CLUSTER SLOTS`");
    BrokerError::new(BrokerErrorKind::Connection, message)
}

fn told(error: BrokerError) -> BrokerError {
    if !error.to_string().contains("cluster support disabled") {
        return error;
    }
    let message = format!("{error}; the server is no node of a Redis Cluster: leave the option `cluster` out of the URL");
    BrokerError::new(BrokerErrorKind::Config, message).with_source(error)
}

/// CRC-16/XMODEM, by which Redis counts slots.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_as_the_server_counts_them() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        let slot = |tag: &str| Slot::of(tag, String::new(), Arc::default()).number;
        assert_eq!([slot("foo"), slot("comms"), slot("")], [12182, 4234, 0]);
    }

    #[test]
    fn the_first_node_of_a_range_is_its_master_and_one_without_a_name_is_where_it_was_asked() {
        let node = |host: Value, port: i64| Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())]);
        let named = |host: &str| Value::BulkString(host.as_bytes().to_vec());
        let answer = Value::Array(vec![
            Value::Array(vec![Value::Int(0), Value::Int(99), node(named("a"), 1), node(named("b"), 2)]),
            Value::Array(vec![Value::Int(100), Value::Int(200), node(Value::Nil, 3)]),
        ]);
        let found = |slot| read(answer.clone(), slot, "asked").0;
        assert_eq!((found(99), found(100), found(201)), (Some(("a".to_owned(), 1)), Some(("asked".to_owned(), 3)), None));
        assert_eq!(read(answer, 0, "asked").1.len(), 3);
    }
}
