//! Interleaved rounds of both; with `once N`, N messages of ruststream once, for a profiler.

use comms_bench::contest::{self, Contestant};
use comms_bench::in_process::Comms;
use comms_bench_ruststream::RustStreamLoop;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("once"), Some(messages)) => RustStreamLoop::start().run(messages.parse().expect("a number of messages")),
        _ => {
            let contestants: &mut [Box<dyn Contestant>] = &mut [Box::new(RustStreamLoop::start()), Box::new(Comms::start())];
            contest::print("In process, beside ruststream", &contest::rounds(contestants, 5, 500_000));
        }
    }
}
