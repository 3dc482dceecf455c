//! The whole framework under faults: applications with declared handlers, on the memory broker and on real RabbitMQ
//! Kafka and Redis servers that are killed, cut off and restarted.
//!
//! `cases` hold on every broker; what needs a server, a network or a process to break stands in `tests/`.

#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails: that is its way to say so")]

pub mod cases;
pub mod committed;
pub mod gate;
pub mod letters;
pub mod load;
pub mod parts;
pub mod process;
pub mod record;
pub mod world;

use std::time::Duration;

/// How long anything may take before a test gives up waiting for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One test on Kafka for each case that is listed.
#[macro_export]
macro_rules! on_kafka {
    ($($group:ident { $($case:ident),* $(,)? })*) => {
        $(mod $group {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                comms_faults::cases::$group::$case(&comms_faults::world::World::kafka().await).await;
            })*
        })*
    };
}

/// One test on each broker for each case that is listed.
#[macro_export]
macro_rules! on_every_broker {
    ($($group:ident { $($case:ident),* $(,)? })*) => {
        mod memory {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    comms_faults::cases::$group::$case(&comms_faults::world::World::memory()).await;
                })*
            })*
        }
        mod rabbitmq {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    comms_faults::cases::$group::$case(&comms_faults::world::World::rabbitmq().await).await;
                })*
            })*
        }
        mod redis {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    comms_faults::cases::$group::$case(&comms_faults::world::World::redis().await).await;
                })*
            })*
        }
    };
}
