//! `http [ROUNDS] [CALLS]`: the tables. `http once WHO CALLS`: so many calls on one thread, for a profiler.

use std::sync::Arc;

use comms_bench_calls::contest::{Contestant, Course, compete};
use comms_bench_calls::{counted, http};
use tokio::runtime::Builder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().expect("a number");
    match words[..] {
        ["once", who, calls] => once(who, number(calls)),
        [] => all(5, 40_000),
        [rounds] => all(number(rounds), 40_000),
        [rounds, calls, ..] => all(number(rounds), number(calls)),
    }
}

const PORT: &str = "address = \"127.0.0.1:0\"";

fn all(rounds: usize, calls: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let app = http::comms(PORT).await;
        let comms = app.http_address().expect("a port");
        let (axum, layered) = (http::axum(http::axum_router()).await, http::axum(http::layered_router()).await);
        let servers = [
            http::hyper("axum", axum),
            http::hyper("axum with an id, a timeout and panics caught", layered),
            http::hyper("comms", comms),
        ];
        let clients = [http::reqwest("reqwest", axum), http::hyper("hyper", axum), http::generated("client of a contract", axum)];
        let both = [http::reqwest("reqwest to axum", axum), http::generated("client of a contract to comms", comms)];
        for (in_flight, calls) in [(1, calls / 4), (64, calls)] {
            let course = Course { rounds, calls, in_flight, messages: 1 };
            compete("HTTP/1.1, servers called with hyper", &servers, course).await;
            compete("HTTP/1.1, clients that call axum", &clients, course).await;
            compete("HTTP/1.1, both", &both, course).await;
        }
    });
}

fn once(who: &str, calls: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = Arc::new(runtime.block_on(http::comms(if who == "within-comms" { "enabled = false" } else { PORT })));
    let contestant = runtime.block_on(contestant(who, &app));
    counted::counted(&runtime, &contestant, calls);
}

async fn contestant(who: &str, app: &Arc<comms::App>) -> Contestant {
    let comms = || app.http_address().expect("a port");
    match who {
        "within-axum" => http::within("axum", http::axum_router()),
        "within-layered" => http::within("axum", http::layered_router()),
        "within-comms" => http::within_comms(Arc::clone(app)),
        "hyper-axum" => http::hyper("", http::axum(http::axum_router()).await),
        "hyper-layered" => http::hyper("", http::axum(http::layered_router()).await),
        "hyper-comms" => http::hyper("", comms()),
        "reqwest-axum" => http::reqwest("", http::axum(http::axum_router()).await),
        "comms-axum" => http::generated("", http::axum(http::axum_router()).await),
        "comms-comms" => http::generated("", comms()),
        other => panic!("nobody is called {other}"),
    }
}
