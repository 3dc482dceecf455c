//! `brokers rabbitmq|kafka|redis [ROUNDS] [MESSAGES]`: against a server of its own. With `COMMS_BENCH_ONLY=<name>`, one contestant.
//!
//! With `COMMS_BENCH_FASTSTREAM=<Python>`, FastStream as well: a Python that has `bench/faststream/requirements.txt`. With
//! `COMMS_BENCH_PEERS=<program>`, the frameworks of `bench/peers` that have the broker.

use comms::testing::servers::{Kafka, RabbitMq, Redis};
use comms_bench::brokers::{Backend, Contestant, Course, Framework, Headers, Outside, RawKafka, RawRabbitMq, RawRedis, compete, connect};
use tokio::runtime::Builder;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let which = arguments.next().unwrap_or_default();
    let mut numbers = arguments.map(|argument| argument.parse().expect("a number"));
    let (rounds, messages) = (numbers.next().unwrap_or(5), numbers.next().unwrap_or(20_000));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match which.as_str() {
            "rabbitmq" => {
                let server = RabbitMq::start().await.expect("a RabbitMQ server");
                let raw = |name, headers| {
                    let url = server.url();
                    Contestant::new(name, move |name, bytes| RawRabbitMq::join(url.clone(), name, headers, bytes))
                };
                let raw = vec![raw("lapin", Headers::None), raw("lapin, with the same headers", Headers::CloudEvents)];
                all("RabbitMQ", raw, &server.url(), rounds, messages).await;
            }
            "kafka" => {
                let server = Kafka::start().await.expect("a Kafka server");
                let raw = |name, headers| {
                    let url = server.url();
                    Contestant::new(name, move |name, bytes| RawKafka::join(url.clone(), name, headers, bytes))
                };
                let raw = vec![raw("rdkafka", Headers::None), raw("rdkafka, with the same headers", Headers::CloudEvents)];
                all("Kafka", raw, &server.url(), rounds, messages).await;
            }
            "redis" => {
                let server = Redis::start().await.expect("a Redis server");
                let raw = |name, headers| {
                    let url = server.url();
                    Contestant::new(name, move |name, bytes| RawRedis::join(url.clone(), name, headers, bytes))
                };
                let raw = vec![raw("redis-rs", Headers::None), raw("redis-rs, with the same headers", Headers::CloudEvents)];
                all("Redis", raw, &server.url(), rounds, messages).await;
            }
            other => panic!("`{other}` is no broker: say rabbitmq, kafka or redis"),
        }
    });
}

/// The raw ones, and what we make of them.
async fn all(title: &str, mut contestants: Vec<Contestant>, url: &str, rounds: usize, messages: usize) {
    let ours = url.to_owned();
    contestants.push(Contestant::new("our backend, without the pipeline", move |name, bytes| {
        let url = ours.clone();
        async move { Backend::join(connect(&url, &name).await, bytes).await }
    }));
    let ours = url.to_owned();
    contestants.push(Contestant::new("comms, whole framework", move |name, bytes| {
        let url = ours.clone();
        async move { Framework::join(connect(&url, &name).await, bytes).await }
    }));
    contestants.extend(others(url));
    if let Ok(only) = std::env::var("COMMS_BENCH_ONLY") {
        contestants.retain(|contestant| contestant.name.contains(&only));
    }
    for (bytes, messages) in [(256, messages), (4096, messages / 4)] {
        compete(title, &contestants, Course { rounds, messages, bytes }).await;
    }
}

/// Where FastStream as a contestant is.
const FASTSTREAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/faststream/party.py");

/// The other frameworks that are to take part.
fn others(url: &str) -> Vec<Contestant> {
    let outside = |name, command: Vec<String>| {
        let url = url.to_owned();
        Contestant::new(name, move |name, bytes| Outside::join(command.clone(), url.clone(), name, bytes))
    };
    let mut others = Vec::new();
    if let Ok(python) = std::env::var("COMMS_BENCH_FASTSTREAM") {
        others.push(outside("FastStream", vec![python, FASTSTREAM.to_owned()]));
    }
    if let Ok(program) = std::env::var("COMMS_BENCH_PEERS") {
        others.push(outside("ruststream", vec![program.clone(), "ruststream".to_owned()]));
        if url.starts_with("amqp") {
            others.push(outside("hexeract", vec![program, "hexeract".to_owned()]));
        }
    }
    others
}
