//! Real servers, started from the programs on PATH.
//!
//! Each server listens on free loopback ports, keeps its data in a temporary directory, can be
//! killed and restarted on the same data and the same ports, and leaves nothing behind: neither
//! when its value is dropped, nor when the test panics, nor when the test process is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), comms::testing::servers::ServerError> {
//! use comms::testing::servers::RabbitMq;
//!
//! let rabbitmq = RabbitMq::start().await?;
//! println!("connect to {}", rabbitmq.url());
//! rabbitmq.kill().await?; // as `kill -9` does
//! rabbitmq.restart().await?; // same data, same ports
//! # Ok(())
//! # }
//! ```
//!
//! Where `COMMS_TEST_CONTAINERS` names a container engine, `docker` or `podman`, their programs come out of images instead; the calls
//! are the same. `COMMS_TEST_IMAGE_REDIS`, `COMMS_TEST_IMAGE_RABBITMQ` and `COMMS_TEST_IMAGE_JAVA` name other images than the
//! official ones.

mod daemon;
mod disk;
mod engine;
mod error;
mod kafka;
pub(in crate::testing) mod ports;
mod process;
mod program;
mod rabbitmq;
mod redis;
mod sandbox;
mod tls;
mod url;

pub use error::ServerError;
pub use kafka::{Kafka, KafkaBuilder, KafkaCluster};
pub use ports::Port;
pub use rabbitmq::{Permissions, QueueInfo, RabbitMq, RabbitMqBuilder, RabbitMqCluster};
pub use redis::{Redis, RedisBuilder, RedisCluster, RedisSentinel, RedisSentinelBuilder};
pub use tls::Certificates;
