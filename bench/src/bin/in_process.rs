//! `in_process`: interleaved rounds; `in_process once N`: N messages once, for a profiler.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use comms_bench::contest::{self, Contestant};
use comms_bench::in_process::{Backend, Channel, Comms, log_if_asked};

fn main() {
    log_if_asked();
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("once"), Some(messages)) => Comms::start().run(messages.parse().expect("a number of messages")),
        _ => {
            let contestants: &mut [Box<dyn Contestant>] =
                &mut [Box::new(Channel::start()), Box::new(Backend::start()), Box::new(Comms::start())];
            contest::print("In process: published, handled, settled", &contest::rounds(contestants, 5, 500_000));
        }
    }
}
