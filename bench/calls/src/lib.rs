//! Contestants that are called, and the way to compare them: interleaved rounds, throughput and latency.
#![allow(clippy::missing_panics_doc, clippy::print_stdout, reason = "a program that prints figures, and ends where one can't be had")]

pub mod contest;
pub mod http;
pub mod order;
