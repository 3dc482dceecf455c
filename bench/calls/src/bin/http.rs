//! `http [ROUNDS] [CALLS]`; `http once axum|comms N`: N requests within the process, for a profiler.

use std::sync::Arc;

use comms_bench::region;
use comms_bench_calls::{contest, http};
use tokio::runtime::Builder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().expect("a number");
    match words[..] {
        ["once", who, calls] => once(who, number(calls)),
        [] => all(5, 50_000),
        [rounds] => all(number(rounds), 50_000),
        [rounds, calls, ..] => all(number(rounds), number(calls)),
    }
}

fn all(rounds: usize, calls: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let app = http::comms("address = \"127.0.0.1:0\"").await;
        let address = app.http_address().expect("a port");
        let contestants = [http::calling("axum", http::axum().await), http::calling("comms", address)];
        contest::compete("HTTP/1.1 server, called with hyper's client", &contestants, rounds, calls / 5, 1).await;
        contest::compete("HTTP/1.1 server, called with hyper's client", &contestants, rounds, calls, 64).await;
    });
}

fn once(who: &str, calls: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = Arc::new(runtime.block_on(http::comms("enabled = false")));
    let (axum, comms) = (http::in_process_axum(), http::in_process_comms(app));
    region::delivering(&mut || {
        runtime.block_on(async {
            for _ in 0..calls {
                if who == "axum" { axum().await } else { comms().await }
            }
        });
    });
}
