//! Contestants and the way to compare them: interleaved rounds, best, median and worst.
//!
//! How to run them and what came out is in `docs/benchmarks.md`.
#![allow(clippy::missing_panics_doc, clippy::print_stdout, reason = "a program that prints figures, and ends where one can't be had")]

#[cfg(feature = "brokers")]
pub mod brokers;
pub mod contest;
pub mod in_process;
pub mod process;
pub mod region;
