//! Routes, written by hand: what they answer in the process, and how the port behaves towards clients of all kinds.
#![cfg(all(feature = "http", feature = "testing"))]
#![allow(unreachable_pub, dead_code, reason = "one test binary in several files")]

mod answers;
mod client;
mod http2;
mod misbehaved;
mod orders;
mod port;
mod shutdown;
