//! `grpc [ROUNDS] [CALLS]`: the tables. `grpc once WHO CALLS`: so many calls on one thread, for a profiler.

use comms_bench_calls::contest::{Contestant, Course, compete};
use comms_bench_calls::grpc::{self, Caller};
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
        let (comms, tonic) = (app.http_address().expect("a port"), grpc::tonic());
        let callers = [
            grpc::raw("tonic to tonic", tonic).await,
            grpc::raw("tonic to comms", comms).await,
            grpc::generated("comms to tonic", tonic),
            grpc::generated_over_tonic("comms over tonic's channel to tonic", tonic).await,
            grpc::generated("comms to comms", comms),
        ];
        let unary: Vec<Contestant> = callers.iter().map(|caller| caller.unary.clone()).collect();
        let streaming: Vec<Contestant> = callers.iter().map(|caller| caller.streaming.clone()).collect();
        for (in_flight, calls) in [(1, calls / 4), (64, calls)] {
            compete("gRPC, unary", &unary, Course { rounds, calls, in_flight, messages: 1 }).await;
        }
        let messages = grpc::MESSAGES as usize;
        for in_flight in [1, 8] {
            let course = Course { rounds, calls: (calls / 100).max(in_flight), in_flight, messages };
            compete("gRPC, streams of small messages from the server", &streaming, course).await;
        }
    });
}

fn once(who: &str, calls: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = runtime.block_on(http::comms(PORT));
    let (who, streams) = who.strip_suffix("-stream").map_or((who, false), |who| (who, true));
    let Caller { unary, streaming } = runtime.block_on(async {
        let comms = app.http_address().expect("a port");
        match who {
            "tonic-tonic" => grpc::raw("", grpc::tonic()).await,
            "tonic-comms" => grpc::raw("", comms).await,
            "comms-tonic" => grpc::generated("", grpc::tonic()),
            "comms-channel-tonic" => grpc::generated_over_tonic("", grpc::tonic()).await,
            "comms-comms" => grpc::generated("", comms),
            other => panic!("nobody is called {other}"),
        }
    });
    counted::counted(&runtime, if streams { &streaming } else { &unary }, calls);
}
