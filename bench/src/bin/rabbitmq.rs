//! `rabbitmq [ROUNDS] [MESSAGES]`: against a server of its own. With `COMMS_BENCH_ONLY=<name>`, one contestant.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::sync::Arc;

use comms::testing::servers::RabbitMq;
use comms_bench::contest::{self, Contestant};
use comms_bench::rabbitmq::{Backend, Framework, Headers, Raw};
use tokio::runtime::Builder;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let (rounds, messages) = (arguments.next().unwrap_or(5), arguments.next().unwrap_or(50_000));
    let runtime = Arc::new(Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));
    let server = runtime.block_on(RabbitMq::start()).expect("a RabbitMQ server");
    let url = server.url();
    let mut contestants: Vec<Box<dyn Contestant>> = vec![
        Box::new(Raw::start(Arc::clone(&runtime), &url, Headers::None)),
        Box::new(Raw::start(Arc::clone(&runtime), &url, Headers::CloudEvents)),
        Box::new(Backend::start(Arc::clone(&runtime), &url)),
        Box::new(Framework::start(Arc::clone(&runtime), &url)),
    ];
    if let Ok(only) = std::env::var("COMMS_BENCH_ONLY") {
        contestants.retain(|contestant| contestant.name().contains(&only));
    }
    let figures = contest::rounds(&mut contestants, rounds, messages);
    contest::print("RabbitMQ: 256 bytes, persistent, confirmed (window 256), handled, acknowledged", &figures);
}
