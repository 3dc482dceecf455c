//! Contestants that are called, and the way to compare them: interleaved rounds, throughput and latency.
#![allow(clippy::missing_panics_doc, clippy::print_stdout, reason = "a program that prints figures, and ends where one can't be had")]

pub mod contest;
pub mod counted;
pub mod grpc;
pub mod http;
pub mod order;
pub mod served;

/// Of the `.proto` file, by comms.
pub mod proto {
    comms::proto!();
}

/// Of the `.proto` file, by tonic.
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod raw_proto {
    include!(concat!(env!("OUT_DIR"), "/raw/bench.orders.v1.rs"));
}

comms::wiring!();
